"""Words for transitions: the neutral message of one incident, or of a group of them, in one language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import time
from typing import Final, Literal

from adapters.message import Block, Instant, Line, Message, Move, Paragraph, Span, Table, Text
from bot.alert_buttons import alert_buttons
from bot.notices import Incident
from rules.model import Lang, Severity, Status, Transition, TransitionKind
from rules.numbers import quantity
from rules.schedule import CONTINUOUS
from rules.universe import Universe

_SIGNED_PERCENT = re.compile(r"(?<![\w.,])([+-]\d[\d,.]*%|0\.0%)")
_DIRECTION: Final[dict[str, Literal[-1, 0, 1]]] = {"+": 1, "-": -1}
MARKET_ZONES = {"XNYS": "America/New_York", "XHKG": "Asia/Hong_Kong"}

_KIND = {
    TransitionKind.RESOLVED: {"en": "resolved", "zh": "已解除"},
    TransitionKind.CORRECTED: {"en": "corrected", "zh": "更正"},
}
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
    title = _title(first, lang)
    body: list[Block] = []
    if len(ranked) == 1:
        body.append(Paragraph(tuple(_line(part) for part in first.say[lang].splitlines() if part.strip())))
        body += beside
        summary = f"{first.title[lang]}: {first.say[lang]}"
    else:
        body.append(_instances(ranked, lang, universe))
        summary = f"{first.title[lang]}: " + ", ".join(_subject(item.transition) for item in ranked)
    if first.trace.deciding and first.kind is not TransitionKind.HEALTH:
        word = {"en": "rule", "zh": "规则"}[lang]
        body.append(Paragraph(((Text(f"{word} "), Text(first.trace.deciding, "code")),)))
    return Message(
        summary=" ".join(summary.split()),
        title=title,
        blocks=tuple(body),
        footer=_footer(ranked, lang),
        severity=Severity.HEALTH if first.kind is TransitionKind.HEALTH else first.severity,
        buttons=alert_buttons(_in_order(ranked)[0], first.rule, lang) if first.kind is TransitionKind.FIRED else (),
    )


def _title(transition: Transition, lang: Lang) -> Line:
    words: list[Span] = [Text(transition.title[lang], "bold")]
    if transition.kind in _KIND:
        words.append(Text(f" · {_KIND[transition.kind][lang]}"))
    words += [Text(" · "), Text(transition.rule, "code")]
    return tuple(words)


def _line(text: str) -> Line:
    """Split ``text`` so that signed percentages carry the reader's arrow and colour."""
    spans: list[Span] = []
    for index, part in enumerate(_SIGNED_PERCENT.split(text)):
        if index % 2:
            spans.append(Move(part, _DIRECTION.get(part[0], 0), "bold"))
        elif part:
            spans.append(Text(part))
    return tuple(spans)


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
    latest = max(transitions, key=lambda item: item.observed_at or item.at)
    sources = dict.fromkeys(source for item in transitions for source in item.sources)
    weakest = max((item.status for item in transitions), key=list(Status).index)
    facts = [*sources, _STATUS[weakest][lang], _numbers(incidents)]
    return (_moment(latest, lang), Text(" · " + " · ".join(facts)))


def _moment(transition: Transition, lang: Lang) -> Span:
    """The market time of what decided; a figure that stands for a UTC day has no time but the day."""
    at = transition.observed_at or transition.at
    if transition.calendar != CONTINUOUS or at.time() != time(23, 59, 59):
        return Instant(at, MARKET_ZONES.get(transition.calendar, "UTC"))
    return Text(f"{at:%m-%d}（UTC 日）" if lang == "zh" else f"{at.day} {at:%b} (UTC day)")


def _numbers(incidents: Sequence[Incident]) -> str:
    numbers = _in_order(incidents)
    return numbers[0] if len(numbers) == 1 else f"{numbers[0]} … {numbers[-1]}"


def _in_order(incidents: Sequence[Incident]) -> list[str]:
    return sorted((incident.number for incident in incidents), key=lambda number: int(number.partition("-")[2]))
