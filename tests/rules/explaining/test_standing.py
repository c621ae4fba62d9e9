"""How far a rule is from firing."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.explaining.standing import Standing, standings
from rules.model import Observation
from rules.spec import Expression, RuleSpec
from rules.universe import Instrument, Kind, Universe

NOW = datetime(2024, 11, 1, 20, 30, tzinfo=UTC)
CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC)
CALENDARS = Calendars()
UNIVERSE = Universe(
    [Instrument(name, {"en": name, "zh": name}, Kind.EQUITY, "USD", "XNYS", tags=("two",)) for name in ("AAA", "BBB")]
)
CLOSES = {"AAA": (100.0, 110.0), "BBB": (50.0, 45.0)}


def _stand(when: str, for_each: str = "") -> tuple[Standing, ...]:
    title = {"en": "t", "zh": "t"}
    engine = Engine([RuleSpec(id="r", title=title, when=Expression(when), for_each=for_each)], UNIVERSE, CALENDARS)
    seen = [
        Observation(f"prices.{name}.close", CLOSE - timedelta(days=1 - index), CLOSE, value)
        for name, values in CLOSES.items()
        for index, value in enumerate(values)
    ]
    state = engine.seed(engine.initial_state(NOW), seen)
    return standings(engine.programs[0], state.history, CALENDARS, NOW)


@pytest.mark.parametrize(
    ("when", "holds", "value", "threshold", "distance"),
    [
        # A price must move by a fraction of itself.
        ("AAA > 121", False, 110.0, 121.0, 0.1),
        ("121 < AAA", False, 110.0, 121.0, 0.1),
        ("AAA > 100", True, 110.0, 100.0, 0.0),
        ("crosses(AAA, 121)", False, 110.0, 121.0, 0.1),
        # A return must move by a difference of fractions.
        ("ret(AAA, 1d) >= 15%", False, 0.1, 0.15, 0.05),
        # An and is as far as its farthest side, an or as near as its nearest.
        ("AAA > 121 and BBB > 46", False, 110.0, 121.0, 0.1),
        ("AAA > 121 or BBB > 45.9", False, 45.0, 45.9, 0.02),
        # What can't be measured and isn't true keeps an and from having a distance.
        ("AAA > 100 and is_high(BBB, 2d)", False, None, None, None),
        # Nothing is known of a window that is longer than the history.
        ("ret(AAA, 20d) > 5%", None, None, 0.05, None),
    ],
)
def test_distance_is_how_far_the_value_must_still_move(
    when: str, holds: bool | None, value: float | None, threshold: float | None, distance: float | None
) -> None:
    """The comparison that keeps a condition from being true tells how near it is."""
    (found,) = _stand(when)
    assert holds == found.holds
    assert threshold == (found.threshold if threshold is None else pytest.approx(found.threshold))
    assert value == (found.value if value is None else pytest.approx(found.value))
    assert distance == (found.distance if distance is None else pytest.approx(found.distance))


def test_each_member_stands_for_itself() -> None:
    """A rule over a list has a standing per instrument, in the list's order."""
    found = _stand("abs(ret(it, 1d)) >= 20%", "universe.two")
    assert [("AAA", pytest.approx(0.1)), ("BBB", pytest.approx(0.1))] == [(s.symbol, s.distance) for s in found]
