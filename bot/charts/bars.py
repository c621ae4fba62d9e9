"""Bars: ranked moves, grouped figures, and a column a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.charts.svg import SMALL, Frame, element, hatch, number, picture, shortened, text, text_width, ticks

_ROW = 24
_BAR = 14
LABEL_SHARE = 0.52
"""The part of the width that labels on the left may take."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, value and the value as written. ``firm`` is false for what is not final (hatched)."""

    label: str
    value: float
    written: str
    firm: bool = True


def ranked(frame: Frame, bars: Sequence[Bar], *, signed: bool = True) -> str:
    """Horizontal bars with their labels on the left and values at the ends.

    With ``signed`` a bar has the colour of its direction. Bars of one direction start at the left, rises and falls
    together on both sides of a zero line.
    """
    palette = frame.palette
    room = min(max((text_width(bar.label) for bar in bars), default=0) + 10, frame.width * LABEL_SHARE)
    tail = max((text_width(bar.written) for bar in bars), default=0) + 8
    fall, rise = -min(0.0, *(bar.value for bar in bars)), max(0.0, *(bar.value for bar in bars))
    both = fall > 0 and rise > 0
    reach = fall + rise if both else max(fall, rise)
    scale = (frame.width - room - tail * (2 if both else 1)) / (reach or 1)
    zero = room + tail + fall * scale if both else room
    parts = []
    for index, bar in enumerate(bars):
        y, length = index * _ROW, max(abs(bar.value) * scale, 1.0)
        left = both and bar.value < 0
        fill = (palette.up if bar.value >= 0 else palette.down) if signed else palette.series[0]
        end = zero - length - 6 if left else zero + length + 6
        parts += [
            text(0, y + 15, shortened(bar.label, room - 8), palette.text),
            element("rect", x=zero - length if left else zero, y=y + 4, width=length, height=_BAR, fill=fill, rx=1),
            text(end, y + 15, bar.written, palette.text, anchor="end" if left else "start"),
        ]
    if both:
        parts.append(element("line", x1=zero, x2=zero, y1=0, y2=len(bars) * _ROW, stroke=palette.text))
    spoken = "; ".join(f"{bar.label} {bar.written}" for bar in bars)
    return picture(frame, len(bars) * _ROW, parts, spoken)


def grouped(
    frame: Frame, groups: Sequence[str], series: Sequence[tuple[str, Sequence[Bar]]], *, newest_last: bool = False
) -> str:
    """For each group one bar a series, with a legend; a bar's value stands at its end.

    The first series has the strongest colour, with ``newest_last`` the last one.
    """
    palette = frame.palette
    fills = [palette.series[index % 4] for index in range(len(series))]
    fills = fills[::-1] if newest_last else fills
    room = min(max(text_width(name) for name in groups) + 12, frame.width * 0.35)
    every = [bar for _, bars in series for bar in bars]
    tail = max(text_width(bar.written, SMALL) for bar in every) + 8
    scale = (frame.width - room - tail) / (max(abs(bar.value) for bar in every) or 1)
    block = len(series) * 16 + 12
    parts, x = [], 0.0
    for index, (name, _) in enumerate(series):
        parts.append(element("rect", x=x, y=0, width=10, height=10, fill=fills[index]))
        parts.append(text(x + 14, 9, name, palette.text, size=SMALL))
        x += text_width(name, SMALL) + 32
    for row, group in enumerate(groups):
        top = 22 + row * block
        parts.append(text(0, top + len(series) * 8 + 4, shortened(group, room - 8), palette.text))
        for index, (_, bars) in enumerate(series):
            bar, y = bars[row], top + index * 16
            length = abs(bar.value) * scale
            parts.append(element("rect", x=room, y=y, width=max(length, 1), height=12, fill=fills[index], rx=1))
            parts.append(text(room + length + 5, y + 10, bar.written, palette.text, size=SMALL))
    spoken = "; ".join(
        f"{group}: " + ", ".join(f"{name} {bars[row].written}" for name, bars in series)
        for row, group in enumerate(groups)
    )
    return picture(frame, 22 + len(groups) * block, parts, spoken)


def columns(
    frame: Frame,
    bars: Sequence[Bar],
    *,
    height: int = 220,
    labelled: int | None = None,
    level: tuple[float, str] | None = None,
    marked: tuple[int, str] | None = None,
    comma: bool = True,
) -> str:
    """A column a day around a zero line; all carry their value where there is room, else the last ``labelled``.

    Of those the newest come first, and what would lie over another or over a column is left out. ``level`` is a value
    drawn across with its words; ``marked`` the index of a column with what is written above it; ``comma`` separates
    the axis' thousands.
    """
    palette = frame.palette
    values = [0.0, *(bar.value for bar in bars), *([level[0]] if level else [])]
    steps = ticks(min(values), max(values))
    low, high = steps[0], steps[-1]
    axis = [f"{step:,.0f}" if comma else f"{step:.0f}" for step in steps]
    left = max(text_width(words, SMALL) for words in axis) + 8
    top, bottom = 32.0 if marked else 14.0, height - 22.0

    def y_of(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - top)

    right = text_width(level[1], SMALL) + 14 if level else 0.0
    edge = frame.width - right
    slot = (edge - left) / len(bars)
    width = min(slot * 0.68, 34)
    fits = slot >= max(text_width(bar.written, SMALL) for bar in bars) + 4
    shown = len(bars) if fits else min(labelled or 0, len(bars))
    every = max(1, round(max(text_width(bar.label, SMALL) for bar in bars) / slot + 0.6))
    parts = [hatch(f"{frame.ident}-up", palette.up), hatch(f"{frame.ident}-down", palette.down)]
    for step, words in zip(steps, axis, strict=True):
        parts.append(element("line", x1=left, x2=edge, y1=y_of(step), y2=y_of(step), stroke=palette.grid))
        parts.append(text(left - 6, y_of(step) + 4, words, palette.muted, anchor="end", size=SMALL))
    if level:
        parts += _level(frame, level[1], left, edge, y_of(level[0]))
    for index, bar in enumerate(bars):
        x = left + slot * index + (slot - width) / 2
        parts += _column(frame, bar, x, width, y_of)
        if (len(bars) - 1 - index) % every == 0:
            at = min(x + width / 2, frame.width - text_width(bar.label, SMALL) / 2)
            parts.append(text(at, height - 4, bar.label, palette.muted, anchor="middle", size=SMALL))
    middles = [left + slot * (index + 0.5) for index in range(len(bars))]
    ends = [(y_of(bar.value), y_of(0)) for bar in bars]
    solids = [] if fits else [(at, min(end), max(end)) for at, end in zip(middles, ends, strict=True)]
    spots = [_Written.over(bar, middle, y_of(bar.value), edge) for bar, middle in zip(bars, middles, strict=True)]
    for index in _readable(spots, solids, width / 2, shown):
        spot = spots[index]
        parts += [_paper(frame, bars[index].written, spot.x, spot.y)] if level or not fits else []
        parts.append(text(spot.x, spot.y, bars[index].written, palette.text, anchor="middle", size=SMALL))
    parts.append(element("line", x1=left, x2=edge, y1=y_of(0), y2=y_of(0), stroke=palette.text, stroke_width=1))
    if marked:
        x, value = left + slot * (marked[0] + 0.5), bars[marked[0]].value
        parts += _marked(frame, marked[1], x, y_of(max(value, 0.0)) - (18 if value > 0 else 3))
    return picture(frame, height, parts, "; ".join(f"{bar.label} {bar.written}" for bar in bars))


def _readable(
    spots: Sequence[_Written], solids: Sequence[tuple[float, float, float]], half: float, most: int
) -> Iterator[int]:
    """Of the newest ``most`` values those that lie over no other one and over no column but their own, newest first.

    ``solids`` are the columns: the middle, the top and the bottom of each; none where there is room for every value.
    """
    kept: list[_Written] = []
    for index in range(len(spots) - 1, len(spots) - 1 - most, -1):
        others = (solid for at, solid in enumerate(solids) if at != index)
        clear = not any(spots[index].crosses(middle, half, top, bottom) for middle, top, bottom in others)
        if clear and not any(spots[index].covers(other) for other in kept):
            kept.append(spots[index])
            yield index


@dataclass(frozen=True, slots=True)
class _Written:
    """Where a column's value stands: its middle, its baseline, and half its width."""

    x: float
    y: float
    half: float

    @classmethod
    def over(cls, bar: Bar, middle: float, end: float, edge: float) -> _Written:
        """Above a rise, below a fall, within the ``edge``."""
        half = text_width(bar.written, SMALL) / 2
        return cls(min(middle, edge - half), end - 4 if bar.value >= 0 else end + 12, half)

    def covers(self, other: _Written) -> bool:
        """Whether the two would lie over one another."""
        return abs(self.x - other.x) < self.half + other.half + 3 and abs(self.y - other.y) < SMALL + 1

    def crosses(self, middle: float, half: float, top: float, bottom: float) -> bool:
        """Whether it would lie over the column there."""
        return abs(self.x - middle) < self.half + half and top < self.y and self.y - SMALL < bottom - 1


def _paper(frame: Frame, words: str, x: float, y: float) -> str:
    """The paper's colour behind a value, so that no line runs through it."""
    half = text_width(words, SMALL) / 2
    return element(
        "path",
        d=f"M{number(x - half)},{number(y - 4)} h{number(half * 2)}",
        stroke=frame.palette.surface,
        stroke_width=12,
    )


def _level(frame: Frame, words: str, left: float, right: float, y: float) -> list[str]:
    """A dashed line with its words beside it."""
    colour = frame.palette.series[1]
    line = element("line", x1=left, x2=right, y1=y, y2=y, stroke=colour, stroke_width=1.4, stroke_dasharray="7 3")
    return [line, text(right + 8, y + 4, words, colour, size=SMALL, weight="600")]


def _marked(frame: Frame, words: str, x: float, y: float) -> list[str]:
    """``words`` at the top, with a dotted line from them down to ``y``."""
    half = text_width(words, SMALL) / 2
    middle = min(max(x, half), frame.width - half)
    palette = frame.palette
    return [
        element("line", x1=x, x2=x, y1=14, y2=y, stroke=palette.text, stroke_width=0.8, stroke_dasharray="1 2"),
        text(middle, 9, words, palette.text, anchor="middle", size=SMALL, weight="600"),
    ]


def _column(frame: Frame, bar: Bar, x: float, width: float, y_of: Callable[[float], float]) -> list[str]:
    colour = frame.palette.up if bar.value >= 0 else frame.palette.down
    name = "up" if bar.value >= 0 else "down"
    y, end = sorted((y_of(bar.value), y_of(0)))
    fill = colour if bar.firm else f"url(#{frame.ident}-{name})"
    return [element("rect", x=x, y=y, width=width, height=max(end - y, 0.8), fill=fill, stroke=colour)]
