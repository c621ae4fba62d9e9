"""Comparing the sources of ETF flows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

from adapters.feeds.etf_flows import EtfFlows, Verdict, settle_day
from adapters.feeds.flow_day import FlowDay, FlowDays, observations, of_funds, of_total
from adapters.feeds.port import Fault, FeedProblem
from rules.model import Status
from tests.adapters.feeds.flow_pages import NOW

DAY = date(2026, 7, 22)


class Told:
    """A source that answers what it was given."""

    def __init__(self, name: str, *days: FlowDay, problems: tuple[FeedProblem, ...] = ()) -> None:
        self.name = name
        self._answer = FlowDays(days, problems)

    async def days(self, now: datetime) -> FlowDays:
        """The answer it was made with."""
        return self._answer


def funds(source: str, values: Mapping[str, float | None], day: date = DAY) -> FlowDay:
    """A day of ``source`` by fund."""
    return of_funds("BTC", day, values, source)


def total(source: str, value: float | None, day: date = DAY) -> FlowDay:
    """A day of ``source`` as a total alone."""
    return of_total("BTC", day, value, source, NOW)


COMPLETE = {"IBIT": 100e6, "GBTC": -40e6}
TABLE = [
    # two agree exactly
    ([funds("a", COMPLETE), funds("b", COMPLETE)], Verdict.AGREED, "a+b", Status.FINAL),
    # within US$ 2 m
    ([funds("a", COMPLETE), total("b", 61.9e6)], Verdict.AGREED, "a+b", Status.FINAL),
    # within 2 % of a large figure
    ([funds("a", {"IBIT": 1000e6}), total("b", 981e6)], Verdict.AGREED, "a+b", Status.FINAL),
    # neither
    ([funds("a", COMPLETE), total("b", 63e6)], Verdict.DISPUTED, "a", Status.PROVISIONAL),
    # the sign differs
    ([funds("a", COMPLETE), total("b", -60e6)], Verdict.DISPUTED, "a", Status.PROVISIONAL),
    # one alone
    ([funds("a", COMPLETE)], Verdict.SINGLE, "a (single source)", Status.FINAL),
    # a partial figure confirms nothing
    (
        [funds("a", COMPLETE), funds("b", {"IBIT": 60e6, "GBTC": None})],
        Verdict.SINGLE,
        "a (single source)",
        Status.FINAL,
    ),
    # funds are preferred to a total that comes first
    ([total("a", 60e6), funds("b", COMPLETE)], Verdict.AGREED, "b+a", Status.FINAL),
    # the preferred one is outvoted
    ([funds("a", {"IBIT": 5e6}), funds("b", COMPLETE), total("c", 60e6)], Verdict.AGREED, "b+c", Status.FINAL),
    # nobody has it complete: the one with the most funds
    (
        [funds("a", {"IBIT": None, "GBTC": None}), funds("b", {"IBIT": 1e6, "GBTC": None})],
        Verdict.UNFINISHED,
        "b",
        Status.PARTIAL,
    ),
    # nobody has anything
    ([funds("a", {"IBIT": None}), total("b", None)], Verdict.UNFINISHED, "a", Status.PENDING),
]


@pytest.mark.parametrize(("told", "verdict", "source", "status"), TABLE)
def test_a_day_is_settled(told: list[FlowDay], verdict: Verdict, source: str, status: Status):
    """Two sources that agree settle a day; otherwise it says what it is."""
    settled = settle_day(told)
    assert (verdict, source, status) == (settled.verdict, settled.day.source, settled.day.status)


async def test_a_dispute_names_both_figures_and_the_funds():
    """The problem tells the reader which source says what and where they part."""
    other = {"IBIT": 100e6, "GBTC": -80e6, "DEFI": 1e6}
    fetched = await EtfFlows(sources=[Told("a", funds("a", COMPLETE)), Told("b", funds("b", other))]).fetch(NOW)
    assert [problem.message for problem in fetched.problems] == [
        "BTC 2026-07-22: a has 60,000,000 USD, b 21,000,000; they differ in GBTC; only b has DEFI",
    ]
    assert [problem.fault for problem in fetched.problems] == [Fault.DISAGREEMENT]


async def test_a_single_source_is_told_once_for_all_its_days():
    """Many days of one source are one problem, not one a day."""
    days = [funds("a", COMPLETE, date(2026, 7, day)) for day in (20, 21, 22)]
    fetched = await EtfFlows(sources=[Told("a", *days), Told("b")]).fetch(NOW)
    assert [problem.message for problem in fetched.problems] == [
        "BTC: a (single source) for 3 days, 2026-07-20 to 2026-07-22; no other source has them complete"
    ]


async def test_one_source_alone_is_told_as_it_is():
    """``only`` asks one source and compares nothing."""
    sources = [Told("a", funds("a", {"IBIT": 1e6})), Told("b", funds("b", COMPLETE))]
    fetched = await EtfFlows(sources=sources, only="b").fetch(NOW)
    assert ({"b"}, ()) == ({each.source for each in fetched.observations}, fetched.problems)


async def test_an_unknown_source_is_named():
    """A misspelt ``--source`` lists what there is."""
    fetched = await EtfFlows(sources=[Told("a")], only="farsid").fetch(NOW)
    assert [problem.message for problem in fetched.problems] == ["there is no source 'farsid'; wanted one of a"]


async def test_a_table_that_is_not_kept_any_more_is_told():
    """A source whose newest complete day is long past is late, however well it answers."""
    old = [funds(name, COMPLETE, date(2026, 6, 30)) for name in ("a", "b")]
    fetched = await EtfFlows(sources=[Told("a", old[0]), Told("b", old[1])]).fetch(NOW)
    assert {"BTC: its newest complete day is 2026-06-30; wanted 2026-07-20 or later"} == {
        problem.message for problem in fetched.problems
    }


async def test_problems_of_a_source_are_passed_on():
    """What a source met is told beside the figures of the others."""
    blocked = FeedProblem("b", Fault.BLOCKED, "refused")
    sources = [Told("a", funds("a", COMPLETE)), Told("b", problems=(blocked,)), Told("c", total("c", 60e6))]
    fetched = await EtfFlows(sources=sources).fetch(NOW)
    assert (blocked,) == fetched.problems
    assert len(fetched.observations) == 3


def test_a_day_is_told_at_the_close_of_its_session():
    """Each fund and the total are series at the New York close, known at the fetch, in USD."""
    told = observations([funds("a", {"IBIT": 1e6, "BTC": None})], NOW)
    close = datetime(2026, 7, 22, 20, tzinfo=UTC)
    assert [
        ("etf_flows.BTC.IBIT", close, NOW, 1e6, Status.FINAL),
        ("etf_flows.BTC.BTC", close, NOW, None, Status.PENDING),
        ("etf_flows.BTC.total", close, NOW, 1e6, Status.PARTIAL),
    ] == [(each.series, each.at, each.known_at, each.value, each.status) for each in told]


def test_a_half_day_closes_early():
    """The day after Thanksgiving closes at 13:00 in New York."""
    told = observations([funds("a", {"IBIT": 1e6}, date(2026, 11, 27))], NOW)
    assert {datetime(2026, 11, 27, 18, tzinfo=UTC)} == {each.at for each in told}


def test_a_fresh_total_of_zero_is_pending():
    """A total alone can't tell nothing published from nothing flowed while the day is young; later it can."""
    assert total("cmc", 0.0, date(2026, 7, 23)).status == Status.PENDING
    assert (
        total("cmc", 0.0, date(2026, 7, 20)).total,
        total("cmc", 0.0, date(2026, 7, 20)).status,
    ) == (0.0, Status.FINAL)
