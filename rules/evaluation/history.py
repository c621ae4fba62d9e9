"""What is known of every series, as dense columns: one row a session of the series' calendar, one column a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.calendars.axis import Axis, micros
from rules.model import Observation, SeriesName, Status

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NONE: Final = -1
PRICE_FEED: Final = "prices"
BAR_FIELDS: Final = ("open", "high", "low", "close", "volume")
STATUSES: Final = tuple(Status)
_FINAL, _PARTIAL = STATUSES.index(Status.FINAL), STATUSES.index(Status.PARTIAL)
_MARGIN_ROWS = 64


class Column:
    """One field of one block: a row per session, a column per key, NaN where nothing is known.

    ``last`` is the session number of each key's newest figure (``NONE`` without one), ``at`` and ``known`` its times in
    microseconds, ``before`` the time of the figure before it, ``status`` its firmness, ``revised`` whether it replaced
    another value of the same session.
    """

    def __init__(self, keys: int, epochs: list[int] | None = None) -> None:
        self.first = 0
        self.values: Floats = np.full((0, keys), np.nan)
        self.last: Ints = np.full(keys, NONE, np.int64)
        self.at: Ints = np.zeros(keys, np.int64)
        self.before: Ints = np.zeros(keys, np.int64)
        self.known: Ints = np.zeros(keys, np.int64)
        self.status: NDArray[np.int8] = np.full(keys, _FINAL, np.int8)
        self.revised: NDArray[np.bool_] = np.zeros(keys, np.bool_)
        self.sources: list[str] = [""] * keys
        self.versions: Ints = np.zeros(keys, np.int64)
        """By key, counts changes of anything but the newest session's value: what a cache of closed bars looks at."""
        self.generation = 0
        """Counts the changes of ``versions``."""
        self.epochs = [0] * keys if epochs is None else epochs
        """By key, counts all changes but those that ``Running`` makes; one for all fields of a block."""

    def cell(self, index: int, key: int) -> float:
        """The value of session ``index``, NaN when unknown."""
        row = index - self.first
        return float(self.values[row, key]) if 0 <= row < len(self.values) else float("nan")

    def gather(self, index: Ints, keys: Ints) -> Floats:
        """The values of sessions ``index`` for ``keys``, broadcast against each other."""
        row = index - self.first
        if not len(self.values):
            return np.full(np.broadcast_shapes(index.shape, keys.shape), np.nan)
        if row.shape == keys.shape and row.size and row.min() >= 0 and row.max() < len(self.values):
            found: Floats = self.values.ravel().take(row * self.values.shape[1] + keys)
            return found
        known = (row >= 0) & (row < len(self.values)) & (index >= 0)
        return np.where(known, self.values[np.where(known, row, 0), keys], np.nan)

    def _turn(self, keys: int | list[int]) -> None:
        """What follows from the closed bars of ``keys`` has to be found again."""
        self.versions[keys] += 1
        self.generation += 1

    def reserve(self, index: int) -> None:
        """Make room for session ``index``."""
        if not len(self.values):
            self.first = max(index - 4 * _MARGIN_ROWS, 0)
            self.values = np.full((index - self.first + _MARGIN_ROWS, self.values.shape[1]), np.nan)
        row = index - self.first
        if row < 0:
            more = min(max(-row, len(self.values) // 2), self.first)
            self.values = np.vstack([np.full((more, self.values.shape[1]), np.nan), self.values])
            self.first -= more
        elif row >= len(self.values):
            more = max(row + 1 - len(self.values), _MARGIN_ROWS, len(self.values) // 2)
            self.values = np.vstack([self.values, np.full((more, self.values.shape[1]), np.nan)])

    def fill(self, key: int, index: Ints, values: Floats, closes: Ints) -> None:
        """Store final figures of sessions ``index`` (ascending), each known at its close, over what was there."""
        if not len(index):
            return
        self.reserve(int(index[0]))
        self.reserve(int(index[-1]))
        self.values[index - self.first, key] = values
        known = np.flatnonzero(~np.isnan(values))
        if len(known):
            newest = known[-1]
            self.last[key], self.at[key], self.known[key] = index[newest], closes[newest], closes[newest]
            self.before[key] = closes[known[-2]] if len(known) > 1 else 0
        self._turn(key)
        self.epochs[key] += 1

    def copy_from(self, other: Column, to: list[int], keys: list[int]) -> None:
        """Take over the columns ``keys`` of another column as ``to``."""
        if len(other.values):
            self.reserve(other.first)
            self.reserve(other.first + len(other.values) - 1)
            row = other.first - self.first
            self.values[row : row + len(other.values), to] = other.values[:, keys]
        for name in ("last", "at", "before", "known", "status", "revised"):
            getattr(self, name)[to] = getattr(other, name)[keys]
        for ours, theirs in zip(to, keys, strict=True):
            self.sources[ours] = other.sources[theirs]
            self.epochs[ours] += 1
        self._turn(to)

    def write(self, index: int, key: int, value: float, seen: Observation) -> bool:
        """Store a figure of session ``index``; return whether anything changed."""
        self.reserve(index)
        self.epochs[key] += 1
        row = index - self.first
        old = self.values[row, key]
        status = STATUSES.index(seen.status)
        newest = index >= self.last[key]
        same = bool(old == value) or bool(np.isnan(old) and np.isnan(value))
        if same and (not newest or (index == self.last[key] and status == self.status[key])):
            return self._seen_again(index, key, seen)
        self.values[row, key] = value
        if newest:
            self._newest(index, key, status, seen, replaced=not same and not np.isnan(old))
        else:
            self._turn(key)
        return True

    def _seen_again(self, index: int, key: int, seen: Observation) -> bool:
        """A repeat changes no value; a tick at the old price is still a tick, so its time counts."""
        if index == self.last[key] and seen.status is Status.PARTIAL and micros(seen.at) > self.at[key]:
            self.before[key], self.at[key] = self.at[key], micros(seen.at)
            return True
        return False

    def _newest(self, index: int, key: int, status: int, seen: Observation, *, replaced: bool) -> None:
        moved = index != self.last[key]
        at = micros(seen.at)
        again = replaced and self.status[key] == _FINAL and at <= self.at[key]
        self.revised[key] = not moved and (bool(self.revised[key]) or bool(again))
        if moved:
            self._turn(key)
        if self.last[key] != NONE and at > self.at[key]:
            self.before[key] = self.at[key]
        self.last[key] = index
        self.at[key], self.known[key], self.status[key] = at, micros(seen.known_at), status
        self.sources[key] = seen.source


@dataclass(slots=True)
class Closed:
    """Figures that follow from closed bars alone, a row of each by lane, and the version of each lane's bars."""

    versions: Ints
    figures: Floats
    generation: int = -1
    """That of the column when all lanes were last found up to date."""


class Block:
    """All fields of one feed for the keys that share a calendar."""

    def __init__(self, feed: str, axis: Axis, keys: Mapping[str, int]) -> None:
        self.feed = feed
        self.axis = axis
        self.keys = keys
        self.columns: dict[str, Column] = {}
        self._epochs = [0] * len(keys)

    def column(self, field: str) -> Column:
        """The column of ``field``, made when first asked for."""
        found = self.columns.get(field)
        if found is None:
            found = self.columns[field] = Column(len(self.keys), self._epochs)
        return found

    def leader(self, field: str) -> Column:
        """The column whose newest session is the present one for ``field``: the close for every field of a bar."""
        return self.column("close") if self.feed == PRICE_FEED else self.column(field)


@dataclass(frozen=True, slots=True)
class Applied:
    """A figure that was new: where it went, and whether it replaced a final figure."""

    feed: str
    key: str
    field: str
    session: int
    revision: bool


class Running:
    """The running session of a price in plain numbers: what the next tick of it is compared with.

    It does what ``Column.write`` does with a newer tick of the same session, and leaves everything else to it.
    """

    __slots__ = (
        "_applied",
        "_at",
        "_begin",
        "_end",
        "_epoch",
        "_high",
        "_index",
        "_low",
        "_price",
        "block",
        "key",
        "name",
        "overdue_at",
        "version",
    )

    def __init__(self, name: tuple[str, str, str], block: Block, key: int) -> None:
        self.name, self.block, self.key = name, block, key
        """Feed, key and field."""
        self._epoch = -1
        self.overdue_at = 0
        """The instant (microseconds) at which the newest figure is overdue: the close of the session after it."""
        self.version = -1
        """Counts changes of its closed bars; when it is not up to date, no tick is taken."""

    def refresh(self, applied: Applied) -> None:
        """Look at what was written otherwise."""
        column, axis, index = self.block.column("close"), self.block.axis, applied.session
        self._epoch = -1
        if column.last[self.key] != index or column.status[self.key] != _PARTIAL or applied.revision:
            return
        price = column.cell(index, self.key)
        if not isfinite(price):
            return
        self._applied, self._index, self._price, self._at = applied, index, price, int(column.at[self.key])
        self._begin, self._end = axis.open_of(index), axis.open_of(index + 1)
        self.overdue_at = axis.close_of(index + 1)
        self._look_at_bar()
        self.version, self._epoch = int(column.versions[self.key]), column.epochs[self.key]

    def _look_at_bar(self) -> None:
        high, low = (self.block.column(field) for field in ("high", "low"))
        self._high, self._low = (
            column.cell(self._index, self.key) if column.last[self.key] == self._index else nan
            for column in (high, low)
        )

    def take(self, seen: Observation, at: int) -> bool | None:
        """Take a tick that happened ``at``; whether it is new, ``None`` when it is not for this and was not taken."""
        column, key, price = self.block.column("close"), self.key, seen.value
        if self._epoch != column.epochs[key] or seen.status is not Status.PARTIAL or price is None:
            return None
        if not self._begin <= at < self._end or not isfinite(price):
            return None
        if at < self._at:
            return False
        if not self._low <= price <= self._high:
            _grow_bar(self.block, key, self._index, price, seen)
            self._look_at_bar()
            self._epoch = column.epochs[key]
        if at > self._at:
            column.before[key], column.at[key] = self._at, at
        elif price == self._price:
            return False
        self._at = at
        if price != self._price:
            column.values[self._index - column.first, key] = self._price = price
            column.known[key], column.sources[key] = micros(seen.known_at), seen.source
        return True

    @property
    def applied(self) -> Applied:
        """Where its ticks go."""
        return self._applied


class History:
    """Every series that some rule reads. Others are ignored, so memory grows with the rules, not with the feeds."""

    def __init__(self, axes: Mapping[str, Axis]) -> None:
        self.axes = axes
        self.blocks: dict[tuple[str, str], Block] = {}
        self.closed: dict[tuple[str, int], Closed] = {}
        """What ``functions.closed`` keeps of closed bars, by expression and members."""
        self.lists: dict[tuple[str, ...], object] = {}
        """What ``frames.Members`` knows of lists of symbols."""
        self.running: dict[str, Running] = {}
        """By name of a price's series."""
        self._homes: dict[tuple[str, str], tuple[Block, int]] = {}

    def declare(self, feed: str, axis: Axis, keys: list[str]) -> Block:
        """Make room for ``keys`` of ``feed`` on ``axis``; call it once for each pair of feed and calendar."""
        block = Block(feed, axis, {key: number for number, key in enumerate(keys)})
        self.blocks[feed, axis.name] = block
        for key, number in block.keys.items():
            self._homes[feed, key] = (block, number)
        return block

    def home(self, feed: str, key: str) -> tuple[Block, int] | None:
        """The block and the column number of a key."""
        return self._homes.get((feed, key))

    def copy_from(self, other: History) -> None:
        """Take over the figures of every key that both hold on the same calendar."""
        for home, block in self.blocks.items():
            theirs = other.blocks.get(home)
            shared = [] if theirs is None else [key for key in block.keys if key in theirs.keys]
            if theirs is None or not shared:
                continue
            ours_at, theirs_at = ([own.keys[key] for key in shared] for own in (block, theirs))
            for name, column in theirs.columns.items():
                block.column(name).copy_from(column, ours_at, theirs_at)

    def apply(self, seen: Observation) -> Applied | None:
        """Take ``seen`` in; return where it went, or ``None`` when it is of no interest or says nothing new."""
        running = self.running.get(seen.series)
        if running is not None and (new := running.take(seen, micros(seen.at))) is not None:
            return running.applied if new else None
        applied = self._apply(seen)
        if applied is not None and (applied.feed, applied.field) == (PRICE_FEED, "close"):
            if running is None:
                name = (applied.feed, applied.key, applied.field)
                running = self.running[seen.series] = Running(name, *self._homes[applied.feed, applied.key])
            running.refresh(applied)
        return applied

    def _apply(self, seen: Observation) -> Applied | None:
        try:
            feed, key, field = SeriesName.parse(seen.series)
        except ValueError:
            return None
        home = self._homes.get((feed, key))
        if home is None:
            return None
        block, number = home
        index = block.axis.session(micros(seen.at))
        if index < 0:
            return None
        column = block.column(field)
        if _is_stale_tick(block, field, (number, index), seen):
            return None
        value = float("nan") if seen.value is None or not np.isfinite(seen.value) else float(seen.value)
        revision = seen.status is Status.FINAL and _was_final(column, number, index, micros(seen.at))
        if not self._write((block, number, field, index), value, seen):
            return None
        return Applied(feed, key, field, index, revision)

    @staticmethod
    def _write(place: tuple[Block, int, str, int], value: float, seen: Observation) -> bool:
        block, key, field, index = place
        if block.feed == PRICE_FEED and seen.status is Status.PARTIAL and field == "close":
            _grow_bar(block, key, index, value, seen)
        return block.column(field).write(index, key, value, seen)


def _is_stale_tick(block: Block, field: str, place: tuple[int, int], seen: Observation) -> bool:
    """A partial figure never reopens a session whose close is final, nor does an older tick replace a newer one."""
    column, (key, index) = block.column(field), place
    if seen.status is not Status.PARTIAL or index > column.last[key]:
        return False
    if index < column.last[key]:
        return not np.isnan(column.cell(index, key))
    return micros(seen.at) < column.at[key] or _is_settled(block, column, key)


def _is_settled(block: Block, column: Column, key: int) -> bool:
    """Whether the newest figure is final and stands for its whole session."""
    if column.status[key] != _FINAL:
        return False
    return bool(column.at[key] >= block.axis.close_of(int(column.last[key])))


def _was_final(column: Column, key: int, index: int, at: int) -> bool:
    """Whether a final figure of the same instant, or of an earlier session, is replaced."""
    known = not np.isnan(column.cell(index, key))
    return known and (index < column.last[key] or bool(column.status[key] == _FINAL and at <= column.at[key]))


def _grow_bar(block: Block, key: int, index: int, price: float, seen: Observation) -> None:
    """Carry a tick into the running bar's open, high and low."""
    for field in ("open", "high", "low"):
        column = block.column(field)
        if column.last[key] > index or (column.last[key] == index and _is_settled(block, column, key)):
            continue
        old = column.cell(index, key) if column.last[key] == index else float("nan")
        if np.isnan(old) or (field == "high" and price > old) or (field == "low" and price < old):
            column.write(index, key, price, seen)
