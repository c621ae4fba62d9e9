"""What runs when: the job table, in the time of the exchange that each job is about.

A job's times come from trading calendars, so a holiday has no "after the close" and a half day has an early one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from rules.calendars.schedule import CONTINUOUS
from rules.calendars.sessions import Calendars

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FOR_EVER = timedelta(days=36_500)
_NEW_YORK = "America/New_York"


class When(Protocol):
    """Instants at which something is due."""

    def next(self, after: datetime, calendars: Calendars) -> datetime:
        """The first due instant strictly after ``after``, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """At each multiple of ``interval`` since 1970 UTC, moved by ``offset``."""

    interval: timedelta
    offset: timedelta = timedelta(0)

    def next(self, after: datetime, calendars: Calendars) -> datetime:  # noqa: ARG002 - it knows no market
        """The first due instant strictly after ``after``, in UTC."""
        passed = (after - _EPOCH - self.offset) // self.interval
        return _EPOCH + self.offset + (passed + 1) * self.interval


@dataclass(frozen=True, slots=True)
class WhileOpen:
    """Every ``interval`` from a session's open, up to and with its close; a lunch break is passed over."""

    calendar: str
    interval: timedelta

    def next(self, after: datetime, calendars: Calendars) -> datetime:
        """The first due instant strictly after ``after``, in UTC."""
        calendar = calendars.get(self.calendar)
        session = calendar.session_of(after)
        while True:
            opened, close = calendar.open(session), calendar.close(session)
            due = opened + max((after - opened) // self.interval + 1, 1) * self.interval
            while due < close and not calendar.is_open(due):
                due += self.interval
            if due <= close:
                return due
            session = calendar.next(session)


@dataclass(frozen=True, slots=True)
class AfterClose:
    """Each of ``delays`` after the close of every session, early on a half day."""

    calendar: str
    delays: tuple[timedelta, ...]

    def next(self, after: datetime, calendars: Calendars) -> datetime:
        """The first due instant strictly after ``after``, in UTC."""
        calendar = calendars.get(self.calendar)
        session = calendar.session_of(after - max(self.delays) - timedelta(days=1))
        while True:
            due = [calendar.close(session) + delay for delay in self.delays]
            late = [instant for instant in due if instant > after]
            if late:
                return min(late)
            session = calendar.next(session)


@dataclass(frozen=True, slots=True)
class Daily:
    """At each of ``times`` on the clocks of ``tz``; ``weekdays_only`` leaves out Saturday and Sunday.

    A time that a change of clocks skips is due when the clocks have moved on; one that comes twice is due the first
    time.
    """

    times: tuple[time, ...]
    tz: str
    weekdays_only: bool = False

    def next(self, after: datetime, calendars: Calendars) -> datetime:  # noqa: ARG002 - clocks, not sessions
        """The first due instant strictly after ``after``, in UTC."""
        zone = ZoneInfo(self.tz)
        day = after.astimezone(zone).date() - timedelta(days=1)
        while True:
            due = [datetime.combine(day, at, zone).astimezone(UTC) for at in self.times]
            late = [instant for instant in due if instant > after]
            if late and not (self.weekdays_only and day.weekday() >= 5):
                return min(late)
            day += timedelta(days=1)


@dataclass(frozen=True, slots=True)
class At:
    """At each of ``instants``, which ascend; then not for as long as anybody runs."""

    instants: tuple[datetime, ...]

    def next(self, after: datetime, calendars: Calendars) -> datetime:  # noqa: ARG002 - instants, not sessions
        """The first due instant strictly after ``after``, in UTC."""
        index = bisect_right(self.instants, after)
        return self.instants[index] if index < len(self.instants) else after + _FOR_EVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One line of the table.

    ``feed`` is asked whenever one of ``when`` is due. A run that is later than ``max_lateness`` is left out: what a
    poll would have seen is gone. ``catch_up`` runs it once at start when it was due since it last ran; ``at_start``
    runs it at every start. Several runs that were missed are one run.
    """

    name: str
    feed: str
    source: str
    """The source that a run without news or problems speaks well of."""
    when: tuple[When, ...]
    max_lateness: timedelta = timedelta(minutes=2)
    catch_up: bool = False
    at_start: bool = False

    def next(self, after: datetime, calendars: Calendars) -> datetime:
        """The first due instant strictly after ``after``, in UTC."""
        return min(when.next(after, calendars) for when in self.when)

    def due_between(self, after: datetime, now: datetime, calendars: Calendars) -> bool:
        """Whether the job was due in (``after``, ``now``]."""
        return self.next(after, calendars) <= now


def price_jobs(markets: Iterable[str]) -> tuple[Job, ...]:
    """The jobs of the feeds ``prices.CALENDAR``: running sessions every five minutes, then the settled close.

    The first look after a close comes when the bar has settled, before rules at ``close+20m``; the later ones catch a
    closing auction behind a delayed quote, and revisions.
    """
    return tuple(_price_job(calendar) for calendar in dict.fromkeys(markets))


def _price_job(calendar: str) -> Job:
    five = timedelta(minutes=5)
    settled = AfterClose(calendar, tuple(timedelta(minutes=m) for m in (16, 35, 65, 240)))
    if calendar == CONTINUOUS:
        settled = AfterClose(calendar, (timedelta(minutes=2, seconds=1),))
    running = Every(five) if calendar == CONTINUOUS else WhileOpen(calendar, five)
    feed = f"prices.{calendar}"
    return Job(name=feed, feed=feed, source="yahoo", when=(running, settled), catch_up=True, at_start=True)


def _hours(*hours: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(hours=each) for each in hours)


TABLE: tuple[Job, ...] = (
    Job(
        name="market_caps",
        feed="market_caps",
        source="yahoo",
        when=(AfterClose("XNYS", (timedelta(minutes=40),)), AfterClose("XHKG", (timedelta(minutes=40),))),
        max_lateness=timedelta(hours=2),
        catch_up=True,
    ),
    Job(
        name="etf_flows",
        feed="etf_flows",
        source="etf_flows",
        # issuers report from the evening of the session to the next morning, and correct at noon
        when=(AfterClose("XNYS", _hours(2, 4, 5, 6, 7, 8.5, 10, 12, 15.5, 20)),),
        max_lateness=timedelta(hours=1),
        catch_up=True,
    ),
    Job(
        name="crypto",
        feed="crypto",
        source="coinmarketcap",
        # the last run of a UTC day is the day's snapshot, from which weekly changes are measured
        when=(Every(timedelta(minutes=30)), Daily((time(23, 57),), "UTC")),
        max_lateness=timedelta(minutes=2),
        at_start=True,
    ),
    Job(
        name="fear_greed",
        feed="fear_greed",
        source="alternative_me",
        when=(Every(timedelta(hours=2), offset=timedelta(minutes=10)),),
        max_lateness=timedelta(minutes=30),
        catch_up=True,
    ),
    Job(
        name="earnings",
        feed="earnings",
        source="yahoo",
        when=(Daily((time(6), time(12), time(17, 30)), _NEW_YORK),),
        max_lateness=timedelta(hours=2),
        catch_up=True,
    ),
    Job(
        name="events",
        feed="events",
        source="events",
        when=(Every(timedelta(hours=6)),),
        max_lateness=timedelta(hours=2),
        at_start=True,
    ),
    Job(
        name="fundamentals",
        feed="fundamentals",
        source="sec",
        # 10-Qs are filed after the close and before the open
        when=(Daily((time(7, 15), time(18, 30), time(21)), _NEW_YORK, weekdays_only=True),),
        max_lateness=timedelta(hours=3),
        catch_up=True,
    ),
)
"""Every job but those of prices, which depend on the markets of the universe."""


def table(markets: Iterable[str], feeds: Mapping[str, object]) -> Sequence[Job]:
    """The jobs whose feed there is; a feed that the table doesn't know, of another package, is asked regularly."""
    known = (*price_jobs(markets), *TABLE)
    added = feeds.keys() - {job.feed for job in known}
    return [*(job for job in known if job.feed in feeds), *(_regular(name) for name in sorted(added))]


def _regular(feed: str) -> Job:
    return Job(name=feed, feed=feed, source=feed, when=(Every(timedelta(minutes=15)),), at_start=True)
