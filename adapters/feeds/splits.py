"""Splits, so that a rescaled price is never taken for a move: pure.

A source shows a split in one of three ways. It rescales the whole history (then what was given before differs from what
is given now by one factor); it declares the split but leaves older bars as they were (then they are rescaled here); or
it changes scale with no word (then the jump is held back until it is declared, or stands for a whole session).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from adapters.feeds.daily_bars import Bar, Chart

_RATIOS = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 100.0)
_NEAR = 0.03
_SAME_FACTOR = 0.005
_MOVE_ON_THE_DAY = 0.2


def rescaled_since(given: Mapping[date, float], chart: Chart) -> float | None:
    """The factor by which the closes that were given are too high for ``chart``; ``None`` when they aren't rescaled.

    A revision of single days has no common factor, so it is none.
    """
    pairs = [(given[bar.day], bar.close) for bar in chart.bars if bar.close and bar.day in given]
    if len(pairs) < 2:
        return None
    factors = [before / after for before, after in pairs]
    typical = sorted(factors)[len(factors) // 2]
    agree = all(abs(factor / typical - 1) < _SAME_FACTOR for factor in factors)
    return typical if agree and abs(typical - 1) > 0.02 else None


def with_history_rescaled(chart: Chart) -> Chart:
    """``chart`` with the bars before each declared split in new shares, where the source had left them in old ones."""
    bars = list(chart.bars)
    for split in chart.splits:
        index = next((i for i, bar in enumerate(bars) if bar.day >= split.day), None)
        if index is None or index == 0 or not _jumps(bars[index - 1], bars[index], split.ratio):
            continue
        bars[:index] = [bar.rescaled(split.ratio) for bar in bars[:index]]
    return replace(chart, bars=tuple(bars))


def _jumps(before: Bar, after: Bar, ratio: float) -> bool:
    reference = after.open or after.close
    if not before.close or not reference or abs(ratio - 1) <= _MOVE_ON_THE_DAY:
        return False
    return abs(before.close / reference / ratio - 1) < _MOVE_ON_THE_DAY


def looks_like_split(before: float | None, after: float | None) -> float | None:
    """The ratio when going from ``before`` to ``after`` is what an undeclared split would look like, else ``None``.

    Below one for a reverse split. A share that falls by half to within three per cent looks the same; that is why the
    caller holds such a price back for a while instead of dropping it. Three for two isn't among the ratios: a fall by a
    third is the commoner thing.
    """
    if not before or not after:
        return None
    factor = before / after
    for ratio in _RATIOS:
        for candidate in (ratio, 1 / ratio):
            if abs(factor / candidate - 1) < _NEAR:
                return candidate
    return None
