"""The message that tells many things at once: what quiet hours or a noise budget held back, or a storm of one rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.message import Message, Paragraph, Table, Text
from bot.notices import Incident
from rules.model import Lang, Reason, Severity, Transition, TransitionKind

_SHOWN = 20
_HEADINGS: Mapping[Reason, Mapping[Lang, str]] = {
    Reason.SUPPRESSED_QUIET_HOURS: {"en": "While it was quiet: {count}", "zh": "免打扰期间共 {count} 条"},
    Reason.SUPPRESSED_BUDGET: {"en": "Held back to keep this chat calm: {count}", "zh": "为减少打扰，合并 {count} 条"},
    Reason.STORM: {"en": "{title}: {count} at once", "zh": "{title}：同时触发 {count} 条"},
}
KINDS: Mapping[TransitionKind, Mapping[Lang, str]] = {
    TransitionKind.RESOLVED: {"en": " · resolved", "zh": " · 已解除"},
    TransitionKind.CORRECTED: {"en": " · corrected", "zh": " · 更正"},
}
_MORE: Mapping[Lang, str] = {"en": "and {count} more", "zh": "另有 {count} 条"}
_RANK = (Severity.CRITICAL, Severity.WARNING, Severity.HEALTH, Severity.INFO, Severity.DIGEST)


def summarize(incidents: Sequence[Incident], reason: Reason, lang: Lang) -> Message:
    """One message over ``incidents`` in the order in which they came; ``reason`` says why they come together."""
    first = incidents[0].transition
    heading = _HEADINGS[reason][lang].format(count=len(incidents), title=first.title[lang])
    shown = incidents[:_SHOWN]
    rows = tuple((incident.number, _what(incident.transition, lang)) for incident in shown)
    hidden = len(incidents) - len(shown)
    more = (Paragraph(((Text(_MORE[lang].format(count=hidden), "italic"),),)),) if hidden else ()
    return Message(
        summary=f"{heading}: " + ", ".join(dict.fromkeys(item.transition.title[lang] for item in shown)),
        title=(Text(heading, "bold"),),
        blocks=(Table(rows=rows, align="ll"), *more),
        severity=min((item.transition.severity for item in incidents), key=_RANK.index),
    )


def _what(transition: Transition, lang: Lang) -> str:
    told = " ".join(transition.say[lang].split()) or transition.because
    return f"{transition.title[lang]}{KINDS.get(transition.kind, {}).get(lang, '')} · {told}"
