"""The index of price levels: what it touches, and that rules planned on it behave like rules that are not."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine import Engine
from rules.model import Transition
from rules.planning.levels import Levels
from tests.rules.desk import CALENDARS, UNIVERSE, at
from tests.rules.test_engine import rule, tick

PRICES = st.sampled_from([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, math.nan])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([1.0, 1.5, 2.0, 2.0, 3.0]), max_size=8), st.lists(PRICES, max_size=20))
def test_a_move_touches_every_level_on_its_way(levels: list[float], prices: list[float]) -> None:
    """Both ends included; the first price touches all, NaN none and is forgotten."""
    index, last = Levels((level, number) for number, level in enumerate(levels)), None
    for price in prices:
        found = sorted(index.tick(price))
        if math.isnan(price):
            expected: list[int] = []
        elif last is None:
            expected, last = list(range(len(levels))), price
        else:
            low, high = min(last, price), max(last, price)
            expected, last = [number for number, level in enumerate(levels) if low <= level <= high], price
            if low == high and price not in levels:
                expected = []
        assert expected == found


def test_levels_come_and_go() -> None:
    """An added level is watched from then on, a removed one no more; the fence moves with them."""
    index = Levels([(10.0, 1), (20.0, 2)])
    index.tick(15.0)
    index.add(17.0, 3)
    assert [] == list(index.tick(16.0))
    assert [3] == list(index.tick(18.0))
    assert index.remove(10.0, 1)
    assert not index.remove(10.0, 1)
    assert ([3], 2) == (list(index.tick(5.0)), len(index))


def test_a_level_put_in_after_a_quiet_move_is_met_on_the_way_back() -> None:
    """The index has to be told where the price stands; the levels below a number can be kept alone."""
    index = Levels([(20.0, 1)])
    assert ([1], []) == (list(index.tick(10.0)), list(index.tick(15.0)))
    index.add_at(15.0, [(12.0, 7)])
    assert [7] == list(index.tick(11.0))
    index.keep_below(7)
    assert ([20.0], [1], []) == (list(index.prices()), list(index.numbers()), list(index.tick(13.0)))


def play(texts: list[str], seed: int, patience: int | None = 64) -> list[tuple[str, str, object]]:
    chance = random.Random(seed)
    rules = [rule(text, name=f"r{number}") for number, text in enumerate(texts)]
    engine = Engine(rules, UNIVERSE, CALENDARS, patience=patience)
    state, told, moment = engine.initial_state(at("2026-03-02T00:00")), [], at("2026-03-02T00:00")
    found: tuple[Transition, ...]
    for _ in range(60):
        moment += timedelta(seconds=chance.choice([20, 60, 3600, 40_000]))
        price = chance.choice([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, None])
        state, found = engine.advance(state, [tick("AA", f"{moment:%Y-%m-%dT%H:%M:%S}", price)], moment)
        told.extend((item.rule, item.kind.value, item.at) for item in found)
    return sorted(told, key=str)


@pytest.mark.parametrize("seed", range(12))
def test_a_planned_rule_lives_like_an_unplanned_one(seed: int) -> None:
    """``AA > 2`` is a level; unplanned and written ``AA + 0 > 2`` it is none; both live alike."""
    shapes = ["{} > 2", "{} >= 2", "{} <= 1.5", "2.5 < {}", "crosses({}, 2)", "crosses_up({}, 1)", "{} != 2"]
    assert play([text.format("AA") for text in shapes], seed) == play(
        [text.format("(AA + 0)") for text in shapes], seed, patience=None
    )


def test_the_plan_names_the_choice() -> None:
    """Level, clock or vector, with the reason."""
    rules = [
        rule("AA > 2", name="a"),
        rule("crosses(AA, BB)", name="b"),
        rule("it > 2", name="c", for_each="universe.all"),
    ]
    plans = Engine(rules, UNIVERSE, CALENDARS).plans()
    assert [("level", "AA", 2.0, 1), ("vector", "", None, 1), ("level", "", None, 4)] == [
        (item.how, item.symbol, item.level, item.lanes) for item in plans
    ]
    assert "it reads more than the close of one symbol" == plans[1].why
