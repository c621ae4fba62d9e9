"""The picture under an alert says what the rule said: its levels, the moment, the unit and the source."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from adapters.message import Colour
from bot.alerts.charts import chart_of, wanted
from bot.market.view import MarketView
from bot.reference.recording import recording
from bot.settings import Settings
from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.loading.loader import load_packs
from rules.loading.universe_file import load_universe
from rules.model import Lang, Observation, Status, Transition
from tests.bot.routing_kit import fired, resolved

SVG = "{http://www.w3.org/2000/svg}"
UNIVERSE = load_universe(Settings().universe)
CALENDARS = Calendars()
FLOW = "etf_flows.BTC.total"
NVDA = "prices.NVDA.close"


def week() -> MarketView:
    """The recorded week, whole."""
    view = MarketView(UNIVERSE, CALENDARS)
    recorded = recording(UNIVERSE)
    view.apply([*recorded.history, *recorded.observations])
    return view


def words(svg: str | None) -> list[str]:
    """What is written in the picture."""
    assert svg is not None
    return [item.text or "" for item in ET.fromstring(svg).iter(f"{SVG}text")]


def level(series: str = NVDA, trigger: float = 140.0, **more: str) -> dict[str, str]:
    return {"mark.shape": "level", "mark.series": series, "mark.trigger": repr(trigger), **more}


def alert(value: float, observed: datetime, options: dict[str, str], **more: object) -> Transition:
    return fired("r", value=value, at=observed + timedelta(minutes=20), observed_at=observed, options=options, **more)


BTC_HIGH = alert(
    73_577.21,
    datetime(2024, 10, 29, 23, 59, 59, tzinfo=UTC),
    level("prices.BTC-USD.close", 73_000.0, **{"mark.rearm": "72270.0 73730.0"}),
)
SOX = alert(
    -0.02533,
    datetime(2024, 11, 1, 20, tzinfo=UTC),
    {
        "mark.shape": "spread",
        "mark.series": "prices.^SOX.close prices.^NDX.close",
        "mark.trigger": "-0.02",
        "mark.clear": "-0.015",
        "mark.base": "2024-10-25T20:00:00+00:00",
    },
)
SMCI = alert(
    -0.449,
    datetime(2024, 11, 1, 20, tzinfo=UTC),
    {
        "mark.shape": "return",
        "mark.series": "prices.SMCI.close",
        "mark.trigger": "-0.1",
        "mark.base": "2024-10-25T20:00:00+00:00",
    },
    series=("prices.SMCI.close",),
)
OUTFLOW = alert(-54.9e6, datetime(2024, 11, 1, 20, tzinfo=UTC), level(FLOW, 0.0))


@pytest.mark.parametrize(
    ("transition", "lang", "written"),
    [
        (BTC_HIGH, "en", ["Bitcoin, daily, USD", "threshold $73,000", "re-arms at $72,270", "re-arms at $73,730",
                          "triggered 29 Oct: $73,577", "last $72,720"]),
        (BTC_HIGH, "zh", ["比特币，日线，美元", "触发线 73,000", "重置线 72,270", "重置线 73,730",
                          "10月29日 触发：73,577", "最新 72,720"]),
        (SOX, "en", ["PHLX Semiconductor 95.9", "Nasdaq 100 98.4", "threshold -2.0pp", "clears at -1.5pp",
                     "triggered 1 Nov: -2.5pp"]),
        (SOX, "zh", ["费城半导体 95.9", "纳斯达克100 98.4", "触发线 -2.0pct", "解除线 -1.5pct",
                     "11月1日 触发：-2.5pct"]),
        (SMCI, "en", ["threshold -10.0% = 42.55", "25 Oct close 47.28", "triggered 1 Nov: -44.9%, 26.05"]),
        (OUTFLOW, "en", ["-54.9", "+893.3", "triggered 1 Nov: -54.9", "Source: Farside"]),
        (OUTFLOW, "zh", ["BTC ETF · 单日净流入，百万美元（按纽约交易日）", "11月1日 触发：-54.9", "资料来源：Farside"]),
    ],
)  # fmt: skip
def test_the_alerts_of_the_week_are_labelled(transition: Transition, lang: Lang, written: list[str]) -> None:
    """Threshold, other levels, the moment, unit and source stand in the picture in the reader's language."""
    assert [] == [each for each in written if each not in words(chart_of([transition], week(), lang, Colour.CN))]


def test_the_picture_ends_where_the_alert_was() -> None:
    """Although the whole week is known by now, nothing after the trigger's session is drawn."""
    labels = words(chart_of([BTC_HIGH], week(), "en", Colour.US))
    assert ("29 Oct" in labels, "30 Oct" in labels) == (True, False)


def test_a_provisional_flow_is_hatched() -> None:
    """And the unit's line says what the hatching means."""
    view = week()
    known = datetime(2024, 11, 2, 3, tzinfo=UTC)
    view.apply([Observation(FLOW, datetime(2024, 11, 1, 20, tzinfo=UTC), known, -60e6, Status.PROVISIONAL, "Farside")])
    svg = chart_of([OUTFLOW], view, "en", Colour.US)
    assert svg is not None
    assert 1 == svg.count('fill="url(#chart-')
    assert "BTC ETF · net flow, $M a New York session · hatched: provisional" in words(svg)


def test_alerts_that_are_told_together_are_bars_by_size() -> None:
    """A rule that fired for many instruments has one picture, not one for each."""
    amd = alert(-0.12, SMCI.at, dict(SMCI.options) | {"mark.series": "prices.AMD.close"}, series=("prices.AMD.close",))
    written = words(chart_of([amd, SMCI], week(), "en", Colour.US))
    assert written.index("Super Micro") < written.index("AMD")
    assert "change since the 25 Oct close; threshold ±10.0%" in written


@pytest.mark.parametrize(
    ("transition", "draws"),
    [
        (BTC_HIGH, True),
        (resolved("r", options=BTC_HIGH.options), False),
        (fired("r"), False),
        (fired("r", options={**BTC_HIGH.options, "chart.of": "none"}), False),
        (fired("r", options={**BTC_HIGH.options, "chart.of": "BTC"}), True),
    ],
)
def test_who_gets_a_picture(transition: Transition, draws: bool) -> None:
    """An alert that fired and has something to show, unless its rule says ``chart: none``."""
    assert draws == wanted(transition)


@pytest.mark.parametrize("series", [NVDA.replace("NVDA", "NOBODY"), "etf_flows.DOGE.total", "fear_greed.x.value"])
def test_what_is_not_known_is_not_drawn(series: str) -> None:
    """Neither an empty frame nor an error."""
    assert None is chart_of([alert(1.0, SOX.at, level(series))], week(), "en", Colour.US)


def test_every_rule_of_the_packs_that_can_be_drawn_is_drawn_at_its_first_alert() -> None:
    """The recorded week's alerts, as the engine tells them, all have a picture."""
    packs = load_packs([Path(__file__).parents[3] / "rules" / "packs"], UNIVERSE)
    engine, recorded = Engine(packs.rules, UNIVERSE, CALENDARS), recording(UNIVERSE)
    view = MarketView(UNIVERSE, CALENDARS)
    view.apply(recorded.history)
    state = engine.seed(engine.initial_state(recorded.start), recorded.history)
    drawn = {}
    for item in recorded.observations:
        view.apply([item])
        state, transitions = engine.advance(state, [item], item.known_at)
        drawn |= {
            each.rule: chart_of([each], view, "en", Colour.US) is not None for each in transitions if wanted(each)
        }
    assert {"btc-73k": True, "btc-etf-outflow": True} == {
        rule: drawn.get(rule) for rule in ("btc-73k", "btc-etf-outflow")
    }
    assert all(drawn.values())
