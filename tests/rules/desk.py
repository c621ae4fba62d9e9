"""A small desk for tests: a universe, series of numbers, and the value of an expression over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from rules.calendars.axis import Axis, micros
from rules.calendars.sessions import Calendars
from rules.evaluation.compile import compile_typed
from rules.evaluation.frames import NowFrame
from rules.evaluation.history import History
from rules.language import Scope, Typed, analyse, parse
from rules.model import Observation, Status
from rules.spec import SeriesSpec
from rules.universe import Instrument, Kind, Universe

CALENDARS = Calendars()
START = date(2024, 1, 1)


def instrument(
    symbol: str, calendar: str = "24/7", currency: str = "USD", tags: tuple[str, ...] = ("all",)
) -> Instrument:
    """An instrument whose name is its symbol in both languages."""
    return Instrument(symbol, {"en": symbol, "zh": symbol}, Kind.EQUITY, currency, calendar, tags=tags)


UNIVERSE = Universe(
    [
        *(instrument(symbol) for symbol in ("AA", "BB", "CC")),
        instrument("NY", "XNYS"),
        instrument("HK", "XHKG", "HKD", tags=()),
    ]
)
PLAIN = {name: SeriesSpec(name, "plain", name, "value", "", "24/7") for name in ("a", "b", "c")}
FLOW = SeriesSpec("FLOW", "etf_flows", "BTC", "total", "USD", "XNYS")
SCOPE = Scope(UNIVERSE, {**PLAIN, "FLOW": FLOW})


def at(text: str) -> datetime:
    """A UTC instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sessions(calendar: str, count: int, start: date = START) -> list[date]:
    """The first sessions of a calendar from a day on."""
    own = CALENDARS.get(calendar)
    found = [own.next(start - timedelta(days=1))]
    while len(found) < count:
        found.append(own.next(found[-1]))
    return found


def bars(
    series: str, values: Sequence[float | None], calendar: str = "24/7", start: date = START, **keys: object
) -> list[Observation]:
    """One final figure a session, known at the session's close; ``None`` leaves the session out."""
    days = sessions(calendar, len(values), start)
    closes = [CALENDARS.get(calendar).close(day) for day in days]
    return [
        Observation(series, close, close, value, Status.FINAL, "test")
        for close, value in zip(closes, values, strict=True)
        if value is not None
    ]


def typed(text: str, scope: Scope = SCOPE) -> Typed:
    """A typed tree; the text must have no errors."""
    analysis = analyse(parse(text), scope)
    assert analysis.ok, analysis.findings
    return analysis.typed


def evaluate(
    text: str, observations: Sequence[Observation], now: datetime | None = None, scope: Scope = SCOPE
) -> float:
    """The value of an expression over a history; NaN is unknown, conditions are 1 and 0."""
    tree = typed(text, scope)
    history = history_for(tree)
    for seen in observations:
        history.apply(seen)
    newest = max((seen.known_at for seen in observations), default=at("2024-01-01"))
    frame = NowFrame(history, np.array([micros(now or newest)]), 1)
    return float(compile_typed(tree, "test").evaluate(frame)[0])


def history_for(tree: Typed) -> History:
    """An empty history with room for what an expression reads."""
    axes: dict[str, Axis] = {name: Axis(CALENDARS.get(name)) for name in ("24/7", "XNYS", "XHKG")}
    history = History(axes)
    keys: dict[tuple[str, str], dict[str, None]] = {}
    for ref in tree.reads():
        keys.setdefault((ref.feed, ref.calendar), {})[ref.key] = None
    for (feed, calendar), own in keys.items():
        history.declare(feed, axes[calendar], list(own))
    return history


def plain(values: Mapping[str, Sequence[float | None]]) -> list[Observation]:
    """Observations of the plain series a, b and c, one a UTC day."""
    return [seen for name, own in values.items() for seen in bars(f"plain.{name}.value", own)]
