"""A backtest as one page that needs nothing else: for each rule its numbers, its charts and its alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import resources

import numpy as np

from bot.charts.fires import Marked, fired_line
from bot.charts.svg import Frame
from bot.locale import say
from bot.locale.traces import because
from bot.past.prices import Data
from bot.past.report import counted, doubts, endings
from rules.backtesting.backtest import Report, RuleResult
from rules.backtesting.bars import Bars
from rules.backtesting.fired import Fired
from rules.backtesting.forward import HORIZONS
from rules.calendars.sessions import Calendars
from rules.evaluation.program import Program
from rules.model import Lang
from rules.numbers import percent

_CHARTS = 12
"""Charts of a rule, those with the most alerts first."""
_ROWS = 500
"""Alerts of a rule that are listed, the newest ones."""
_FEW = 12
"""Alerts of a rule that are shown unfolded."""
_WIDTH = 1040
_AHEAD = tuple(f"+{horizon}d" for horizon in HORIZONS)
_NUMBER = ' class="num"'
_CSS = (
    "thead th{padding:4px 9px}td small{color:var(--muted)}h2{scroll-margin-top:8px}details .scroll{margin-top:6px}"
    "@media (max-width:760px){.charts{overflow-x:auto;flex-flow:column}.charts svg{min-width:680px}"
    "td:first-child{white-space:normal;min-width:9em}}"
)


def page(report: Report, data: Data, calendars: Calendars, programs: Sequence[Program], *, lang: Lang) -> str:
    """The HTML text in ``lang``; ``programs`` are the rules of the report, compiled."""
    prices = {item.key: item for item in data.bars if item.feed == "prices" and "close" in item.fields}
    compiled = {program.spec.id: program for program in programs}
    told = [rule for rule in report.rules if rule.fires]
    sections = "".join(_section(rule, compiled[rule.id], data, prices, calendars, lang=lang) for rule in told)
    css = resources.files("bot.digest").joinpath("page.css").read_text(encoding="utf-8")
    span, title = f"{report.start} – {report.end}", say(lang, "past.title")
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title} {span}</title><style>{css}{_CSS}</style></head><body>"
        f'<header><p class="brand">TAPEWATCH</p><h1>{title}</h1><p class="span">{span}</p>'
        f'<p class="known">{say(lang, "past.legend")}</p>'
        f"</header>{_summary(told, compiled, lang)}{sections}{_silent(report, compiled, lang)}</body></html>"
    )


def _summary(rules: Sequence[RuleResult], compiled: Mapping[str, Program], lang: Lang) -> str:
    heads = (*_heads(lang, "rule", "alerts", "yearly", "busiest"), *_AHEAD)
    head = "".join(f"<th{_NUMBER if at else ''}>{name}</th>" for at, name in enumerate(heads))
    body = "".join(f"<tr>{''.join(_overview(rule, compiled[rule.id], lang))}</tr>" for rule in rules)
    if not body:
        return ""
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _heads(lang: Lang, *names: str) -> Iterator[str]:
    return (say(lang, f"past.head.{name}") for name in names)


def _overview(rule: RuleResult, program: Program, lang: Lang) -> Iterator[str]:
    busiest = max(rule.by_month, key=lambda month: rule.by_month[month])
    rate = f"{len(rule.fires) / rule.years:.1f}" if rule.years else "—"
    yield f'<td><a href="#{escape(rule.id)}">{escape(program.spec.title[lang])}</a></td>'
    yield f"<td{_NUMBER}>{len(rule.fires)}</td><td{_NUMBER}>{rate}</td>"
    yield f"<td{_NUMBER}>{say(lang, 'past.in_month', count=rule.by_month[busiest], month=busiest)}</td>"
    for horizon in HORIZONS:
        name = f"{horizon}d"
        yield f"<td{_NUMBER}>{_percent(rule.mean.get(name))}<br><small>{_percent(rule.base.get(name))}</small></td>"


def _silent(report: Report, compiled: Mapping[str, Program], lang: Lang) -> str:
    """The rules that said nothing, and why where that is known."""
    items = []
    for rule in report.rules:
        if not rule.fires:
            unknown = say(lang, "list.comma").join(rule.unknown)
            why = f" – {say(lang, 'past.unknown', series=unknown)}" if unknown else ""
            items.append(
                f"<li>{escape(compiled[rule.id].spec.title[lang])} <code>{escape(rule.id)}</code>{escape(why)}</li>"
            )
    return f"<h2>{say(lang, 'past.silent')}</h2><ul>{''.join(items)}</ul>" if items else ""


def _section(
    rule: RuleResult, program: Program, data: Data, prices: Mapping[str, Bars], calendars: Calendars, *, lang: Lang
) -> str:
    anchor = program.when.anchor
    follows = anchor.key if anchor is not None and anchor.feed == "prices" else ""
    by_symbol: dict[str, list[Fired]] = {}
    for fire in rule.fires:
        by_symbol.setdefault(fire.labels.get("symbol", follows), []).append(fire)
    drawn = sorted(by_symbol, key=lambda symbol: -len(by_symbol[symbol]))[:_CHARTS]
    charts = (
        _chart(f"{rule.id}-{number}", prices[symbol], by_symbol[symbol], data, calendars, lang=lang)
        for number, symbol in enumerate(drawn)
        if symbol in prices
    )
    said = " · ".join((counted(rule, lang), *doubts(rule, lang)))
    return (
        f'<h2 id="{escape(rule.id)}">{escape(program.spec.title[lang])}</h2>'
        f"<p><code>{escape(rule.id)}</code> {said}</p><p><code>{escape(program.spec.when.text)}</code></p>"
        f'<div class="charts">{"".join(charts)}</div>{_table(rule, lang)}'
    )


def _chart(ident: str, bars: Bars, fires: Sequence[Fired], data: Data, calendars: Calendars, *, lang: Lang) -> str:
    instrument = data.universe.by_symbol.get(bars.key)
    calendar = calendars.get(instrument.calendar if instrument else "24/7")

    def row(of: Fired, *, end: bool = False) -> int:
        at = of.resolved_at if end and of.resolved_at else of.fired_at
        day = np.datetime64(calendar.session_of(at))
        return max(int(np.searchsorted(bars.days, day, side="right")) - 1, 0)

    marks = [Marked(row(fire), row(fire, end=True) if fire.resolved_at else None, _words(fire, lang)) for fire in fires]
    frame = Frame(_WIDTH, say(lang, "past.chart", symbol=bars.key, count=len(fires)), bars.key, "", ident=ident)
    return fired_line(frame, bars.days, bars.fields["close"], marks) if len(bars.days) else ""


def _words(fire: Fired, lang: Lang) -> str:
    return f"{fire.fired_at:%Y-%m-%d %H:%M} UTC: {because(fire.because, lang)}"


def _table(rule: RuleResult, lang: Lang) -> str:
    heads = (*_heads(lang, "fired", "ended", "labels"), *_AHEAD, *_heads(lang, "because"))
    head = "".join(f"<th{_NUMBER if name[0] == '+' else ''}>{name}</th>" for name in heads)
    told = list(zip(rule.fires, endings(rule, lang), strict=True))
    body = "".join(f"<tr>{''.join(_cells(fire, ended, lang))}</tr>" for fire, ended in reversed(told[-_ROWS:]))
    more = len(rule.fires) - _ROWS
    note = f'<p class="note">{say(lang, "past.older", count=more)}</p>' if more > 0 else ""
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}'
    few = " open" if len(rule.fires) <= _FEW else ""
    return f"<details{few}><summary>{say(lang, 'past.all', count=len(rule.fires))}</summary>{table}</details>"


def _cells(fire: Fired, ended: str, lang: Lang) -> Iterator[str]:
    yield f"<td>{fire.fired_at:%Y-%m-%d %H:%M}</td><td>{ended}</td><td>{escape(' '.join(fire.labels.values()))}</td>"
    for horizon in HORIZONS:
        value = fire.forward.get(f"{horizon}d")
        side = "" if not value else " up" if value > 0 else " down"
        yield f'<td class="num{side}">{_percent(value)}</td>'
    yield f"<td>{escape(because(fire.because, lang))}</td>"


def _percent(value: float | None) -> str:
    return percent(value, decimals=1)
