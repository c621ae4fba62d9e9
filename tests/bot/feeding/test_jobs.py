"""When jobs are due: exchange time, holidays, half days, changes of clocks."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.feeding.jobs import TABLE, AfterClose, At, Daily, Every, Job, When, WhileOpen, price_jobs, table
from rules.calendars.sessions import Calendars

CALENDARS = Calendars()
FIVE = timedelta(minutes=5)
SETTLED = timedelta(minutes=16)


def utc(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("when", "after", "due"),
    [
        (Every(FIVE), "2026-07-17 14:00", "2026-07-17 14:05"),  # strictly after
        (Every(FIVE), "2026-07-17 14:00:01", "2026-07-17 14:05"),
        (Every(timedelta(hours=2), timedelta(minutes=10)), "2026-07-17 14:00", "2026-07-17 14:10"),
        (At((utc("2026-07-17 14:00"), utc("2026-07-17 14:03"))), "2026-07-17 14:00", "2026-07-17 14:03"),
        (At((utc("2026-07-17 14:00"),)), "2026-07-17 14:00", "2126-06-23 14:00"),  # never again
        (WhileOpen("XNYS", FIVE), "2026-07-17 12:00", "2026-07-17 13:35"),  # five minutes after the open
        (WhileOpen("XNYS", FIVE), "2026-07-17 19:57", "2026-07-17 20:00"),  # the close itself
        (WhileOpen("XNYS", FIVE), "2026-07-17 20:00", "2026-07-20 13:35"),  # over the weekend
        (WhileOpen("XNYS", FIVE), "2026-07-02 20:00", "2026-07-06 13:35"),  # 3 July is closed
        (WhileOpen("XNYS", FIVE), "2026-11-27 18:00", "2026-11-30 14:35"),  # a half day; winter time
        (WhileOpen("XHKG", FIVE), "2026-07-17 03:55", "2026-07-17 05:00"),  # lunch
        (AfterClose("XNYS", (SETTLED,)), "2026-07-17 12:00", "2026-07-17 20:16"),
        (AfterClose("XNYS", (SETTLED,)), "2026-07-17 20:16", "2026-07-20 20:16"),
        (AfterClose("XNYS", (SETTLED,)), "2026-11-27 12:00", "2026-11-27 18:16"),  # half day
        (AfterClose("XHKG", (SETTLED,)), "2026-12-24 00:00", "2026-12-24 04:16"),  # half day in Hong Kong
        (AfterClose("XNYS", (SETTLED, timedelta(hours=15))), "2026-07-17 21:00", "2026-07-18 11:00"),  # next morning
        (AfterClose("24/7", (timedelta(minutes=2),)), "2026-07-17 12:00", "2026-07-18 00:01:59"),
        (Daily((time(18, 30),), "America/New_York"), "2026-07-17 12:00", "2026-07-17 22:30"),
        (Daily((time(18, 30),), "America/New_York"), "2026-12-17 12:00", "2026-12-17 23:30"),  # winter
        (Daily((time(7), time(21)), "America/New_York", weekdays_only=True), "2026-07-18 02:00", "2026-07-20 11:00"),
        (Daily((time(2, 30),), "America/New_York"), "2026-03-08 05:00", "2026-03-08 07:30"),  # a skipped hour
        (Daily((time(1, 30),), "America/New_York"), "2026-11-01 00:00", "2026-11-01 05:30"),  # a doubled hour, first
        (Daily((time(8),), "Asia/Hong_Kong"), "2026-07-17 00:00", "2026-07-18 00:00"),
    ],
)
def test_next_due(when: When, after: str, due: str) -> None:
    """The next due instant is in the market's time, whatever the host's zone."""
    assert when.next(utc(after), CALENDARS) == utc(due)


ALL = [when for job in (*price_jobs(["XNYS", "XHKG", "24/7"]), *TABLE) for when in job.when]


@settings(max_examples=60, deadline=None)
@given(st.timedeltas(timedelta(0), timedelta(days=730)), st.sampled_from(ALL))
def test_due_instants_go_forward_without_gaps(passed: timedelta, when: When) -> None:
    """The next instant is after the one asked for, and asking just before it gives it again."""
    after = utc("2025-01-01") + passed
    due = when.next(after, CALENDARS)
    assert due > after
    assert when.next(due - timedelta(microseconds=1), CALENDARS) == due
    assert due - after < timedelta(days=6)


def test_closes_are_looked_at_before_the_rules_are_evaluated() -> None:
    """Between a close and the rules' ``close+20m`` prices are fetched, after the bar has settled."""
    (job,) = price_jobs(["XNYS"])
    due, found = utc("2026-07-17 19:59"), []
    while (due := job.next(due, CALENDARS)) <= utc("2026-07-17 21:30"):
        found.append(f"{due:%H:%M}")
    assert found == ["20:00", "20:16", "20:35", "21:05"]


def test_the_table_names_what_there_is() -> None:
    """Jobs of feeds that are switched off are left out; each market has its prices; names are unique."""
    feeds = dict.fromkeys(["prices.XNYS", "prices.24/7", "etf_flows"])
    assert [job.name for job in table(["XNYS", "XHKG", "24/7", "XNYS"], feeds)] == list(feeds)
    names = [job.name for job in (*price_jobs(["XNYS", "XHKG"]), *TABLE)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("after", "now", "due"),
    [
        ("2026-07-17 20:00", "2026-07-17 20:15", False),
        ("2026-07-17 20:00", "2026-07-17 20:16", True),
        ("2026-07-17 20:16", "2026-07-20 12:00", False),
    ],
)
def test_what_was_missed(after: str, now: str, due: bool) -> None:
    """A job was missed when it was due after its last run and up to now."""
    job = Job(name="x", feed="x", source="x", when=(AfterClose("XNYS", (SETTLED,)),))
    assert job.due_between(utc(after), utc(now), CALENDARS) == due
