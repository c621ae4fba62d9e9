"""The backtest against the live engine, event for event, and against figures worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.backtesting.backtest import Past, backtest, runs_in_columns
from rules.backtesting.bars import Bars, observations, parse_csv
from rules.backtesting.columns import in_blocks
from rules.backtesting.fired import fires_of
from rules.backtesting.panel import Strip
from rules.calendars.axis import micros
from rules.engine import Engine
from rules.spec import AtSession, Expression, NewObservation, OncePer, RuleSpec, Span
from tests.rules.desk import CALENDARS, FLOW, PLAIN, UNIVERSE, at, sessions
from tests.rules.test_engine import rule

FIRST = date(2023, 10, 2)
CLOSE_20M = AtSession("XNYS", "close", timedelta(minutes=20))
UTC_20M = AtSession("24/7", "close", timedelta(minutes=20))

RULES = [
    rule("it > 105", name="level", for_each="universe.all"),
    rule("ret(it, 1d) <= -3%", name="ret", for_each="universe.all", once_per=OncePer.SESSION),
    rule("it > sma(it, 5d)", name="sma", clear="it < 0.98 * sma(it, 5d)", for_each="universe.all"),
    rule("crosses(it, sma(it, 3d))", name="cross", for_each="universe.all"),
    rule("crosses(high(AA), 108)", name="high", rearm="abs(AA / 108 - 1) >= 2%"),
    rule("crosses_up(high(it), 104)", name="highs", for_each="universe.all"),
    rule("rel(AA, NY, this_week) >= 1pp", name="rel", clear="rel(AA, NY, this_week) < 0.5pp", every=CLOSE_20M),
    rule("abs(ret(it, this_week)) >= 4%", name="week", for_each="universe.all", every=CLOSE_20M, once_per=OncePer.WEEK),
    rule("ret(it, this_month) > 3%", name="month", for_each="universe.all", every=UTC_20M, once_per=OncePer.MONTH),
    rule("zscore(it, 6d) > 1.2 or is_high(it, 8d)", name="z", for_each="universe.all", every=CLOSE_20M),
    rule("rsi(it, 3d) > 70 and ema(it, 2d) > 100", name="rsi", for_each="universe.all"),
    rule("atr(AA, 2d) > 3", name="atr", once_per=OncePer.EVER),
    rule("FLOW < 0 USD and final(FLOW)", name="flow", every=NewObservation("FLOW"), once_per=OncePer.OBSERVATION),
    rule("streak(change(FLOW, 1d) < 0 USD) >= 2", name="streak", every=NewObservation("FLOW")),
    rule("count_of(universe.all, it > 100) >= 2", name="breadth"),
    rule(
        "rank(it, universe.all, 1d) == 1",
        name="rank",
        for_each="universe.all",
        every=CLOSE_20M,
        cooldown=Span(sessions=2),
    ),
    rule(
        "it > 103",
        name="for",
        for_each="universe.all",
        every=CLOSE_20M,
        for_=Span(sessions=2),
        keep_for=Span(sessions=1),
    ),
    rule("becomes(ret(NY, 1d) > 1%) and AA > 95", name="becomes"),
    rule("drawdown(it, 10d) <= -4%", name="drawdown", for_each="universe.all", rearm="drawdown(it, 10d) > -2%"),
    rule("count(it > prev(it, 1), 4d) >= 3", name="count", for_each="universe.all"),
    rule("a > 20 and sum(a, 3d) > 70", name="plain", once_per=OncePer.DAY),
    rule("corr(AA, BB, 6d) > 0.5 and median(AA, 5d) > 99", name="corr"),
    rule("max(it, 1w) > 107 or sma(it, 3 bars) < 95", name="spans", for_each="universe.all"),
    rule("is_high(it, 1mo) or from_high(it, 1w) >= 5%", name="span highs", for_each="universe.all"),
    rule("is_low(it, 1w) or drawdown(it, 1mo) <= -8% or min(it, 2w) < 95", name="span lows", for_each="universe.all"),
]


def random_bars(
    key: str, calendar: str, chance: np.random.Generator, feed: str = "prices", gaps: float = 1.0, **shape: Any
) -> Bars:
    days = np.array(sessions(calendar, 170, FIRST), "datetime64[D]")
    close = np.round(
        100.0 * np.exp(np.cumsum(chance.normal(0, 0.02, len(days)) - 0.01 * np.sign(np.arange(len(days)) % 20 - 9.5))),
        2,
    )
    close[chance.random(len(days)) < 0.06 * gaps] = np.nan
    kept = chance.random(len(days)) > 0.05 * gaps
    if feed != "prices":
        return Bars(key, days[kept], {shape["name"]: (close - 100.0)[kept] * shape["scale"]}, feed)
    fields = {"open": close - 0.5, "high": np.round(close * 1.02, 2), "low": close * 0.98, "close": close}
    return Bars(key, days[kept], {name: values[kept] for name, values in fields.items()})


def random_data(seed: int) -> list[Bars]:
    """Three on UTC days, one in New York, a flow and a plain series; every third seed is without gaps."""
    chance, gaps = np.random.default_rng(seed), float(seed % 3 != 2)
    return [
        *(random_bars(name, "24/7", chance, gaps=gaps) for name in ("AA", "BB", "CC")),
        random_bars("NY", "XNYS", chance, gaps=gaps),
        random_bars("BTC", "XNYS", chance, "etf_flows", gaps, name="total", scale=1e6),
        random_bars("a", "24/7", chance, "plain", gaps, name="value", scale=5.0),
    ]


def live(spec: RuleSpec, data: list[Bars], start: date, end: date) -> tuple[int, list[tuple[object, ...]]]:
    """The live engine, one instant after the other."""
    engine = Engine([spec], UNIVERSE, CALENDARS, storm=10**9)
    first, last = at(f"{start}T00:00"), at(f"{end}T23:59:59.999999")
    state = engine.initial_state(first)
    waiting = sorted(observations(data, state.history, micros(last)), key=lambda seen: seen.known_at)
    state = engine.seed(state, [seen for seen in waiting if seen.known_at <= first])
    told = []
    later = [seen for seen in waiting if seen.known_at > first]
    for moment in sorted({seen.known_at for seen in later}):
        state, found = engine.advance(state, [seen for seen in later if seen.known_at == moment], moment)
        told.extend(found)
    state, found = engine.advance(state, [], last)
    fires = fires_of([*told, *found])
    return state.evaluations, sorted(
        (fire.fired_at, sorted(fire.labels.items()), fire.resolved_at, fire.observed_at, fire.value, fire.because)
        for fire in fires
    )


@pytest.mark.parametrize("spec", RULES, ids=[spec.id for spec in RULES])
def test_the_backtest_is_the_live_engine(spec: RuleSpec) -> None:
    """Same fires, ends, values, times and words, on random series with gaps, missing figures and mixed calendars."""
    start, end = date(2024, 1, 20), date(2024, 4, 1)
    for seed in range(3):
        data = random_data(seed)
        past = Past([spec], UNIVERSE, CALENDARS, data, start=start, end=end)
        assert runs_in_columns(past.engine.runtimes[0])
        found = past.results()[0]
        evaluations, expected = live(spec, data, start, end)
        assert expected == sorted(
            (fire.fired_at, sorted(fire.labels.items()), fire.resolved_at, fire.observed_at, fire.value, fire.because)
            for fire in found.fires
        )
        assert evaluations == found.evaluations


@pytest.mark.parametrize("condition", ["ret(NY, 1d) > 0.5%", "crosses(NY, sma(NY, 3d))", "rsi(NY, 3d) > 60"])
def test_a_market_is_looked_at_from_another(condition: str) -> None:
    """At Hong Kong's closes New York stands still for two holidays of its own and moves on over two of Hong Kong's."""
    spec = rule(condition, name="abroad", every=AtSession("XHKG", "close", timedelta(minutes=20)))
    start, end = date(2024, 1, 5), date(2024, 2, 20)
    for seed in range(3):
        data = random_data(seed)
        found = Past([spec], UNIVERSE, CALENDARS, data, start=start, end=end).results()[0]
        assert live(spec, data, start, end)[1] == [
            (fire.fired_at, sorted(fire.labels.items()), fire.resolved_at, fire.observed_at, fire.value, fire.because)
            for fire in found.fires
        ]


def test_the_random_rules_do_fire() -> None:
    """The comparison above is not one of empty lists: each rule fires for one of the seeds."""
    span = {"start": date(2024, 1, 20), "end": date(2024, 4, 1)}
    reports = [backtest(RULES, UNIVERSE, CALENDARS, random_data(seed), **span) for seed in range(3)]
    fired = {result.id for report in reports for result in report.rules if result.fires}
    assert {spec.id for spec in RULES} == fired


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from([spec for spec in RULES if spec.for_each]))
def test_the_backtest_is_the_live_engine_for_any_series(seed: int, spec: RuleSpec) -> None:
    """The same, over more random series."""
    start, end, data = date(2024, 1, 5), date(2024, 2, 20), random_data(seed)
    found = Past([spec], UNIVERSE, CALENDARS, data, start=start, end=end).results()[0]
    assert live(spec, data, start, end)[1] == sorted(
        (fire.fired_at, sorted(fire.labels.items()), fire.resolved_at, fire.observed_at, fire.value, fire.because)
        for fire in found.fires
    )


def test_a_rule_with_timers_of_the_clock_is_stepped() -> None:
    """``for: 3h`` between two daily figures needs the live engine; the result says so."""
    spec = rule("AA > 100", for_=Span(seconds=3 * 3600))
    span = {"start": date(2024, 1, 20), "end": date(2024, 3, 1)}
    (result,) = Past([spec], UNIVERSE, CALENDARS, random_data(2), **span).results()
    assert result.stepwise
    assert live(spec, random_data(2), date(2024, 1, 20), date(2024, 3, 1))[1] == sorted(
        (fire.fired_at, sorted(fire.labels.items()), fire.resolved_at, fire.observed_at, fire.value, fire.because)
        for fire in result.fires
    )


def test_forward_returns_stand_beside_the_base_rate() -> None:
    """100 110 121 …: every session is followed by +10%, so a fire tells nothing; the last ones are not known yet."""
    days = np.array(sessions("24/7", 30, date(2024, 1, 2)), "datetime64[D]")
    data = [Bars("AA", days, {"close": 100.0 * 1.1 ** np.arange(30)})]
    spec = RuleSpec(id="r", title={"en": "r", "zh": "r"}, when=Expression("AA > 120"), series={**PLAIN, "FLOW": FLOW})
    report = backtest([spec], UNIVERSE, CALENDARS, data, start=date(2024, 1, 1), end=date(2024, 1, 31))
    document = report.to_json()
    (fire,) = document["rules"][0]["fires"]
    assert "2024-01-04T23:59:59+00:00" == fire["fired_at"] == fire["observed_at"]
    assert pytest.approx({"1d": 0.1, "5d": 1.1**5 - 1, "20d": 1.1**20 - 1}) == fire["forward"]
    assert pytest.approx(0.1) == document["rules"][0]["base"]["1d"]
    assert ({"2024-01": 1}, 0, None) == (
        document["rules"][0]["by_month"],
        document["rules"][0]["flapping"],
        fire["resolved_at"],
    )


def test_csv_rows_that_can_not_be_read_are_told() -> None:
    """Extra columns and order don't matter; a bad row is left out and located."""
    text = "Close,date,open,extra\n10,2024-01-03,9,x\nabc,2024-01-04,9,x\n,2024-01-05,1,x\n11,2024-01-02,,x\n"
    bars = parse_csv(text, "AA", "AA.csv")
    assert ["2024-01-02", "2024-01-03", "2024-01-05"] == [str(day) for day in bars.days]
    assert pytest.approx([11.0, 10.0, np.nan], nan_ok=True) == bars.fields["close"].tolist()
    assert [(3, "bad-row")] == [(problem.line, problem.code) for problem in bars.problems]
    assert "bad-header" == parse_csv("a,b\n1,2\n", "AA").problems[0].code


def test_a_rule_without_any_figure_fires_nothing() -> None:
    """A series of which there is no file: unknown throughout, for members and for named series."""
    rules = [rule("it > 1", name="members", for_each="universe.all"), rule("crosses(NY, 3)", name="named")]
    report = backtest(rules, UNIVERSE, CALENDARS, [], start=date(2024, 1, 20), end=date(2024, 4, 1))
    assert [(0, ()), (0, ())] == [(result.evaluations, result.fires) for result in report.rules]


@pytest.mark.parametrize("name", ["spans", "count", "drawdown"])
def test_long_windows_are_looked_through_in_pieces(name: str) -> None:
    """An instant at a time, or all at once: nothing depends on where a piece ends."""
    spec = next(spec for spec in RULES if spec.id == name)
    past = Past([spec], UNIVERSE, CALENDARS, random_data(1), start=date(2024, 1, 20), end=date(2024, 4, 1))
    group, condition = past.engine.runtimes[0].groups[0], past.engine.programs[0].when
    frame = Strip(past.history, group.members, group.size, past.span).frame(group)
    whole = condition.evaluate(frame)
    frame.forget()
    assert len(list(frame.blocks(10**9))) == frame.rows > 50
    assert whole.tolist() == pytest.approx(in_blocks(condition.evaluate, 10**9)(frame).tolist(), abs=0, nan_ok=True)


def test_a_rule_whose_events_are_not_known_is_not_stepped_through() -> None:
    """Without a date of any report, ``days_until`` can't hold; beside another branch the engine has to look."""
    date_of = "days_until(earnings(it)) == 1"
    rules = [
        rule(date_of, name="a", for_each="universe.all"),
        rule(f"it > 1 or {date_of}", name="b", for_each="universe.all"),
    ]
    span = {"start": date(2024, 1, 20), "end": date(2024, 2, 1)}
    only, either = backtest(rules, UNIVERSE, CALENDARS, random_data(2), **span).rules
    assert ((), 0) == (only.fires, only.evaluations)
    assert ("earnings.universe.all.date",) == only.unknown
    assert either.fires
