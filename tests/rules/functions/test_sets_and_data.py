"""Functions over lists, about the figures themselves and about the calendar."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from rules.model import Observation, Status
from tests.rules.desk import at, bars, evaluate

NAN = math.nan
THREE = [
    *bars("prices.AA.close", [10.0, 11.0]),
    *bars("prices.BB.close", [10.0, 9.0]),
    *bars("prices.CC.close", [10.0, 10.0]),
]
NEW_YORK = bars("prices.NY.close", [10.0, 10.5], "XNYS")
CLOSED = at("2024-01-03T23:59:59")

SETS = [
    ("any(universe.all, ret(it, 1d) >= 10%)", 1.0),
    ("all(universe.all, ret(it, 1d) >= -10%)", 1.0),
    ("count_of(universe.all, ret(it, 1d) >= 0%)", 3.0),
    ("top(universe.all, ret(it, 1d))", 0.1),
    ("mean_of(universe.all, it)", (11.0 + 9.0 + 10.0 + 10.5) / 4),
    ("rank(AA, universe.all, 1d)", 1.0),
    ("rank(BB, universe.all, 1d)", 4.0),
    ("count_of(universe.all, rank(it, universe.all, 1d) <= 2)", 2.0),
]


@pytest.mark.parametrize(("text", "expected"), SETS)
def test_members_of_several_calendars_count_together(text: str, expected: float) -> None:
    """Three on UTC days and one in New York, at the end of 2 January UTC and after New York's close of the 3rd."""
    crypto = [
        replace(seen, at=seen.at + timedelta(days=1), known_at=seen.known_at + timedelta(days=1)) for seen in THREE
    ]
    assert pytest.approx(expected) == evaluate(text, [*crypto, *NEW_YORK], CLOSED)


PARTLY = [
    # CC and NY have no figures: three-valued for any and all, the known ones for the rest, unknown when most miss
    ("any(universe.all, it > 10)", 1.0),
    ("any(universe.all, it > 100)", NAN),
    ("all(universe.all, it > 10)", 0.0),
    ("all(universe.all, it > 1)", NAN),
    ("count_of(universe.all, it > 1)", 2.0),
    ("mean_of(universe.all, it)", 10.0),
    ("top(universe.all, prev(it, 5))", NAN),
    ("rank(CC, universe.all, 1d)", NAN),
]


@pytest.mark.parametrize(("text", "expected"), PARTLY)
def test_members_without_figures_are_not_counted_as_false(text: str, expected: float) -> None:
    """Half of the list is known."""
    assert pytest.approx(expected, nan_ok=True) == evaluate(text, THREE[:4])


def flow(value: float | None, status: Status, known: str) -> Observation:
    return Observation("etf_flows.BTC.total", at("2024-01-02T21:00"), at(known), value, status)


FIRMNESS = [
    # what became known, then final, revised, known, the value
    ([], (NAN, NAN, 0.0, NAN)),
    ([flow(None, Status.PENDING, "2024-01-02T22:00")], (0.0, 0.0, 0.0, NAN)),
    ([flow(-5e6, Status.PARTIAL, "2024-01-02T22:00")], (0.0, 0.0, 1.0, -5e6)),
    (
        [flow(-5e6, Status.PARTIAL, "2024-01-02T22:00"), flow(-7e6, Status.FINAL, "2024-01-03T03:00")],
        (1.0, 0.0, 1.0, -7e6),
    ),
    (
        [flow(-7e6, Status.FINAL, "2024-01-03T03:00"), flow(-8e6, Status.FINAL, "2024-01-03T05:00")],
        (1.0, 1.0, 1.0, -8e6),
    ),
    (
        [flow(-7e6, Status.FINAL, "2024-01-03T03:00"), flow(-8e6, Status.PARTIAL, "2024-01-03T05:00")],
        (1.0, 0.0, 1.0, -7e6),
    ),
    ([flow(math.inf, Status.FINAL, "2024-01-03T03:00")], (1.0, 0.0, 0.0, NAN)),
]


@pytest.mark.parametrize(("seen", "expected"), FIRMNESS)
def test_how_firm_a_figure_is(seen: list[Observation], expected: tuple[float, ...]) -> None:
    """final, revised and known follow the newest figure; a partial one never reopens a final one."""
    texts = ("final(FLOW)", "revised(FLOW)", "known(FLOW)", "FLOW")
    assert pytest.approx(expected, nan_ok=True) == tuple(evaluate(text, seen) for text in texts)


NOW = at("2024-01-03T15:00")  # a Wednesday, half an hour after New York's open
CALENDAR = [
    ("open_now(XNYS)", 1.0),
    ("open_now(XHKG)", 0.0),
    ('open_now("24/7")', 1.0),
    ("to_close(XNYS) == 6h", 1.0),
    ("session(XNYS) == obs_date(NY)", 0.0),
    ("session(XNYS) - obs_date(NY)", 1.0),
    ("age(NY)", 18 * 3600.0),
    ("fresh(NY, 1d)", 0.0),
    ("fresh(NY, 2d)", 1.0),
    ("fresh(NY, today)", 0.0),
    ("fresh(NY, 20h)", 1.0),
    ("fresh(NY, 30m)", 0.0),
    ("fresh(HK, 30m)", 0.0),
    ("days_until(earnings(NY)) == 1", 1.0),
    ("days_until(event(fomc))", 28.0),
    ("days_until(earnings(HK)) == 1", NAN),
]


@pytest.mark.parametrize(("text", "expected"), CALENDAR)
def test_the_calendar_is_that_of_the_market(text: str, expected: float) -> None:
    """On 3 January 2024, 10:00 in New York, with New York's close of the 2nd as the newest figure."""
    seen = [
        *bars("prices.NY.close", [10.0], "XNYS"),
        Observation("earnings.NY.date", at("2024-01-01T00:00"), at("2024-01-01T00:00"), 20240104.0, Status.PROVISIONAL),
        Observation("events.fomc.date", at("2024-01-01T00:00"), at("2024-01-01T00:00"), 20240131.0),
    ]
    assert pytest.approx(expected, nan_ok=True) == evaluate(text, seen, NOW)


def test_an_event_counts_from_the_local_date() -> None:
    """At 02:00 UTC it is still the day before in New York."""
    seen = [Observation("earnings.NY.date", at("2024-01-01T00:00"), at("2024-01-01T00:00"), 20240104.0)]
    assert [2.0, 1.0] == [evaluate("days_until(earnings(NY))", seen, at(f"2024-01-0{day}T02:00")) for day in (3, 4)]
