"""The alerts that stand, and the record of one, as lines for a terminal. Times are UTC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.message import Table
from adapters.rendering.tables import table_lines
from adapters.store.port import LogLine
from bot.locale import outcome_text, say
from bot.locale.sources import source_name
from bot.locale.traces import expression_of, value_of
from rules.model import Lang, TraceLine, Transition


def open_lines(found: Sequence[Mapping[str, Any]], lang: Lang) -> Iterator[str]:
    """Each alert of ``bot.app.inspect.alerts``: its phase, rule, labels and since when."""
    rows = tuple(
        (say(lang, f"phase.{each['phase']}"), each["rule"], " ".join(each["labels"].values()), _since(each, lang))
        for each in found
    )
    yield from table_lines(Table(rows, "llll"))


def _since(each: Mapping[str, Any], lang: Lang) -> str:
    at = datetime.fromisoformat(each["since"]) if each["since"] else None
    return say(lang, "state.since", at=f"{at:%Y-%m-%d %H:%M}") if at else ""


def why_lines(steps: Sequence[Transition], lang: Lang, told: Sequence[Sequence[LogLine]] = ()) -> Iterator[str]:
    """What became of an alert, each step with the figures that decided, as they were recorded, and its deliveries."""
    for number, step in enumerate(steps):
        kind, reason = say(lang, f"kind.{step.kind.value}"), say(lang, f"reason.{step.reason.value}")
        title = " ".join((step.title[lang], *step.labels.values()))
        yield f"{step.at:%Y-%m-%d %H:%M:%S}  {title} · {say(lang, 'why.step', kind=kind, reason=reason)}"
        rows = tuple(
            (expression_of(line, lang), "=", value_of(line, lang), _origin(line, lang)) for line in step.trace.lines
        )
        yield from (f"    {line}" for line in table_lines(Table(rows, "llll")))
        if step.trace.deciding:
            yield f"    {say(lang, 'why.decided')}{step.trace.deciding}"
        place = f" · {step.trace.location}" if step.trace.location else ""
        yield f"    {step.rule} {step.rule_version[:7]}{place}"
        for each in told[number] if told else ():
            outcome = outcome_text(each.outcome, lang)
            yield f"    {say(lang, 'replay.told')}: {each.destination} {outcome} {each.at:%Y-%m-%d %H:%M:%S}"


def _origin(line: TraceLine, lang: Lang) -> str:
    status = say(lang, f"figure.{line.status.value}") if line.status else ""
    seen = f"{line.observed_at:%Y-%m-%d %H:%M}" if line.observed_at else ""
    return " · ".join(filter(None, (source_name(line.source, lang) if line.source else "", status, seen)))
