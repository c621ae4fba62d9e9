"""Where an expression is evaluated: a row of lanes, each a member at an instant, and what every series was there.

One evaluator serves live and backtest because both hand it a frame. A frame tells, for every series, the number of the
newest session that was known; a value is always a float64 array with one entry a lane (or one for all lanes), NaN where
unknown, and conditions are 1, 0 or NaN. Operations are elementwise, so a lane's bits don't depend on its neighbours.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rules.calendars.axis import Axis
from rules.evaluation.history import NONE, PRICE_FEED, Block, Column, Floats, History, Ints
from rules.language.scope import Ref

Evaluate = Callable[["Frame"], Floats]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Track:
    """A ``Ref`` found in a history: a column and, for each lane, the number of the key."""

    axis: Axis
    column: Column
    leader: Column
    keys: Ints
    prompt: bool
    """Whether a session that closed without a figure makes it unknown: true of prices, which are due at the close."""


_NUMBERS = itertools.count(1)


class Members:
    """The symbols that ``it`` stands for, all on one calendar."""

    def __init__(self, symbols: tuple[str, ...], axis: Axis) -> None:
        self.symbols = symbols
        self.axis = axis
        self.number = next(_NUMBERS)
        self.part_of: tuple[Members, Ints] | None = None
        self._found: dict[str, tuple[Block, Ints] | None] = {}
        self._history: History | None = None

    def in_feed(self, history: History, feed: str) -> tuple[Block, Ints] | None:
        """The block that holds the members in ``feed`` and their numbers there."""
        if self.part_of is not None:
            members, lanes = self.part_of
            known = members.in_feed(history, feed)
            return None if known is None else (known[0], known[1][lanes])
        if history is not self._history:
            self._found, self._history = {}, history
        if feed not in self._found:
            homes = [history.home(feed, symbol) for symbol in self.symbols]
            found = [home for home in homes if home is not None]
            whole = found and len(found) == len(homes) and all(home[0] is found[0][0] for home in found)
            self._found[feed] = (found[0][0], np.array([home[1] for home in found], np.int64)) if whole else None
        return self._found[feed]

    @classmethod
    def of(cls, history: History, symbols: tuple[str, ...]) -> Members:
        """Symbols that share a calendar, which is that of their prices."""
        found = history.lists.get(symbols)
        if isinstance(found, cls):
            return found
        home = history.home(PRICE_FEED, symbols[0])
        if home is None:
            raise LookupError(f"the prices of {symbols[0]} were not declared")
        found = history.lists[symbols] = cls(symbols, home[0].axis)
        return found

    def at(self, lanes: Ints) -> Members:
        """Some of the members."""
        some = Members(tuple(self.symbols[lane] for lane in lanes), self.axis)
        some.part_of = (self, lanes)
        return some


class EdgeMemory(Protocol):
    """On which side each lane was when it was last known, by edge."""

    def recall(self, edge: str) -> tuple[Floats, Ints] | None:
        """Sides (-1, 0 for not yet known, 1) and the session in which each was taken."""
        ...

    def keep(self, edge: str, sides: Floats, sessions: Ints) -> None:
        """Remember the sides after this evaluation."""
        ...


class Frame(ABC):
    """Lanes at instants (microseconds since 1970 UTC, one or one a lane), reading one history."""

    def __init__(self, history: History, now: Ints, lanes: int, members: Members | None = None) -> None:
        self.history = history
        self._now = now
        self.lanes = lanes
        self.members = members
        self.memo: dict[str, Floats] = {}
        self.positions: dict[Ref, Ints] = {}
        self.tracks: dict[Ref, Track] = {}
        self.edges: EdgeMemory | None = None
        self._days: dict[Ref, Ints] = {}
        self._pasts: dict[tuple[Ref, int], PastFrame] = {}
        self._others: dict[tuple[str, ...], tuple[Frame, ...]] = {}

    @property
    def now(self) -> Ints:
        """The instants, one or one a lane."""
        return self._now

    @property
    def shared(self) -> Frame:
        """The frame for what doesn't depend on ``it``."""
        return self

    def over(self, symbols: tuple[str, ...]) -> tuple[Frame, ...]:
        """Frames in which ``it`` stands for ``symbols``: several of them in the present, else one a frame."""
        found = self._others.get(symbols)
        if found is None:
            found = self._others[symbols] = tuple(self._over(symbols))
        return found

    def _over(self, symbols: tuple[str, ...]) -> Iterator[Frame]:
        for symbol in symbols:
            yield self.with_members(Members.of(self.history, (symbol,)))

    @abstractmethod
    def with_members(self, members: Members) -> Frame:
        """``it`` stands for ``members``: one symbol in all lanes; in the present, a lane for each."""

    def track(self, ref: Ref) -> Track:
        """Where ``ref`` lives."""
        found = self.tracks.get(ref)
        if found is None:
            block, keys = self._home(ref)
            prompt = ref.feed == PRICE_FEED
            found = self.tracks[ref] = Track(block.axis, block.column(ref.field), block.leader(ref.field), keys, prompt)
        return found

    def _home(self, ref: Ref) -> tuple[Block, Ints]:
        if ref.key:
            home = self.history.home(ref.feed, ref.key)
            found = None if home is None else (home[0], np.array([home[1]], np.int64))
        else:
            found = None if self.members is None else self.members.in_feed(self.history, ref.feed)
        if found is None:
            raise LookupError(f"the series {ref} was not declared")
        return found

    def position(self, ref: Ref) -> Ints:
        """The session number of the newest known figure in each lane, ``NONE`` without one or when it is overdue."""
        found = self.positions.get(ref)
        if found is None:
            found = self.positions[ref] = self._position(ref)
        return found

    @abstractmethod
    def _position(self, ref: Ref) -> Ints:
        """``position``, found for the first time."""

    def day(self, ref: Ref) -> Ints:
        """The date of ``position`` in days since 1970, -1 without one."""
        found = self._days.get(ref)
        if found is None:
            position = self.position(ref)
            found = self._days[ref] = np.where(position == NONE, -1, self.track(ref).axis.days(position))
        return found

    def newest(self, ref: Ref) -> Ints:
        """Like ``position``, overdue or not."""
        return self.position(ref)

    def value(self, ref: Ref) -> Floats:
        """The newest known figure in each lane."""
        track = self.track(ref)
        return track.column.gather(self.position(ref), track.keys)

    def at(self, ref: Ref, index: Ints) -> Floats:
        """The figure of session ``index`` in each lane."""
        track = self.track(ref)
        return track.column.gather(index, track.keys)

    def ago(self, ref: Ref, count: int) -> Floats:
        """The figure ``count`` sessions before the newest in each lane."""
        position = self.position(ref)
        return self.at(ref, np.where(position == NONE, NONE, np.maximum(position - count, NONE)))

    def past(self, ref: Ref, count: int) -> PastFrame:
        """The last ``count`` sessions of ``ref`` up to each lane's newest, oldest first: ``count`` × lanes."""
        found = self._pasts.get((ref, count))
        if found is None:
            found = self._pasts[ref, count] = self._past(ref, count)
        return found

    def _past(self, ref: Ref, count: int) -> PastFrame:
        newest = np.broadcast_to(self.position(ref), (max(self.lanes, len(self.position(ref))),))
        rows = newest[None, :] - np.arange(count - 1, -1, -1, dtype=np.int64)[:, None]
        index = np.where(newest[None, :] == NONE, NONE, np.maximum(rows, NONE))
        return PastFrame(self, self.track(ref).axis, index, present=True)

    def earlier(self, ref: Ref, index: Ints) -> PastFrame:
        """The lanes as they stood at the close of session ``index`` of the calendar of ``ref``."""
        whole = np.broadcast_to(index, (max(self.lanes, len(index)),))
        return PastFrame(self, self.track(ref).axis, whole[None, :], present=False)


class NowFrame(Frame):
    """The present: each series at its newest figure, or, when ``settled``, at that of the last closed session."""

    settled = False

    def __init__(self, history: History, now: Ints, lanes: int, members: Members | None = None) -> None:
        super().__init__(history, now, lanes, members)
        self._values: dict[Ref, Floats] = {}
        self._absent: dict[Ref, Mask | None] = {}
        self._common: dict[Ref, int] = {}
        self._about: dict[tuple[int, bytes], NowFrame] = {}

    @cached_property
    def _shared(self) -> Frame:
        frame = NowFrame(self.history, self.now, 1)
        frame.settled = self.settled
        return frame

    @property
    def shared(self) -> Frame:
        """The one-lane frame for what doesn't depend on ``it``."""
        return self._shared if self.members is not None else self

    def _over(self, symbols: tuple[str, ...]) -> Iterator[Frame]:
        by_axis: dict[str, list[str]] = {}
        for symbol in symbols:
            by_axis.setdefault(Members.of(self.history, (symbol,)).axis.name, []).append(symbol)
        for own in by_axis.values():
            yield self.with_members(Members.of(self.history, tuple(own)))

    def with_members(self, members: Members) -> Frame:
        """A frame with a lane for each of ``members``."""
        shared = self.shared
        return shared.about(members) if isinstance(shared, NowFrame) else self.about(members)

    def about(self, members: Members, lanes: Ints | None = None) -> NowFrame:
        """A lane for each of ``members``, or for some of them; the same one for all rules that ask."""
        key = (members.number, b"" if lanes is None else lanes.tobytes())
        found = self._about.get(key)
        if found is None:
            own = members if lanes is None else members.at(lanes)
            found = self._about[key] = NowFrame(self.history, self.now, len(own.symbols), own)
            found.share(self)
            found.settled = self.settled
        return found

    def beside(self, edges: EdgeMemory) -> NowFrame:
        """The same lanes and what is known of them, with a rule's own memory."""
        found = NowFrame(self.history, self.now, self.lanes, self.members)
        found.memo, found.positions, found.tracks = self.memo, self.positions, self.tracks
        found._pasts, found._others = self._pasts, self._others
        found._values, found._absent, found._days = self._values, self._absent, self._days
        found._common = self._common
        if self.members is not None:
            found.share(self.shared)
        found.settled, found.edges = self.settled, edges
        return found

    def absent(self, ref: Ref) -> Mask | None:
        """Which lanes have no position; ``None`` where all have one."""
        if ref not in self._absent:
            mask = None if self.common(ref) != NONE else self.position(ref) == NONE
            self._absent[ref] = mask if mask is not None and mask.any() else None
        return self._absent[ref]

    def common(self, ref: Ref) -> int:
        """The position of all lanes where they share one, as they do in the middle of a session; else ``NONE``."""
        found = self._common.get(ref)
        if found is None:
            track = self.track(ref)
            last = self._last(track)
            found = int(last[0])
            if (len(last) > 1 and (last != found).any()) or (
                track.prompt and found < int(track.axis.closed(self.now)[0])
            ):
                found = NONE
            self._common[ref] = found
        return found

    def day(self, ref: Ref) -> Ints:
        """The date of ``position`` in days since 1970, one for all lanes where they share it; -1 without one."""
        common = self.common(ref)
        if common == NONE:
            return super().day(ref)
        return self.track(ref).axis.days(np.array([common]))

    def share(self, frame: Frame) -> None:
        """Use ``frame`` for what doesn't depend on ``it``, so that rules evaluated together compute it once."""
        self.__dict__["_shared"] = frame

    def value(self, ref: Ref) -> Floats:
        """The newest known figure in each lane."""
        found = self._values.get(ref)
        if found is None:
            common = self.common(ref)
            found = self._values[ref] = super().value(ref) if common == NONE else self._row(ref, common)
        return found

    def _row(self, ref: Ref, session: int) -> Floats:
        track = self.track(ref)
        row = session - track.column.first
        if 0 <= row < len(track.column.values):
            found: Floats = track.column.values[row].take(track.keys)
            return found
        return np.full(len(track.keys), np.nan)

    def newest(self, ref: Ref) -> Ints:
        """The session number of the newest figure, overdue or not."""
        return self._last(self.track(ref))

    def _last(self, track: Track) -> Ints:
        last = track.leader.last[track.keys]
        return np.minimum(last, track.axis.closed(self.now)) if self.settled else last

    def _position(self, ref: Ref) -> Ints:
        track = self.track(ref)
        last = self._last(track)
        if not track.prompt:
            return last
        due = track.axis.closed(self.now)
        return np.where(last < due, NONE, last)


class PastFrame(Frame):
    """Sessions of one calendar, ``count`` rows a lane of another frame; the last may be that frame's present."""

    def __init__(self, parent: Frame, axis: Axis, index: Ints, *, present: bool) -> None:
        count, lanes = index.shape
        self.index = index.ravel()
        closes = axis.close(self.index)
        if present:
            closes[-lanes:] = np.broadcast_to(parent.now, (lanes,))
        super().__init__(parent.history, closes, count * lanes, parent.members)
        self.parent, self.axis, self.count, self.width, self.present = parent, axis, count, lanes, present

    def track(self, ref: Ref) -> Track:
        """Where ``ref`` lives; the members repeat with each row."""
        found = self.tracks.get(ref)
        if found is None:
            own = self.parent.track(ref)
            keys = own.keys if len(own.keys) == 1 else np.tile(own.keys, self.count)
            found = self.tracks[ref] = Track(own.axis, own.column, own.leader, keys, own.prompt)
        return found

    def _position(self, ref: Ref) -> Ints:
        """The row's own session on its calendar, elsewhere the last one closed by then; the present in the last row."""
        track = self.track(ref)
        if track.axis is self.axis:
            return self.index
        found = np.where(self.index == NONE, NONE, track.axis.closed(self.now))
        if self.present:
            found[-self.width :] = np.broadcast_to(self.parent.position(ref), (self.width,))
        return found

    def with_members(self, members: Members) -> Frame:
        """The same lanes, with ``it`` standing for one symbol in all of them."""
        (parent,) = self.parent.over(members.symbols)
        return PastFrame(parent, self.axis, self.index.reshape(self.count, self.width), present=self.present)

    def rows(self, values: Floats) -> Floats:
        """Values of this frame as a matrix: a row a session, oldest first, a column a lane."""
        return np.broadcast_to(values, (self.lanes,)).reshape(self.count, self.width)
