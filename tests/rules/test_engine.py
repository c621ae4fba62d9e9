"""``advance``: time, order, revisions, overdue data, storms, restarts and edited rules."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine import CLOCK_KEY, Engine, State
from rules.lifecycle import AlertRecord
from rules.model import Observation, Status, Transition
from rules.problems import ProblemsFound
from rules.spec import (
    AtInterval,
    AtSession,
    EachObservation,
    Expression,
    NewObservation,
    OncePer,
    OnMissing,
    RuleSpec,
    Span,
)
from rules.universe import Universe
from tests.rules.desk import CALENDARS, FLOW, PLAIN, UNIVERSE, at, bars, instrument

CLOSE_20M = AtSession("XNYS", "close", timedelta(minutes=20))


def rule(when: str, *, name: str = "r", clear: str = "", rearm: str = "", **more: Any) -> RuleSpec:
    say = more.pop("say", None)
    return RuleSpec(
        id=name,
        title={"en": name, "zh": name},
        when=Expression(when),
        clear=Expression(clear) if clear else None,
        rearm=Expression(rearm) if rearm else None,
        say={"en": say, "zh": say} if say else None,
        series={**PLAIN, "FLOW": FLOW},
        **more,
    )


def tick(symbol: str, when: str, price: float | None, known: str = "") -> Observation:
    return Observation(f"prices.{symbol}.close", at(when), at(known or when), price, Status.PARTIAL, "stream")


def told(transitions: Sequence[Transition]) -> list[tuple[str, str]]:
    return [(f"{item.at:%m-%d %H:%M}", item.kind.value) for item in transitions]


def play(
    rules: RuleSpec | list[RuleSpec],
    observations: Sequence[Observation],
    start: str,
    end: str,
    universe: Universe = UNIVERSE,
    **options: Any,
) -> list[Transition]:
    engine = Engine([rules] if isinstance(rules, RuleSpec) else rules, universe, CALENDARS, **options)
    return list(engine.advance(engine.initial_state(at(start)), observations, at(end))[1])


def test_a_crossing_needs_two_known_sides() -> None:
    """The prices of the design's example: 73,000 is on neither side, 73,010 has crossed, and 1 % was never left."""
    prices = [72900, 73000, 73010, 73010, 73010, 72990, 73020]
    seen = [tick("AA", f"2026-03-02T14:{5 * number:02}", price) for number, price in enumerate(prices)]
    crossing = rule("crosses(AA, 73_000)", rearm="abs(AA / 73_000 - 1) >= 1%", max_gap=timedelta(minutes=30))
    assert [("03-02 14:10", "fired")] == told(play(crossing, seen, "2026-03-02T14:00", "2026-03-02T15:00"))


CROSSINGS = [
    # prices, one a minute; minutes at which crosses, crosses_up and crosses_down fire
    ([1, 3, 1, 3], [1, 2, 3], [1, 3], [2]),
    ([2, 3, 2, 1, 2, 3], [3, 5], [5], [3]),
    ([1, None, 3], [2], [2], []),
    ([3, 3, 2, 3], [], [], []),
    ([3], [], [], []),
]


@pytest.mark.parametrize(("prices", "either", "up", "down"), CROSSINGS)
def test_edges_compare_the_last_known_sides(
    prices: list[float | None], either: list[int], up: list[int], down: list[int]
) -> None:
    """Against the level 2; equality and unknown keep the side that was known before."""
    seen = [tick("AA", f"2026-03-02T14:{minute:02}", price) for minute, price in enumerate(prices)]
    for function, expected in (("crosses", either), ("crosses_up", up), ("crosses_down", down)):
        found = play(rule(f"{function}(AA, 2)"), seen, "2026-03-02T14:00", "2026-03-02T15:00")
        assert expected == [item.at.minute for item in found]


def test_bands_and_conditions_have_edges_too() -> None:
    """enters, exits and becomes fire when the side changes."""
    seen = [tick("AA", f"2026-03-02T14:{minute:02}", price) for minute, price in enumerate([1, 5, 6, 12, 5, 10, 12])]
    for text, expected in (("enters(AA, 2, 10)", [1, 4]), ("exits(AA, 2, 10)", [3, 6]), ("becomes(AA > 5)", [2, 5])):
        found = play(rule(text), seen, "2026-03-02T14:00", "2026-03-02T15:00")
        assert expected == [item.at.minute for item in found]


def test_a_gap_in_the_feed_is_told() -> None:
    """34 minutes without a tick are told; the night between two sessions is no gap."""
    gap = [tick("AA", "2026-03-02T14:00", 1.0), tick("AA", "2026-03-02T14:34", 3.0)]
    crossing = rule("crosses(AA, 2)", max_gap=timedelta(minutes=30), say="crossed")
    (fired,) = play(crossing, gap, "2026-03-02T13:00", "2026-03-02T15:00")
    assert ("crossed (crossed while the feed was down 34 min)") == fired.say["en"]
    night = [tick("NY", "2026-03-02T20:59", 1.0), tick("NY", "2026-03-03T14:31", 3.0)]
    crossing = rule("crosses(NY, 2)", max_gap=timedelta(minutes=30), say="crossed")
    (fired,) = play(crossing, night, "2026-03-02T13:00", "2026-03-03T15:00")
    assert "crossed" == fired.say["en"]


def test_nothing_looks_ahead() -> None:
    """A figure that becomes known later waits for its time, also when it is handed over early."""
    late = tick("AA", "2026-03-02T14:00", 5.0, known="2026-03-02T14:10")
    engine = Engine([rule("AA > 2")], UNIVERSE, CALENDARS)
    state, early = engine.advance(engine.initial_state(at("2026-03-02T14:00")), [late], at("2026-03-02T14:05"))
    assert () == early
    assert at("2026-03-02T14:10") == engine.next_wakeup(state)
    state, now = engine.advance(state, [], at("2026-03-02T14:15"))
    assert [("03-02 14:10", "fired")] == told(now)


def test_a_clock_strike_reads_what_was_known_at_its_own_time() -> None:
    """One call over three days gives each close its own verdict."""
    seen = [*bars("prices.NY.close", [1.0, 3.0, 1.0], "XNYS", date(2026, 3, 2))]
    found = play(rule("NY > 2", every=CLOSE_20M), seen, "2026-03-01T00:00", "2026-03-06T00:00")
    assert [("03-03 21:20", "fired"), ("03-04 21:20", "resolved")] == told(found)


def test_an_interval_strikes_at_whole_multiples_since_midnight() -> None:
    """Every 15 minutes is 14:15, 14:30, …, and prices between two strikes don't count."""
    seen = [tick("AA", f"2026-03-02T14:{minute:02}", price) for minute, price in ((2, 5.0), (14, 1.0), (20, 5.0))]
    found = play(rule("AA > 2", every=AtInterval(timedelta(minutes=15))), seen, "2026-03-02T14:00", "2026-03-02T15:00")
    assert [("03-02 14:30", "fired")] == told(found)


def test_timers_need_no_new_figure() -> None:
    """``for: 10m`` fires ten minutes after the condition began, and ``keep_for: 5m`` ends five after it stopped."""
    seen = [tick("AA", "2026-03-02T14:00", 5.0), tick("AA", "2026-03-02T14:30", 1.0)]
    timed = rule("AA > 2", for_=Span(seconds=600), keep_for=Span(seconds=300))
    found = play(timed, seen, "2026-03-02T13:00", "2026-03-02T15:00")
    assert [
        ("03-02 14:00", "pending"),
        ("03-02 14:10", "fired"),
        ("03-02 14:30", "recovering"),
        ("03-02 14:35", "resolved"),
    ] == told(found)


def flow(day: str, value: float | None, known: str, status: Status = Status.FINAL) -> Observation:
    closes = CALENDARS.get("XNYS").close(date.fromisoformat(day))
    return Observation("etf_flows.BTC.total", closes, at(known), value, status, "farside")


def test_a_revision_that_changes_the_verdict_is_one_correction() -> None:
    """-5 becomes +3: corrected; +3 becomes +4: nothing; +4 becomes -6: fired, as a correction."""
    seen = [flow("2026-03-02", value, f"2026-03-03T0{hour}:00") for hour, value in enumerate([-5e6, 3e6, 4e6, -6e6], 1)]
    outflow = rule("FLOW < 0 USD and final(FLOW)", every=NewObservation("FLOW"), once_per=OncePer.OBSERVATION)
    found = play(outflow, seen, "2026-03-02T00:00", "2026-03-04T00:00")
    assert [("03-03 01:00", "fired"), ("03-03 02:00", "corrected"), ("03-03 04:00", "fired")] == told(found)
    assert ["first", "correction", "correction"] == [item.reason.value for item in found]


def test_a_revision_after_the_strike_is_judged_as_of_the_strike() -> None:
    """Monday's close is revised on Tuesday while another price runs: Monday's verdict is corrected."""
    monday = bars("prices.NY.close", [3.0], "XNYS", date(2026, 3, 2))
    revised = Observation("prices.NY.close", monday[0].at, at("2026-03-03T15:00"), 1.0, Status.FINAL, "test")
    running = tick("NY", "2026-03-03T14:45", 9.0)
    found = play(rule("NY > 2", every=CLOSE_20M), [*monday, running, revised], "2026-03-01T00:00", "2026-03-03T18:00")
    assert [("03-02 21:20", "fired"), ("03-03 15:00", "corrected")] == told(found)


def test_the_same_figure_again_is_no_news() -> None:
    """A duplicate runs no rule, so ``once_per: observation`` and counting rules see it once."""
    seen = [flow("2026-03-02", -5e6, f"2026-03-03T0{hour}:00") for hour in (1, 2, 3)]
    found = play(rule("FLOW < 0", every=NewObservation("FLOW")), seen, "2026-03-02T00:00", "2026-03-04T00:00")
    assert [("03-03 01:00", "fired")] == told(found)


def test_overdue_data_is_told_once_and_its_return_too() -> None:
    """No flow of Tuesday two sessions after Tuesday's close; the alert's own state is held."""
    seen = [flow("2026-03-02", -5e6, "2026-03-03T01:00"), flow("2026-03-03", -7e6, "2026-03-06T01:00")]
    waiting = rule("FLOW < 0", every=NewObservation("FLOW"), on_missing=OnMissing("notify", Span(sessions=2)))
    found = play(waiting, seen, "2026-03-02T00:00", "2026-03-06T12:00")
    assert [
        ("03-03 01:00", "fired", "first"),
        ("03-05 21:00", "health", "data_missing"),
        ("03-06 01:00", "health", "data_back"),
    ] == [(f"{item.at:%m-%d %H:%M}", item.kind.value, item.reason.value) for item in found]


MANY = Universe([instrument(f"S{number:04}", tags=("many",)) for number in range(5000)])


def test_a_storm_is_one_summary() -> None:
    """5,000 instances at once are told once; afterwards each is an alert like any other."""
    seen = [tick(item.symbol, "2026-03-02T14:00", 5.0) for item in MANY.instruments]
    more = [tick(item.symbol, "2026-03-02T14:01", 1.0) for item in MANY.instruments[:3]]
    engine = Engine([rule("it > 2", for_each="universe.many")], MANY, CALENDARS)
    state, first = engine.advance(engine.initial_state(at("2026-03-02T13:00")), seen, at("2026-03-02T14:00"))
    assert [("fired", "storm")] == [(item.kind.value, item.reason.value) for item in first]
    assert first[0].say["en"].startswith("5000 instances at once: S0000, S0001")
    _, then = engine.advance(state, more, at("2026-03-02T14:02"))
    assert ["S0000", "S0001", "S0002"] == [item.labels["symbol"] for item in then]


def test_each_member_has_a_life_of_its_own() -> None:
    """Labels tell the instances apart; members of several markets stand side by side."""
    ticks = (("AA", 40, 5.0), ("NY", 41, 5.0), ("AA", 42, 1.0))
    seen = [tick(symbol, f"2026-03-02T14:{minute}", price) for symbol, minute, price in ticks]
    found = play(rule("it > 2", for_each="universe.all"), seen, "2026-03-02T13:00", "2026-03-02T15:00")
    assert [("AA", "fired"), ("NY", "fired"), ("AA", "resolved")] == [
        (item.labels["symbol"], item.kind.value) for item in found
    ]
    assert ["r{symbol=AA}", "r{symbol=NY}", "r{symbol=AA}"] == [item.alert for item in found]


def restarted(engine: Engine, state: State, now: str, history: Sequence[Observation] = ()) -> State:
    changes = state.changed_since(engine.initial_state(state.started))
    stored = {key: record.to_json() for key, record in changes.items() if record}
    records = {key: AlertRecord.from_json(text) for key, text in stored.items()}
    return engine.seed(engine.initial_state(at(now), records), history)


def test_a_restart_makes_up_for_missed_strikes_as_of_their_own_time() -> None:
    """Down from Monday noon to Wednesday: Monday's and Tuesday's closes are judged with what was known then."""
    seen = bars("prices.NY.close", [3.0, 1.0, 3.0], "XNYS", date(2026, 3, 2))
    engine = Engine([rule("NY > 2", every=CLOSE_20M)], UNIVERSE, CALENDARS)
    state, _ = engine.advance(engine.initial_state(at("2026-03-02T00:00")), [], at("2026-03-02T12:00"))
    again = restarted(engine, state, "2026-03-04T12:00", seen[:2])
    _, found = engine.advance(again, [], at("2026-03-04T12:00"))
    assert [("03-02 21:20", "fired"), ("03-03 21:20", "resolved")] == told(found)


def test_strikes_that_are_too_old_become_one_note() -> None:
    """With ``max_lateness`` of six hours, a week of strikes is one line and the newest is evaluated."""
    seen = bars("prices.NY.close", [3.0, 3.0, 3.0], "XNYS", date(2026, 3, 2))
    rules = [rule("NY > 2", every=CLOSE_20M), rule("NY > 1", name="s", every=CLOSE_20M)]
    found = play(rules, seen, "2026-03-01T00:00", "2026-03-04T22:00", max_lateness=timedelta(hours=6))
    assert [("r", "fired"), ("s", "fired"), ("tapewatch", "health")] == [(item.rule, item.kind.value) for item in found]
    assert "4 scheduled evaluations" in found[-1].say["en"]
    assert "late" == found[-1].reason.value


def test_a_restart_remembers_sides_and_phases() -> None:
    """Fired before, still true after: nothing; crossed before: not crossed again by the same price."""
    rules = [rule("AA > 2"), rule("crosses(AA, 2)", name="c")]
    engine = Engine(rules, UNIVERSE, CALENDARS)
    seen = [tick("AA", "2026-03-02T14:00", 1.0), tick("AA", "2026-03-02T14:01", 3.0)]
    state, first = engine.advance(engine.initial_state(at("2026-03-02T13:00")), seen, at("2026-03-02T14:05"))
    assert ["r", "c"] == [item.rule for item in first]
    again = restarted(engine, state, "2026-03-02T14:10", seen)
    _, found = engine.advance(again, [tick("AA", "2026-03-02T14:11", 4.0)], at("2026-03-02T14:12"))
    assert () == found


def test_an_edited_rule_closes_its_old_alert_and_rewording_does_not() -> None:
    """A changed ``when`` is a new version; a changed ``say`` keeps the state; a removed rule is closed."""
    old = Engine([rule("AA > 2"), rule("AA > 1", name="gone")], UNIVERSE, CALENDARS)
    seen = [tick("AA", "2026-03-02T14:00", 3.0)]
    state, _ = old.advance(old.initial_state(at("2026-03-02T13:00")), seen, at("2026-03-02T14:00"))
    reworded = Engine([rule("AA > 2", say="{AA}"), rule("AA>1", name="gone")], UNIVERSE, CALENDARS)
    same = reworded.adopt(reworded.initial_state(state.now, state.alerts), state)
    assert () == reworded.advance(same, [tick("AA", "2026-03-02T14:01", 4.0)], at("2026-03-02T14:02"))[1]
    edited = Engine([rule("AA > 2.5")], UNIVERSE, CALENDARS)
    fresh = edited.adopt(edited.initial_state(state.now, state.alerts), state)
    fresh, found = edited.advance(fresh, [tick("AA", "2026-03-02T14:03", 5.0)], at("2026-03-02T14:04"))
    assert [("gone", "ended", "rule_edited"), ("r", "ended", "rule_edited"), ("r", "fired", "first")] == sorted(
        (item.rule, item.kind.value, item.reason.value) for item in found
    )
    assert fresh.changed_since(edited.initial_state(state.now))["gone{}"] is None


def test_changed_records_are_told_for_the_commit() -> None:
    """What an ``advance`` wrote, and when it was; nothing else."""
    engine = Engine([rule("AA > 2"), rule("AA > 9", name="s")], UNIVERSE, CALENDARS)
    before = engine.initial_state(at("2026-03-02T13:00"))
    state, _ = engine.advance(before, [tick("AA", "2026-03-02T14:00", 3.0)], at("2026-03-02T14:00"))
    assert {"r{}", CLOCK_KEY} == set(state.changed_since(before))
    assert {} == state.changed_since(state)


def test_time_does_not_run_backwards() -> None:
    """A clock that was set back, and figures that arrive out of order, are taken as they come."""
    engine = Engine([rule("AA > 2")], UNIVERSE, CALENDARS)
    state = engine.initial_state(at("2026-03-02T14:10"))
    state, _ = engine.advance(state, [tick("AA", "2026-03-02T14:09", 3.0)], at("2026-03-02T14:00"))
    assert at("2026-03-02T14:10") == state.now
    _, found = engine.advance(state, [tick("AA", "2026-03-02T14:05", 1.0)], at("2026-03-02T14:11"))
    assert () == found


def test_every_mistake_of_a_rule_is_reported() -> None:
    """Conditions and messages together."""
    with pytest.raises(ProblemsFound) as caught:
        Engine([rule("AAA > 2", clear="it > 1", say="{BBB}")], UNIVERSE, CALENDARS)
    assert {"unknown-name", "no-it"} == {problem.code for problem in caught.value.problems}


HOSTILE = st.lists(
    st.tuples(
        st.sampled_from(
            ["prices.AA.close", "prices.AA.high", "prices.NY.close", "plain.a.value", "x", "prices..c", ""]
        ),
        st.integers(-500_000, 500_000),
        st.integers(-5_000, 5_000),
        st.sampled_from([None, float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 1e308, 3.0]),
        st.sampled_from(list(Status)),
    ),
    max_size=40,
)
MIXED = [
    rule("AA > 2", name="a"),
    rule("crosses(high(AA), 2)", name="b", rearm="AA < 1"),
    rule("ret(NY, this_week) > 1% or a / AA > 2", name="c", for_=Span(seconds=3600), keep_for=Span(sessions=1)),
    rule("it > 1", name="d", for_each="universe.all", every=CLOSE_20M),
    rule("count_of(universe.all, it > 1) >= 2", name="e", on_missing=OnMissing("notify", Span(1))),
    rule("a * a > 1", name="f", every=EachObservation(), on_missing=OnMissing("fire"), expires=Span(seconds=72_000)),
]


@settings(max_examples=25, deadline=None)
@given(HOSTILE)
def test_no_observation_breaks_the_engine(rows: list[tuple[str, int, int, float | None, Status]]) -> None:
    """NaN, infinities, nonsense names, any order of times: no exception, and times never decrease."""
    base = at("2026-03-04T12:00")
    engine = Engine(MIXED, UNIVERSE, CALENDARS)
    state = engine.initial_state(base - timedelta(days=3))
    moment, last = base, datetime.min.replace(tzinfo=base.tzinfo)
    for name, seconds, lag, value, status in rows:
        when = base + timedelta(seconds=seconds)
        moment = moment + timedelta(seconds=lag)
        seen = Observation(name, when, when + timedelta(seconds=lag), value, status)
        state, found = engine.advance(state, [seen], moment)
        for item in found:
            assert item.at >= last
            last = item.at


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_how_the_tape_is_cut_changes_nothing(seed: int) -> None:
    """One call, a call an observation, or calls at random instants: the same transitions."""
    chance = random.Random(seed)
    base = at("2026-03-02T00:00")
    seen = []
    for _ in range(chance.randrange(40)):
        when = base + timedelta(minutes=chance.randrange(5 * 1440))
        series = chance.choice(["prices.AA.close", "prices.NY.close", "plain.a.value"])
        status = chance.choice([Status.PARTIAL, Status.FINAL])
        known = when + timedelta(minutes=chance.choice([0, 0, 5, 600]))
        seen.append(Observation(series, when, known, chance.choice([0.5, 1.5, 2.5, 3.5]), status))
    end = base + timedelta(days=7)
    engine = Engine(MIXED, UNIVERSE, CALENDARS)
    _, whole = engine.advance(engine.initial_state(base), seen, end)
    cuts = sorted([base + timedelta(minutes=chance.randrange(7 * 1440)) for _ in range(8)] + [end])
    state, pieces = engine.initial_state(base), []
    waiting = sorted(seen, key=lambda item: item.known_at)
    for cut in cuts:
        ready = [item for item in waiting if item.known_at <= cut]
        waiting = [item for item in waiting if item.known_at > cut]
        state, found = engine.advance(state, ready, cut)
        pieces.extend(found)
    assert [(item.alert, item.kind, item.at, item.say) for item in whole] == [
        (item.alert, item.kind, item.at, item.say) for item in pieces
    ]


def test_a_timer_in_the_dark_holds() -> None:
    """A pending alert whose figures go missing neither fires nor blocks the clock."""
    pending = rule("AA / BB > 2", for_=Span(seconds=600))
    ticks = (("AA", 0, 5.0), ("BB", 1, 1.0), ("BB", 5, None))
    seen = [tick(symbol, f"2026-03-02T14:0{minute}", price) for symbol, minute, price in ticks]
    found = play(pending, seen, "2026-03-02T13:00", "2026-03-02T16:00")
    assert [("03-02 14:01", "pending")] == told(found)


def test_an_alert_over_a_list_names_the_members_behind_it() -> None:
    """The trace shows who made the count, and the plain words come in both languages."""
    seen = [
        tick("AA", "2026-03-02T14:00", 5.0),
        tick("BB", "2026-03-02T14:00", 3.0),
        tick("CC", "2026-03-02T14:00", 1.0),
    ]
    (fired,) = play(rule("count_of(universe.all, it > 2) >= 2"), seen, "2026-03-02T13:00", "2026-03-02T15:00")
    lines = [line.expression for line in fired.trace.lines]
    assert ["it > 2, AA", "it > 2, BB"] == [line for line in lines if line.startswith("it > 2,")]
    assert "count_of(universe.all, it > 2) = 2.00；规则为 count_of(universe.all, it > 2) >= 2" == fired.say["zh"]


def test_the_engine_knows_how_far_back_to_fetch() -> None:
    """By series, the longest look of any rule, message included."""
    engine = Engine(
        [rule("crosses(AA, 2)", say="{ret(AA, 5d)}"), rule("it > sma(it, 20d)", name="s", for_each="NY, BB")],
        UNIVERSE,
        CALENDARS,
    )
    assert {("prices", "AA"): 6, ("prices", "NY"): 20, ("prices", "BB"): 20} == engine.history_needed()


def test_universe_all_is_every_priced_instrument() -> None:
    """In for_each and in set functions, whether or not an instrument has a tag of that name."""
    desk = Universe([instrument("AA", tags=()), instrument("BB", tags=("few",))])
    rules = [rule("it > 2", for_each="universe.all"), rule("count_of(universe.all, it > 2) >= 2", name="s")]
    seen = [tick("AA", "2026-03-02T14:00", 3), tick("BB", "2026-03-02T14:00", 3)]
    fired = play(rules, seen, "2026-03-02T13:00", "2026-03-02T15:00", desk)
    assert ["r{symbol=AA}", "r{symbol=BB}", "s{}"] == [item.alert for item in fired]


def test_a_member_counts_between_its_dates() -> None:
    """It fires from the day it joins its lists, and what it fired is over on the day after it leaves them."""
    joins = replace(instrument("AA"), valid_from=date(2026, 3, 3), valid_to=date(2026, 3, 4))
    seen = [tick("AA", f"2026-03-{day:02}T{hour:02}:00", 3) for day in (2, 3, 4, 5) for hour in (10, 11)]
    found = play(
        rule("it > 2", for_each="universe.all"),
        seen,
        "2026-03-02T09:00",
        "2026-03-06T00:00",
        Universe([joins, instrument("BB")]),
    )
    assert [("03-03 10:00", "fired"), ("03-05 10:00", "resolved")] == told(found)


def test_an_alert_that_outlived_its_span_waits_for_its_condition_to_end() -> None:
    """``expires: 1h`` ends it; the same episode is not told again, the next one is."""
    prices = [3, 3, 3, 1, 3]
    seen = [tick("AA", f"2026-03-02T{10 + number:02}:00", price) for number, price in enumerate(prices)]
    found = play(rule("AA > 2", expires=Span(seconds=3600)), seen, "2026-03-02T09:00", "2026-03-02T14:30")
    assert [("03-02 10:00", "fired"), ("03-02 11:00", "ended"), ("03-02 14:00", "fired")] == told(found)


def test_a_trace_is_recorded_in_both_languages() -> None:
    """Chinese readers have their own prices (a coin's with commas), truths and reasons."""
    seen = [tick("NY", "2026-03-02T15:00", 5001.4), tick("AA", "2026-03-02T15:00", 73_577.2)]
    when = "AA > 1 and NY > 1 and (NY > sma(NY, 50d) or NY > 2)"
    (fired,) = play(rule(when), seen, "2026-03-02T13:00", "2026-03-02T16:00")
    told = {line.expression: (line.value, line.chinese) for line in fired.trace.lines}
    assert ("yes", "是") == told["NY > 1"]
    assert ("5,001.4", "5001.4") == told["NY"]
    assert ("73,577.2", "73,577") == told["AA"]
    assert ("unknown: not enough history", "未知：历史数据不足") == told["sma(NY, 50d)"]
