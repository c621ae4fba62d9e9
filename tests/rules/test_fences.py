"""Windowed conditions as price levels: the same life as evaluated at every tick, and far fewer evaluations."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from math import nextafter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine import Engine, State
from rules.model import Observation, Status, Transition
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
]
VECTORS = [
    "{} - sma({}, 3d) > 1",
    "ret({}, this_week) > 1%",
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


def engine(texts: list[str], patience: int | None) -> tuple[Engine, State]:
    rules = [rule(text.replace("{}", "AA"), name=f"r{n}", say="{AA}") for n, text in enumerate(texts)]
    rules += [
        rule(text.replace("{}", "it"), name=f"m{n}", say="{it}", for_each="universe.all")
        for n, text in enumerate(texts)
    ]
    made = Engine(rules, UNIVERSE, CALENDARS, patience=patience)
    return made, made.seed(made.initial_state(START), history())


def live(texts: list[str], seen: list[tuple[datetime, list[Observation]]], patience: int | None) -> list[Transition]:
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


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 3]))
def test_planned_rules_tell_what_unplanned_rules_tell(seed: int, patience: int) -> None:
    """Every transition, with its text, values and times, on ticks with gaps, rolls, revisions and NaN."""
    seen = market(seed)
    texts = random.Random(seed).sample(LEVELS, 2)
    assert live(texts, seen, None) == live(texts, seen, patience)


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
    """Sums that turn, words for periods, other functions, other series and fields."""
    assert ["vector"] == [item.how for item in Engine([rule(text.replace("{}", "AA"))], UNIVERSE, CALENDARS).plans()]


def test_the_plan_shows_levels_that_follow_from_closed_bars() -> None:
    """All of the conditions above, for one symbol and for each member."""
    assert {"level"} == {item.how for item in engine(LEVELS, 64)[0].plans()}
