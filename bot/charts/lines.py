"""A level over time as an area or a line."""

from __future__ import annotations

from collections.abc import Sequence

from bot.charts.svg import SMALL, Frame, element, number, picture, text, text_width, ticks

Point = tuple[str, float, str]
"""A label for the axis, the value, and the value as written."""


def area(frame: Frame, points: Sequence[Point], *, height: int = 200) -> str:
    """One line with the area below it; first, last and highest point carry their value. The axis needn't start at 0."""
    palette = frame.palette
    values = [value for _, value, _ in points]
    steps = ticks(min(values), max(values))
    low, high = steps[0], steps[-1]
    left = max(text_width(f"{step:,.0f}", SMALL) for step in steps) + 8
    top, bottom = 14.0, height - 22.0
    right = max(text_width(points[-1][2], SMALL), text_width(points[-1][0], SMALL)) / 2 + 4
    gap = (frame.width - left - right - 10) / max(len(points) - 1, 1)
    xs = [left + 10 + gap * index for index in range(len(points))]
    ys = [bottom - (value - low) / (high - low) * (bottom - top) for value in values]
    line = " L".join(f"{number(x)},{number(y)}" for x, y in zip(xs, ys, strict=True))
    parts = []
    for step in steps:
        y = bottom - (step - low) / (high - low) * (bottom - top)
        parts.append(element("line", x1=left, x2=frame.width, y1=y, y2=y, stroke=palette.grid))
        parts.append(text(left - 6, y + 4, f"{step:,.0f}", palette.muted, anchor="end", size=SMALL))
    closed = f"M{line} L{number(xs[-1])},{number(bottom)} L{number(xs[0])},{number(bottom)} Z"
    parts.append(element("path", d=closed, fill=palette.series[0], fill_opacity="0.15"))
    parts.append(element("path", d=f"M{line}", fill="none", stroke=palette.series[0], stroke_width=2))
    every = max(1, round(max(text_width(label, SMALL) for label, _, _ in points) / gap + 0.6)) if gap else 1
    for index, (label, _, written) in enumerate(points):
        if (len(points) - 1 - index) % every == 0:
            parts.append(text(xs[index], height - 4, label, palette.muted, anchor="middle", size=SMALL))
        if index in {0, len(points) - 1}:
            parts.append(element("circle", cx=xs[index], cy=ys[index], r=3, fill=palette.series[0]))
            parts.append(
                text(
                    max(xs[index], left + text_width(written, SMALL) / 2),
                    ys[index] - 8,
                    written,
                    palette.text,
                    anchor="middle",
                    size=SMALL,
                )
            )
    return picture(frame, height, parts, "; ".join(f"{label} {written}" for label, _, written in points))
