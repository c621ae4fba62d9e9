"""When the clock alone makes a rule run: session strikes and intervals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np

from rules.calendars.axis import Axis, Ints, instant, micros
from rules.spec import AtInterval, AtSession, Every

_MICROSECOND = timedelta(microseconds=1)
_KNOWN: WeakKeyDictionary[Axis, dict[AtSession, SessionStrikes]] = WeakKeyDictionary()
"""The strikes of a calendar, made once for all rules that share them."""


class Schedule(Protocol):
    """Instants in order."""

    def after(self, moment: datetime) -> datetime | None:
        """The first strike after ``moment``."""
        ...

    def before(self, moment: datetime) -> datetime | None:
        """The last strike at or before ``moment``."""
        ...

    def between(self, start: int, end: int) -> Ints:
        """The strikes after ``start`` up to ``end``, all in microseconds since 1970 UTC."""
        ...


class SessionStrikes:
    """``XNYS close+20m``: once a session."""

    def __init__(self, axis: Axis, every: AtSession) -> None:
        edges: Callable[[Ints], Ints] = axis.close if every.edge == "close" else axis.open
        self._times: Ints = edges(np.arange(len(axis), dtype=np.int64)) + every.offset // _MICROSECOND

    def after(self, moment: datetime) -> datetime | None:
        """The first strike after ``moment``."""
        at = int(np.searchsorted(self._times, micros(moment), side="right"))
        return instant(int(self._times[at])) if at < len(self._times) else None

    def before(self, moment: datetime) -> datetime | None:
        """The last strike at or before ``moment``."""
        at = int(np.searchsorted(self._times, micros(moment), side="right")) - 1
        return instant(int(self._times[at])) if at >= 0 else None

    def between(self, start: int, end: int) -> Ints:
        """The strikes after ``start`` up to ``end``, all in microseconds since 1970 UTC."""
        first, last = np.searchsorted(self._times, [start, end], side="right")
        return self._times[first:last]


class IntervalStrikes:
    """``every: 15m``: whole multiples since midnight UTC."""

    def __init__(self, every: AtInterval) -> None:
        self._step = every.interval

    def after(self, moment: datetime) -> datetime:
        """The first strike after ``moment``; each midnight starts a new count."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        following = midnight + ((moment - midnight) // self._step + 1) * self._step
        return min(following, midnight + timedelta(days=1))

    def before(self, moment: datetime) -> datetime | None:
        """The last strike at or before ``moment``."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + (moment - midnight) // self._step * self._step

    def between(self, start: int, end: int) -> Ints:
        """The strikes after ``start`` up to ``end``, all in microseconds since 1970 UTC."""
        found: list[int] = []
        at = self.after(instant(start))
        while micros(at) <= end:
            found.append(micros(at))
            at = self.after(at)
        return np.array(found, np.int64)


def schedule_of(every: Every, axis: Axis) -> Schedule | None:
    """The strikes of ``every``, ``None`` for a rule that only observations drive."""
    if isinstance(every, AtSession):
        known = _KNOWN.setdefault(axis, {})
        found = known.get(every)
        if found is None:
            found = known[every] = SessionStrikes(axis, every)
        return found
    return IntervalStrikes(every) if isinstance(every, AtInterval) else None
