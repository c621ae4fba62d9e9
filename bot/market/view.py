"""What is known of the market, warm in memory: every figure by series and session, built from observations alone.

The live tape, the recorded week and the tests all feed it through :meth:`MarketView.apply`. Readers only read.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from typing import Any, NamedTuple, TypeVar

from adapters.feeds.port import SourceHealth, source_names
from rules.calendars.schedule import CONTINUOUS
from rules.calendars.sessions import Calendar, Calendars
from rules.model import CalendarEvent, Observation, SeriesName, Status
from rules.universe import Universe

T = TypeVar("T")
_STATUSES = tuple(Status)
_FINAL = _STATUSES.index(Status.FINAL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SAME_EVENT = timedelta(days=20)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one session; ``value`` is ``None`` where the source says that there is none yet. Times are UTC."""

    session: date
    value: float | None
    at: datetime
    known_at: datetime
    status: Status
    source: str


class Ratio(NamedTuple):
    """What a series changed, as a fraction, up to ``session``, as its newest ``source`` says."""

    ratio: float
    session: date
    source: str


class _Column:
    """The sessions of one series in order, each with its newest figure, packed."""

    __slots__ = ("_ats", "_days", "_knowns", "_sources", "_statuses", "_values", "calendar")

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._days = array("i")
        self._values = array("d")
        self._ats = array("q")
        self._knowns = array("q")
        self._statuses = array("b")
        self._sources: list[str] = []

    def put(self, item: Observation) -> None:
        day = self.calendar.session_of(item.at).toordinal()
        value = math.nan if item.value is None else item.value
        at, known = _micros(item.at), _micros(item.known_at)
        status = _STATUSES.index(item.status)
        place = len(self._days) if not self._days or day > self._days[-1] else bisect_left(self._days, day)
        if place < len(self._days) and self._days[place] == day:
            if not self._replaces(place, item, at, known):
                return
            self._values[place], self._ats[place], self._knowns[place] = value, at, known
            self._statuses[place], self._sources[place] = status, item.source
            return
        self._days.insert(place, day)
        self._values.insert(place, value)
        self._ats.insert(place, at)
        self._knowns.insert(place, known)
        self._statuses.insert(place, status)
        self._sources.insert(place, item.source)

    def _replaces(self, place: int, item: Observation, at: int, known: int) -> bool:
        """Whether ``item`` takes the place of the figure that is there.

        One known later does. A tick of a bar that is complete says nothing new. Of two sources that tell at the same
        time, the one that rounds less is right for both.
        """
        if item.status is Status.PARTIAL and self._statuses[place] == _FINAL and at <= self._ats[place]:
            return False
        if known == self._knowns[place] and item.source != self._sources[place] and item.value is not None:
            return _digits(item.value) >= _digits(self._values[place])
        return known >= self._knowns[place]

    def __len__(self) -> int:
        return len(self._days)

    def figure(self, index: int) -> Figure:
        value = self._values[index]
        return Figure(
            session=date.fromordinal(self._days[index]),
            value=None if math.isnan(value) else value,
            at=_EPOCH + self._ats[index] * _MICROSECOND,
            known_at=_EPOCH + self._knowns[index] * _MICROSECOND,
            status=_STATUSES[self._statuses[index]],
            source=self._sources[index],
        )

    def upto(self, day: date) -> int:
        """How many sessions lie on or before ``day``."""
        return bisect_right(self._days, day.toordinal())

    def ratio(self, base_of: Callable[[date], date], slack: int) -> Ratio | None:
        """The newest value over that of the session that ``base_of`` names, or of one up to ``slack`` days before."""
        last = self.last_with_value(len(self._days))
        if last < 0:
            return None
        session = date.fromordinal(self._days[last])
        wanted = base_of(session).toordinal()
        base = self.last_with_value(bisect_right(self._days, wanted))
        if base < 0 or wanted - self._days[base] > slack or not self._values[base]:
            return None
        return Ratio(self._values[last] / self._values[base] - 1, session, self._sources[last])

    def last_with_value(self, end: int) -> int:
        """The newest session before index ``end`` that has a value; -1 without one."""
        index = end - 1
        while index >= 0 and math.isnan(self._values[index]):
            index -= 1
        return index


class MarketView:
    """Every series' figures by session of its own calendar, the calendar of events, and the sources' health.

    A price belongs to the calendar of its instrument in ``universe``, an ETF flow to New York's, all else to UTC days.
    """

    def __init__(self, universe: Universe, calendars: Calendars) -> None:
        self.universe = universe
        self.calendars = calendars
        self._columns: dict[str, _Column] = {}
        self._by_key: dict[tuple[str, str], list[str]] = {}
        self._events: dict[tuple[str, str], list[CalendarEvent]] = {}
        self._heard: dict[str, tuple[datetime, datetime]] = {}
        self._health: dict[str, SourceHealth] = {}
        self._remembered: dict[Hashable, Any] = {}

    def apply(self, observations: Iterable[Observation]) -> None:
        """Take in what became known; of two figures for one session the one known later stands."""
        self._remembered.clear()
        for item in observations:
            self._column(item.series).put(item)
            for name in source_names(item.source):
                known_at, at = self._heard.get(name, (item.known_at, item.at))
                self._heard[name] = (max(known_at, item.known_at), max(at, item.at))

    def apply_events(self, events: Iterable[CalendarEvent]) -> None:
        """Take in dated events; one known later replaces the same event at a date close by."""
        for event in events:
            known = self._events.setdefault((event.kind, event.key), [])
            same = [old for old in known if abs(_day(old.start) - _day(event.start)) <= _SAME_EVENT]
            if all(old.known_at <= event.known_at for old in same):
                known[:] = sorted([old for old in known if old not in same] + [event], key=lambda item: item.start)

    def forget_event(self, kind: str, key: str) -> None:
        """Take an event back."""
        self._events.pop((kind, key), None)

    def apply_health(self, healths: Iterable[SourceHealth]) -> None:
        """Take in how sources do, as their feeds report it."""
        self._health |= {health.source: health for health in healths}

    def remembered(self, key: Hashable, find: Callable[[], T]) -> T:
        """What ``find`` gives, found once until a figure comes in: many people ask the same at the same time."""
        if key not in self._remembered:
            self._remembered[key] = find()
        found: T = self._remembered[key]
        return found

    def latest(self, series: str) -> Figure | None:
        """The newest figure that has a value."""
        return self._newest(series, None)

    def on_or_before(self, series: str, session: date) -> Figure | None:
        """The newest figure with a value of ``session`` or an earlier one."""
        return self._newest(series, session)

    def on(self, series: str, session: date) -> Figure | None:
        """The figure of exactly that session, with a value or without; ``None`` when nothing was heard of it."""
        column = self._columns.get(series)
        index = column.upto(session) - 1 if column else -1
        if column is None or index < 0:
            return None
        found = column.figure(index)
        return found if found.session == session else None

    def ratios(
        self, names: Iterable[str], base_of: Callable[[Calendar, date], date], slack: timedelta
    ) -> list[Ratio | None]:
        """What each series changed since the session that ``base_of`` gives for its calendar and newest session."""
        bases: dict[str, Callable[[date], date]] = {}
        found: list[Ratio | None] = []
        for name in names:
            column = self._columns.get(name)
            if column is None:
                found.append(None)
                continue
            calendar = column.calendar
            if calendar.name not in bases:
                bases[calendar.name] = cache(partial(base_of, calendar))
            found.append(column.ratio(bases[calendar.name], slack.days))
        return found

    def history(self, series: str, first: date = date.min, last: date = date.max) -> tuple[Figure, ...]:
        """The figures of the sessions from ``first`` to ``last``, both included, oldest first."""
        column = self._columns.get(series)
        if column is None:
            return ()
        start = column.upto(first - timedelta(days=1)) if first > date.min else 0
        return tuple(column.figure(index) for index in range(start, column.upto(last)))

    def fields(self, feed: str, key: str) -> Sequence[str]:
        """The fields heard of for ``feed`` and ``key``: a flow key's funds, a company's figures."""
        return tuple(self._by_key.get((feed, key), ()))

    def calendar_of(self, series: str) -> Calendar:
        """The calendar whose sessions the series' figures belong to."""
        column = self._columns.get(series)
        return column.calendar if column else self.calendars.get(self._calendar_name(series))

    def events(self, first: date, last: date) -> tuple[CalendarEvent, ...]:
        """Events that touch the days from ``first`` to ``last`` (each in its place's own time), by start, then key."""
        low, high = first.isoformat(), last.isoformat()
        found = (event for known in self._events.values() for event in known if event.start <= high)
        return tuple(sorted((e for e in found if e.end >= low), key=lambda item: (item.start, item.kind, item.key)))

    def next_earnings(self, symbol: str, day: date) -> CalendarEvent | None:
        """The first earnings report of ``symbol`` on or after ``day``."""
        known = self._events.get(("earnings", symbol), [])
        return next((event for event in known if event.end >= day.isoformat()), None)

    @property
    def health(self) -> Mapping[str, SourceHealth]:
        """Every source that was heard of, by name: as its feed reports it, else by the newest figure that it gave."""
        heard = {
            source: SourceHealth(source=source, last_success=known_at, newest=at)
            for source, (known_at, at) in self._heard.items()
        }
        return dict(sorted((heard | self._health).items()))

    def __iter__(self) -> Iterator[str]:
        """The names of the series that are known."""
        return iter(self._columns)

    def _newest(self, series: str, session: date | None) -> Figure | None:
        column = self._columns.get(series)
        if column is None:
            return None
        index = column.last_with_value(len(column) if session is None else column.upto(session))
        return column.figure(index) if index >= 0 else None

    def _column(self, series: str) -> _Column:
        column = self._columns.get(series)
        if column is None:
            column = self._columns[series] = _Column(self.calendars.get(self._calendar_name(series)))
            name = SeriesName.parse(series)
            self._by_key.setdefault((name.feed, name.key), []).append(name.field)
        return column

    def _calendar_name(self, series: str) -> str:
        name = SeriesName.parse(series)
        if name.feed == "prices":
            known = self.universe.by_symbol.get(name.key)
            return known.calendar if known else CONTINUOUS
        return "XNYS" if name.feed.startswith("etf_") else CONTINUOUS


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def _digits(value: float) -> int:
    """How many digits ``value`` is given with; none where it is missing."""
    return 0 if math.isnan(value) else len(f"{abs(value):.12g}".replace(".", "").strip("0"))


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])
