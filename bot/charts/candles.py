"""Daily candles: hollow when the day rose, filled when it fell; a day of which only the close is known is a dash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.charts.svg import SMALL, Frame, element, number, picture, text, text_width, ticks


@dataclass(frozen=True, slots=True)
class Candle:
    """One day; ``None`` where a price isn't known."""

    label: str
    open: float | None
    high: float | None
    low: float | None
    close: float | None

    @property
    def known(self) -> list[float]:
        """The prices that are known."""
        return [price for price in (self.open, self.high, self.low, self.close) if price is not None]


def candles(
    frame: Frame, days: Sequence[Candle], mark: str, close: str, *, peak: int | None = None, height: int = 240
) -> str:
    """``mark`` is written at the high of the day ``peak``, else at the highest price; ``close`` beside the last one."""
    palette = frame.palette
    prices = [price for day in days for price in day.known]
    steps = ticks(min(prices), max(prices))
    low, high = steps[0], steps[-1]
    left = text_width(f"{steps[-1]:,.0f}", SMALL) + 8
    right = text_width(close, SMALL) + 8
    top, bottom = 20.0, height - 22.0
    slot = (frame.width - left - right) / len(days)
    every = max(1, round(max(text_width(day.label, SMALL) for day in days) / slot + 0.6))

    def y_of(price: float) -> float:
        return bottom - (price - low) / (high - low) * (bottom - top)

    parts = []
    for step in steps:
        parts.append(
            element("line", x1=left, x2=frame.width - right, y1=y_of(step), y2=y_of(step), stroke=palette.grid)
        )
        parts.append(text(left - 6, y_of(step) + 4, f"{step:,.0f}", palette.muted, anchor="end", size=SMALL))
    for index, day in enumerate(days):
        x = left + slot * (index + 0.5)
        parts += candle(frame, day, x, min(slot * 0.55, 22), y_of)
        if (len(days) - 1 - index) % every == 0:
            parts.append(text(x, height - 4, day.label, palette.muted, anchor="middle", size=SMALL))
    if peak is None:
        peak = max(range(len(days)), key=lambda index: max(days[index].known, default=0.0))
    x, y = left + slot * (peak + 0.5), y_of(max(days[peak].known)) - 6
    half = text_width(mark, SMALL) / 2
    middle = min(max(x, left + half), frame.width - half)
    paper = f"M{number(middle - half - 3)},{number(y - 4)} h{number(2 * half + 6)}"
    parts.append(element("path", d=paper, stroke=palette.surface, stroke_width=14))
    parts.append(text(middle, y, mark, palette.text, anchor="middle", size=SMALL, weight="600"))
    last = next((day.close for day in reversed(days) if day.close is not None), None)
    if last is not None:
        parts.append(text(frame.width - right + 4, y_of(last) + 4, close, palette.text, size=SMALL, weight="600"))
    return picture(frame, height, parts, f"{mark}; {days[-1].label} {close}")


def candle(frame: Frame, day: Candle, x: float, width: float, y_of: Callable[[float], float]) -> list[str]:
    """One day around ``x``; some price of it must be known."""
    palette = frame.palette
    if day.open is None or day.high is None or day.low is None or day.close is None:
        y = y_of(day.known[-1])
        return [
            element("line", x1=x - width / 2, x2=x + width / 2, y1=y, y2=y, stroke=palette.series[0], stroke_width=2.5)
        ]
    rose = day.close >= day.open
    colour = palette.up if rose else palette.down
    y, end = sorted((y_of(day.open), y_of(day.close)))
    return [
        element("line", x1=x, x2=x, y1=y_of(day.high), y2=y_of(day.low), stroke=colour, stroke_width=1.4),
        element(
            "rect",
            x=x - width / 2,
            y=y,
            width=width,
            height=max(end - y, 1),
            stroke=colour,
            stroke_width=1.6,
            fill=palette.surface if rose else colour,
        ),
    ]
