"""Windows over whole columns, bit for bit what ``functions.windows`` gives one row at a time.

A kernel takes a matrix of sessions × keys and a length n and returns the value of each full window: n - 1 rows fewer.
The additions are made in the same order as for one window, so the bits are the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.history import Floats
from rules.logic import where

Kernel = Callable[[Floats, int], Floats]
_BLOCK = 128
"""Rows that are added up together: those of a hundred keys stay in the cache between the steps."""


def sums(panel: Floats, count: int) -> Floats:
    """By pairs over what came before the newest value, then the newest."""
    return np.asarray(_sums_by_pairs(panel[:-1], count - 1) + panel[count - 1 :])


def _sums_by_pairs(panel: Floats, count: int) -> Floats:
    """``sum_by_pairs`` of every ``count`` rows: sums of 1, 2, 4, … rows are shared by all windows."""
    rows = len(panel) - count + 1
    result: Floats = np.zeros((rows, *panel.shape[1:]))
    doubled, length = panel, 1
    blocks: dict[int, Floats] = {1: panel}
    while 2 * length <= count:
        doubled = doubled[:-length] + doubled[length:]
        length *= 2
        blocks[length] = doubled
    end = count
    while end:
        length = 1 << (end.bit_length() - 1)
        start = end - length
        result += blocks[length][start : start + rows]
        end -= length
    return result


def means(panel: Floats, count: int) -> Floats:
    """The arithmetic mean."""
    return sums(panel, count) / float(count)


def lows(panel: Floats, count: int) -> Floats:
    """The smallest value; NaN where one is missing."""
    return _extremes(panel, count, np.minimum)


def highs(panel: Floats, count: int) -> Floats:
    """The largest value; NaN where one is missing."""
    return _extremes(panel, count, np.maximum)


def _extremes(panel: Floats, count: int, better: np.ufunc) -> Floats:
    doubled, length = panel, 1
    while 2 * length <= count:
        doubled = better(doubled[:-length], doubled[length:])
        length *= 2
    rows = len(panel) - count + 1
    return np.asarray(better(doubled[:rows], doubled[count - length : count - length + rows]))


def _is_extreme(earlier: Kernel, better: np.ufunc) -> Kernel:
    def run(panel: Floats, count: int) -> Floats:
        if count < 2:
            return np.full(panel.shape, np.nan)
        others = earlier(panel[:-1], count - 1)
        now = panel[count - 1 :]
        return np.where(np.isnan(others) | np.isnan(now), np.nan, better(now, others).astype(np.float64))

    return run


def drawdowns(panel: Floats, count: int) -> Floats:
    """The newest value against the largest."""
    high = highs(panel, count)
    with np.errstate(all="ignore"):
        return np.where(high > 0, panel[count - 1 :] / high - 1.0, np.nan)


def _from_highs(panel: Floats, count: int) -> Floats:
    return 0.0 - drawdowns(panel, count)


def spreads(panel: Floats, count: int) -> Floats:
    """The sample standard deviation, 0 where all values are equal."""
    return _spreads(panel, count, _sums_by_pairs(panel[:-1], count - 1))


def _spreads(panel: Floats, count: int, before: Floats) -> Floats:
    earlier, newest = panel[:-1], panel[count - 1 :]
    mean = before / float(count - 1)
    squares: Floats = np.zeros(mean.shape)
    for first in range(0, len(mean), _BLOCK):
        _add_squares(squares[first : first + _BLOCK], panel[first:], mean[first : first + _BLOCK], count - 1)
    return spread((mean, squares), (lows(earlier, count - 1), highs(earlier, count - 1)), newest, count)


def _add_squares(squares: Floats, panel: Floats, mean: Floats, count: int) -> None:
    """The squared distances of ``count`` rows from the mean, added to ``squares`` from the oldest on."""
    away = np.empty_like(mean)
    for row in range(count):
        np.subtract(panel[row : row + len(mean)], mean, out=away)
        np.multiply(away, away, out=away)
        squares += away


def zscores(panel: Floats, count: int) -> Floats:
    """How many spreads the newest value lies from the mean."""
    newest, before = panel[count - 1 :], _sums_by_pairs(panel[:-1], count - 1)
    with np.errstate(all="ignore"):
        found: Floats = (newest - (before + newest) / float(count)) / _spreads(panel, count, before)
    return np.where(np.isfinite(found), found, np.nan)


def spread(moments: tuple[Floats, Floats], ends: tuple[Floats, Floats], newest: Floats, count: int) -> Floats:
    """The standard deviation from mean and squares, lowest and highest of all but the newest value, and that one."""
    (mean, squares), (low, high) = moments, ends
    away = newest - mean
    whole = squares + away * (newest - (mean + away / float(count)))
    uneven = (low != high) | (low != newest)
    with np.errstate(all="ignore"):
        return where(uneven, np.sqrt(whole / (float(count) - 1)), 0.0)


KERNELS: dict[str, Kernel] = {
    "sum": sums,
    "mean": means,
    "sma": means,
    "min": lows,
    "max": highs,
    "std": spreads,
    "zscore": zscores,
    "is_high": _is_extreme(highs, np.greater),
    "is_low": _is_extreme(lows, np.less),
    "drawdown": drawdowns,
    "from_high": _from_highs,
}


Run = tuple[int, int, int]
"""Rows: where a recursion starts (-1: before all history), and the first and last row that it gives."""


def recursion(values: Floats, runs: list[Run], alpha: float) -> Floats:
    """Smoothed values by quarter: each run goes from row ``start`` and gives the rows ``first`` to ``last``.

    All runs take each step together, since a step costs no less for one run. Rows that no quarter gives are NaN.
    """
    result = np.full(values.shape, np.nan)
    usable = [run for run in runs if run[0] >= 0]
    if not usable:
        return result
    start, first, last = np.array(usable, np.int64).T
    smooth, away = values[start], np.empty((len(usable), values.shape[1]))
    for number in range(int((last - start).max()) + 1):
        row = start + number
        if number:
            np.take(values, np.minimum(row, last), axis=0, out=away, mode="clip")
            np.subtract(away, smooth, out=away)
            np.multiply(away, alpha, out=away)
            np.add(smooth, away, out=smooth)
        given = (first <= row) & (row <= last)
        if given.any():
            result[row[given]] = smooth[given]
    return result
