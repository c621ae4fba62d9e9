"""Windows over whole columns, bit for bit what ``functions.windows`` gives one row at a time.

A kernel takes a matrix of sessions × keys and a length n and returns the value of each full window: n - 1 rows fewer.
The additions are made in the same order as for one window, so the bits are the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.evaluation.history import Floats, Ints
from rules.evaluation.logic import marked

Kernel = Callable[[Floats, int], Floats]
_BLOCK = 128
"""Rows that are added up together: those of a hundred keys stay in the cache between the steps."""


def sums(panel: Floats, count: int) -> Floats:
    """By pairs over what came before the newest value, then the newest."""
    return np.asarray(_sums_by_pairs(panel[:-1], count - 1) + panel[count - 1 :])


def _sums_by_pairs(panel: Floats, count: int) -> Floats:
    """``sum_by_pairs`` of every ``count`` rows: sums of 1, 2, 4, … rows are shared by all windows."""
    rows = len(panel) - count + 1
    if not count:
        return np.zeros((rows, *panel.shape[1:]))
    doubled, length = panel, 1
    blocks: dict[int, Floats] = {1: panel}
    while 2 * length <= count:
        doubled = doubled[:-length] + doubled[length:]
        length *= 2
        blocks[length] = doubled
    end = count - length
    result = blocks[length][end : end + rows]
    while end:
        length = 1 << (end.bit_length() - 1)
        end -= length
        result = result + blocks[length][end : end + rows]
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
        others, now = earlier(panel[:-1], count - 1), panel[count - 1 :]
        found: Floats = better(now, others).astype(np.float64)
        return marked(found, np.isnan(others) | np.isnan(now), np.nan)

    return run


def drawdowns(panel: Floats, count: int) -> Floats:
    """The newest value against the largest."""
    high = highs(panel, count)
    with np.errstate(all="ignore"):
        found: Floats = panel[count - 1 :] / high - 1.0
    return marked(found, high <= 0, np.nan)


def _from_highs(panel: Floats, count: int) -> Floats:
    return 0.0 - drawdowns(panel, count)


def spreads(panel: Floats, count: int) -> Floats:
    """The sample standard deviation, 0 where all values are equal."""
    return _in_blocks(panel, count, lambda part: spread(moments(part[:-1], count - 1), part[count - 1 :], count))


def zscores(panel: Floats, count: int) -> Floats:
    """How many spreads the newest value lies from the mean."""
    return _in_blocks(panel, count, lambda part: zscore(moments(part[:-1], count - 1), part[count - 1 :], count))


def _in_blocks(panel: Floats, count: int, run: Callable[[Floats], Floats]) -> Floats:
    """``run`` over blocks of rows that stay in the cache from one step to the next."""
    result: Floats = np.full((len(panel) - count + 1, *panel.shape[1:]), np.nan)
    if count < 2:
        return result
    with np.errstate(all="ignore"):
        for first in range(0, len(result), _BLOCK):
            own = result[first : first + _BLOCK]
            own[:] = run(panel[first : first + len(own) + count - 1])
    return result


Moments = tuple[Floats, Floats]
"""The mean and the sum of squared distances from it."""


def merged(older: Moments, newer: Moments, sizes: tuple[int, int]) -> Moments:
    """The moments of two neighbouring stretches of ``sizes`` (Chan, Golub and LeVeque 1979); 0 for equal values."""
    (mean, squares), (newer_mean, newer_squares) = older, newer
    one, other = sizes
    away = newer_mean - mean
    middle = np.multiply(away, other / (one + other))
    np.add(middle, mean, out=middle)
    np.multiply(away, away, out=away)
    np.multiply(away, one * other / (one + other), out=away)
    np.add(away, squares, out=away)
    return middle, np.add(away, newer_squares, out=away)


def moments(panel: Floats, count: int) -> Moments:
    """Those of every ``count`` rows, from those of 1, 2, 4, … rows, which all windows share."""
    rows = len(panel) - count + 1
    blocks, length = {1: (panel, np.zeros_like(panel))}, 1
    while 2 * length <= count:
        mean, squares = blocks[length]
        older, newer = (mean[:-length], squares[:-length]), (mean[length:], squares[length:])
        blocks[2 * length] = merged(older, newer, (length, length))
        length *= 2
    end, found = count - length, blocks[length]
    found = (found[0][end : end + rows], found[1][end : end + rows])
    while end:
        length, size = 1 << (end.bit_length() - 1), count - end
        start = end - length
        mean, squares = blocks[length]
        found = merged((mean[start : start + rows], squares[start : start + rows]), found, (length, size))
        end = start
    return found


def spread(earlier: Moments, newest: Floats, count: int) -> Floats:
    """The standard deviation from the moments of all but the newest of ``count`` values, and that one."""
    _, squares = merged(earlier, (newest, np.zeros_like(newest)), (count - 1, 1))
    np.divide(squares, float(count - 1), out=squares)
    return np.sqrt(squares, out=squares)


def zscore(earlier: Moments, newest: Floats, count: int) -> Floats:
    """How many spreads the newest value lies from the mean."""
    mean, squares = merged(earlier, (newest, np.zeros_like(newest)), (count - 1, 1))
    np.divide(squares, float(count - 1), out=squares)
    np.subtract(newest, mean, out=mean)
    return np.divide(mean, np.sqrt(squares, out=squares), out=mean)


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


SPANS: dict[str, tuple[np.ufunc, bool]] = {
    "min": (np.minimum, True),
    "max": (np.maximum, True),
    "drawdown": (np.maximum, True),
    "from_high": (np.maximum, True),
    "is_high": (np.maximum, False),
    "is_low": (np.minimum, False),
}
"""Of functions that look for an extreme: which, and whether the newest value is among those looked at."""


def extremes_between(panel: Floats, first: Ints, last: Ints, better: np.ufunc) -> Floats:
    """The extreme of the rows ``first`` to ``last``, given for each row of the result; NaN where there are none.

    Two stretches of 1, 2, 4, … rows cover each window, whatever its length.
    """
    sizes = last - first + 1
    result: Floats = np.full((len(first), *panel.shape[1:]), np.nan)
    doubled, length, longest = panel, 1, int(sizes.max(initial=0))
    while length <= longest:
        own = np.flatnonzero((sizes >= length) & (sizes < 2 * length))
        result[own] = better(doubled[first[own]], doubled[last[own] - length + 1])
        if 2 * length <= longest:
            doubled = better(doubled[:-length], doubled[length:])
        length *= 2
    return result


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
    silent = int((first - start).min())
    for number in range(int((last - start).max()) + 1):
        row = start + number
        if number:
            values.take(np.minimum(row, last), axis=0, out=away, mode="clip")
            np.subtract(away, smooth, out=away)
            np.multiply(away, alpha, out=away)
            np.add(smooth, away, out=smooth)
        if number >= silent:
            given = (first <= row) & (row <= last)
            result[row[given]] = smooth[given]
    return result
