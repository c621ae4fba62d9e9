"""The past as lanes: every instant of a span at once, for a backtest. A row an instant, a column a member.

It stands on history in which each figure is final and became known at its session's close, so what was known at an
instant are the sessions closed by then. Lanes run row by row; values are flat arrays of rows × members.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rules.axis import Axis
from rules.frames import Evaluate, Frame, Members, Track
from rules.history import NONE, PRICE_FEED, Floats, History, Ints
from rules.language.scope import Ref

Mask = NDArray[np.bool_]


class ColumnFrame(Frame):
    """Instants (microseconds, ascending) × members. ``heard`` marks the lanes that are evaluated, for edges."""

    def __init__(self, history: History, instants: Ints, members: Members | None, width: int) -> None:
        super().__init__(history, instants, len(instants) * width, members)
        self.instants, self.width = instants, width
        self.now = np.repeat(instants, width) if width > 1 else instants
        self.heard: Mask = np.ones((len(instants), width), np.bool_)
        self._closed: dict[str, Ints] = {}
        self._inner: dict[tuple[str, int], ColumnFrame] = {}

    @property
    def rows(self) -> int:
        """The number of instants."""
        return len(self.instants)

    def with_members(self, members: Members) -> Frame:
        """The same lanes, with ``it`` standing for one symbol in all of them."""
        frame = ColumnFrame(self.history, self.instants, members, self.width)
        frame.heard = self.heard
        return frame

    def closed(self, axis: Axis) -> Ints:
        """The last session closed by each instant."""
        if axis.name not in self._closed:
            self._closed[axis.name] = axis.closed(self.instants)
        return self._closed[axis.name]

    def source(self, ref: Ref) -> Track:
        """Where ``ref`` lives, with each member once."""
        block, keys = self._home(ref)
        return Track(block.axis, block.column(ref.field), block.leader(ref.field), keys, ref.feed == PRICE_FEED)

    def track(self, ref: Ref) -> Track:
        """Where ``ref`` lives; members repeat in every row."""
        found = self.tracks.get(ref)
        if found is None:
            own = self.source(ref)
            keys = np.tile(own.keys, self.rows) if len(own.keys) > 1 else own.keys
            found = self.tracks[ref] = Track(own.axis, own.column, own.leader, keys, own.prompt)
        return found

    def _columns(self, track: Track) -> Ints:
        return track.keys[: self.width] if len(track.keys) > 1 else track.keys

    def _position(self, track: Track) -> Ints:
        closed = self.closed(track.axis)
        columns = self._columns(track)
        if track.prompt:
            missing = np.isnan(_slab(track.leader.values, track.leader.first, closed, columns))
            found = np.where(missing, NONE, closed[:, None])
        else:
            found = self._last_known(track, closed, columns)
        return np.broadcast_to(found, (self.rows, self.width)).ravel()

    @staticmethod
    def _last_known(track: Track, closed: Ints, columns: Ints) -> Ints:
        leader = track.leader
        known = ~np.isnan(pick(leader.values, columns))
        number = np.arange(len(known), dtype=np.int64)[:, None] + leader.first
        newest = np.maximum.accumulate(np.where(known, number, NONE), axis=0)
        row = np.clip(closed - leader.first, -1, len(known) - 1)
        return np.where(row[:, None] < 0, NONE, newest[np.maximum(row, 0)])

    def value(self, ref: Ref) -> Floats:
        """The newest known figure in each lane."""
        return self.ago(ref, 0)

    def ago(self, ref: Ref, count: int) -> Floats:
        """The figure ``count`` sessions before the newest in each lane."""
        track = self.track(ref)
        if not track.prompt:
            return super().ago(ref, count)
        closed = self.closed(track.axis)
        found = _slab(track.column.values, track.column.first, closed - count, self._columns(track))
        if count or track.column is not track.leader:
            position = self.position(ref).reshape(self.rows, self.width)
            found = np.where(position == NONE, np.nan, found)
        return np.broadcast_to(found, (self.rows, self.width)).ravel()

    def rolled(self, ref: Ref, evaluate: Evaluate, back: int, kernel: Callable[[Floats], Floats]) -> Floats | None:
        """``kernel`` over the sessions of ``ref`` from ``back`` before the first instant to the last one's.

        It gets ``evaluate`` as a matrix of sessions × members and returns the newest rows of it. ``None`` where
        sessions have to be looked up lane by lane.
        """
        track = self.track(ref)
        if not track.prompt:
            return None
        closed = self.closed(track.axis)
        sessions = np.arange(int(closed[0]) - back, int(closed[-1]) + 1, dtype=np.int64)
        inner = self._daily(ref.calendar or track.axis.name, sessions, track.axis)
        found = kernel(np.broadcast_to(evaluate(inner), (inner.lanes,)).reshape(len(sessions), self.width))
        taken = found[closed - int(closed[-1]) - 1 + len(found)]
        position = self.position(ref).reshape(self.rows, self.width)
        return np.where(position == NONE, np.nan, taken).ravel()

    def _daily(self, name: str, sessions: Ints, axis: Axis) -> ColumnFrame:
        found = self._inner.get((name, len(sessions)))
        if found is None:
            found = ColumnFrame(self.history, axis.close(sessions), self.members, self.width)
            found._closed[axis.name] = sessions
            self._inner[name, len(sessions)] = found
        return found


def _slab(values: Floats, first: int, sessions: Ints, columns: Ints) -> Floats:
    """The rows of ``sessions`` (ascending) for some keys, NaN outside of what is stored; a view where it can be."""
    row = sessions - first
    inside = (row >= 0) & (row < len(values)) & (sessions >= 0)
    if len(row) and inside.all() and int(row[-1]) - int(row[0]) == len(row) - 1:
        block = values[int(row[0]) : int(row[-1]) + 1]
    elif len(values):
        return np.where(inside[:, None], pick(values, columns)[np.where(inside, row, 0)], np.nan)
    else:
        block = np.full((len(row), values.shape[1]), np.nan)
    return pick(block, columns)


def pick(block: Floats, columns: Ints) -> Floats:
    """Some columns of a matrix; a view where they stand side by side."""
    lo, hi = int(columns[0]), int(columns[-1]) + 1
    return block[:, lo:hi] if hi - lo == len(columns) else block[:, columns]
