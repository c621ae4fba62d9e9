"""Which holiday closes a market: agreed with exchange_calendars, and checked by hand against the official lists."""

import json
from datetime import date, timedelta

import pytest

from rules.calendars.holidays import TABLE, holiday, make_table
from rules.calendars.sessions import Calendars

CALENDARS = Calendars()
STORMS_AND_MOURNING = {
    "XHKG": {
        "2015-09-03",
        "2016-08-02",
        "2016-10-21",
        "2017-08-23",
        "2020-10-13",
        "2021-10-13",
        "2023-07-17",
        "2024-09-06",
    },
    "XNYS": {"2018-12-05", "2025-01-09"},
}
"""Closures since 2014 that no holiday explains."""


def test_packed_table_is_what_the_generator_makes() -> None:
    """The shipped names belong to the installed exchange_calendars."""
    packed = json.loads(TABLE.read_text(encoding="utf-8"))
    assert make_table() == packed, (
        "run `python -m rules.calendars.holidays`: the table is of another exchange_calendars"
    )


@pytest.mark.parametrize("name", ["XNYS", "XHKG"])
def test_every_closure_on_a_weekday_has_a_name_and_no_other_day_has(name: str) -> None:
    """From 2014 to 2040 only storms and days of mourning have none."""
    calendar, days = CALENDARS.get(name), (date(2014, 1, 1) + timedelta(n) for n in range(27 * 365 + 6))
    unnamed = set()
    for day in days:
        closed = day.weekday() < 5 and not calendar.is_session(day)
        if closed and not holiday(name, day):
            unnamed.add(str(day))
        assert closed or not holiday(name, day), day
    assert STORMS_AND_MOURNING[name] == unnamed


@pytest.mark.parametrize(
    ("calendar", "day", "key"),
    [
        ("XHKG", "2024-10-11", "chung_yeung"),
        ("XHKG", "2020-10-26", "chung_yeung.next"),  # the festival was on a Sunday
        ("XHKG", "2024-09-18", "mid_autumn.next"),  # the day behind the festival is the holiday
        ("XHKG", "2022-09-12", "mid_autumn_second"),  # whose Sunday gives the second day
        ("XHKG", "2021-04-05", "ching_ming.next"),  # Ching Ming on Easter Sunday takes Easter Monday
        ("XHKG", "2021-04-06", "easter_monday.next"),  # which moves on
        ("XHKG", "2025-04-22", ""),  # an ordinary Tuesday after Easter
        ("XHKG", "2024-02-13", "lunar_new_year_4"),  # one of the three days was a Sunday
        ("XHKG", "2021-12-27", "christmas_first"),  # Christmas was a Saturday
        ("XHKG", "2022-12-27", "christmas_second"),  # Christmas was a Sunday
        ("XHKG", "2026-12-28", ""),  # the first weekday after Christmas is a Saturday
        ("XNYS", "2024-11-28", "thanksgiving"),
        ("XNYS", "2021-12-24", "christmas.observed"),
        ("XNYS", "2022-06-20", "juneteenth.observed"),
        ("XNYS", "2021-06-18", ""),  # not yet a holiday of the exchange
        ("XNYS", "2024-11-29", ""),  # a half day is a session
        ("24/7", "2024-12-25", ""),
    ],
)
def test_days_of_the_official_lists(calendar: str, day: str, key: str) -> None:
    """As the Hong Kong government's and the New York exchange's own lists name them."""
    assert key == holiday(calendar, date.fromisoformat(day))
