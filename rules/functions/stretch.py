"""The values of a window, and sums over them in an order that is the same live and in a backtest.

A window holds the sessions after its start, up to the newest one: ``5d`` the last five, ``this_week`` those of this
week, ``20 bars`` the last twenty known values. A value that is missing inside makes the window unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.evaluation.frames import Frame
from rules.evaluation.history import Floats, Ints
from rules.functions.base import Part, bar_reach, start_of
from rules.language.typed import Window

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stretch:
    """``values`` has a row a session, oldest first, and a column a lane; ``inside`` marks the window's own rows.

    ``inside`` is ``None`` when all are. ``size`` counts them by lane; ``complete`` tells lanes whose window is full.
    """

    values: Floats
    inside: Mask | None
    size: Floats
    complete: Mask

    def unless_incomplete(self, result: Floats) -> Floats:
        """``result``, unknown where the window is not full."""
        return np.where(self.complete, result, np.nan)


def stretch(frame: Frame, x: Part, window: Window) -> Stretch:
    """The window of ``x`` in each lane."""
    anchor = x.anchor
    if anchor is None:
        return _empty(frame)
    if window.unit == "d":
        return _fixed(_matrix(frame, x, window.count))
    if window.unit == "bars":
        return _bars(_matrix(frame, x, bar_reach(window.count)), window.count)
    position = frame.position(anchor)
    start = start_of(frame, anchor, window)
    longest = int(np.max(np.where(start >= 0, position - start, 0), initial=0))
    if longest <= 0:
        return _empty(frame)
    values = _matrix(frame, x, longest)
    return _ragged(values, np.broadcast_to(position - start, values.shape[1:]), start)


def _matrix(frame: Frame, x: Part, rows: int) -> Floats:
    anchor = x.anchor
    assert anchor is not None  # noqa: S101
    past = frame.past(anchor, rows)
    return past.rows(x.evaluate(past))


def _fixed(values: Floats) -> Stretch:
    lanes = values.shape[1]
    return Stretch(values, None, np.full(lanes, float(len(values))), ~np.asarray(np.isnan(values).any(axis=0)))


def _ragged(values: Floats, sizes: Ints, start: Ints) -> Stretch:
    rows = len(values)
    inside = np.arange(rows)[:, None] >= rows - sizes[None, :]
    complete = (start >= 0) & (sizes > 0) & ~(inside & np.isnan(values)).any(axis=0)
    return _chosen(values, inside, complete)


def _bars(values: Floats, count: int) -> Stretch:
    known = ~np.isnan(values)
    inside = known & (np.cumsum(known[::-1], axis=0)[::-1] <= count)
    return _chosen(values, inside, known[-1] & (inside.sum(axis=0) == count))


def _chosen(values: Floats, inside: Mask, complete: Mask) -> Stretch:
    return Stretch(np.where(inside, values, 0.0), inside, inside.sum(axis=0).astype(np.float64), complete)


def _empty(frame: Frame) -> Stretch:
    nothing = np.zeros((1, frame.lanes))
    return Stretch(nothing, None, np.ones(frame.lanes), np.zeros(frame.lanes, np.bool_))


def total(found: Stretch) -> Floats:
    """By pairs over what came before the newest value, then the newest; in order where lanes differ in length."""
    if found.inside is None:
        return np.asarray(sum_by_pairs(found.values[:-1]) + found.values[-1])
    return sum_in_order(found.values)


def sum_in_order(values: Floats) -> Floats:
    """One addition a row, from the oldest to the newest."""
    result: Floats = np.zeros(values.shape[1:])
    for row in values:
        result = result + row
    return result


def sum_by_pairs(values: Floats) -> Floats:
    """The sum of the rows in blocks of powers of two, largest block newest, each halved down to pairs.

    The order depends on the number of rows alone, so that a rolling sum can share the blocks (``rolling``) bit for bit.
    """
    result: Floats = np.zeros(values.shape[1:])
    end = len(values)
    while end:
        length = 1 << (end.bit_length() - 1)
        block = values[end - length : end]
        while len(block) > 1:
            block = block[0::2] + block[1::2]
        result = result + block[0]
        end -= length
    return result
