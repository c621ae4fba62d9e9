"""A calendar as a line of numbered sessions, so that "5 sessions ago" is a subtraction."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from rules.calendars.sessions import Calendar, Period

Ints = NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.date().toordinal()
_MICROSECOND = timedelta(microseconds=1)
_NEVER = 2**62


def micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(at: int) -> datetime:
    """The aware UTC instant of ``at`` microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=int(at))


class Axis:
    """The sessions of one calendar, numbered from 0 at its first known one; instants are microseconds since 1970 UTC.

    The numbers are those of the calendar as it stood when the axis was made, and stay fixed.
    """

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.name = calendar.name
        self._days: Ints = calendar.sessions.astype("datetime64[D]").astype(np.int64)
        self._opens: Ints = calendar.opens.astype(np.int64) * 1_000_000
        self._closes: Ints = calendar.closes.astype(np.int64) * 1_000_000
        self._open_list, self._close_list = array("q", self._opens.tobytes()), array("q", self._closes.tobytes())
        self._periods: dict[str, Ints] = {}

    def __len__(self) -> int:
        return len(self._days)

    def session(self, at: int) -> int:
        """The number of the last session that opened at or before ``at``; -1 before the first."""
        return bisect_right(self._open_list, at) - 1

    def close_of(self, index: int) -> int:
        """When a session closes; the first or last known one's close outside of what is known."""
        return self._close_list[min(max(index, 0), len(self._close_list) - 1)]

    def open_of(self, index: int) -> int:
        """When a session opens; long after all else for one after the last known."""
        return self._open_list[max(index, 0)] if index < len(self._open_list) else _NEVER

    def sessions(self, at: Ints) -> Ints:
        """``session`` of many instants."""
        return np.searchsorted(self._opens, at, side="right") - 1

    def closed(self, at: Ints) -> Ints:
        """The number of the last session that closed at or before each instant."""
        return np.searchsorted(self._closes, at, side="right") - 1

    def close(self, index: Ints) -> Ints:
        """When each session closes."""
        return self._closes[np.clip(index, 0, len(self._closes) - 1)]

    def open(self, index: Ints) -> Ints:
        """When each session opens."""
        return self._opens[np.clip(index, 0, len(self._opens) - 1)]

    def day(self, index: int) -> date:
        """The local date of a session."""
        return date.fromordinal(int(self._days[index]) + _EPOCH_ORDINAL)

    def days(self, index: Ints) -> Ints:
        """The local dates of sessions in days since 1970."""
        return self._days[np.clip(index, 0, len(self._days) - 1)]

    def on_or_before(self, day: Ints) -> Ints:
        """The number of the last session on or before each date (days since 1970)."""
        return np.searchsorted(self._days, day, side="right") - 1

    def base(self, period: Period, index: Ints) -> Ints:
        """The number of the last session before the week, month, quarter or year of each session began."""
        bases = self._periods.get(period)
        if bases is None:
            starts = _STARTS[period](self._days.astype("datetime64[D]")).astype("datetime64[D]").astype(np.int64)
            bases = self._periods[period] = np.searchsorted(self._days, starts, side="left") - 1
        return bases[np.clip(index, 0, len(bases) - 1)]

    def back(self, unit: str, count: int, index: Ints) -> Ints:
        """The last session on or before the date that lies ``count`` weeks, months or years before each session."""
        days = self.days(index)
        if unit == "w":
            return self.on_or_before(days - 7 * count)
        return self.on_or_before(_months_before(days, count * (12 if unit == "y" else 1)))


def _months_before(days: Ints, months: int) -> Ints:
    """The same day of an earlier month, its last day where it is shorter."""
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    day_of_month = (dates - month.astype("datetime64[D]")).astype(np.int64)
    target = month - months
    length = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(np.int64)
    first = target.astype("datetime64[D]").astype(np.int64)
    return np.asarray(first + np.minimum(day_of_month, length - 1))


def _quarter(days: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    month = days.astype("datetime64[M]").astype(np.int64)
    return np.asarray((month - month % 3).astype("datetime64[M]"))


def _week(days: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    number = days.astype(np.int64)
    return np.asarray((number - (number + 3) % 7).astype("datetime64[D]"))


_STARTS: dict[str, Callable[[NDArray[np.datetime64]], NDArray[np.datetime64]]] = {
    "week": _week,
    "month": lambda days: days.astype("datetime64[M]"),
    "quarter": _quarter,
    "year": lambda days: days.astype("datetime64[Y]"),
}
