"""How dated items become series: the next date of each key, as a number that rules can count days to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rules.model import CalendarEvent, Observation

NEW_YORK = ZoneInfo("America/New_York")
HONG_KONG = ZoneInfo("Asia/Hong_Kong")
KEPT_PAST = timedelta(days=35)
"""How long an item stays in the answer after its end, for a calendar that also looks back."""


def zone_of(symbol: str) -> ZoneInfo:
    """The time zone in which the dates of ``symbol`` are meant."""
    return HONG_KONG if symbol.endswith(".HK") else NEW_YORK


def dated(event: CalendarEvent, now: datetime) -> Observation:
    """The item's date as the series ``earnings.SYMBOL.date`` or ``events.SLUG.date``, its value ``YYYYMMDD``."""
    feed = "earnings" if event.kind == "earnings" else "events"
    value = float(event.start.replace("-", ""))
    return Observation(f"{feed}.{event.key}.date", now, now, value, event.status, event.source)


def next_dates(events: Iterable[CalendarEvent], today: date, now: datetime) -> list[Observation]:
    """For each key, the date of the first item that has not ended by ``today``, a date of the place."""
    first: dict[str, CalendarEvent] = {}
    for event in sorted(events, key=lambda each: (each.start, each.end)):
        if event.end >= today.isoformat():
            first.setdefault(event.key, event)
    return [dated(event, now) for event in first.values()]
