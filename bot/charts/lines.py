"""A level over time as an area; several levels as lines on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.charts.svg import SMALL, Frame, element, number, picture, text, text_width, ticks

Point = tuple[str, float, str]
"""A label for the axis, the value, and the value as written."""


def area(frame: Frame, points: Sequence[Point], *, height: int = 200, comma: bool = True) -> str:
    """One line with the area below it; its first and last point carry their value. The axis needn't start at 0."""
    palette = frame.palette
    values = [value for _, value, _ in points]
    steps = ticks(min(values), max(values))
    low, high = steps[0], steps[-1]
    left = _axis_width(steps, comma=comma)
    top, bottom = 14.0, height - 22.0
    right = max(text_width(points[-1][2], SMALL), text_width(points[-1][0], SMALL)) / 2 + 4
    gap = (frame.width - left - right - 10) / max(len(points) - 1, 1)
    xs = [left + 10 + gap * index for index in range(len(points))]
    ys = [bottom - (value - low) / (high - low) * (bottom - top) for value in values]
    line = " L".join(f"{number(x)},{number(y)}" for x, y in zip(xs, ys, strict=True))
    closed = f"M{line} L{number(xs[-1])},{number(bottom)} L{number(xs[0])},{number(bottom)} Z"
    parts = [
        *_grid(frame, steps, left, frame.width, (top, bottom), comma=comma),
        element("path", d=closed, fill=palette.series[0], fill_opacity="0.15"),
        element("path", d=f"M{line}", fill="none", stroke=palette.series[0], stroke_width=2),
    ]
    every = max(1, round(max(text_width(label, SMALL) for label, _, _ in points) / gap + 0.6)) if gap else 1
    for index, (label, _, written) in enumerate(points):
        if (len(points) - 1 - index) % every == 0:
            parts.append(text(xs[index], height - 4, label, palette.muted, anchor="middle", size=SMALL))
        if index in {0, len(points) - 1}:
            parts.append(element("circle", cx=xs[index], cy=ys[index], r=3, fill=palette.series[0]))
            half = text_width(written, SMALL) / 2
            x = xs[index] if index else max(xs[index], left + half + 4)
            rises = index == 0 and values[1:2] > values[:1] and ys[0] + 18 < bottom
            y = ys[index] + 16 if rises else ys[index] - 9
            parts.append(text(x, y, written, palette.text, anchor="middle", size=SMALL))
    return picture(frame, height, parts, "; ".join(f"{label} {written}" for label, _, written in points))


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: its name and last value as written, and its points, each with a place from 0 (left) to 1 (right)."""

    label: str
    points: Sequence[tuple[float, float]]


def curves(
    frame: Frame,
    drawn: Sequence[Curve],
    marks: Sequence[tuple[float, str]],
    *,
    span: tuple[float, float] | None = None,
    height: int = 200,
    comma: bool = True,
) -> str:
    """Lines on one scale, each labelled at its end; ``marks`` are places on the axis with their words.

    ``span`` fixes the scale's ends, else it begins at zero or below.
    """
    values = [value for curve in drawn for _, value in curve.points]
    steps = ticks(*(span or (min(0.0, *values), max(values))))
    left, right = _axis_width(steps, comma=comma), max(text_width(curve.label, SMALL) for curve in drawn) + 12
    top, bottom, edge = 14.0, height - 22.0, frame.width - right
    parts = _grid(frame, steps, left, edge, (top, bottom), comma=comma)
    for place, words in marks:
        x = left + place * (edge - left)
        parts.append(text(x, height - 4, words, frame.palette.muted, anchor="middle" if place else "start", size=SMALL))
    taken: list[float] = []
    for index, curve in enumerate(drawn):
        colour = frame.palette.series[index % len(frame.palette.series)]
        scale = (bottom - top) / (steps[-1] - steps[0])
        spots = [(left + place * (edge - left), bottom - (v - steps[0]) * scale) for place, v in curve.points]
        path = "M" + " L".join(f"{number(x)},{number(y)}" for x, y in spots)
        parts.append(element("path", d=path, fill="none", stroke=colour, stroke_width=2))
        y = next(y for y in _beside(spots[-1][1]) if all(abs(y - other) >= 13 for other in taken))
        taken.append(y)
        parts.append(text(edge + 6, y + 4, curve.label, colour, size=SMALL, weight="600"))
    return picture(frame, height, parts, "; ".join(curve.label for curve in drawn))


def _beside(y: float) -> Sequence[float]:
    """Where a label may stand: at its line's end, else above or below what is there already."""
    return [y, *(y + sign * 13 * step for step in range(1, 9) for sign in (-1, 1))]


def _axis_width(steps: Sequence[float], *, comma: bool) -> float:
    return max(text_width(_level(step, comma=comma), SMALL) for step in steps) + 8


def _level(step: float, *, comma: bool) -> str:
    return f"{step:,.10g}" if comma else f"{step:.10g}"


def _grid(
    frame: Frame, steps: Sequence[float], left: float, right: float, band: tuple[float, float], *, comma: bool
) -> list[str]:
    (top, bottom), palette, parts = band, frame.palette, list[str]()
    for step in steps:
        y = bottom - (step - steps[0]) / (steps[-1] - steps[0]) * (bottom - top)
        parts.append(element("line", x1=left, x2=right, y1=y, y2=y, stroke=palette.grid))
        parts.append(text(left - 6, y + 4, _level(step, comma=comma), palette.muted, anchor="end", size=SMALL))
    return parts
