"""A backtest as one page that needs nothing else: for each rule its numbers, its charts and its alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib import resources

import numpy as np

from bot.charts.fires import Marked, fired_line
from bot.charts.svg import Frame
from bot.past_prices import Data
from rules.backtest import Report, RuleResult
from rules.bars import Bars
from rules.calendars import Calendars
from rules.fired import Fired
from rules.forward import HORIZONS

_CHARTS = 12
"""Charts of a rule, those with the most alerts first."""
_ROWS = 500
"""Alerts of a rule that are listed, the newest ones."""
_WIDTH = 1040


def page(report: Report, data: Data, calendars: Calendars, follows: Mapping[str, str]) -> str:
    """The HTML text; ``follows`` names by rule the symbol on whose price alerts without a symbol are drawn."""
    prices = {item.key: item for item in data.bars if item.feed == "prices" and "close" in item.fields}
    sections = "".join(_section(rule, data, prices, calendars, follows.get(rule.id, "")) for rule in report.rules)
    css = resources.files("bot.digest").joinpath("page.css").read_text(encoding="utf-8")
    span = f"{report.start} – {report.end}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Backtest {span}</title><style>{css}</style></head><body>"
        f'<header><p class="brand">TAPEWATCH</p><h1>Backtest</h1><p class="span">{span}</p>'
        '<p class="known">Each figure counts as known at the close of its session. Triangle: fired. Ring: ended.</p>'
        f"</header>{sections}</body></html>"
    )


def _section(rule: RuleResult, data: Data, prices: Mapping[str, Bars], calendars: Calendars, follows: str) -> str:
    by_symbol: dict[str, list[Fired]] = {}
    for fire in rule.fires:
        by_symbol.setdefault(fire.labels.get("symbol", follows), []).append(fire)
    drawn = sorted(by_symbol, key=lambda symbol: -len(by_symbol[symbol]))[:_CHARTS]
    charts = (
        _chart(f"{rule.id}-{number}", prices[symbol], by_symbol[symbol], data, calendars)
        for number, symbol in enumerate(drawn)
        if symbol in prices
    )
    counted = f"{len(rule.fires)} alerts in {rule.evaluations:,} evaluations"
    flapping = f"; {rule.flapping} fired again within a day of their end" if rule.flapping else ""
    return (
        f"<h2>{escape(rule.id)}</h2><p>{counted}{flapping}.</p>"
        f'<div class="charts">{"".join(charts)}</div>{_table(rule) if rule.fires else ""}'
    )


def _chart(ident: str, bars: Bars, fires: Sequence[Fired], data: Data, calendars: Calendars) -> str:
    instrument = data.universe.by_symbol.get(bars.key)
    calendar = calendars.get(instrument.calendar if instrument else "24/7")

    def row(of: Fired, *, end: bool = False) -> int:
        at = of.resolved_at if end and of.resolved_at else of.fired_at
        day = np.datetime64(calendar.session_of(at))
        return max(int(np.searchsorted(bars.days, day, side="right")) - 1, 0)

    marks = [Marked(row(fire), row(fire, end=True) if fire.resolved_at else None, _words(fire)) for fire in fires]
    frame = Frame(_WIDTH, f"{bars.key}: {len(fires)} alerts", bars.key, "", ident=ident)
    return fired_line(frame, bars.days, bars.fields["close"], marks) if len(bars.days) else ""


def _words(fire: Fired) -> str:
    return f"{fire.fired_at:%Y-%m-%d %H:%M} UTC: {fire.because}"


def _table(rule: RuleResult) -> str:
    heads = ("fired (UTC)", "ended (UTC)", "labels", *(f"+{horizon}d" for horizon in HORIZONS), "because")
    head = "".join(f"<th>{name}</th>" for name in heads)
    base = _row(("every session", "", "", *(_percent(rule.base.get(f"{h}d")) for h in HORIZONS), "the base rate"))
    body = "".join(_row(_cells(fire)) for fire in reversed(rule.fires[-_ROWS:]))
    more = len(rule.fires) - _ROWS
    note = f'<p class="note">and {more} older ones</p>' if more > 0 else ""
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{base}{body}</tbody></table></div>{note}'


def _cells(fire: Fired) -> Iterator[str]:
    yield f"{fire.fired_at:%Y-%m-%d %H:%M}"
    yield f"{fire.resolved_at:%Y-%m-%d %H:%M}" if fire.resolved_at else "—"
    yield " ".join(fire.labels.values())
    yield from (_percent(fire.forward.get(f"{horizon}d")) for horizon in HORIZONS)
    yield fire.because


def _row(cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{value:+.1%}"
