"""What a transition says of the figures that decided it."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.model import Observation, Transition
from rules.spec import Expression, RuleSpec
from rules.universe import Instrument, Kind, Universe

CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC)
CALENDARS = Calendars()
UNIVERSE = Universe([Instrument("AAA", {"en": "AAA", "zh": "AAA"}, Kind.EQUITY, "USD", "XNYS")])


def _fired(when: str) -> Transition:
    """The alert of a rule over AAA, which closed at 100 and then at 113."""
    engine = Engine([RuleSpec(id="r", title={"en": "t", "zh": "t"}, when=Expression(when))], UNIVERSE, CALENDARS)
    state = engine.initial_state(CLOSE - timedelta(days=2))
    for days, price in ((1, 100.0), (0, 113.0)):
        at = CLOSE - timedelta(days=days)
        state, found = engine.advance(state, [Observation("prices.AAA.close", at, at, price)], at)
    (fired,) = found
    return fired


@pytest.mark.parametrize(
    ("when", "unit", "left", "shown"),
    [
        # A plain number beside a percentage is one, also within abs.
        ("AAA / prev(AAA, 1) - 1 >= 5%", "%", "AAA / prev(AAA, 1) - 1", "13.0%"),
        ("abs(AAA / prev(AAA, 1) - 1) >= 5%", "%", "AAA / prev(AAA, 1) - 1", "13.0%"),
        ("5% <= AAA / 100 - 1", "%", "AAA / 100 - 1", "13.0%"),
        ("AAA / 100 - 1 >= 50bp", "bp", "AAA / 100 - 1", "1300bp"),
        # A figure that has a unit keeps it, and a plain number beside a plain one stays plain.
        ("ret(AAA, 1d) >= 0.05", "%", "ret(AAA, 1d)", "13.0%"),
        ("AAA / 100 > 1.05", "", "AAA / 100", "1.13"),
    ],
)
def test_a_figure_is_shown_as_its_threshold_is_written(when: str, unit: str, left: str, shown: str) -> None:
    """The reason and the trace name a figure in the unit that the rule compares it in."""
    fired = _fired(when)
    assert (unit, f"{left} = {shown}; the rule says {when}") == (fired.unit, fired.because)
    assert shown == next(line.value for line in fired.trace.lines if line.expression == left)
