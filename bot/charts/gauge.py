"""A gauge: a score between 0 and 100 on its provider's own bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from bot.charts.svg import SMALL, Frame, element, number, picture, text

_OPACITY = ("1", "0.55", "0.3", "0.55", "1")


def gauge(frame: Frame, score: float, written: str, reading: str, bounds: Sequence[float]) -> str:
    """A half circle of bands that begin at 0 and ``bounds``, with a needle; the bands' bounds are written outside."""
    palette, centre = frame.palette, frame.width / 2
    radius = min(frame.width / 2 - 34, 110)
    base = radius + 16
    edges = [0.0, *bounds, 100.0]
    parts = []
    for index, (start, end) in enumerate(pairwise(edges)):
        colour = palette.series[1] if index < 2 else palette.muted if index == 2 else palette.series[0]
        path = _arc(centre, base, radius, start, end)
        parts.append(
            element("path", d=path, fill="none", stroke=colour, stroke_width=18, stroke_opacity=_OPACITY[index % 5])
        )
    for edge in edges:
        x, y = _at(centre, base, radius + 20, edge)
        parts.append(text(x, y + 4, f"{edge:.0f}", palette.muted, anchor="middle", size=SMALL))
    tip_x, tip_y = _at(centre, base, radius - 16, score)
    parts += [
        element(
            "line",
            x1=centre,
            y1=base,
            x2=tip_x,
            y2=tip_y,
            stroke=palette.text,
            stroke_width=2.5,
            stroke_linecap="round",
        ),
        element("circle", cx=centre, cy=base, r=4.5, fill=palette.text),
        text(centre, base + 30, written, palette.text, anchor="middle", size=24, weight="600"),
        text(centre, base + 48, reading, palette.text, anchor="middle"),
    ]
    return picture(frame, base + 56, parts, f"{written} – {reading}")


def _at(x: float, y: float, radius: float, score: float) -> tuple[float, float]:
    angle = math.pi * (1 - score / 100)
    return x + radius * math.cos(angle), y - radius * math.sin(angle)


def _arc(x: float, y: float, radius: float, start: float, end: float) -> str:
    (x1, y1), (x2, y2) = _at(x, y, radius, start + 0.4), _at(x, y, radius, end - 0.4)
    size = number(radius)
    return f"M{number(x1)},{number(y1)} A{size},{size} 0 0 1 {number(x2)},{number(y2)}"
