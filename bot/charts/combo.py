"""Bars with a line above them: two quantities of the same quarters or companies, each in a band of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bot.charts.bars import Bar
from bot.charts.svg import SMALL, Frame, element, number, picture, shortened, text, text_width

_LEGEND, _BAND, _GAP = 18.0, 44.0, 34.0


def bars_and_line(
    frame: Frame,
    labels: Sequence[str],
    bars: tuple[str, Sequence[Bar | None]],
    line: tuple[str, Sequence[Bar | None]],
    *,
    height: int = 200,
) -> str:
    """One column a label, and above the columns one point a label, joined by a line; each carries its value.

    ``bars`` and ``line`` come with their names for the legend; ``None`` is a gap, over which the line does not run.
    Neither quantity has an axis: a column's height starts at zero, the line shows its own range.
    """
    slot = frame.width / len(labels)
    xs = [slot * (index + 0.5) for index in range(len(labels))]
    parts = [*_legend(frame, bars[0], line[0]), *_line(frame, xs, line[1]), *_columns(frame, xs, bars[1], height)]
    for x, label in zip(xs, labels, strict=True):
        words = shortened(label, slot - 4, SMALL)
        parts.append(text(x, height - 4, words, frame.palette.muted, anchor="middle", size=SMALL))
    spoken = "; ".join(
        f"{label} " + ", ".join(each.written for each in (bar, point) if each)
        for label, bar, point in zip(labels, bars[1], line[1], strict=True)
    )
    return picture(frame, height, parts, spoken)


def _legend(frame: Frame, bars: str, line: str) -> list[str]:
    palette = frame.palette
    second = text_width(bars, SMALL) + 36
    return [
        element("rect", x=0, y=0, width=10, height=10, fill=palette.series[0]),
        text(14, 9, bars, palette.text, size=SMALL),
        element("line", x1=second, x2=second + 16, y1=5, y2=5, stroke=palette.series[1], stroke_width=2),
        element("circle", cx=second + 8, cy=5, r=3, fill=palette.series[1]),
        text(second + 20, 9, line, palette.text, size=SMALL),
    ]


def _line(frame: Frame, xs: Sequence[float], points: Sequence[Bar | None]) -> list[str]:
    known = [point.value for point in points if point]
    if not known:
        return []
    low, spread, top = min(known), (max(known) - min(known)) or 1.0, _LEGEND + 16
    ys = [None if point is None else top + (1 - (point.value - low) / spread) * (_BAND - 16) for point in points]
    colour, parts = frame.palette.series[1], list[str]()
    for (x1, y1), (x2, y2) in pairwise(zip(xs, ys, strict=True)):
        if y1 is not None and y2 is not None:
            path = f"M{number(x1)},{number(y1)} L{number(x2)},{number(y2)}"
            parts.append(element("path", d=path, fill="none", stroke=colour, stroke_width=2))
    for x, y, point in zip(xs, ys, points, strict=True):
        if y is not None and point is not None:
            parts.append(element("circle", cx=x, cy=y, r=3.2, fill=colour))
            parts.append(text(x, y - 7, point.written, colour, anchor="middle", size=SMALL, weight="600"))
    return parts


def _columns(frame: Frame, xs: Sequence[float], bars: Sequence[Bar | None], height: int) -> list[str]:
    top, bottom = _LEGEND + _BAND + _GAP, height - 20.0
    reach = max((abs(bar.value) for bar in bars if bar), default=0.0) or 1.0
    width = min(frame.width / len(xs) * 0.5, 54)
    parts = [element("line", x1=0, x2=frame.width, y1=bottom, y2=bottom, stroke=frame.palette.text)]
    for x, bar in zip(xs, bars, strict=True):
        if bar is None:
            parts.append(text(x, bottom - 5, "—", frame.palette.muted, anchor="middle", size=SMALL))
            continue
        y = bottom - abs(bar.value) / reach * (bottom - top)
        parts += [
            element("rect", x=x - width / 2, y=y, width=width, height=bottom - y, fill=frame.palette.series[0]),
            text(x, y - 5, bar.written, frame.palette.text, anchor="middle", size=SMALL),
        ]
    return parts
