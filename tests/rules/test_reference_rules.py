"""The four rules of the recorded week, driven by hand-written observations in the way the demo drives them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.model import Observation, Status, Transition, TransitionKind
from rules.spec import AtSession, Expression, NewObservation, OncePer, RuleSpec, SeriesSpec
from rules.universe import Instrument, Kind, Universe

CALENDARS = Calendars()
XNYS = CALENDARS.get("XNYS")
CLOSE_20M = AtSession("XNYS", "close", timedelta(minutes=20))


def instrument(
    symbol: str, kind: Kind, *aliases: str, calendar: str = "XNYS", tags: tuple[str, ...] = ()
) -> Instrument:
    name = {"en": symbol, "zh": symbol}
    return Instrument(symbol, name, kind, "USD", calendar, aliases=aliases, tags=tags)  # type: ignore[arg-type]


UNIVERSE = Universe(
    [
        instrument("^SOX", Kind.INDEX, "SOX"),
        instrument("^NDX", Kind.INDEX, "NDX"),
        instrument("BTC-USD", Kind.CRYPTO, "BTC", calendar="24/7"),
        instrument("MSTR", Kind.EQUITY, tags=("crypto",)),
        instrument("COIN", Kind.EQUITY, tags=("crypto",)),
        instrument("0863.HK", Kind.EQUITY, calendar="XHKG", tags=("crypto",)),
    ]
)
FLOW = SeriesSpec("BTC_ETF", "etf_flows", "BTC", "total", "USD", "XNYS")


def both(text: str) -> dict[str, str]:
    return {"en": text, "zh": text}


SOX = RuleSpec(
    id="sox-lags-ndx",
    title=both("SOX lags NDX this week"),
    when=Expression("rel(SOX, NDX, this_week) <= -2pp"),
    clear=Expression("rel(SOX, NDX, this_week) > -1.5pp"),
    every=CLOSE_20M,
    once_per=OncePer.WEEK,
    say=both("SOX {ret(SOX, this_week):+.1%} vs NDX {ret(NDX, this_week):+.1%}: {rel(SOX, NDX, this_week):+.1pp}"),
)
BTC = RuleSpec(
    id="btc-73k",
    title=both("BTC crosses 73k"),
    when=Expression("crosses(high(BTC), 73_000)"),
    rearm=Expression("abs(BTC / 73_000 - 1) >= 1%"),
    max_gap=timedelta(minutes=30),
)
OUTFLOW = RuleSpec(
    id="btc-etf-outflow",
    title=both("Outflow"),
    when=Expression("BTC_ETF < 0 USD and final(BTC_ETF)"),
    every=NewObservation("BTC_ETF"),
    once_per=OncePer.OBSERVATION,
    series={"BTC_ETF": FLOW},
)
MOVERS = RuleSpec(
    id="week-move-10",
    title=both("Moved 10%"),
    for_each="universe.crypto",
    when=Expression("abs(ret(it, this_week)) >= 10%"),
    every=CLOSE_20M,
    once_per=OncePer.WEEK,
    group_by=("rule",),
)


def daily(symbol: str, day: str, close: float, calendar: str = "XNYS", **fields: float) -> list[Observation]:
    at = CALENDARS.get(calendar).close(date.fromisoformat(day))
    values = {**fields, "close": close}
    return [Observation(f"prices.{symbol}.{name}", at, at, value, source="t") for name, value in values.items()]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def run(rule: RuleSpec, history: list[Observation], news: list[Observation], start: str, end: str) -> list[Transition]:
    engine = Engine([rule], UNIVERSE, CALENDARS)
    state = engine.seed(engine.initial_state(at(start)), history)
    told: list[Transition] = []
    for seen in sorted(news, key=lambda item: item.known_at):
        state, transitions = engine.advance(state, [seen], seen.known_at)
        told.extend(transitions)
    state, transitions = engine.advance(state, [], at(end))
    return told + list(transitions)


def at_once(rule: RuleSpec, news: list[Observation], start: str, end: str) -> list[Transition]:
    engine = Engine([rule], UNIVERSE, CALENDARS)
    _, transitions = engine.advance(engine.initial_state(at(start)), news, at(end))
    return list(transitions)


WEEK = ["2024-10-28", "2024-10-29", "2024-10-30", "2024-10-31", "2024-11-01"]
BTC_BARS = [
    ("2024-10-29", 69910.05, 73577.21, 69729.91, 72720.49),
    ("2024-10-30", 72715.37, 72905.30, 71411.73, 72339.54),
    ("2024-10-31", 72335.05, 72662.31, 69590.50, 70215.19),
    ("2024-11-01", 70216.90, 71559.02, 68779.70, 69482.47),
]


def btc_week() -> tuple[list[Observation], list[Observation]]:
    history = daily("BTC-USD", "2024-10-27", 67929.30, "24/7")
    news = daily("BTC-USD", "2024-10-28", 69907.75, "24/7")
    for day, o, h, low, c in BTC_BARS:
        news += daily("BTC-USD", day, c, "24/7", open=o, high=h, low=low)
    return history, news


def test_bitcoin_fires_once_on_the_high_of_the_29th() -> None:
    """No close was above 73,000; the high of 29 October was, and nothing else of that week."""
    history, news = btc_week()
    told = run(BTC, history, news, "2024-10-28T00:00", "2024-11-03T00:00")
    assert [(TransitionKind.FIRED, 73577.21, at("2024-10-29T23:59:59"))] == [
        (event.kind, event.value, event.observed_at) for event in told
    ]


def test_bitcoin_fires_once_when_the_week_comes_in_one_batch() -> None:
    """A batch is applied in the order in which its figures became known."""
    history, news = btc_week()
    assert [at("2024-10-29T23:59:59")] == [
        event.at for event in at_once(BTC, history + news, "2024-10-25T00:00", "2024-11-03T00:00")
    ]


def index_week(missing: str = "") -> list[Observation]:
    news = []
    for day, sox, ndx in zip(WEEK, (5150, 5160, 5150, 4975, 4996), (20351, 20550, 20387, 19890, 20033.1), strict=True):
        if day != missing:
            news += daily("^SOX", day, sox) + daily("^NDX", day, ndx)
    return news


SOX_HISTORY = [*daily("^SOX", "2024-10-25", 5206.0), *daily("^NDX", "2024-10-25", 20352.02)]


def test_the_semiconductor_gap_fires_at_the_close_of_friday() -> None:
    """-4.0% against -1.6% is -2.5pp; the say is filled in with signs and one decimal."""
    news = [item for item in index_week() if item.at.date() != date(2024, 10, 31)]
    news += daily("^SOX", "2024-10-31", 5080.0) + daily("^NDX", "2024-10-31", 19890.0)
    told = run(SOX, SOX_HISTORY, news, "2024-10-27T00:00", "2024-11-02T00:00")
    assert [(TransitionKind.FIRED, at("2024-11-01T20:20"))] == [(event.kind, event.at) for event in told]
    assert "SOX -4.0% vs NDX -1.6%: -2.5pp" == told[0].say["en"]
    assert pytest.approx(-0.0246, abs=1e-4) == told[0].value
    assert ("pp", at("2024-11-01T20:00")) == (told[0].unit, told[0].observed_at)


def test_a_missing_bar_is_unknown_and_not_the_day_before() -> None:
    """With Thursday's bar missing nothing is said on Thursday, although Wednesday's figures would say it."""
    told = run(
        SOX,
        SOX_HISTORY,
        [*daily("^SOX", "2024-10-30", 5000.0), *daily("^NDX", "2024-10-30", 20352.0)],
        "2024-10-30T20:25",
        "2024-11-01T00:00",
    )
    assert [] == told


def test_a_week_rule_ends_quietly_on_monday() -> None:
    """The rollover is an end, not a resolution."""
    news = index_week() + daily("^SOX", "2024-11-04", 5000.0) + daily("^NDX", "2024-11-04", 20000.0)
    told = run(SOX, SOX_HISTORY, news, "2024-10-27T00:00", "2024-11-05T00:00")
    assert [TransitionKind.FIRED, TransitionKind.ENDED] == [event.kind for event in told]


def flow(day: str, value: float | None, status: Status, known: str) -> Observation:
    return Observation("etf_flows.BTC.total", XNYS.close(date.fromisoformat(day)), at(known), value, status, "farside")


def test_an_outflow_is_told_once_it_is_final() -> None:
    """A partial row says nothing; the final one does, once."""
    news = [
        flow("2024-10-31", 32.3e6, Status.FINAL, "2024-11-01T03:00"),
        flow("2024-11-01", None, Status.PENDING, "2024-11-01T21:00"),
        flow("2024-11-01", -80e6, Status.PARTIAL, "2024-11-02T01:00"),
        flow("2024-11-01", -54.9e6, Status.FINAL, "2024-11-02T03:00"),
        flow("2024-11-01", -54.9e6, Status.FINAL, "2024-11-02T04:00"),
    ]
    told = run(OUTFLOW, [], news, "2024-10-31T00:00", "2024-11-03T00:00")
    assert [(TransitionKind.FIRED, at("2024-11-02T03:00"), -54.9e6, "money:USD")] == [
        (event.kind, event.at, event.value, event.unit) for event in told
    ]


def test_movers_of_several_markets_fire_together_at_the_close() -> None:
    """Hong Kong's Friday counts at New York's close; a symbol without a base is unknown and left alone."""
    history = [*daily("MSTR", "2024-10-25", 100.0), *daily("0863.HK", "2024-10-25", 10.0, "XHKG")]
    news = [
        *daily("MSTR", "2024-11-01", 89.0),
        *daily("0863.HK", "2024-11-01", 11.4, "XHKG"),
        *daily("COIN", "2024-11-01", 1.0),
    ]
    told = run(MOVERS, history, news, "2024-10-27T00:00", "2024-11-02T00:00")
    assert [("MSTR", at("2024-11-01T20:20")), ("0863.HK", at("2024-11-01T20:20"))] == [
        (event.labels["symbol"], event.at) for event in told
    ]
