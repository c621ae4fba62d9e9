"""The levels that a chart shows are those of the rule, as they were when the alert fired."""

from datetime import UTC, datetime

import pytest

from rules.engine import Engine
from rules.explaining.marks import Marks, marks_of
from rules.model import Transition
from rules.spec import Expression, RuleSpec
from tests.rules.desk import CALENDARS, FLOW, UNIVERSE, bars

START = datetime(2024, 1, 1, tzinfo=UTC)


def fired(when: str, *, clear: str = "", rearm: str = "", **more: object) -> Transition:
    """The first transition of a rule over a few days: AA rises from 100 to 111, BB stands still, flows go out."""
    rule = RuleSpec(
        id="r",
        title={"en": "r", "zh": "r"},
        when=Expression(when),
        clear=Expression(clear) if clear else None,
        rearm=Expression(rearm) if rearm else None,
        series={"FLOW": FLOW},
        **more,  # type: ignore[arg-type]
    )
    engine = Engine([rule], UNIVERSE, CALENDARS)
    state = engine.initial_state(START)
    told: list[Transition] = []
    figures = [
        *bars("prices.AA.close", [100, 100, 111]),
        *bars("prices.BB.close", [50, 50, 50]),
        *bars("etf_flows.BTC.total", [5e6, 5e6, -54.9e6], "XNYS"),
    ]
    for item in sorted(figures, key=lambda figure: figure.known_at):
        state, transitions = engine.advance(state, [item], item.known_at)
        told += transitions
    return told[0]


AA, BB, BTC = "prices.AA.close", "prices.BB.close", "etf_flows.BTC.total"


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        # a level, and where the alert is over
        ({"when": "AA > 105", "clear": "AA < 103"}, Marks(shape="level", series=(AA,), trigger=105, until=(103,))),
        # a crossing that arms again at a distance on both sides
        (
            {"when": "crosses(AA, 105)", "rearm": "abs(AA / 100 - 1) >= 10%"},
            Marks(shape="level", series=(AA,), trigger=105, until=(90.0, 110.00000000000001), rearms=True),
        ),
        # the deciding clause of several
        ({"when": "BB > 10 and FLOW < -1mn USD"}, Marks(shape="level", series=(BB,), trigger=10)),
        # a flow
        ({"when": "FLOW < -1mn USD"}, Marks(shape="level", series=(BTC,), trigger=-1e6)),
    ],
)
def test_the_marks_of_a_level(rule: dict[str, str], wanted: Marks) -> None:
    """A series against a constant has its constant, and those of ``clear`` and ``rearm``."""
    assert wanted == marks_of(fired(**rule).options)


def test_a_change_is_measured_from_the_close_that_the_rule_names() -> None:
    """Of a change the base is kept, and the threshold has the direction of the move."""
    marks = marks_of(fired("abs(ret(AA, 1d)) >= 5%", clear="abs(ret(AA, 1d)) < 4%").options)
    base = datetime(2024, 1, 2, 23, 59, 59, tzinfo=UTC)
    assert marks is not None
    assert (marks.shape, marks.trigger, marks.until) == ("return", 0.05, (0.04,))
    assert marks.base is not None
    assert abs((marks.base - base).total_seconds()) <= 1


def test_a_spread_keeps_the_order_of_its_sides() -> None:
    """``rel(BB, AA, 1d)`` is BB less AA."""
    marks = marks_of(fired("rel(BB, AA, 1d) <= -2pp").options)
    assert marks is not None
    assert (marks.shape, marks.series, marks.trigger) == ("spread", (BB, AA), -0.02)


@pytest.mark.parametrize("when", ["sum(FLOW, 3d) < 0 USD", "AA / BB > 2", "mean(AA, 2d) > 100"])
def test_a_figure_that_no_chart_shows_has_no_marks(when: str) -> None:
    """A sum, a ratio and a mean are no prices and no flows of a day."""
    assert None is marks_of(fired(when).options)


@pytest.mark.parametrize("options", [{}, {"mark.shape": "pie"}, {"mark.shape": "level", "mark.trigger": "high"}])
def test_what_can_t_be_read_is_no_mark(options: dict[str, str]) -> None:
    """Marks come out of a store, so they may be of another version."""
    assert None is marks_of(options)
