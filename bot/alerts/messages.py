"""Words for transitions: the neutral message of one incident, or of a group of them, in one language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import time
from typing import Final, Literal

from adapters.message import Block, Instant, Line, Message, Move, Paragraph, Span, Table, Text
from bot.alerts.buttons import alert_buttons
from bot.alerts.notices import Incident
from bot.locale import say
from bot.locale.reports import reported
from bot.locale.sources import source_name
from rules.calendars.schedule import CONTINUOUS
from rules.model import Lang, Severity, Status, Transition, TransitionKind
from rules.numbers import quantity
from rules.universe import Universe

_FIGURE = re.compile(
    r"(?<![\w.,])(?:"
    r"(?P<percent>[+-]\d[\d,.]*%|0\.0%)"
    r"|[+-]?\d[\d,.]*(?:pp|pct)\b"
    r"|[+-](?:HK)?\$\d[\d,.]*[KMBT]?"
    r"|[+-]?\d[\d,.]* 万?亿(?:美元|港元|元)"
    r")"
)
"""A change in percent; a difference of percents; a signed amount of money."""
_DIRECTION: Final[dict[str, Literal[-1, 0, 1]]] = {"+": 1, "-": -1}
MARKET_ZONES = {"XNYS": "America/New_York", "XHKG": "Asia/Hong_Kong"}

CLOSING = frozenset({TransitionKind.RESOLVED, TransitionKind.CORRECTED})
COLON: Mapping[Lang, str] = {"en": ": ", "zh": "："}
LIST: Mapping[Lang, str] = {"en": ", ", "zh": "、"}
_STATUS = {
    Status.FINAL: {"en": "final", "zh": "终值"},
    Status.PARTIAL: {"en": "partial", "zh": "部分"},
    Status.PENDING: {"en": "pending", "zh": "待公布"},
    Status.PROVISIONAL: {"en": "prelim", "zh": "初值"},
}


def compose(incidents: Sequence[Incident], lang: Lang, universe: Universe, beside: Sequence[Block] = ()) -> Message:
    """Word the incidents of one group, the strongest first; they share rule, kind and instant of evaluation.

    An incident that stands alone is shown with the evidence ``beside`` it.
    """
    ranked = sorted(incidents, key=lambda item: -abs(item.transition.value or 0.0))
    first = ranked[0].transition
    body: list[Block] = []
    if first.kind is TransitionKind.HEALTH and len(ranked) > 1:
        body.append(Paragraph(tuple(_news(item.transition, lang) for item in incidents)))
        headline, title = _many(incidents, lang)
        told = LIST[lang].join(_name(item.transition, lang) for item in incidents)
    elif len(ranked) > 1:
        body.append(_instances(ranked, lang, universe))
        headline, title = _headline(first, lang), _title(first, lang)
        told = LIST[lang].join(_subject(item.transition) for item in ranked)
    else:
        told = _said(first, lang)
        body.append(Paragraph(tuple(marked_up(part) for part in told.splitlines() if part.strip())))
        body += beside
        headline, title = _headline(first, lang), _title(first, lang)
    if first.trace.deciding and first.kind is not TransitionKind.HEALTH:
        word = {"en": "rule", "zh": "规则"}[lang]
        body.append(Paragraph(((Text(f"{word} "), Text(first.trace.deciding, "code")),)))
    return Message(
        summary=" ".join(f"{headline}{COLON[lang]}{told}".split()),
        title=title,
        blocks=tuple(body),
        footer=_footer(ranked, lang),
        severity=Severity.HEALTH if first.kind is TransitionKind.HEALTH else first.severity,
        buttons=alert_buttons(_in_order(ranked)[0], first.rule, lang) if first.kind is TransitionKind.FIRED else (),
    )


def _name(transition: Transition, lang: Lang) -> str:
    """The alert's title; a source in the title of news about data is called as readers call it."""
    source = transition.labels.get("source", "") if transition.kind is TransitionKind.HEALTH else ""
    title = transition.title[lang]
    return title.replace(source, source_name(source, lang), 1) if source else title


def _said(transition: Transition, lang: Lang) -> str:
    """The alert's words; what a source's failure was is recorded in English."""
    why = transition.because if transition.kind is TransitionKind.HEALTH else ""
    return transition.say[lang].replace(why, reported(why, lang), 1) if why else transition.say[lang]


def _headline(transition: Transition, lang: Lang) -> str:
    kind = say(lang, f"kind.{transition.kind.value}") if transition.kind in CLOSING else ""
    return " · ".join(filter(None, (_name(transition, lang), kind)))


def _title(transition: Transition, lang: Lang) -> Line:
    words: list[Span] = [Text(_name(transition, lang), "bold")]
    if transition.kind in CLOSING:
        words.append(Text(f" · {say(lang, f'kind.{transition.kind.value}')}"))
    words += [Text(" · "), Text(transition.rule, "code")]
    return tuple(words)


def _many(incidents: Sequence[Incident], lang: Lang) -> tuple[str, Line]:
    """The headline and title of several pieces of news about data."""
    headline = say(lang, "health.many", count=len(incidents))
    return headline, (Text(headline, "bold"), Text(" · "), Text(incidents[0].transition.rule, "code"))


def _news(transition: Transition, lang: Lang) -> Line:
    return (Text(_name(transition, lang), "bold"), Text(f"{COLON[lang]}{' '.join(_said(transition, lang).split())}"))


def marked_up(text: str) -> Line:
    """``text`` with its figures bold; a signed percentage carries the reader's arrow and colour as well."""
    spans: list[Span] = []
    end = 0
    for found in _FIGURE.finditer(text):
        if found.start() > end:
            spans.append(Text(text[end : found.start()]))
        percent = found["percent"]
        spans.append(Move(percent, _DIRECTION.get(percent[0], 0), "bold") if percent else Text(found[0], "bold"))
        end = found.end()
    return (*spans, *([Text(text[end:])] if end < len(text) else []))


def _subject(transition: Transition) -> str:
    return " ".join(transition.labels.values()) or transition.rule


def _instances(incidents: Sequence[Incident], lang: Lang, universe: Universe) -> Table:
    rows = []
    for incident in incidents:
        transition = incident.transition
        subject = _subject(transition)
        instrument = universe.resolve(subject)
        name = instrument.name[lang] if instrument else ""
        rows.append((subject, quantity(transition.value, transition.unit, lang), name))
    return Table(rows=tuple(rows), align="lrl")


def _footer(incidents: Sequence[Incident], lang: Lang) -> Line:
    transitions = [incident.transition for incident in incidents]
    newest: dict[str, Transition] = {}
    for each in sorted(transitions, key=lambda item: item.observed_at or item.at):
        newest[each.calendar] = each
    moments = [_moment(each, lang) for each in newest.values()][::-1]
    facts = list(dict.fromkeys(source_name(source, lang) for item in transitions for source in item.sources))
    if transitions[0].kind is not TransitionKind.HEALTH:
        weakest = max((item.status for item in transitions), key=list(Status).index)
        facts.append(_STATUS[weakest][lang])
    spans: list[Span] = []
    for moment in moments:
        spans += [*([Text(" · ")] if spans else []), moment]
    return (*spans, Text(" · " + " · ".join([*facts, _numbers(incidents)])))


def _moment(transition: Transition, lang: Lang) -> Span:
    """The market time of what decided; of a figure that is published later, or of news about data, when it was known.

    A figure that stands for a UTC day has no time but the day.
    """
    at = transition.observed_at or transition.at
    prices = all(name.startswith("prices.") for name in transition.series)
    if transition.calendar in MARKET_ZONES and prices:
        label = say(lang, "asof.close") if transition.status is Status.FINAL else ""
        return Instant(at, MARKET_ZONES[transition.calendar], label)
    if transition.calendar == CONTINUOUS and at.time() == time(23, 59, 59):
        return Text(f"{at:%m-%d}（UTC 日）" if lang == "zh" else f"{at.day} {at:%b} (UTC day)")
    if transition.calendar == CONTINUOUS and prices and transition.kind is not TransitionKind.HEALTH:
        return Instant(at, "UTC")
    return Instant(transition.at, "", say(lang, "asof.at"))


def _numbers(incidents: Sequence[Incident]) -> str:
    numbers = _in_order(incidents)
    return numbers[0] if len(numbers) == 1 else f"{numbers[0]} … {numbers[-1]}"


def _in_order(incidents: Sequence[Incident]) -> list[str]:
    return sorted((incident.number for incident in incidents), key=lambda number: int(number.partition("-")[2]))
