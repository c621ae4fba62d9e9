"""Prices with what an alert is about: the levels that its rule names, and the moment at which it was triggered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.charts.candles import Candle, candle
from bot.charts.svg import SMALL, Frame, element, number, picture, step_text, text, text_width, ticks

_LABEL = 15.0
"""The least distance of two labels' baselines."""
_LEAD = 14.0
_DASHES = {"trigger": "7 3", "until": "2 3", "base": "1 0"}


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line from ``first`` (the index of a day) to the right edge, with its label beside it."""

    value: float
    label: str
    role: Literal["trigger", "until", "base"]
    first: int = 0


@dataclass(frozen=True, slots=True)
class Curve:
    """A line with its label at its end; ``None`` where a value isn't known."""

    values: tuple[float | None, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """The point at which the alert was triggered, with what is written above it."""

    index: int
    value: float
    label: str


def marked(
    frame: Frame,
    days: Sequence[str],
    drawn: Sequence[Candle] | Sequence[Curve],
    levels: Sequence[Level],
    trigger: Trigger | None,
    *,
    close: str = "",
    height: int = 280,
) -> str:
    """Candles (one a day; ``close`` labels the last) or curves over ``days``, with ``levels`` and the ``trigger``."""
    plot = _Plot.around(frame, days, drawn, levels, trigger, close, height)
    parts = plot.axes(days)
    labels: list[_Label | None] = [plot.level(level, parts) for level in levels]
    for index, item in enumerate(drawn):
        if isinstance(item, Curve):
            labels.append(plot.curve(item, index, parts))
        elif isinstance(item, Candle) and item.known:
            parts += candle(frame, item, plot.x(index), min(plot.slot * 0.55, 18), plot.y)
    labels += [plot.closing(close, drawn)] if close else []
    parts += plot.written([label for label in labels if label is not None])
    parts += plot.trigger(trigger) if trigger else []
    spoken = [trigger.label if trigger else "", *(level.label for level in levels), close]
    return picture(frame, height, parts, "; ".join(words for words in spoken if words))


@dataclass(frozen=True, slots=True)
class _Label:
    y: float
    words: str
    colour: str
    bold: bool = False


def _values(drawn: Sequence[Candle] | Sequence[Curve]) -> list[float]:
    found: list[float] = []
    for item in drawn:
        known = item.known if isinstance(item, Candle) else [value for value in item.values if value is not None]
        found += known
    return found


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where things are: from days and prices to pixels."""

    frame: Frame
    steps: Sequence[float]
    left: float
    right: float
    top: float
    bottom: float
    slot: float

    @classmethod
    def around(  # noqa: PLR0917 - what the drawing is made of
        cls,
        frame: Frame,
        days: Sequence[str],
        drawn: Sequence[Candle] | Sequence[Curve],
        levels: Sequence[Level],
        trigger: Trigger | None,
        close: str,
        height: int,
    ) -> _Plot:
        values = [*_values(drawn), *(level.value for level in levels), *([trigger.value] if trigger else [])]
        steps = ticks(min(values), max(values))
        names = [close, *(level.label for level in levels), *(i.label for i in drawn if isinstance(i, Curve))]
        left = max(text_width(step_text(step, steps), SMALL) for step in steps) + 8
        right = max(text_width(name, SMALL) for name in names) + _LEAD + 4
        slot = (frame.width - left - right) / max(len(days), 1)
        return cls(frame, steps, left, frame.width - right, 24.0 if trigger else 12.0, height - 22.0, slot)

    def x(self, index: int) -> float:
        return self.left + self.slot * (index + 0.5)

    def y(self, value: float) -> float:
        low, high = self.steps[0], self.steps[-1]
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)

    def axes(self, days: Sequence[str]) -> list[str]:
        palette = self.frame.palette
        parts = []
        for step in self.steps:
            y = self.y(step)
            parts.append(element("line", x1=self.left, x2=self.right, y1=y, y2=y, stroke=palette.grid))
            words = step_text(step, self.steps)
            parts.append(text(self.left - 6, y + 4, words, palette.muted, anchor="end", size=SMALL))
        every = math.ceil((max(text_width(day, SMALL) for day in days) + 10) / self.slot)
        for index, day in enumerate(days):
            if (len(days) - 1 - index) % every == 0:
                words = text(self.x(index), self.bottom + 18, day, palette.muted, anchor="middle", size=SMALL)
                parts.append(words)
        return parts

    def level(self, level: Level, parts: list[str]) -> _Label:
        palette = self.frame.palette
        colour = palette.series[1] if level.role == "trigger" else palette.muted
        y = self.y(level.value)
        start = self.x(level.first) if level.first else self.left
        line = element(
            "line", x1=start, x2=self.right, y1=y, y2=y, stroke=colour, stroke_width=1.4,
            stroke_dasharray=_DASHES[level.role],
        )  # fmt: skip
        parts.append(line)
        return _Label(y, level.label, colour, bold=level.role == "trigger")

    def curve(self, curve: Curve, index: int, parts: list[str]) -> _Label | None:
        colour = self.frame.palette.series[(0, 2, 3)[index % 3]]
        points = [(self.x(at), self.y(value)) for at, value in enumerate(curve.values) if value is not None]
        if not points:
            return None
        path = "M" + " L".join(f"{number(x)},{number(y)}" for x, y in points)
        parts.append(element("path", d=path, fill="none", stroke=colour, stroke_width=2))
        parts += [element("circle", cx=x, cy=y, r=2.6, fill=colour) for x, y in points]
        return _Label(points[-1][1], curve.label, colour, bold=True)

    def closing(self, close: str, drawn: Sequence[Candle] | Sequence[Curve]) -> _Label | None:
        last = [day.close for day in drawn if isinstance(day, Candle) and day.close is not None]
        return _Label(self.y(last[-1]), close, self.frame.palette.text, bold=True) if last else None

    def written(self, labels: Sequence[_Label]) -> list[str]:
        """The labels at the right edge, pushed apart, each with a line to where it belongs."""
        ordered = sorted(labels, key=lambda label: label.y)
        parts = []
        for label, y in zip(ordered, _apart([label.y for label in ordered], self.bottom), strict=True):
            weight = "600" if label.bold else ""
            path = f"M{number(self.right)},{number(label.y)} L{number(self.right + _LEAD - 4)},{number(y)}"
            parts.append(element("path", d=path, fill="none", stroke=label.colour, stroke_width=0.8))
            parts.append(text(self.right + _LEAD, y + 4, label.words, label.colour, size=SMALL, weight=weight))
        return parts

    def trigger(self, trigger: Trigger) -> list[str]:
        palette = self.frame.palette
        x, y = self.x(trigger.index), self.y(trigger.value)
        half = text_width(trigger.label, SMALL) / 2
        middle = min(max(x, half), self.frame.width - half)
        return [
            element("line", x1=x, x2=x, y1=14, y2=y - 5, stroke=palette.text, stroke_width=0.8, stroke_dasharray="1 2"),
            element("circle", cx=x, cy=y, r=4.5, fill="none", stroke=palette.series[1], stroke_width=2),
            text(middle, 9, trigger.label, palette.text, anchor="middle", size=SMALL, weight="600"),
        ]


def _apart(wanted: Sequence[float], bottom: float) -> list[float]:
    """Places for labels in order, each as near as can be to where it is ``wanted``, none over another."""
    groups: list[list[float]] = []
    for y in wanted:
        groups.append([y])
        while len(groups) > 1 and _first(groups[-1]) < _last(groups[-2]) + _LABEL:
            groups[-2:] = [[*groups[-2], *groups[-1]]]
    placed = [_first(group) + _LABEL * index for group in groups for index in range(len(group))]
    over = max(0.0, placed[-1] - bottom) if placed else 0.0
    return [y - over for y in placed]


def _first(group: Sequence[float]) -> float:
    return sum(y - _LABEL * index for index, y in enumerate(group)) / len(group)


def _last(group: Sequence[float]) -> float:
    return _first(group) + _LABEL * (len(group) - 1)
