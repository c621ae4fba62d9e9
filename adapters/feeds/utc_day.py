"""Daily figures of markets that never close: a UTC day is told at its last second, a running one at its own time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from rules.model import Observation, Status

_LAST_SECOND = time(23, 59, 59, tzinfo=UTC)


def end_of(day: date) -> datetime:
    """The last second of the UTC day ``day``."""
    return datetime.combine(day, _LAST_SECOND)


def of_day(series: str, at: datetime, now: datetime, value: float, source: str) -> Observation:
    """A figure published at ``at``: of a past UTC day it is final, of the running one partial and at its own time."""
    if at.astimezone(UTC).date() < now.astimezone(UTC).date():
        return Observation(series, end_of(at.astimezone(UTC).date()), now, value, Status.FINAL, source)
    return Observation(series, min(at, now), now, value, Status.PARTIAL, source)
