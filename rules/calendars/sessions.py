"""Trading sessions: which one an instant belongs to, when it closes, and where a week, month or year began.

A session is named by its local date. Instants are aware and in UTC. ``24/7`` is the calendar of UTC days, with the
day's last second as its close, so that a daily figure of crypto always falls inside the day that it describes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from rules.calendars import schedule
from rules.calendars.schedule import CONTINUOUS, Schedule
from rules.problems import nearest

Period = Literal["week", "month", "quarter", "year"]
Build = Callable[[date, date], Schedule]

_FIRST, _LAST = date(1990, 1, 1), date(2040, 12, 31)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_SLACK = timedelta(days=30)  # no market is closed for longer, so a session lies within it
_MARGIN = timedelta(days=3650)
_EARLIEST, _LATEST = date(1800, 1, 1), date(2200, 1, 1)


class UnknownCalendar(ValueError):
    """No calendar has that name; ``suggestion`` is the nearest one or ``""``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.suggestion = nearest(name, schedule.known_names())
        hint = f"; did you mean {self.suggestion}?" if self.suggestion else ""
        super().__init__(f"no calendar is called {name!r}; wanted an exchange code such as XNYS, or 24/7{hint}")


class Calendar:
    """The sessions of one market. Days outside of what was built so far are built when first asked for."""

    def __init__(self, name: str, built: Schedule, build: Build) -> None:
        self.name = name
        self.tz = ZoneInfo(built.tz)
        self._build = build
        self._use(built)

    def _use(self, built: Schedule) -> None:
        self._start, self._end = built.start, built.end
        self._sure = (built.start + _SLACK, built.end - _SLACK)
        self._sessions = built.sessions
        self._columns = (built.opens, built.closes)
        self._days = array("i", built.sessions.astype(np.int32).tobytes())
        self._opens = array("q", built.opens.tobytes())
        self._closes = array("q", built.closes.tobytes())
        self._breaks = (array("q", built.break_starts.tobytes()), array("q", built.break_ends.tobytes()))

    @property
    def sessions(self) -> NDArray[np.datetime64]:
        """Every session known so far, in order, as ``datetime64[D]``."""
        return self._sessions

    @property
    def opens(self) -> NDArray[np.int64]:
        """The opens of ``sessions`` in seconds since 1970 UTC."""
        return self._columns[0]

    @property
    def closes(self) -> NDArray[np.int64]:
        """The closes of ``sessions`` in seconds since 1970 UTC."""
        return self._columns[1]

    def is_session(self, day: date) -> bool:
        """Whether the market trades on ``day``, a local date."""
        return self._date(self._upto(day)) == day

    def open(self, session: date) -> datetime:
        """When ``session`` opens, in UTC; ``ValueError`` if the market doesn't trade on that day."""
        return _instant(self._opens[self._index(session)])

    def close(self, session: date) -> datetime:
        """When ``session`` closes, in UTC, early on a half day; ``ValueError`` if it is no session."""
        return _instant(self._closes[self._index(session)])

    def session_of(self, instant: datetime) -> date:
        """The last session that opened at or before ``instant``: the hours after a close still belong to it."""
        self._cover(instant.date())
        return self._date(bisect_right(self._opens, _seconds(instant)) - 1)

    def session_on_or_before(self, day: date) -> date:
        """``day`` if it is a session, else the last one before it."""
        return self._date(self._upto(day))

    def previous(self, session: date, n: int = 1) -> date:
        """The ``n``-th session before the day ``session``, which need not be a session itself."""
        self._cover(session, -2 * n)
        return self._date(bisect_left(self._days, _ordinal(session)) - n)

    def next(self, session: date, n: int = 1) -> date:
        """The ``n``-th session after the day ``session``, which need not be a session itself."""
        self._cover(session, 2 * n)
        return self._date(bisect_right(self._days, _ordinal(session)) + n - 1)

    def base_session(self, period: Period, instant: datetime) -> date:
        """The last session before the period began that holds the session of ``instant``: what a change starts from."""
        return self.base_of(period, self.session_of(instant))

    def base_of(self, period: Period, session: date) -> date:
        """The last session before the week (from Monday), month, quarter or year of ``session`` began."""
        return self.previous(_period_start(period, session))

    def is_open(self, instant: datetime) -> bool:
        """Whether the market trades at ``instant``: from the open on, before the close, outside a lunch break."""
        if self.name == CONTINUOUS:
            return True
        self._cover(instant.date())
        at = _seconds(instant)
        index = bisect_right(self._opens, at) - 1
        pause, resume = self._breaks
        return at < self._closes[index] and not pause[index] <= at < resume[index]

    def next_open(self, instant: datetime) -> datetime:
        """The first open of a session after ``instant``."""
        self._cover(instant.date())
        return _instant(self._opens[bisect_right(self._opens, _seconds(instant))])

    def next_close(self, instant: datetime) -> datetime:
        """The first close of a session after ``instant``."""
        self._cover(instant.date())
        return _instant(self._closes[bisect_right(self._closes, _seconds(instant))])

    def _index(self, session: date) -> int:
        index = self._upto(session)
        if self._date(index) != session:
            raise ValueError(f"{session} is no session of {self.name}; the last one before is {self._date(index)}")
        return index

    def _upto(self, day: date) -> int:
        self._cover(day)
        return bisect_right(self._days, _ordinal(day)) - 1

    def _date(self, index: int) -> date:
        return date.fromordinal(self._days[index] + _EPOCH_ORDINAL)

    def _cover(self, day: date, reach: int = 0) -> None:
        if not reach and self._sure[0] <= day <= self._sure[1]:
            return
        if not _EARLIEST <= day <= _LATEST:
            raise ValueError(f"{day} is outside of the calendars, which reach from {_EARLIEST} to {_LATEST}")
        far = day + _DAY * reach
        low, high = min(day, far) - _SLACK, max(day, far) + _SLACK
        if self._start <= low and high <= self._end:
            return
        start = self._start if self._start <= low else low - _MARGIN
        end = self._end if high <= self._end else high + _MARGIN
        self._use(self._build(start, end))


class Calendars:
    """Every calendar by name, each built when first asked for and kept."""

    def __init__(self) -> None:
        self._known: dict[str, Calendar] = {}

    def get(self, name: str) -> Calendar:
        """The calendar called ``name`` (``XNYS``, its alias ``NYSE``, or ``24/7``); else ``UnknownCalendar``."""
        found = self._known.get(name)
        if found is None:
            own = schedule.canonical(name)
            if own is None:
                raise UnknownCalendar(name)
            found = self._known[name] = self._known.get(own) or _make(own)
            self._known[own] = found
        return found


def _make(name: str) -> Calendar:
    if name == CONTINUOUS:
        return Calendar(name, schedule.every_day(_FIRST, _LAST), schedule.every_day)

    def build(start: date, end: date) -> Schedule:
        return schedule.from_library(name, start, end)

    return Calendar(name, schedule.from_table(name) or build(_FIRST, _LAST), build)


_EPOCH_ORDINAL = _EPOCH.date().toordinal()


def _ordinal(day: date) -> int:
    return day.toordinal() - _EPOCH_ORDINAL


def _seconds(instant: datetime) -> float:
    return instant.timestamp()


def _instant(seconds: int) -> datetime:
    return _EPOCH + seconds * _SECOND


def _period_start(period: Period, day: date) -> date:
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    if period == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(month=1, day=1)
