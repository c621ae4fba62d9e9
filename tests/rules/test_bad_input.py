"""What must not break the engine: hostile texts, impossible numbers, wrong clocks and disordered tapes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from rules.engine import Engine
from rules.loading.loader import PackText, load_packs
from rules.model import Observation, Transition
from rules.planning.crowd import PriceAlert, Way
from rules.problems import ProblemsFound
from tests.rules.desk import CALENDARS, UNIVERSE, at
from tests.rules.test_engine import rule, tick, told

START = at("2026-03-02T10:00")
HOSTILE = [
    "(" * 10_000 + "AA" + ")" * 10_000,
    "(" * 900 + "AA" + ")" * 900 + " > 1",
    "9**9**9 > AA",
    "AA.__class__ > 1",
    "close(AA).real > 1",
    "__import__('os').system('x') > 1",
    "9" * 1_900 + " > AA",
    "AA > 1e309",
    "AA > 1e400 * 1e400",
    "lambda: 1",
    "AA[0] > 1",
    "not " * 500 + "AA > 1",
    "AA > 1 and " * 180 + "AA > 1",
]


@pytest.mark.parametrize("when", HOSTILE, ids=lambda text: text[:20])
def test_a_hostile_expression_is_a_located_problem(when: str) -> None:
    """Never a traceback, a hang or an evaluation: what a chat command hands in is refused like a file."""
    with pytest.raises(ProblemsFound) as refused:
        Engine([rule(when)], UNIVERSE, CALENDARS)
    assert all(problem.line >= 1 and problem.column >= 1 and problem.message for problem in refused.value.problems)


def test_alias_bombs_and_huge_files_are_problems() -> None:
    """Before anything is built of them, and other packs load."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    good = "version: 1\nrules:\n  - {id: r, when: AA > 1}\n"
    packs = [PackText("bomb.yaml", bomb), PackText("big.yaml", b"#" * 10_000_001), PackText("good.yaml", good)]
    loaded = load_packs(packs, UNIVERSE)
    assert {("bomb.yaml", "alias-bomb"), ("big.yaml", "file-too-large")} == {
        (problem.file, problem.code) for problem in loaded.problems if not problem.warning
    }
    assert ["r"] == [spec.id for spec in loaded.rules]


RULES = ["AA > 2", "AA > sma(AA, 2d) * 1.2", "AA + 0 > 2"]
"""A level of a constant, one that follows from closed bars, and a vector."""


def run(text: str, seen: Sequence[Observation], *, together: bool = False) -> list[Transition]:
    engine = Engine([rule(text)], UNIVERSE, CALENDARS)
    state, found = engine.initial_state(START - timedelta(days=3)), list[Transition]()
    before = [
        Observation("prices.AA.close", close, close, 1.0)
        for close in (at("2026-02-28T23:59:59"), at("2026-03-01T23:59:59"))
    ]
    state, _ = engine.advance(state, before, START - timedelta(hours=1))
    for batch in [seen] if together else [[item] for item in seen]:
        state, more = engine.advance(state, batch, max(item.known_at for item in batch))
        found.extend(more)
    return found


@pytest.mark.parametrize("text", RULES)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None])
def test_what_is_no_number_is_unknown(text: str, value: float | None) -> None:
    """It neither fires nor resolves, and the next price goes on from there."""
    prices = [value, 3.0, value, value, 1.0, value]
    seen = [tick("AA", f"2026-03-02T10:0{minute}", price) for minute, price in enumerate(prices)]
    assert [("03-02 10:01", "fired"), ("03-02 10:04", "resolved")] == told(run(text, seen))


@pytest.mark.parametrize("text", RULES)
@pytest.mark.parametrize("together", [True, False])
def test_a_tick_that_is_older_or_came_before_changes_nothing(text: str, *, together: bool) -> None:
    """Out of order and repeated, in one batch or one after the other."""
    first, dip, last = (
        tick("AA", "2026-03-02T10:01", 3.0),
        tick("AA", "2026-03-02T10:00", 1.0, "2026-03-02T10:02"),
        tick("AA", "2026-03-02T10:03", 3.5),
    )
    assert [("03-02 10:01", "fired")] == told(run(text, [first, first, dip, dip, last, last, first], together=together))


@pytest.mark.parametrize("text", RULES)
def test_a_clock_that_goes_back_stands_still(text: str) -> None:
    """Nothing is told of an earlier instant than what was told before; new prices count."""
    engine = Engine([rule(text)], UNIVERSE, CALENDARS)
    state = engine.initial_state(START - timedelta(days=3))
    for number, day in enumerate(("2026-02-28", "2026-03-01")):
        close = at(f"{day}T23:59:59")
        seen = [Observation("prices.AA.close", close, close, 1.0 + number / 100)]
        state, _ = engine.advance(state, seen, close)
    state, _ = engine.advance(state, [tick("AA", "2026-03-02T10:00", 1.0)], START)
    state, fired = engine.advance(
        state, [tick("AA", "2026-03-02T10:01", 3.0, "2026-03-02T09:00")], at("2026-03-02T08:00")
    )
    assert ([("03-02 10:00", "fired")], START) == (told(fired), state.now)


def test_price_alerts_take_only_prices() -> None:
    """NaN, infinities, missing values and repeats strike nothing; a price does, once."""
    engine = Engine([], UNIVERSE, CALENDARS)
    state = engine.initial_state(START)
    for number, way in enumerate((Way.ABOVE, Way.BELOW, Way.CROSSES)):
        state.crowd.add(PriceAlert("AA", way, 2.0, number))
    for value in (None, float("nan"), float("inf"), float("-inf"), 2.0, 2.0, None):
        state, _ = engine.advance(state, [tick("AA", "2026-03-02T10:05", value)], at("2026-03-02T10:05"))
    assert [] == state.crowd.drain()[0]
    state, _ = engine.advance(state, [tick("AA", "2026-03-02T10:06", 3.0)] * 2, at("2026-03-02T10:06"))
    assert [[0]] == [list(strike.ids) for strike in state.crowd.drain()[0]]
