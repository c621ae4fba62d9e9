"""The past as lanes: every instant of a span at once, for a backtest. A row an instant, a column a member.

It stands on history in which each figure is final and became known at its session's close, so what was known at an
instant are the sessions closed by then. Lanes run row by row; values are flat arrays of rows × members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rules.calendars.axis import Axis
from rules.evaluation.frames import Evaluate, Frame, Members, Track
from rules.evaluation.history import NONE, PRICE_FEED, Column, Floats, History, Ints
from rules.language.scope import Ref

Mask = NDArray[np.bool_]
_CELLS = 2**18


class Figures:
    """The members' own columns side by side, since reading a strip of a wide block again and again misses the cache."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, int], Floats] = {}

    def of(self, column: Column, keys: Ints) -> Floats:
        """All rows of ``column`` for ``keys``, which are one key or all members."""
        name = (id(column), int(keys[0]), len(keys))
        if name not in self._found:
            self._found[name] = np.ascontiguousarray(pick(column.values, keys))
        return self._found[name]


class ColumnFrame(Frame):
    """Instants (microseconds, ascending) × members. ``heard`` marks the lanes that are evaluated, for edges."""

    def __init__(self, history: History, instants: Ints, members: Members | None, width: int) -> None:
        super().__init__(history, instants, len(instants) * width, members)
        self.instants, self.width = instants, width
        self.heard: Mask = np.ones((len(instants), width), np.bool_)
        self._closed: dict[str, Ints] = {}
        self._inner: dict[tuple[str, int], ColumnFrame] = {}
        self.figures = Figures()
        self._missing: dict[tuple[int, int, int], Mask | None] = {}
        self._sources: dict[Ref, Track] = {}

    @cached_property
    def _by_lane(self) -> Ints:
        return np.repeat(self.instants, self.width)

    @property
    def now(self) -> Ints:
        """The instant of each lane."""
        return self._by_lane

    @property
    def rows(self) -> int:
        """The number of instants."""
        return len(self.instants)

    def over_instants(self, instants: Ints, heard: Mask) -> ColumnFrame:
        """The same members at other instants."""
        frame = ColumnFrame(self.history, instants, self.members, self.width)
        frame.heard, frame.figures = heard, self.figures
        return frame

    def forget(self) -> None:
        """Drop the values that were computed, but not where they come from."""
        self.memo.clear()
        self._pasts.clear()
        self._others.clear()
        for frame in self._inner.values():
            frame.forget()

    def blocks(self, sessions: int) -> Iterator[ColumnFrame]:
        """The instants in stretches so short that a window of ``sessions`` of all their lanes fits the cache."""
        step = max(_CELLS // max(sessions * self.width, 1), 1)
        if step >= self.rows:
            yield self
            return
        for first in range(0, self.rows, step):
            cut = slice(first, first + step)
            yield self.over_instants(self.instants[cut], self.heard[cut])

    def until(self, count: int) -> ColumnFrame:
        """The first ``count`` instants."""
        if count == self.rows:
            return self
        return self.over_instants(self.instants[:count], self.heard[:count])

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
        found = self._sources.get(ref)
        if found is None:
            block, keys = self._home(ref)
            own = Track(block.axis, block.column(ref.field), block.leader(ref.field), keys, ref.feed == PRICE_FEED)
            found = self._sources[ref] = own
        return found

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

    def _position(self, ref: Ref) -> Ints:
        track = self.track(ref)
        closed = self.closed(track.axis)
        columns = self._columns(track)
        if not track.prompt:
            found = self._last_known(track, closed, columns)
        elif (missing := self._absent(track)) is None:
            return np.repeat(closed, self.width)
        else:
            found = np.where(missing, NONE, closed[:, None])
        return np.broadcast_to(found, (self.rows, self.width)).ravel()

    def _slab(self, column: Column, sessions: Ints, columns: Ints) -> Floats:
        return _slab(self.figures.of(column, columns), column.first, sessions)

    def _absent(self, track: Track) -> Mask | None:
        """Where the session that closed last has no figure (``None``: nowhere), for a series due at the close."""
        columns = self._columns(track)
        name = (id(track.leader), int(columns[0]), len(columns))
        if name not in self._missing:
            missing = np.isnan(self._slab(track.leader, self.closed(track.axis), columns))
            self._missing[name] = missing if missing.any() else None
        return self._missing[name]

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
        track = self.source(ref)
        if not track.prompt:
            return super().ago(ref, count)
        closed = self.closed(track.axis)
        found = self._slab(track.column, closed - count, track.keys)
        missing = self._absent(track) if count or track.column is not track.leader else None
        if missing is not None:
            found = np.where(missing, np.nan, found)
        return np.broadcast_to(found, (self.rows, self.width)).ravel()

    def rolled(self, ref: Ref, evaluate: Evaluate, back: int, kernel: Callable[[Floats], Floats]) -> Floats | None:
        """``kernel`` over the sessions of ``ref`` from ``back`` before the first instant to the last one's.

        It gets ``evaluate`` as a matrix of sessions × members and returns the newest rows of it. ``None`` where
        sessions have to be looked up lane by lane.
        """
        track = self.source(ref)
        if not track.prompt:
            return None
        closed = self.closed(track.axis)
        sessions = np.arange(int(closed[0]) - back, int(closed[-1]) + 1, dtype=np.int64)
        inner = self._daily(ref.calendar or track.axis.name, sessions, track.axis)
        found = kernel(np.broadcast_to(evaluate(inner), (inner.lanes,)).reshape(len(sessions), self.width))
        rows = closed - int(closed[-1]) - 1 + len(found)
        if len(found) != len(closed) or not _side_by_side(rows):
            found = found[rows]
        missing = self._absent(track)
        if missing is not None:
            found = np.where(missing, np.nan, found)
        return found.ravel()

    def _daily(self, name: str, sessions: Ints, axis: Axis) -> ColumnFrame:
        found = self._inner.get((name, len(sessions)))
        if found is None:
            found = ColumnFrame(self.history, axis.close(sessions), self.members, self.width)
            found._closed[axis.name], found.figures = sessions, self.figures
            self._inner[name, len(sessions)] = found
        return found


def _slab(values: Floats, first: int, sessions: Ints) -> Floats:
    """The rows of ``sessions`` (ascending), NaN outside of what is stored; a view where it can be."""
    row = sessions - first
    inside = (row >= 0) & (row < len(values)) & (sessions >= 0)
    if len(row) and inside.all() and _side_by_side(row):
        return values[int(row[0]) : int(row[-1]) + 1]
    if len(values):
        return np.where(inside[:, None], values[np.where(inside, row, 0)], np.nan)
    return np.full((len(row), values.shape[1]), np.nan)


def _side_by_side(rows: Ints) -> bool:
    return bool((np.diff(rows) == 1).all())


def pick(block: Floats, columns: Ints) -> Floats:
    """Some columns of a matrix; a view where they stand side by side."""
    lo, hi = int(columns[0]), int(columns[-1]) + 1
    return block[:, lo:hi] if hi - lo == len(columns) else block[:, columns]


def in_blocks(evaluate: Evaluate, sessions: int) -> Evaluate:
    """``evaluate``, which looks at ``sessions`` before each instant, a stretch of instants after the other."""

    def run(frame: Frame) -> Floats:
        if not isinstance(frame, ColumnFrame) or not frame.rows:
            return evaluate(frame)
        # One stretch at a time, since each keeps the windows that it looked through.
        found = [np.broadcast_to(evaluate(part), (part.lanes,)) for part in frame.blocks(sessions)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    return run
