"""Sessions of New York, Hong Kong and UTC days, checked against exchange_calendars and by hand."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.calendars import schedule
from rules.calendars.sessions import Calendar, Calendars, UnknownCalendar

CALENDARS = Calendars()
NEW_YORK = CALENDARS.get("XNYS")
HONG_KONG = CALENDARS.get("XHKG")
UTC_DAYS = CALENDARS.get("24/7")


def at(text: str) -> datetime:
    """Read an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("name", ["XNYS", "XHKG"])
def test_packed_table_agrees_with_the_library(name: str) -> None:
    """Every session of the shipped table has the hours that exchange_calendars gives it."""
    packed = schedule.from_table(name)
    assert packed is not None, "run `python -m rules.calendars.schedule`: the table is of another exchange_calendars"
    library = schedule.from_library(name, packed.start, packed.end)
    for column in ("sessions", "opens", "break_starts", "break_ends", "closes"):
        np.testing.assert_array_equal(getattr(library, column), getattr(packed, column))


@pytest.mark.parametrize(
    ("calendar", "instant", "session"),
    [
        (NEW_YORK, "2024-11-01T13:29:59", "2024-10-31"),  # before the open it is still yesterday's session
        (NEW_YORK, "2024-11-01T13:30", "2024-11-01"),  # summer time in New York until 3 November
        (NEW_YORK, "2024-11-04T13:30", "2024-11-01"),  # winter time: an hour before the open
        (NEW_YORK, "2024-11-04T14:30", "2024-11-04"),
        (NEW_YORK, "2024-11-02T03:00", "2024-11-01"),  # after hours belong to the session that closed
        (NEW_YORK, "2024-11-03T12:00", "2024-11-01"),  # Sunday
        (NEW_YORK, "2024-11-28T20:00", "2024-11-27"),  # Thanksgiving
        (HONG_KONG, "2024-11-01T01:30", "2024-11-01"),
        (HONG_KONG, "2024-10-11T03:00", "2024-10-10"),  # Chung Yeung
        (UTC_DAYS, "2024-11-02T23:59:59.5", "2024-11-02"),
        (UTC_DAYS, "2024-11-03T00:00", "2024-11-03"),
    ],
)
def test_instant_belongs_to_the_last_session_that_opened(calendar: Calendar, instant: str, session: str) -> None:
    """A session lasts until the next one opens."""
    assert date.fromisoformat(session) == calendar.session_of(at(instant))


@pytest.mark.parametrize(
    ("calendar", "session", "opens", "closes"),
    [
        (NEW_YORK, "2024-10-31", "2024-10-31T13:30", "2024-10-31T20:00"),
        (NEW_YORK, "2024-11-29", "2024-11-29T14:30", "2024-11-29T18:00"),  # the day after Thanksgiving, 13:00
        (NEW_YORK, "2026-12-24", "2026-12-24T14:30", "2026-12-24T18:00"),
        (HONG_KONG, "2024-11-01", "2024-11-01T01:30", "2024-11-01T08:00"),
        (HONG_KONG, "2026-02-16", "2026-02-16T01:30", "2026-02-16T04:00"),  # Lunar New Year's Eve, noon
        (UTC_DAYS, "2024-11-02", "2024-11-02T00:00", "2024-11-02T23:59:59"),
    ],
)
def test_hours_of_a_session(calendar: Calendar, session: str, opens: str, closes: str) -> None:
    """Opens and closes are UTC instants that follow summer time and half days."""
    day = date.fromisoformat(session)
    assert (at(opens), at(closes)) == (calendar.open(day), calendar.close(day))


@pytest.mark.parametrize(
    ("calendar", "period", "instant", "base"),
    [
        (NEW_YORK, "week", "2024-11-01T20:20", "2024-10-25"),
        (NEW_YORK, "week", "2024-11-04T12:00", "2024-10-25"),  # Monday before the open is still last week
        (NEW_YORK, "month", "2024-11-01T20:20", "2024-10-31"),
        (NEW_YORK, "quarter", "2024-11-01T20:20", "2024-09-30"),
        (NEW_YORK, "year", "2024-11-01T20:20", "2023-12-29"),
        (NEW_YORK, "week", "2024-03-28T21:00", "2024-03-22"),
        (NEW_YORK, "week", "2024-04-01T20:00", "2024-03-28"),  # Good Friday: Thursday was the week's last close
        (NEW_YORK, "week", "2024-01-16T21:00", "2024-01-12"),  # Monday was Martin Luther King Day
        (
            HONG_KONG,
            "week",
            "2024-02-16T08:00",
            "2024-02-09",
        ),  # three days off after the new year, Friday 9th a half day
        (HONG_KONG, "week", "2019-10-10T08:00", "2019-10-04"),
        (UTC_DAYS, "week", "2024-11-01T20:20", "2024-10-27"),  # crypto's week begins on Monday 00:00 UTC
        (UTC_DAYS, "month", "2024-11-01T20:20", "2024-10-31"),
        (UTC_DAYS, "year", "2024-11-01T20:20", "2023-12-31"),
    ],
)
def test_change_over_a_period_starts_from_the_last_close_before_it(
    calendar: Calendar, period: str, instant: str, base: str
) -> None:
    """Holidays move the base to the last session that there was."""
    assert date.fromisoformat(base) == calendar.base_session(period, at(instant))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("calendar", "instant", "expected"),
    [
        (HONG_KONG, "2024-11-01T01:29:59", False),
        (HONG_KONG, "2024-11-01T01:30", True),
        (HONG_KONG, "2024-11-01T04:00", False),  # lunch, noon to one
        (HONG_KONG, "2024-11-01T04:59", False),
        (HONG_KONG, "2024-11-01T05:00", True),
        (HONG_KONG, "2024-11-01T08:00", False),
        (HONG_KONG, "2026-12-24T04:30", False),  # a half day has no afternoon
        (NEW_YORK, "2024-11-01T16:30", True),  # New York has no lunch
        (NEW_YORK, "2024-11-02T16:30", False),
        (UTC_DAYS, "2024-11-02T23:59:59.9", True),
    ],
)
def test_market_is_open_outside_breaks(calendar: Calendar, instant: str, expected: bool) -> None:
    """The open is inside, the close and the lunch break are outside."""
    assert expected is calendar.is_open(at(instant))


def test_next_open_and_close_are_strictly_later() -> None:
    """At a close the next close is another session's."""
    assert at("2024-11-04T21:00") == NEW_YORK.next_close(at("2024-11-01T20:00"))
    assert at("2024-11-01T20:00") == NEW_YORK.next_close(at("2024-11-01T19:59:59"))
    assert at("2024-11-04T14:30") == NEW_YORK.next_open(at("2024-11-01T13:30"))
    assert at("2024-11-03T23:59:59") == UTC_DAYS.next_close(at("2024-11-02T23:59:59"))


def test_days_that_are_no_session() -> None:
    """A day without trading can be asked about, but has no hours."""
    saturday = date(2024, 11, 2)
    assert not NEW_YORK.is_session(saturday)
    assert date(2024, 11, 1) == NEW_YORK.session_on_or_before(saturday) == NEW_YORK.previous(saturday)
    assert date(2024, 11, 4) == NEW_YORK.next(saturday)
    assert date(2024, 10, 25) == NEW_YORK.previous(date(2024, 11, 1), 5)
    with pytest.raises(ValueError, match="2024-11-02 is no session of XNYS; the last one before is 2024-11-01"):
        NEW_YORK.close(saturday)


def test_far_days_are_built_when_asked_for() -> None:
    """Beyond what is packed, and beyond what the library knows, a calendar still answers."""
    fresh = Calendars()
    assert date(2055, 1, 4) == fresh.get("XHKG").previous(date(2055, 1, 5))  # the library ends in 2049: weekdays
    assert date(1962, 1, 3) == fresh.get("XNYS").next(date(1962, 1, 2))
    assert date(1889, 12, 31) == fresh.get("24/7").previous(date(1890, 1, 1))
    with pytest.raises(ValueError, match="1066-10-14 is outside of the calendars"):
        fresh.get("XNYS").is_session(date(1066, 10, 14))


def test_other_markets_come_from_the_library() -> None:
    """Tokyo is not packed and is found all the same, with its lunch break."""
    tokyo = Calendars().get("XTKS")
    assert tokyo.is_open(at("2024-11-01T02:29"))
    assert not tokyo.is_open(at("2024-11-01T02:30"))
    assert date(2024, 11, 1) == tokyo.session_of(at("2024-11-01T02:29"))


def test_aliases_share_one_calendar_and_unknown_names_say_the_nearest() -> None:
    """``NYSE`` is ``XNYS``; a slip is answered with what was probably meant."""
    assert CALENDARS.get("NYSE") is NEW_YORK
    with pytest.raises(UnknownCalendar, match=r"no calendar is called 'XNYSE'.*did you mean XNYS"):
        CALENDARS.get("XNYSE")


@pytest.mark.parametrize("calendar", [NEW_YORK, HONG_KONG, UTC_DAYS], ids=lambda calendar: calendar.name)
@settings(max_examples=200, deadline=None)
@given(seconds=st.integers(788_918_400, 2_145_916_800))
def test_neighbours_agree(calendar: Calendar, seconds: int) -> None:
    """Any instant lies between its session's open and the next session's, and the answers fit together."""
    instant = datetime.fromtimestamp(seconds, UTC)
    session = calendar.session_of(instant)
    following = calendar.next(session)
    assert calendar.open(session) <= instant < calendar.open(following)
    assert session == calendar.previous(following) == calendar.session_on_or_before(following - timedelta(days=1))
    assert calendar.open(following) == calendar.next_open(instant)
    assert instant < calendar.next_close(instant)
    assert calendar.base_session("week", instant) < session
