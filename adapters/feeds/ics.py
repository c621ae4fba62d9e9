"""Events from an iCalendar file, as calendars export them."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adapters.feeds.calendar_dates import KEPT_PAST, next_dates
from adapters.feeds.port import Fault, FeedProblem, Fetched
from rules.model import CalendarEvent, Status

NAME = "ics"
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


class Ics:
    """The events of one file, read anew at every fetch; ``zone`` is where times without one (or in UTC) are meant."""

    def __init__(self, *, path: Path, zone: str = "UTC", tags: tuple[str, ...] = ()) -> None:
        self._path = path
        self._zone = ZoneInfo(zone)
        self._tags = tags

    async def fetch(self, now: datetime) -> Fetched:
        """Read the file and tell every event from a month back on."""
        try:
            content = await asyncio.to_thread(self._path.read_bytes)
        except OSError as error:
            message = f"{self._path} can't be read ({error.strerror}); wanted an iCalendar file"
            return Fetched(problems=(FeedProblem(NAME, Fault.INCOMPLETE, message),))
        events, problems = parse(content, file=self._path.name, zone=self._zone, tags=self._tags, now=now)
        told = next_dates(events, now.astimezone(self._zone).date(), now)
        return Fetched(tuple(told), tuple(events), tuple(problems))


def parse(
    content: bytes, *, file: str, zone: tzinfo, tags: tuple[str, ...], now: datetime
) -> tuple[list[CalendarEvent], list[FeedProblem]]:
    """Read the file's events, in the order of their dates; cancelled ones are left out."""
    import icalendar  # noqa: PLC0415 - a fifth of a second, for desks that use it

    try:
        calendar: Any = icalendar.Calendar.from_ical(content)
    except (ValueError, IndexError, KeyError) as error:
        message = f"{file} is no iCalendar file ({error!s:.120})"
        return [], [FeedProblem(NAME, Fault.CHANGED, message, file)]
    events: list[CalendarEvent] = []
    problems: list[FeedProblem] = []
    for number, item in enumerate(calendar.walk("VEVENT"), start=1):
        try:
            events += _events(item, zone, tags, now)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problems.append(FeedProblem(NAME, Fault.INCOMPLETE, f"{file}: event {number}: {error!s:.160}", file))
        if item.get("RRULE") is not None:
            message = f"{file}: event {number} ({item.get('SUMMARY', '')!s:.60}) repeats; only its first date is used"
            problems.append(FeedProblem(NAME, Fault.INCOMPLETE, message, file))
    return sorted(events, key=lambda each: (each.start, each.key)), problems


def _events(item: Any, zone: tzinfo, tags: tuple[str, ...], now: datetime) -> Iterator[CalendarEvent]:
    first, last = _span(item, zone)
    if str(item.get("STATUS", "")) == "CANCELLED" or last < now.astimezone(zone).date() - KEPT_PAST:
        return
    title = " ".join(str(item.get("SUMMARY", "")).split()) or "(no title)"
    tentative = str(item.get("STATUS", "")) == "TENTATIVE"
    categories = item.get("CATEGORIES")
    own = tuple(str(each).strip() for each in getattr(categories, "cats", ()))
    yield CalendarEvent(
        kind="event",
        key=slug(title, str(item.get("UID", ""))),
        start=first.isoformat(),
        end=last.isoformat(),
        title={"en": title, "zh": title},
        known_at=now,
        session="during",
        status=Status.PROVISIONAL if tentative else Status.FINAL,
        source=NAME,
        tags=(*tags, *own),
        place=" ".join(str(item.get("LOCATION", "")).split()),
    )


def _span(item: Any, zone: tzinfo) -> tuple[date, date]:
    """First and last day of the event; the end of an all-day event, and of one until midnight, is exclusive."""
    if item.get("DTSTART") is None:
        raise ValueError("it has no DTSTART")
    start = item.get("DTSTART").dt
    first = _day(start, zone)
    if item.get("DTEND") is not None:
        end = item.get("DTEND").dt
        before = end - timedelta(seconds=1) if isinstance(end, datetime) else end - timedelta(days=1)
        return first, max(first, _day(before, zone))
    lasting = item.get("DURATION").dt if item.get("DURATION") is not None else timedelta(0)
    return first, max(first, _day(start + lasting - timedelta(seconds=1), zone)) if lasting else first


def _day(moment: date | datetime, zone: tzinfo) -> date:
    """The day in the event's own zone; a time in UTC is meant in ``zone``."""
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        return moment.date()
    return moment.astimezone(zone).date() if moment.utcoffset() == timedelta(0) else moment.date()


def slug(title: str, uid: str) -> str:
    """A stable key of small letters, digits and dashes; of the event's UID where the title has no letters for it."""
    found = _NOT_IN_SLUG.sub("-", title.casefold()).strip("-")[:60].strip("-")
    return found if found[:1].isalpha() else f"event-{hashlib.sha256((uid or title).encode()).hexdigest()[:10]}"
