"""A price over time with the alerts that it caused: a triangle where one fired, a ring where it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from bot.charts.svg import SMALL, Frame, element, number, picture, step_text, text, text_width, ticks

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
    known = [*closes[np.isfinite(closes)], *(value for value, _ in levels)]
    steps = ticks(float(min(known)), float(max(known)))
    low, high = steps[0], steps[-1]
    left = max(text_width(step_text(step, steps), SMALL) for step in steps) + 8
    top, bottom, right = 14.0, height - 22.0, frame.width - 8.0
    scale = (right - left) / max(len(days) - 1, 1)

    def x_of(row: int) -> float:
        return left + scale * row

    def y_of(price: float) -> float:
        return bottom - (price - low) / (high - low) * (bottom - top)

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
        parts += _mark(frame, mark, closes, x_of, y_of)
    said = f"{len(marks)} alerts from {days[0]} to {days[-1]}"
    return picture(frame, height, parts, said)


def _mark(
    frame: Frame,
    mark: Marked,
    closes: NDArray[np.float64],
    x_of: Callable[[int], float],
    y_of: Callable[[float], float],
) -> list[str]:
    """The triangle stands below the close, the ring on it; a pointer that rests on the triangle reads the words."""
    parts = []
    if np.isfinite(closes[mark.fired]):
        x, y = x_of(mark.fired), y_of(float(closes[mark.fired])) + 4
        tip = f"M{number(x)},{number(y)} l-5,9 h10 Z"
        parts.append(element("path", element("title", escape(mark.words)), d=tip, fill=frame.palette.series[1]))
    if mark.ended is not None and np.isfinite(closes[mark.ended]):
        x, y, palette = x_of(mark.ended), y_of(float(closes[mark.ended])), frame.palette
        ring = element("circle", cx=x, cy=y, r=3.5, fill=palette.surface, stroke=palette.series[2], stroke_width=1.6)
        parts.append(ring)
    return parts
