"""A price over time with the alerts that it caused: a triangle where one fired, a ring where it ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from bot.charts.svg import SMALL, Frame, element, number, picture, step_text, text, text_width, ticks

_WIDE = 8
"""From this ratio of the highest to the lowest price on, the scale is logarithmic: a move in percent has one size."""
_STEPS = 7
_MANY = 60
"""From this many alerts on they are drawn smaller."""
_POINTS = 1_500
"""More than this many closes are thinned out: no screen shows more."""


@dataclass(frozen=True, slots=True)
class Marked:
    """An alert of the past by the rows of the closes at which it began and ended (``None``: it never did)."""

    fired: int
    ended: int | None
    words: str


def fired_line(
    frame: Frame,
    days: NDArray[np.datetime64],
    closes: NDArray[np.float64],
    marks: Sequence[Marked],
    *,
    levels: Sequence[tuple[float, str]] = (),
    height: int = 220,
) -> str:
    """``closes`` by ``days`` (both of one length; NaN leaves a gap) with ``marks`` on them.

    ``levels`` are drawn as dashed lines with their words above them.
    """
    palette = frame.palette
    known = np.array([*closes[np.isfinite(closes)], *(value for value, _ in levels)])
    steps = _steps(float(known.min()), float(known.max()))
    bends = steps[0] > 0 and steps[-1] >= _WIDE * steps[0]
    low, high = (_log(steps[0]), _log(steps[-1])) if bends else (steps[0], steps[-1])
    left = max(text_width(step_text(step, steps), SMALL) for step in steps) + 8
    top, bottom, right = 14.0, height - 34.0, frame.width - 8.0
    scale = (right - left) / max(len(days) - 1, 1)

    def x_of(row: float) -> float:
        return left + scale * row

    def y_of(price: float) -> float:
        return bottom - ((_log(price) if bends else price) - low) / (high - low) * (bottom - top)

    parts = []
    for step in steps:
        parts.append(element("line", x1=left, x2=right, y1=y_of(step), y2=y_of(step), stroke=palette.grid))
        parts.append(text(left - 6, y_of(step) + 4, step_text(step, steps), palette.muted, anchor="end", size=SMALL))
    for value, words in levels:
        y = y_of(value)
        parts.append(element("line", x1=left, x2=right, y1=y, y2=y, stroke=palette.series[1], stroke_dasharray="7 3"))
        parts.append(text(left + 4, y - 4, words, palette.series[1], size=SMALL, weight="600"))
    rows = range(0, len(days), max(1, len(days) // _POINTS))
    path, pen = [], "M"
    for row in rows:
        if not np.isfinite(closes[row]):
            pen = "M"
            continue
        path.append(f"{pen}{number(x_of(row))},{number(y_of(float(closes[row])))}")
        pen = "L"
    parts.append(element("path", d=" ".join(path), fill="none", stroke=palette.series[0], stroke_width=1.4))
    for row in sorted({0, len(days) // 2, len(days) - 1}):
        anchor = "start" if row == 0 else "end" if row == len(days) - 1 else "middle"
        parts.append(text(x_of(row), height - 4, str(days[row]), palette.muted, anchor=anchor, size=SMALL))
    for mark in marks:
        parts += _mark(frame, mark, closes, (x_of, y_of), 5 if len(marks) <= _MANY else 3)
    said = f"{len(marks)} alerts from {days[0]} to {days[-1]}"
    return picture(frame, height, parts, said)


def _steps(lowest: float, highest: float) -> list[float]:
    """Gridlines around the prices: 1, 2, 5, 10, … where the highest is many times the lowest."""
    if lowest <= 0 or highest < _WIDE * lowest:
        return ticks(lowest, highest)
    found = [base * 10.0**power for power in range(-6, 13) for base in (1.0, 2.0, 5.0)]
    inside = [step for step in found if lowest < step < highest]
    if len(inside) > _STEPS:
        inside = [step for step in inside if f"{step:e}"[0] == "1"]
    below, above = (max(step for step in found if step <= lowest), min(step for step in found if step >= highest))
    return [below, *inside, above]


def _log(price: float) -> float:
    return math.log10(price) if price > 0 else math.nan


Scale = Callable[[float], float]


def _mark(frame: Frame, mark: Marked, closes: NDArray[np.float64], scales: tuple[Scale, Scale], size: int) -> list[str]:
    """The triangle stands below the close, the ring on it; a pointer that rests on the triangle reads the words."""
    parts, (x_of, y_of) = [], scales
    if np.isfinite(closes[mark.fired]):
        x, y = x_of(mark.fired), y_of(float(closes[mark.fired])) + 4
        tip = f"M{number(x)},{number(y)} l-{size},{number(1.8 * size)} h{2 * size} Z"
        parts.append(element("path", element("title", escape(mark.words)), d=tip, fill=frame.palette.series[1]))
    if mark.ended is not None and np.isfinite(closes[mark.ended]):
        x, y, palette = x_of(mark.ended), y_of(float(closes[mark.ended])), frame.palette
        radius, fill, stroke = 0.7 * size, palette.surface, palette.series[2]
        ring = element("circle", cx=x, cy=y, r=radius, fill=fill, stroke=stroke, stroke_width=1.6)
        parts.append(ring)
    return parts
