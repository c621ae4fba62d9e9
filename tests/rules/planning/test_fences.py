"""Windowed conditions as price levels: the same life as evaluated at every tick, and far fewer evaluations."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from math import nextafter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine import Engine, State
from rules.model import Observation, Status, Transition
from rules.spec import OncePer, OnMissing, RuleSpec, Span
from tests.rules.desk import CALENDARS, UNIVERSE, at, bars
from tests.rules.test_engine import rule, tick

LEVELS = [
    "ret({}, 1d) <= -5%",
    "ret({}, 3 bars) > 4%",
    "ret({}, 2w) >= 6%",
    "abs(ret({}, 2d)) >= 6%",
    "change({}, 2d) < -1.5",
    "{} > sma({}, 3d)",
    "{} <= mean({}, 4d) * 1.05",
    "sma({}, 2d) > sma({}, 5d)",
    "crosses_up({}, sma({}, 3d))",
    "crosses({}, prev({}, 1))",
    "{} > max(prev({}, 1), 3d)",
    "{} >= max({}, 4d)",
    "{} < ema({}, 2d)",
    "is_high({}, 3d)",
    "is_low({}, 1w)",
    "drawdown({}, 4d) <= -5%",
    "from_high({}, 4d) > 3%",
    "sum({}, 3d) > 31 and ret({}, 1d) > 0%",
    "not ({} == prev({}, 2)) and {} != 10",
    "min({}, 3d) + change({}, 1d) >= 10",
    "ret({}, this_week) > 1%",
    "drawdown({}, this_month) <= -4%",
    "is_high({}, this_quarter)",
    "change({}, today) >= 0.5",
]
LIVES: list[dict[str, Any]] = [
    {"when": "{} > 10", "clear": "{} < 9.5", "for_": Span(seconds=600)},
    {"when": "{} > 10.25", "keep_for": Span(seconds=3000), "cooldown": Span(seconds=40_000)},
    {"when": "{} > 9", "once_per": OncePer.SESSION},
    {"when": "{} >= 9", "once_per": OncePer.DAY, "clear": "{} < 8.5"},
    {"when": "ret({}, 1d) > 1%", "once_per": OncePer.OBSERVATION, "on_missing": OnMissing("resolve")},
    {"when": "ret({}, this_week) > 1%", "once_per": OncePer.WEEK, "for_": Span(sessions=1)},
    {"when": "ret({}, this_month) < -2%", "clear": "ret({}, this_month) > -1%", "keep_for": Span(sessions=1)},
    {"when": "crosses({}, 10)", "rearm": "abs({} / 10 - 1) >= 5%", "cooldown": Span(seconds=100)},
    {"when": "crosses({}, sma({}, 3d))", "clear": "{} < 9.5", "for_": Span(seconds=5)},
    {"when": "crosses_up({}, 10)", "once_per": OncePer.EVER, "expires": at("2026-03-03T12:00")},
    {"when": "{} > sma({}, 3d)", "expires": Span(seconds=7200)},
    {"when": "{} > 9", "clear": "{} > 10.5", "cooldown": Span(seconds=3600)},
    {"when": "{} < 11", "rearm": "{} > 11.5", "once_per": OncePer.MONTH, "expires": Span(sessions=1)},
    {"when": "sma({}, 70d) > 9.9 and {} > 9", "on_missing": OnMissing("fire")},
    {"when": "{} > sma({}, 4d)", "on_missing": OnMissing("resolve"), "clear": "ret({}, 1d) < 0%"},
    {"when": "{} > 9.5", "on_missing": OnMissing("notify", Span(seconds=4000)), "for_": Span(seconds=60)},
    {
        "when": "drawdown({}, 4d) <= -3%",
        "for_": Span(seconds=3600),
        "keep_for": Span(seconds=600),
        "labels": {"a": "b"},
    },
]
"""Rules with timers, keys, limits, and what else lives on beside the price."""
VECTORS = [
    "{} - sma({}, 3d) > 1",
    "mean({}, this_week) > 1",
    "rsi({}, 3d) > 60",
    "{} > BB",
    "volume({}) > 1",
    "abs({} - 3) > sma({}, 3d)",
]
START = at("2026-03-02T00:00")
Arrival = tuple[datetime, list[Observation]]


def history() -> list[Observation]:
    """The closed sessions of each symbol since 15 December."""
    chance, found, first = random.Random(5), [], date(2025, 12, 15)
    for symbol, calendar, count in (("AA", "24/7", 77), ("BB", "24/7", 77), ("NY", "XNYS", 51)):
        closes = [10 + chance.randrange(-4, 5) / 4 for _ in range(count)]
        found += bars(f"prices.{symbol}.close", closes, calendar, first)
    return found


Texts = Sequence[str | dict[str, Any]]


def engine(texts: Texts, patience: int | None) -> tuple[Engine, State]:
    keys = [{"when": text} if isinstance(text, str) else text for text in texts]
    rules = [written(own, "AA", f"r{n}") for n, own in enumerate(keys)]
    rules += [written(own, "it", f"m{n}", for_each="universe.all") for n, own in enumerate(keys)]
    made = Engine(rules, UNIVERSE, CALENDARS, patience=patience)
    return made, made.seed(made.initial_state(START), history())


def written(keys: dict[str, Any], name: str, rule_id: str, **more: Any) -> RuleSpec:
    own = {key: value.replace("{}", name) if type(value) is str else value for key, value in keys.items()}
    return rule(own.pop("when"), name=rule_id, say=f"{{{name}}}", **own, **more)


def live(texts: Texts, seen: list[tuple[datetime, list[Observation]]], patience: int | None) -> list[Transition]:
    made, state = engine(texts, patience)
    found: list[Transition] = []
    for moment, batch in seen:
        state, told = made.advance(state, batch, moment)
        found.extend(told)
    return found


def market(seed: int, count: int = 30) -> list[Arrival]:
    """Ticks with gaps, sessions that roll, late and unknown prices, finals, revisions of old and of present bars."""
    chance, moment, price = random.Random(seed), START, 10.0
    found = []
    for _ in range(count):
        moment += timedelta(seconds=chance.choice([5, 60, 600, 3600, 30_000]))
        batch = []
        for symbol in chance.sample(["AA", "BB", "NY"], chance.choice([1, 1, 2])):
            price = max(8.0, min(12.0, price + chance.choice([-1, -0.5, -0.25, 0, 0.25, 0.5, 1])))
            name, kind = f"prices.{symbol}.close", chance.random()
            when = f"{moment:%Y-%m-%dT%H:%M:%S}"
            if kind < 0.05:
                batch.append(tick(symbol, when, None))
            elif kind < 0.1:
                late = moment - timedelta(hours=chance.choice([5, 30, 60]))
                batch.append(tick(symbol, f"{late:%Y-%m-%dT%H:%M:%S}", price, when))
            elif kind < 0.25:
                day = moment - timedelta(days=chance.choice([1, 1, 2, 4]))
                close = (
                    day.replace(hour=23, minute=59, second=59)
                    if symbol != "NY"
                    else day.replace(hour=21, minute=0, second=0)
                )
                if close <= moment:
                    batch.append(Observation(name, close, moment, price, Status.FINAL, "test"))
            else:
                batch.append(tick(symbol, when, chance.choice([price, price, nextafter(price, 99)])))
        found.append((moment, batch))
    return found


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 3]))
def test_planned_rules_tell_what_unplanned_rules_tell(seed: int, patience: int) -> None:
    """Every transition, with its text, values and times, on ticks with gaps, rolls, revisions and NaN."""
    seen = market(seed)
    texts = random.Random(seed).sample(LEVELS, 2)
    assert live(texts, seen, None) == live(texts, seen, patience)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 3]))
def test_planned_lives_are_those_of_unplanned_rules(seed: int, patience: int) -> None:
    """With ``for``, ``keep_for``, ``cooldown``, ``once_per``, ``rearm``, ``expires``, ``clear`` and ``on_missing``."""
    seen = market(seed, 40)
    lives = random.Random(seed).sample(LIVES, 3)
    assert live(lives, seen, None) == live(lives, seen, patience)


def test_an_unknown_price_does_not_put_a_lane_to_rest() -> None:
    """Corrected, then unknown: when the next price comes, its cooldown is over and it fires."""
    life, seen = {"when": "{} > 9", "clear": "{} > 10.5", "cooldown": Span(seconds=3600)}, market(809_214, 60)
    assert live([life], seen, None) == live([life], seen, 2)


@pytest.mark.parametrize("life", LIVES, ids=str)
def test_a_rule_that_is_at_rest_is_not_evaluated(life: dict[str, Any]) -> None:
    """Ticks that touch no level, while no timer, key or period turns, evaluate nothing."""
    made, state = engine([life], 1)
    for minute in range(2, 6):
        seen = tick("AA", f"2026-03-02T06:{minute:02}", 9.9)
        state, _ = made.advance(state, [seen], at(f"2026-03-02T06:{minute:02}"))
    state, _ = made.advance(state, [], at("2026-03-02T18:00"))
    state, _ = made.advance(state, [tick("AA", "2026-03-02T18:01", 9.9)], at("2026-03-02T18:01"))
    state, _ = made.advance(state, [tick("AA", "2026-03-02T18:02", 9.9)], at("2026-03-02T18:02"))
    before = state.evaluations
    for minute in range(3, 30):
        seen = tick("AA", f"2026-03-02T18:{minute:02}", 9.9 + minute / 1e6)
        state, _ = made.advance(state, [seen], at(f"2026-03-02T18:{minute:02}"))
    assert before == state.evaluations


@pytest.mark.parametrize("text", LEVELS)
def test_a_level_is_exact_to_the_bit(text: str) -> None:
    """Around the price where the condition changes, every neighbouring float is told alike."""
    turns = _turns(text)
    moments = [START + timedelta(seconds=number + 1) for number in range(len(turns))]
    seen = [
        (moment, [tick("AA", f"{moment:%Y-%m-%dT%H:%M:%S}", price)])
        for moment, price in zip(moments, turns, strict=True)
    ]
    assert live([text], seen, None) == live([text], seen, 1)


def _turns(text: str) -> list[float]:
    """A walk among the floats next to the levels that were found, and far from them."""
    made, state = engine([text], 1)
    state, _ = made.advance(state, [tick("AA", "2026-03-02T00:00:01", 10.2)], START + timedelta(seconds=1))
    levels = state.fences.prices("AA")
    assert levels
    chance, prices = random.Random(1), [10.2, 9.0, 11.0]
    for level in levels:
        near = [level]
        for _ in range(4):
            near = [nextafter(near[0], 0), *near, nextafter(near[-1], 99)]
        prices += [chance.choice([*near, 8.0, 12.0]) for _ in range(25)]
    return prices


def test_ticks_between_two_levels_evaluate_nothing() -> None:
    """Once the levels are known; a bar that closes makes them unknown again."""
    made, state = engine(["ret({}, 1d) <= -50%", "{} > 2 * sma({}, 3d)"], 1)
    state, _ = made.advance(state, [tick("AA", "2026-03-02T00:01", 10)], at("2026-03-02T00:01"))
    before = state.evaluations
    for minute in range(2, 40):
        moment = at(f"2026-03-02T00:{minute:02}")
        state, _ = made.advance(state, [tick("AA", f"2026-03-02T00:{minute:02}", 10 + minute / 100)], moment)
    assert (4, 4) == (before, state.evaluations)
    state, _ = made.advance(state, [tick("AA", "2026-03-03T00:01", 10.5)], at("2026-03-03T00:01"))
    assert 8 == state.evaluations


@pytest.mark.parametrize("text", VECTORS)
def test_what_is_not_known_to_be_monotone_is_evaluated(text: str) -> None:
    """Sums that turn, means over a period, other functions, other series and fields."""
    assert ["vector"] == [item.how for item in Engine([rule(text.replace("{}", "AA"))], UNIVERSE, CALENDARS).plans()]


def test_the_plan_shows_levels_that_follow_from_closed_bars() -> None:
    """All of the conditions and lives above, for one symbol and for each member."""
    assert {"level"} == {item.how for item in engine([*LEVELS, *LIVES], 64)[0].plans()}
