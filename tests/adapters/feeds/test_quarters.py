"""Making calendar quarters of what filings report."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feeds.quarters import Fact, Version, calendar_quarter, combined, first_known, quarters

Q1, Q2, Q3, Q4 = date(2024, 3, 31), date(2024, 6, 30), date(2024, 9, 30), date(2024, 12, 31)


def fact(start: str, end: str, value: float, filed: str) -> Fact:
    """A fact from ISO dates."""
    return Fact(date.fromisoformat(start), date.fromisoformat(end), value, date.fromisoformat(filed))


CASH_FLOWS = [
    fact("2024-01-01", "2024-03-31", 10, "2024-05-01"),
    fact("2024-01-01", "2024-06-30", 25, "2024-08-01"),
    fact("2024-01-01", "2024-09-30", 45, "2024-11-01"),
    fact("2024-01-01", "2024-12-31", 70, "2025-02-01"),
]
"""Year-to-date sums, as a cash flow statement gives them."""


def values(facts: Sequence[Fact]) -> dict[date, float]:
    """The newest version of each quarter."""
    return {end: quarter.versions[-1].value for end, quarter in quarters(facts).items()}


def test_year_to_date_sums_become_quarters():
    """The second quarter is six months less the first; the fourth is the year less nine months."""
    assert values(CASH_FLOWS) == {Q1: 10, Q2: 15, Q3: 20, Q4: 25}


def test_a_computed_quarter_is_known_when_the_longer_sum_was_filed():
    """Nobody knew the fourth quarter before the annual report."""
    assert (Version(date(2025, 2, 1), 25),) == quarters(CASH_FLOWS)[Q4].versions


def test_the_fourth_quarter_needs_no_nine_months():
    """Three quarters given one by one serve as well."""
    facts = [
        fact("2024-01-01", "2024-03-31", 10, "2024-05-01"),
        fact("2024-04-01", "2024-06-30", 15, "2024-08-01"),
        fact("2024-07-01", "2024-09-30", 20, "2024-11-01"),
        fact("2024-01-01", "2024-12-31", 70, "2025-02-01"),
    ]
    assert values(facts)[Q4] == 25


def test_a_quarter_whose_past_is_missing_is_not_invented():
    """Nine months alone say nothing about the third quarter."""
    assert quarters([fact("2024-01-01", "2024-09-30", 45, "2024-11-01")]) == {}


def test_a_restatement_is_a_version_since_its_filing():
    """Both figures are kept, each with the day from which it was known; a repetition is none."""
    facts = [
        fact("2024-01-01", "2024-03-31", 10, "2024-05-01"),
        fact("2024-01-01", "2024-03-31", 10, "2024-08-01"),
        fact("2024-01-01", "2024-03-31", 12, "2025-05-01"),
    ]
    assert (Version(date(2024, 5, 1), 10), Version(date(2025, 5, 1), 12)) == quarters(facts)[Q1].versions


def test_a_computed_quarter_keeps_to_figures_of_one_time():
    """A recast of the nine months a year later doesn't move a fourth quarter whose year was not recast."""
    recast = fact("2024-01-01", "2024-09-30", 40, "2025-11-01")
    assert (Version(date(2025, 2, 1), 25),) == quarters([*CASH_FLOWS, recast])[Q4].versions


def test_a_recast_year_moves_the_fourth_quarter_with_its_recast_parts():
    """Year and nine months of the new cut belong together."""
    recast = [
        fact("2024-01-01", "2024-09-30", 40, "2025-11-01"),
        fact("2024-01-01", "2024-12-31", 64, "2026-02-01"),
    ]
    expected = (Version(date(2025, 2, 1), 25), Version(date(2026, 2, 1), 24))
    assert expected == quarters([*CASH_FLOWS, *recast])[Q4].versions


def test_a_quarter_given_later_replaces_the_computed_one():
    """The comparative column of the next year's report is the company's own figure."""
    later = fact("2024-04-01", "2024-06-30", 14, "2025-08-01")
    assert (Version(date(2024, 8, 1), 15), Version(date(2025, 8, 1), 14)) == quarters([*CASH_FLOWS, later])[Q2].versions


CALENDARS = [
    # a fiscal quarter that is a calendar quarter
    ("2024-07-01", "2024-09-30", "2024-09-30"),
    # a quarter to the end of October is mostly the third
    ("2024-07-29", "2024-10-27", "2024-09-30"),
    # one to the end of January belongs to the year before
    ("2024-10-28", "2025-01-26", "2024-12-31"),
    # thirteen weeks to late September
    ("2024-06-30", "2024-09-28", "2024-09-30"),
    # September to November: the middle is in October
    ("2024-08-30", "2024-11-28", "2024-12-31"),
    # fourteen weeks
    ("2022-09-25", "2022-12-31", "2022-12-31"),
]


@pytest.mark.parametrize(("start", "end", "expected"), CALENDARS)
def test_fiscal_quarters_map_to_calendar_quarters(start: str, end: str, expected: str):
    """A fiscal quarter belongs to the calendar quarter that holds its middle."""
    assert date.fromisoformat(expected) == calendar_quarter(date.fromisoformat(start), date.fromisoformat(end))


def test_gross_profit_can_be_revenue_less_cost():
    """It is known once both are, and changes when either does."""
    revenue = quarters([fact("2024-01-01", "2024-03-31", 100, "2024-05-01")])
    cost = quarters(
        [fact("2024-01-01", "2024-03-31", 60, "2024-05-02"), fact("2024-01-01", "2024-03-31", 55, "2025-05-01")]
    )
    assert (Version(date(2024, 5, 2), 40), Version(date(2025, 5, 1), 45)) == combined(revenue, cost, operator.sub)[
        Q1
    ].versions


def test_the_first_concept_that_has_a_quarter_gives_it():
    """A concept that a company stopped using is continued by its successor."""
    old = quarters([fact("2024-01-01", "2024-03-31", 1, "2024-05-01")])
    new = quarters(
        [fact("2024-01-01", "2024-03-31", 2, "2024-05-01"), fact("2024-04-01", "2024-06-30", 3, "2024-08-01")]
    )
    assert {end: each.versions[-1].value for end, each in first_known((old, new)).items()} == {Q1: 1, Q2: 3}


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=12), st.data())
def test_sums_of_any_quarters_give_them_back(amounts: list[int], data: st.DataObject):
    """Whatever is reported as running sums of a year comes back quarter by quarter, in any order of facts."""
    facts = []
    for year in range(0, len(amounts), 4):
        begin = date(2020 + year // 4, 1, 1)
        for number, total in enumerate(accumulate(amounts[year : year + 4]), start=1):
            end = date(begin.year + number // 4, number * 3 % 12 + 1, 1) - timedelta(days=1)
            facts.append(Fact(begin, end, float(total), end + timedelta(days=30)))
    found = values(data.draw(st.permutations(facts)))
    assert [float(amount) for amount in amounts] == [found[end] for end in sorted(found)]
