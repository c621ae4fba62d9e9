"""What a digest reads: daily figures by series and day, events, and tables that came from outside.

``DigestData`` is the only door. It is implemented once, over observations, so the recorded week and a store's tape
serve it alike.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from rules.model import CalendarEvent, Localized, Observation, Status


@dataclass(frozen=True, slots=True)
class ImportedMove:
    """One line of a top list that came from outside; ``change_pct`` is text, in percent, as it was printed."""

    symbol: str
    name: Localized
    change_pct: str


@dataclass(frozen=True, slots=True)
class Imported:
    """Tables that a vendor or an earlier report states, to be shown beside the digest's own and checked against it.

    ``header_currency`` maps a figure's number to the one currency that its printed header names.
    """

    source: str
    day: date
    """A day of the week that the tables are about."""
    gainers: tuple[ImportedMove, ...] = ()
    losers: tuple[ImportedMove, ...] = ()
    header_currency: Mapping[int, str] | None = None


class DigestData(Protocol):
    """Read-only figures as known at ``now``.

    A day is the UTC date of an observation's ``at``. For a session's close that is the session's own date, from
    Tokyo to New York.
    """

    @property
    def now(self) -> datetime:
        """The instant up to which figures are known."""
        ...

    @property
    def imported(self) -> Imported | None:
        """Tables from outside, ``None`` when there are none."""
        ...

    def on(self, series: str, day: date) -> Observation | None:
        """The figure of ``day``: a final one before a partial one, then the newest; its value may be ``None``."""
        ...

    def last(self, series: str, day: date) -> Observation | None:
        """The figure of the last day on or before ``day`` that has a value."""
        ...

    def span(self, series: str, first: date, last: date) -> tuple[Observation, ...]:
        """The figures of the days from ``first`` to ``last``, oldest first, one a day."""
        ...

    def told(self, series: str, day: date) -> tuple[Observation, ...]:
        """The newest figure of ``day`` from each source that gave one, the earliest source first."""
        ...

    def series(self, prefix: str) -> tuple[str, ...]:
        """The names of all series that start with ``prefix``, sorted."""
        ...

    def events(self, first: date, last: date) -> tuple[CalendarEvent, ...]:
        """What happens between ``first`` and ``last``, inclusive, by start."""
        ...


class ObservedData:
    """``DigestData`` over observations that are held in memory."""

    def __init__(
        self,
        observations: Iterable[Observation],
        events: Iterable[CalendarEvent],
        now: datetime,
        imported: Imported | None = None,
    ) -> None:
        """Keep what was known at ``now``; later observations and events are as if they didn't exist."""
        self._now, self._imported = now, imported
        self._told: dict[str, dict[date, tuple[Observation, ...]]] = {}
        for item in observations:
            if item.known_at <= now:
                days, day = self._told.setdefault(item.series, {}), item.at.date()
                days[day] = _with(days.get(day, ()), item)
        self._days = {series: sorted(days) for series, days in self._told.items()}
        self._events = sorted((event for event in events if event.known_at <= now), key=lambda event: event.start)

    @property
    def now(self) -> datetime:
        """The instant up to which figures are known."""
        return self._now

    @property
    def imported(self) -> Imported | None:
        """Tables from outside."""
        return self._imported

    def on(self, series: str, day: date) -> Observation | None:
        """The figure of ``day``."""
        best: Observation | None = None
        for item in self.told(series, day):
            best = _firmer(best, item)
        return best

    def last(self, series: str, day: date) -> Observation | None:
        """The figure of the last day on or before ``day`` that has a value."""
        days = self._days.get(series, [])
        for index in range(bisect_right(days, day) - 1, -1, -1):
            found = self.on(series, days[index])
            if found is not None and found.value is not None:
                return found
        return None

    def span(self, series: str, first: date, last: date) -> tuple[Observation, ...]:
        """One figure a day, oldest first."""
        days = [day for day in self._days.get(series, []) if first <= day <= last]
        return tuple(found for day in days if (found := self.on(series, day)) is not None)

    def told(self, series: str, day: date) -> tuple[Observation, ...]:
        """The newest figure of each source."""
        return self._told.get(series, {}).get(day, ())

    def series(self, prefix: str) -> tuple[str, ...]:
        """Series by prefix."""
        return tuple(sorted(name for name in self._told if name.startswith(prefix)))

    def events(self, first: date, last: date) -> tuple[CalendarEvent, ...]:
        """Events that touch the span."""
        low, high = first.isoformat(), last.isoformat()
        return tuple(event for event in self._events if event.start <= high and event.end >= low)


def _with(told: tuple[Observation, ...], new: Observation) -> tuple[Observation, ...]:
    """What each source told of a day, with ``new`` in the place of what its source told before."""
    for index, old in enumerate(told):
        if old.source == new.source:
            return (*told[:index], _firmer(old, new), *told[index + 1 :])
    return (*told, new)


def _firmer(old: Observation | None, new: Observation) -> Observation:
    """The one that stands: final beats the rest (a late tick doesn't replace a close), then the later known."""
    if old is None:
        return new
    rank_old, rank_new = (item.status is Status.FINAL for item in (old, new))
    if rank_old != rank_new:
        return old if rank_old else new
    return new if new.known_at >= old.known_at else old
