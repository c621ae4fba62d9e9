"""The message that tells many things at once: what quiet hours or a noise budget held back, or a storm of one rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from adapters.message import Line, Message, Paragraph, Span, Text
from bot.alerts.messages import CLOSING, COLON, LIST, marked_up
from bot.alerts.notices import Incident
from bot.locale import say
from bot.locale.traces import because
from rules.model import Lang, Reason, Severity, Transition, TransitionKind
from rules.numbers import quantity

_SHOWN = 20
"""Lines; a line tells one alert, or all of one rule that come one after the other."""
_TOGETHER = 10
"""Alerts in one line."""
_HEADINGS: Mapping[Reason, str] = {
    Reason.SUPPRESSED_QUIET_HOURS: "summary.quiet",
    Reason.SUPPRESSED_BUDGET: "summary.budget",
    Reason.STORM: "summary.storm",
}
_RANK = (Severity.CRITICAL, Severity.WARNING, Severity.HEALTH, Severity.INFO, Severity.DIGEST)


def summarize(incidents: Sequence[Incident], reason: Reason, lang: Lang) -> Message:
    """One message over ``incidents`` in the order in which they came; ``reason`` says why they come together."""
    first = incidents[0].transition
    heading = say(lang, _HEADINGS[reason], count=len(incidents), title=first.title[lang])
    runs = _runs(incidents)
    lines = [_told(run, lang) for run in runs[:_SHOWN]]
    if hidden := sum(len(run) for run in runs[_SHOWN:]):
        lines.append((Text(say(lang, "summary.more", count=hidden), "italic"),))
    titles = dict.fromkeys(run[0].transition.title[lang] for run in runs[:_SHOWN])
    return Message(
        summary=f"{heading}{COLON[lang]}{LIST[lang].join(titles)}",
        title=(Text(heading, "bold"),),
        blocks=(Paragraph(tuple(lines)),),
        severity=min((item.transition.severity for item in incidents), key=_RANK.index),
    )


def _runs(incidents: Iterable[Incident]) -> list[list[Incident]]:
    """What came one after the other of the same rule and kind."""
    runs: list[list[Incident]] = []
    for incident in incidents:
        last = runs[-1][-1].transition if runs else None
        now = incident.transition
        if last is not None and (last.rule, last.kind) == (now.rule, now.kind):
            runs[-1].append(incident)
        else:
            runs.append([incident])
    return runs


def _told(run: Sequence[Incident], lang: Lang) -> Line:
    first = run[0].transition
    numbers = run[0].number if len(run) == 1 else f"{run[0].number} … {run[-1].number}"
    kind = f" · {say(lang, f'kind.{first.kind.value}')}" if first.kind in CLOSING else ""
    head: Line = (Text(numbers, "code"), Text(" "), Text(first.title[lang], "bold"), Text(kind + COLON[lang]))
    return (*head, *(_sentence(first, lang) if len(run) == 1 else _members(run, lang)))


def _sentence(transition: Transition, lang: Lang) -> Line:
    return marked_up(" ".join(transition.say[lang].split()) or because(transition.because, lang))


def _members(run: Sequence[Incident], lang: Lang) -> Line:
    spans: list[Span] = []
    for incident in run[:_TOGETHER]:
        each = incident.transition
        name = " ".join(each.labels.values()) or incident.number
        value = quantity(each.value, each.unit, lang) if each.kind is not TransitionKind.HEALTH else ""
        spans += [Text(" · " if spans else ""), Text(f"{name} "), *marked_up(value)]
    if len(run) > _TOGETHER:
        spans.append(Text(f" · {say(lang, 'summary.more', count=len(run) - _TOGETHER)}"))
    return tuple(spans)
