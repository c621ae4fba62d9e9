"""What belongs beside an alert so that nobody has to look it up: the funds behind a flow, the drivers of an index.

Each kind of evidence is one function; :data:`KINDS` is the list of them. Evidence says only what is known at the
moment, and nothing at all where nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from adapters.message import Block, Line, Move, Paragraph, Span, Table, Text
from bot.flow_run import flow_run
from bot.locale import say
from bot.market import MarketView
from bot.notices import Incident
from bot.windows import Window, base_session, change
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
        series = tuple(dict.fromkeys(SeriesName.parse(name) for name in transition.series))
        return tuple(block for kind in KINDS for block in kind(self._market, series, lang))


def flows(market: MarketView, series: Sequence[SeriesName], lang: Lang) -> Iterable[Block]:
    """Of a flow of ETFs: the run that the day continues or ends, the week so far, and the funds that moved."""
    for asset in dict.fromkeys(name.key for name in series if name.feed == "etf_flows"):
        total = market.latest(f"etf_flows.{asset}.total")
        if total is None:
            continue
        yield Paragraph((_run(market, asset, lang),))
        funds = [
            (name, market.on(f"etf_flows.{asset}.{name}", total.session)) for name in market.fields("etf_flows", asset)
        ]
        moved = [(name, found.value) for name, found in funds if name != "total" and found and found.value]
        moved.sort(key=lambda item: item[1])
        rows = tuple((name, amount(value, 6, 1, signed=True)) for name, value in moved)
        still = len(funds) - 1 - len(moved)
        caption = {"en": f"$M · {still} funds flat", "zh": f"单位：百万美元 · {still} 只为 0"}[lang]
        if rows:
            yield Table(rows=rows, align="lr", caption=caption)


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


def drivers(market: MarketView, series: Sequence[SeriesName], lang: Lang) -> Iterable[Block]:
    """Of an index: its level, and the members of the coverage that moved most the same way this week."""
    indices = [item for name in series if (item := market.universe.by_symbol.get(name.key)) and item.kind is Kind.INDEX]
    levels = [
        Text(f"{item.name[lang]} {price(found.value, lang)}")
        for item in indices
        if (found := market.latest(f"prices.{item.symbol}.close"))
    ]
    lines: list[Line] = [_joined(levels)] if levels else []
    tags = dict.fromkeys(_DRIVEN_BY[item.symbol] for item in indices if item.symbol in _DRIVEN_BY)
    for tag in tags:
        members = [item for item in market.universe.tagged(tag) if "coverage" in item.tags]
        lines += _moved_most(market, members, lang)
    if lines:
        yield Paragraph(tuple(lines))


def _moved_most(market: MarketView, members: Iterable[Instrument], lang: Lang) -> list[Line]:
    moves = [
        (moved.ratio, item)
        for item in members
        if (moved := change(market, f"prices.{item.symbol}.close", Window.WEEK)) is not None
    ]
    falling = sorted((move for move in moves if move[0] < 0), key=lambda move: move[0])[:MOST_DRIVERS]
    if not falling:
        return []
    label = {"en": "Down most in coverage this week: ", "zh": "本周覆盖标的跌幅居前："}[lang]
    words: list[Span] = [Text(label)]
    for index, (ratio, item) in enumerate(falling):
        words += [Text(" · " if index else ""), Text(f"{item.name[lang]} "), Move(percent(ratio), -1)]
    return [tuple(words)]


def _joined(parts: Sequence[Span]) -> Line:
    words: list[Span] = []
    for index, part in enumerate(parts):
        words += [Text(" · "), part] if index else [part]
    return tuple(words)


Find = Callable[[MarketView, Sequence[SeriesName], Lang], Iterable[Block]]
KINDS: tuple[Find, ...] = (flows, drivers)
