"""Statistics over a window, and the smoothed averages with their fixed look-back.

``ema``, ``rsi`` and ``atr`` are recursions, so their value would depend on where they start. Here they start a fixed
number of sessions before the quarter of the newest session began: 5n for ``ema``, 10n for ``rsi`` and ``atr``. What
came earlier weighs less than 0.01 % there, and the value is the same whatever history is loaded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.backtesting.columns import ColumnFrame, in_blocks
from rules.backtesting.rolling import KERNELS, SPANS, Run, extremes_between, recursion, spread, zscore
from rules.evaluation.frames import Evaluate, Frame
from rules.evaluation.history import NONE, Floats, Ints
from rules.evaluation.logic import finite
from rules.functions.base import Builder, Part, is_steady, unknown
from rules.functions.incremental import (
    SPLIT,
    earlier_moments,
    ema_from_closed,
    from_closed,
    rsi_from_closed,
    smoothed,
    strength,
)
from rules.functions.stretch import Stretch, stretch, sum_in_order, total
from rules.language.scope import Ref

Reduce = Callable[[Stretch], Floats]


def windowed(reduce: Reduce) -> Builder:
    """A function of the values of ``x`` in its window."""

    def build(part: Part) -> Evaluate:
        x, window = part.args[0], part.window
        kernel, anchor, back = KERNELS.get(part.name), x.anchor, window.count - 1
        kept, spanned = from_closed(part), _over_span(part)
        rolls = kernel is not None and anchor is not None and window.unit == "d" and is_steady(x)

        def evaluate(frame: Frame) -> Floats:
            if rolls and kernel is not None and anchor is not None and isinstance(frame, ColumnFrame):
                columns = frame.rolled(anchor, x.evaluate, back, lambda panel: kernel(panel, back + 1))
                if columns is not None:
                    return finite(columns)
            if spanned is not None and isinstance(frame, ColumnFrame) and (found := spanned(frame)) is not None:
                return finite(found)
            if kept is not None and (quick := kept(frame)) is not None:
                return finite(quick)
            return looked_through(frame)

        def look_through(frame: Frame) -> Floats:
            found = stretch(frame, x, window)
            with np.errstate(all="ignore"):
                return finite(found.unless_incomplete(reduce(found)))

        looked_through = in_blocks(look_through, window.sessions)
        return evaluate

    return build


def _over_span(part: Part) -> Callable[[ColumnFrame], Floats | None] | None:
    """Whole columns of an extreme over a calendar span, whose windows differ in length by row."""
    x, window = part.args[0], part.window
    anchor, wanted = x.anchor, SPANS.get(part.name)
    if wanted is None or anchor is None or window.unit not in {"w", "mo", "y"} or not is_steady(x):
        return None
    (better, with_newest), finish = wanted, SPLIT[part.name][1]

    def columns(frame: ColumnFrame) -> Floats | None:
        axis = frame.source(anchor).axis
        closed = frame.closed(axis)
        if closed[0] < 0:
            return None
        start = axis.back(window.unit, window.count, np.arange(closed[0], closed[-1] + 1, dtype=np.int64))
        back = int(closed[0]) - max(int(start[0]), -1) - 1

        def kernel(panel: Floats) -> Floats:
            newest = np.arange(back, len(panel))
            first = start + 1 - (int(closed[0]) - back)
            found = extremes_between(panel, np.maximum(first, 0), newest if with_newest else newest - 1, better)
            found[start < 0] = np.nan
            with np.errstate(all="ignore"):
                return finish(found[None], panel[back:], window.count)

        return frame.rolled(anchor, x.evaluate, back, kernel)

    return columns


def _mean(found: Stretch) -> Floats:
    return total(found) / found.size


def _low(found: Stretch) -> Floats:
    return np.asarray(np.min(_masked(found, np.inf), axis=0))


def _high(found: Stretch) -> Floats:
    return np.asarray(np.max(_masked(found, -np.inf), axis=0))


def _masked(found: Stretch, outside: float) -> Floats:
    return found.values if found.inside is None else np.where(found.inside, found.values, outside)


def _median(found: Stretch) -> Floats:
    ordered = np.sort(_masked(found, np.inf), axis=0)
    lanes = np.arange(ordered.shape[1])
    count = np.maximum(found.size, 1).astype(np.int64)
    return (ordered[(count - 1) // 2, lanes] + ordered[count // 2, lanes]) / 2


def _std(found: Stretch) -> Floats:
    if found.inside is None and len(found.values) > 1:
        return spread(earlier_moments(found.values[:-1]), found.values[-1], len(found.values))
    away = _kept(found, found.values - _mean(found))
    wide: Floats = np.sqrt(sum_in_order(away * away) / (found.size - 1))
    return np.where(_low(found) == _high(found), 0.0, wide)


def _kept(found: Stretch, values: Floats) -> Floats:
    return values if found.inside is None else np.where(found.inside, values, 0.0)


def _zscore(found: Stretch) -> Floats:
    if found.inside is None and len(found.values) > 1:
        return zscore(earlier_moments(found.values[:-1]), found.values[-1], len(found.values))
    return np.asarray((found.values[-1] - _mean(found)) / _std(found))


def _pctrank(found: Stretch) -> Floats:
    below = found.values[:-1] < found.values[-1]
    if found.inside is not None:
        below &= found.inside[:-1]
    share: Floats = below.sum(axis=0) / (found.size - 1)
    return share


def _is_high(found: Stretch) -> Floats:
    return _beats(found, _masked(found, -np.inf)[:-1], np.greater)


def _is_low(found: Stretch) -> Floats:
    return _beats(found, _masked(found, np.inf)[:-1], np.less)


def _beats(found: Stretch, earlier: Floats, better: np.ufunc) -> Floats:
    return np.where(found.size > 1, better(found.values[-1], earlier).all(axis=0), np.nan)


def _drawdown(found: Stretch) -> Floats:
    high = _high(found)
    return np.where(high > 0, found.values[-1] / high - 1.0, np.nan)


def _from_high(found: Stretch) -> Floats:
    return 0.0 - _drawdown(found)


def _recursion(frame: Frame, x: Part, look_back: int, alpha: float, split: Callable[[Floats], Floats]) -> Floats:
    """``a += alpha * (split(x) - a)`` from ``look_back`` sessions before the quarter of the newest session."""
    anchor = x.anchor
    if anchor is None:
        return np.full(frame.lanes, np.nan)
    if isinstance(frame, ColumnFrame) and is_steady(x):
        columns = _recursion_over(frame, x, anchor, look_back, lambda panel, runs: recursion(split(panel), runs, alpha))
        if columns is not None:
            return columns
    position = np.broadcast_to(frame.position(anchor), (frame.lanes,))
    start = _quarter_start(frame, x, position) - look_back
    sizes = np.where((position != NONE) & (start >= 0), position - start + 1, 0)
    rows = int(sizes.max(initial=0))
    if rows < 2:
        return np.full(frame.lanes, np.nan)
    past = frame.past(anchor, rows)
    return smoothed(split(past.rows(x.evaluate(past))), sizes, alpha)


def _recursion_over(
    frame: ColumnFrame, x: Part, anchor: Ref, look_back: int, smooth: Callable[[Floats, list[Run]], Floats]
) -> Floats | None:
    """Whole columns: each quarter's recursion runs once, from its own start."""
    axis = frame.track(anchor).axis
    closed = frame.closed(axis)
    begins = axis.base("quarter", np.maximum(closed, 0)) + 1
    back = int(closed[0]) - (int(begins[0]) - look_back)
    offset = int(closed[0]) - back
    quarters = np.unique(begins)
    runs: list[Run] = []
    for number, begin in enumerate(quarters.tolist()):
        end = int(quarters[number + 1]) - 1 if number + 1 < len(quarters) else int(closed[-1])
        runs.append((begin - look_back - offset if begin >= look_back else -1, begin - offset, end - offset))
    return frame.rolled(anchor, x.evaluate, back, lambda panel: smooth(panel, runs))


def _quarter_start(frame: Frame, x: Part, position: Ints) -> Ints:
    anchor = x.anchor
    assert anchor is not None  # noqa: S101
    return frame.track(anchor).axis.base("quarter", np.maximum(position, 0)) + 1


def ema(part: Part) -> Evaluate:
    """``ema(x, n)``: smoothing 2 / (n + 1), from 5n sessions before the quarter."""
    x, count = part.args[0], part.window.count
    alpha = 2.0 / (count + 1)
    quick = ema_from_closed(part, 5 * count, alpha)

    def evaluate(frame: Frame) -> Floats:
        found = quick(frame)
        return _recursion(frame, x, 5 * count, alpha, _as_it_is) if found is None else found

    return evaluate


def _as_it_is(values: Floats) -> Floats:
    return values


def _gains(moves: Floats) -> Floats:
    return np.maximum(moves, 0.0)


def _losses(moves: Floats) -> Floats:
    return np.maximum(-moves, 0.0)


def rsi(part: Part) -> Evaluate:
    """``rsi(x, n)``: Wilder's, smoothing 1 / n, from 10n sessions before the quarter; 50 when nothing moved."""
    x, count = part.args[0], part.window.count

    change = _change_of(x, part)
    quick = rsi_from_closed(part, 10 * count, 1.0 / count)

    def both_ways(moves: Floats, runs: list[Run]) -> Floats:
        width = moves.shape[1]
        both = np.empty((len(moves), 2 * width))
        np.maximum(moves, 0.0, out=both[:, :width])
        np.maximum(-moves, 0.0, out=both[:, width:])
        found = recursion(both, runs, 1.0 / count)
        return strength(found[:, :width], found[:, width:])

    def evaluate(frame: Frame) -> Floats:
        found = quick(frame)
        if found is not None:
            return strength(*found)
        if isinstance(frame, ColumnFrame) and x.anchor is not None and is_steady(x):
            columns = _recursion_over(frame, change, x.anchor, 10 * count, both_ways)
            if columns is not None:
                return columns
        gain = _recursion(frame, change, 10 * count, 1.0 / count, _gains)
        loss = _recursion(frame, change, 10 * count, 1.0 / count, _losses)
        return strength(gain, loss)

    return evaluate


def _change_of(x: Part, part: Part) -> Part:
    """The change of ``x`` from one session to the next, as a part."""
    anchor = x.anchor
    change = Part(x.typed, x.args, unknown, part.owner)
    if anchor is None:
        return change

    def evaluate(frame: Frame) -> Floats:
        now = x.evaluate(frame)
        if x.typed.form == "series":
            return now - frame.ago(anchor, 1)
        position = frame.position(anchor)
        return now - x.evaluate(frame.earlier(anchor, np.where(position > 0, position - 1, NONE)))

    change.evaluate = evaluate
    return change


def atr(part: Part) -> Evaluate:
    """``atr(x, n)``: the mean of the true range, smoothing 1 / n, from 10n sessions before the quarter."""
    x, count = part.args[0], part.window.count
    ref = x.typed.ref
    if ref is None:
        return unknown

    def true_range(frame: Frame) -> Floats:
        position = frame.position(ref)
        before = frame.at(ref.with_field("close"), np.where(position > 0, position - 1, NONE))
        high, low = frame.value(ref.with_field("high")), frame.value(ref.with_field("low"))
        return np.maximum(high, before) - np.minimum(low, before)

    ranges = Part(x.typed, x.args, true_range, part.owner)
    return lambda frame: _recursion(frame, ranges, 10 * count, 1.0 / count, _as_it_is)


def count(part: Part) -> Evaluate:
    """``count(cond, w)``: unknown when the condition is unknown in any session of the window."""
    return windowed(total)(part)


LONGEST_STREAK = 250


def streak(part: Part) -> Evaluate:
    """``streak(cond)``: sessions in a row up to the newest; unknown when an unknown one ends it."""
    condition = part.args[0]
    anchor = condition.anchor
    if anchor is None:
        return unknown

    def evaluate(frame: Frame) -> Floats:
        past = frame.past(anchor, LONGEST_STREAK)
        newest_first = past.rows(condition.evaluate(past))[::-1]
        broken = newest_first != 1
        length = np.where(broken.any(axis=0), np.argmax(broken, axis=0), LONGEST_STREAK)
        end = newest_first[np.minimum(length, LONGEST_STREAK - 1), np.arange(newest_first.shape[1])]
        return np.where(np.isnan(end), np.nan, length.astype(np.float64))

    return in_blocks(evaluate, LONGEST_STREAK)


def _pair(part: Part, combine: Callable[[Floats, Floats, Floats], Floats]) -> Evaluate:
    """A statistic of the session returns of a and b; ``combine`` takes the sums of squares and products."""
    a, b, window = part.args[0], part.args[1], part.window
    left, right = _returns(a, part), _returns(b, part)

    def evaluate(frame: Frame) -> Floats:
        anchor = a.anchor
        if anchor is None:
            return np.full(frame.lanes, np.nan)
        one = stretch(frame, Part(a.typed, a.args, left, part.owner), window)
        other = stretch(frame, Part(a.typed, a.args, right, part.owner), window)
        away, apart = (_kept(found, found.values - _mean(found)) for found in (one, other))
        with np.errstate(all="ignore"):
            result = combine(sum_in_order(away * away), sum_in_order(apart * apart), sum_in_order(away * apart))
        return finite(one.unless_incomplete(other.unless_incomplete(result)))

    return in_blocks(evaluate, window.sessions)


def _returns(x: Part, part: Part) -> Evaluate:
    change = _change_of(x, part)

    def evaluate(frame: Frame) -> Floats:
        now = x.evaluate(frame)
        with np.errstate(all="ignore"):
            moved = change.evaluate(frame)
            return finite(moved / (now - moved))

    return evaluate


def beta(part: Part) -> Evaluate:
    """``beta(a, b, w)``: covariance over the variance of b."""
    return _pair(part, lambda _a, b, product: product / b)


def corr(part: Part) -> Evaluate:
    """``corr(a, b, w)``: Pearson's."""
    return _pair(part, lambda a, b, product: product / np.sqrt(a * b))


BUILDERS: dict[str, Builder] = {
    "sum": windowed(total),
    "mean": windowed(_mean),
    "sma": windowed(_mean),
    "median": windowed(_median),
    "min": windowed(_low),
    "max": windowed(_high),
    "std": windowed(_std),
    "zscore": windowed(_zscore),
    "pctrank": windowed(_pctrank),
    "is_high": windowed(_is_high),
    "is_low": windowed(_is_low),
    "drawdown": windowed(_drawdown),
    "from_high": windowed(_from_high),
    "ema": ema,
    "rsi": rsi,
    "atr": atr,
    "count": count,
    "streak": streak,
    "beta": beta,
    "corr": corr,
}
