"""What belongs beside an alert so that nobody has to look it up: the funds behind a flow, the drivers of an index.

Each kind of evidence is one function; :data:`KINDS` is the list of them. Evidence says only what is known at the
moment, and nothing at all where nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Literal

from adapters.message import Block, Line, Move, Paragraph, Span, Table, Text
from bot.alerts.notices import Incident
from bot.locale import say
from bot.market.flow_run import flow_run
from bot.market.view import MarketView
from bot.market.windows import Window, base_session, change
from rules.explaining.marks import marks_of
from rules.model import Lang, SeriesName, Transition, TransitionKind
from rules.numbers import amount, money, percent, price
from rules.universe import Instrument, Kind

MOST_DRIVERS = 3
_DRIVEN_BY = {"^SOX": "semis"}
"""An index, and the list of which its drivers in the coverage are."""


class Evidence:
    """Finds evidence in what the market view holds."""

    def __init__(self, market: MarketView) -> None:
        self._market = market

    def beside(self, incidents: Sequence[Incident], lang: Lang) -> tuple[Block, ...]:
        """What to show under the sentence of an alert that fired and is told alone; nothing for any others."""
        return self.blocks(incidents[0].transition, lang) if len(incidents) == 1 else ()

    def blocks(self, transition: Transition, lang: Lang) -> tuple[Block, ...]:
        """What to show under the sentence of an alert that fired."""
        if transition.kind is not TransitionKind.FIRED:
            return ()
        return tuple(block for kind in KINDS for block in kind(self._market, transition, lang))


def flows(market: MarketView, alert: Transition, lang: Lang) -> Iterable[Block]:
    """Of a day's flow of ETFs: the run that the day continues or ends, the week so far, and the funds that moved."""
    for asset in dict.fromkeys(name.key for name in _series(alert) if name.feed == "etf_flows"):
        total = market.latest(f"etf_flows.{asset}.total")
        if total is None:
            continue
        yield Paragraph((_run(market, asset, lang),))
        names = [name for name in market.fields("etf_flows", asset) if name != "total"]
        figures = {name: market.on(f"etf_flows.{asset}.{name}", total.session) for name in names}
        values = {name: figure.value for name, figure in figures.items() if figure and figure.value is not None}
        moved = sorted(((name, value) for name, value in values.items() if value), key=lambda item: item[1])
        rows = tuple((_starred(name, asset), amount(value, 6, 1, signed=True)) for name, value in moved)
        if rows:
            flat = [name for name, value in values.items() if not value]
            unknown = [name for name in names if name not in values]
            caption = [_MILLIONS[lang], *_star(market, values, asset, lang)]
            caption += [*_counted(flat, _FLAT[lang], lang), *_counted(unknown, _UNREPORTED[lang], lang)]
            yield Table(rows=rows, align="lr", caption=" · ".join(caption))


_MILLIONS: Mapping[Lang, str] = {"en": "$M", "zh": "单位：百万美元"}
_FLAT: Mapping[Lang, str] = {"en": "flat", "zh": "为 0"}
_UNREPORTED: Mapping[Lang, str] = {"en": "not reported yet", "zh": "尚未披露"}


def _starred(fund: str, asset: str) -> str:
    """A fund that is called like its asset is told apart from it."""
    return f"{fund}*" if fund == asset else fund


def _star(market: MarketView, funds: Container[str], asset: str, lang: Lang) -> list[str]:
    """What the star says, where a fund has one."""
    item = market.universe.by_symbol.get(asset)
    return [f"*{item.name[lang]}"] if asset in funds and item and item.kind is Kind.FUND else []


def _counted(funds: Sequence[str], what: str, lang: Lang) -> list[str]:
    """``IBIT and 3 others flat``, ``IBIT 等 4 只为 0``; nothing for none."""
    if not funds:
        return []
    others = len(funds) - 1
    if lang == "zh":
        return [f"{funds[0]} 等 {len(funds)} 只{what}" if others else f"{funds[0]} {what}"]
    more = f" and {others} other{'s' if others > 1 else ''}" if others else ""
    return [f"{funds[0]}{more} {what}"]


def _run(market: MarketView, asset: str, lang: Lang) -> Line:
    calendar = market.calendar_of(f"etf_flows.{asset}.total")
    history = [figure for figure in market.history(f"etf_flows.{asset}.total") if figure.value is not None]
    base = base_session(calendar, Window.WEEK, history[-1].session)
    week = sum(figure.value or 0.0 for figure in history if figure.session > base)
    label = {"en": "week", "zh": "本周累计"}[lang]
    words: list[Span] = [Text(f"{label} {money(week, 'USD', lang, signed=True)}")]
    run = flow_run(market, asset)
    if run is not None:
        inflow = run.total > 0
        key = f"flows.{'ended' if run.ended else 'running'}_{'in' if inflow else 'out'}"
        text = say(lang, key, days=run.days, total=money(run.total, "USD", lang, signed=True))
        words = [Move(text, 1 if inflow != run.ended else -1), Text(" · "), *words]
    return tuple(words)


def drivers(market: MarketView, alert: Transition, lang: Lang) -> Iterable[Block]:
    """Of an index: its level, and the members of the coverage that moved most the alert's way this week."""
    named = [market.universe.by_symbol.get(key) for key in dict.fromkeys(name.key for name in _series(alert))]
    indices = [item for item in named if item and item.kind is Kind.INDEX]
    levels = [
        Text(f"{item.name[lang]} {price(found.value, lang)}")
        for item in indices
        if (found := market.latest(f"prices.{item.symbol}.close"))
    ]
    lines: list[Line] = [_joined(levels)] if levels else []
    tags = dict.fromkeys(_DRIVEN_BY[item.symbol] for item in indices if item.symbol in _DRIVEN_BY)
    for tag in tags:
        members = [item for item in market.universe.tagged(tag) if "coverage" in item.tags]
        lines += _moved_most(market, members, lang, up=(alert.value or 0.0) > 0)
    if lines:
        yield Paragraph(tuple(lines))


def _series(alert: Transition) -> Sequence[SeriesName]:
    """What decided, in the order of the rule where it is known."""
    marks = marks_of(alert.options)
    names = [*(marks.series if marks else ()), *alert.series]
    return tuple(dict.fromkeys(SeriesName.parse(name) for name in names if name in alert.series))


def _moved_most(market: MarketView, members: Iterable[Instrument], lang: Lang, *, up: bool) -> list[Line]:
    sign: Literal[-1, 1] = 1 if up else -1
    moves = [
        (moved.ratio, item)
        for item in members
        if (moved := change(market, f"prices.{item.symbol}.close", Window.WEEK)) is not None
    ]
    most = sorted((move for move in moves if move[0] * sign > 0), key=lambda move: -abs(move[0]))[:MOST_DRIVERS]
    if not most:
        return []
    words: list[Span] = [Text(say(lang, f"drivers.{'up' if up else 'down'}"))]
    for index, (ratio, item) in enumerate(most):
        words += [Text(" · " if index else ""), Text(f"{item.name[lang]} "), Move(percent(ratio), sign)]
    return [tuple(words)]


def _joined(parts: Sequence[Span]) -> Line:
    words: list[Span] = []
    for index, part in enumerate(parts):
        words += [Text(" · "), part] if index else [part]
    return tuple(words)


Find = Callable[[MarketView, Transition, Lang], Iterable[Block]]
KINDS: tuple[Find, ...] = (flows, drivers)
