"""Windows in two parts: what closed bars give, kept by ``closed``, and the step that the newest value adds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.backtesting.rolling import Moments, moments, spread, zscore
from rules.calendars.axis import Axis
from rules.evaluation.frames import Frame
from rules.evaluation.history import NONE, Column, Floats, Ints
from rules.evaluation.logic import marked, truth
from rules.functions.base import Part
from rules.functions.closed import closed_figures, earlier_rows
from rules.functions.stretch import sum_by_pairs

Quick = Callable[[Frame], Floats | None]
Finish = Callable[[Floats, Floats, int], Floats]
"""From the kept figures (a row of each), the newest value and the window's length: the result."""


def earlier_moments(values: Floats) -> Moments:
    """The moments of all rows."""
    mean, squares = moments(values, len(values))
    return mean[0], squares[0]


def _stacked_moments(values: Floats) -> Floats:
    return np.stack(earlier_moments(values))


def _sum(values: Floats) -> Floats:
    return sum_by_pairs(values)[None, :]


def _lowest(values: Floats) -> Floats:
    return np.asarray(np.min(values, axis=0, keepdims=True))


def _highest(values: Floats) -> Floats:
    return np.asarray(np.max(values, axis=0, keepdims=True))


def _mean(kept: Floats, newest: Floats, count: int) -> Floats:
    return np.asarray((kept[0] + newest) / float(count))


def _beats(better: np.ufunc) -> Finish:
    def finish(kept: Floats, newest: Floats, _count: int) -> Floats:
        return truth(better(newest, kept[0]), kept[0], newest)

    return finish


def _drawdown(kept: Floats, newest: Floats, _count: int) -> Floats:
    high = np.maximum(kept[0], newest)
    return marked(newest / high - 1.0, high <= 0, np.nan)


SPLIT: dict[str, tuple[Callable[[Floats], Floats], Finish]] = {
    "sum": (_sum, lambda kept, newest, _: kept[0] + newest),
    "mean": (_sum, _mean),
    "sma": (_sum, _mean),
    "min": (_lowest, lambda kept, newest, _: np.minimum(kept[0], newest)),
    "max": (_highest, lambda kept, newest, _: np.maximum(kept[0], newest)),
    "is_high": (_highest, _beats(np.greater)),
    "is_low": (_lowest, _beats(np.less)),
    "drawdown": (_highest, _drawdown),
    "from_high": (_highest, lambda kept, newest, count: 0.0 - _drawdown(kept, newest, count)),
    "std": (_stacked_moments, lambda kept, newest, count: spread((kept[0], kept[1]), newest, count)),
    "zscore": (_stacked_moments, lambda kept, newest, count: zscore((kept[0], kept[1]), newest, count)),
}


def from_closed(part: Part) -> Quick | None:
    """The quick way of a window of a plain series, ``None`` where there is none."""
    x, window = part.args[0], part.window
    ref, split = x.typed.ref, SPLIT.get(part.name)
    if split is None or ref is None or x.typed.form != "series" or window.unit != "d" or window.count < 3:
        return None
    summarise, finish = split
    count = window.count

    def build(_axis: Axis, column: Column, last: Ints, keys: Ints) -> Floats:
        return summarise(earlier_rows(column, last, keys, count - 1))

    def quick(frame: Frame) -> Floats | None:
        kept = closed_figures(frame, ref, part.typed.key, build)
        if kept is None:
            return None
        with np.errstate(all="ignore"):
            return finish(kept, frame.value(ref), count)

    return quick


def smoothed(values: Floats, sizes: Ints, alpha: float) -> Floats:
    """``a += alpha * (value - a)`` over the last ``sizes`` rows of each lane, from the first one; NaN for size 0."""
    result = np.full(values.shape[1], np.nan)
    left = len(values) - sizes
    for number, row in enumerate(values):
        result = np.where(number == left, row, np.where(number > left, result + alpha * (row - result), result))
    return np.where(sizes > 0, result, np.nan)


def strength(gain: Floats, loss: Floats) -> Floats:
    """The relative strength index of smoothed gains and losses; 50 when nothing moved."""
    with np.errstate(all="ignore"):
        both = gain + loss
        share: Floats = gain / both
        np.multiply(share, 100.0, out=share)
    return marked(share, both == 0, 50.0)


def _sizes(axis: Axis, last: Ints, look_back: int) -> Ints:
    """How many sessions before the newest one the recursion has run over."""
    start = axis.base("quarter", np.maximum(last, 0)) + 1 - look_back
    return np.where((last != NONE) & (start >= 0), last - start, 0)


def ema_from_closed(part: Part, look_back: int, alpha: float) -> Quick:
    """One step from the average of the session before."""
    ref = part.args[0].typed.ref if part.args[0].typed.form == "series" else None

    def build(axis: Axis, column: Column, last: Ints, keys: Ints) -> Floats:
        sizes = _sizes(axis, last, look_back)
        values = earlier_rows(column, last, keys, max(int(sizes.max(initial=0)), 1))
        return smoothed(values, sizes, alpha)[None, :]

    def quick(frame: Frame) -> Floats | None:
        kept = None if ref is None else closed_figures(frame, ref, part.typed.key, build)
        if kept is None or ref is None:
            return None
        return np.asarray(kept[0] + alpha * (frame.value(ref) - kept[0]))

    return quick


def rsi_from_closed(part: Part, look_back: int, alpha: float) -> Callable[[Frame], tuple[Floats, Floats] | None]:
    """Smoothed gains and losses, one step from those of the session before."""
    ref = part.args[0].typed.ref if part.args[0].typed.form == "series" else None

    def build(axis: Axis, column: Column, last: Ints, keys: Ints) -> Floats:
        sizes = _sizes(axis, last, look_back)
        values = earlier_rows(column, last, keys, max(int(sizes.max(initial=0)), 1) + 1)
        moves = values[1:] - values[:-1]
        gain, loss = smoothed(np.maximum(moves, 0.0), sizes, alpha), smoothed(np.maximum(-moves, 0.0), sizes, alpha)
        return np.stack([gain, loss, values[-1]])

    def quick(frame: Frame) -> tuple[Floats, Floats] | None:
        kept = None if ref is None else closed_figures(frame, ref, part.typed.key, build)
        if kept is None or ref is None:
            return None
        move = frame.value(ref) - kept[2]
        gain = np.maximum(move, 0.0)
        loss = gain - move
        return kept[0] + alpha * (gain - kept[0]), kept[1] + alpha * (loss - kept[1])

    return quick
