"""Price alerts of everybody: struck when the engine's own rule would fire, whatever their number."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine import Engine
from rules.model import Observation, Status, TransitionKind
from rules.planning.crowd import Crowd, PriceAlert, Way, price_alert
from rules.spec import OncePer
from tests.rules.desk import CALENDARS, SCOPE, UNIVERSE, at
from tests.rules.test_engine import rule

START = at("2026-03-02T10:00")
SHAPES = {
    Way.ABOVE: "AA > {}",
    Way.AT_LEAST: "AA >= {}",
    Way.BELOW: "AA < {}",
    Way.AT_MOST: "AA <= {}",
    Way.CROSSES: "crosses(AA, {})",
    Way.CROSSES_UP: "crosses_up(AA, {})",
    Way.CROSSES_DOWN: "crosses_down(AA, {})",
}
ALERTS = [PriceAlert("AA", way, level) for way in Way for level in (1.0, 2.0, 2.5)]
PRICES = st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.0, 2.25, 2.5, 3.0, None, float("nan")]), max_size=14)


def tick(minute: float, price: float | None, symbol: str = "AA") -> Observation:
    moment = START + timedelta(minutes=minute)
    return Observation(f"prices.{symbol}.close", moment, moment, price, Status.PARTIAL, "test")


def struck(crowd: Crowd) -> list[int]:
    return sorted(number for strike in crowd.drain()[0] for number in strike.ids)


@settings(max_examples=60, deadline=None)
@given(PRICES)
def test_an_alert_is_struck_when_its_rule_would_fire(prices: list[float | None]) -> None:
    """Comparisons and crossings, at the same ticks as rules that fire once; equality is on neither side."""
    crowd, found = Crowd(), set[tuple[int, str]]()
    for number, alert in enumerate(ALERTS):
        crowd.add(PriceAlert(alert.symbol, alert.way, alert.level, number))
    specs = [
        rule(SHAPES[alert.way].format(alert.level), name=f"n{number}", once_per=OncePer.EVER)
        for number, alert in enumerate(ALERTS)
    ]
    engine = Engine(specs, UNIVERSE, CALENDARS)
    state, expected = engine.initial_state(START), set[tuple[int, str]]()
    for minute, price in enumerate(prices):
        seen = tick(minute, price)
        crowd.take(seen)
        found |= {(minute, f"n{number}") for number in struck(crowd)}
        state, told = engine.advance(state, [seen], seen.known_at)
        expected |= {(minute, item.rule) for item in told if item.kind is TransitionKind.FIRED}
    assert expected == found


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("AA > 140", PriceAlert("AA", Way.ABOVE, 140.0)),
        ("140 < AA", PriceAlert("AA", Way.ABOVE, 140.0)),
        ("close(AA) <= 7.5", PriceAlert("AA", Way.AT_MOST, 7.5)),
        ("crosses_down(AA, 65k)", PriceAlert("AA", Way.CROSSES_DOWN, 65_000.0)),
        ("AA == 2", None),
        ("AA > BB", None),
        ("AA > 2 and BB > 2", None),
        ("ret(AA, 1d) > 2%", None),
        ("high(AA) > 2", None),
        ("FLOW > 2", None),
        ("AA > nobody", None),
        ("AA >", None),
    ],
)
def test_what_waits_for_a_price_and_what_is_a_rule(when: str, expected: PriceAlert | None) -> None:
    """One price against one constant; anything else is no price alert."""
    assert expected == price_alert(when, SCOPE)


def test_alerts_come_and_go() -> None:
    """One that already holds is struck by the next price; one that was ended is not."""
    crowd = Crowd()
    crowd.add(PriceAlert("AA", Way.ABOVE, 2.0, 1))
    crowd.take(tick(0, 1.0))
    for number in (2, 3):
        crowd.add(PriceAlert("AA", Way.BELOW, 1.5, number))
    assert crowd.remove(PriceAlert("AA", Way.BELOW, 1.5, 3))
    assert not crowd.remove(PriceAlert("AA", Way.BELOW, 1.5, 3))
    crowd.take(tick(1, 1.1))
    assert ([2], 1) == (struck(crowd), len(crowd))


def test_an_older_price_strikes_nothing() -> None:
    """Neither one older than the newest tick, nor than the history that was taken in."""
    crowd = Crowd()
    crowd.add(PriceAlert("AA", Way.BELOW, 1.5, 1))
    crowd.stand(tick(5, 3.0))
    crowd.take(tick(4, 1.0))
    crowd.take(tick(6, 2.0))
    crowd.take(tick(5.5, 1.0))
    assert [] == struck(crowd)
    crowd.take(tick(7, 1.0))
    assert [1] == struck(crowd)


def test_a_crossing_remembers_its_side_over_a_restart() -> None:
    """What is packed tells on which side each crossing was."""
    crowd = Crowd()
    crowd.add(PriceAlert("AA", Way.CROSSES_UP, 2.0, 7))
    crowd.take(tick(0, 1.0))
    packed = {symbol: text for symbol, text in crowd.drain()[1].items() if text is not None}
    again = Crowd.unpack(packed)
    again.take(tick(60, 3.0))
    assert [7] == struck(again)
    assert {"AA": None} == again.drain()[1] | {"AA": again.pack("AA")}


def test_the_engine_lets_every_price_pass_by_the_crowd() -> None:
    """On quiet ticks, on loud ones, and for symbols that no rule reads; each strike once."""
    engine = Engine([rule("AA > 100")], UNIVERSE, CALENDARS)
    state = engine.initial_state(START)
    for number, symbol in enumerate(("AA", "BB")):
        state.crowd.add(PriceAlert(symbol, Way.ABOVE, 2.0, number))
    found = []
    for minute, price in enumerate((1.0, 1.5, 1.6, 2.1, 2.2)):
        seen = [tick(minute, price, symbol) for symbol in ("AA", "BB")]
        state, _ = engine.advance(state, seen, seen[0].known_at)
        found.append(struck(state.crowd))
    assert [[], [], [], [0, 1], []] == found
