"""Transitions as they are handed on, each with its words, its figures and its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from rules.evaluation.program import Program
from rules.explaining.explain import Lane, decide, render
from rules.explaining.marks import find_marks
from rules.formats import span
from rules.functions.base import Part
from rules.lifecycle import AlertRecord, Event
from rules.model import Lang, Localized, Reason, Severity, Trace, Transition, TransitionKind

LANGS: tuple[Lang, ...] = ("en", "zh")
_NAMED = 10
_NOTHING = Trace((), "")


def about(event: Event, record: AlertRecord, key: str, lane: Lane, *, program: Program, part: Part) -> Transition:
    """What an instance did, explained by the condition ``part`` that decided."""
    decision = decide(lane, program, part)
    spec = program.spec
    said: Localized = {lang: render(text, lane, lang) for lang, text in program.say.items()}
    return Transition(
        kind=event.kind,
        reason=event.reason,
        rule=spec.id,
        rule_version=program.version,
        alert=f"{key}@{record.key}" if record.key else key,
        labels=record.labels,
        at=lane.at,
        observed_at=decision.observed_at,
        value=decision.value,
        unit=decision.unit,
        title=spec.title,
        say=_with_gap(said or decision.because, decision.gap_s),
        because=decision.because["en"],
        severity=spec.severity,
        tags=spec.tags,
        group_by=spec.group_by,
        trace=decision.trace,
        sources=decision.sources,
        calendar=decision.calendar,
        series=decision.series,
        status=decision.status,
        options=_options(program, lane, part),
    )


def _with_gap(said: Localized, gap_s: float) -> Localized:
    if not gap_s:
        return said
    notes: Localized = {
        "en": f" (crossed while the feed was down {span(gap_s, 'en')})",
        "zh": f"（数据中断 {span(gap_s, 'zh')} 期间穿越）",
    }
    return {lang: text + notes[lang] for lang, text in said.items()}


def _options(program: Program, lane: Lane, part: Part) -> Mapping[str, str]:
    spec = program.spec
    options = {f"chart.{name}": value for name, value in spec.chart.items()}
    if spec.notes:
        options["notes"] = spec.notes
    if part is program.when and (marks := find_marks(lane, program, part)):
        options |= marks.options()
    return options | {f"explain.{lang}": render(text, lane, lang) for lang, text in program.explain.items()}


def health(event: Event, record: AlertRecord, key: str, at: datetime, program: Program) -> Transition:
    """The data of an instance is overdue, or came back."""
    missing = event.reason is Reason.DATA_MISSING
    say: Localized = {
        "en": "The data that this rule waits for is overdue" if missing else "The data is back",
        "zh": "该规则等待的数据逾期未到" if missing else "数据已恢复",
    }
    return _bare(event, key, at, program.spec.title, say, program=program, labels=record.labels)


def edited(event: Event, record: AlertRecord, key: str, at: datetime, program: Program | None) -> Transition:
    """The rule of a firing instance was changed, or taken away."""
    say: Localized = {
        "en": "Closed: the rule was changed" if program else "Closed: the rule was removed",
        "zh": "已关闭：规则已修改" if program else "已关闭：规则已删除",
    }
    title: Localized = program.spec.title if program else dict.fromkeys(LANGS, record.rule)
    whole = _bare(event, key, at, title, say, program=program, labels=record.labels)
    return replace(whole, rule=record.rule, rule_version=record.version)


def late(rules: Sequence[str], count: int, at: datetime) -> Transition:
    """One note for all the clock strikes that were missed for too long."""
    names = ", ".join(sorted(set(rules))[:_NAMED])
    say: Localized = {
        "en": f"While I was down, {count} scheduled evaluations passed and were not made up for: {names}",
        "zh": f"停机期间错过 {count} 次定时计算，未补算：{names}",
    }
    title: Localized = {"en": "While I was down", "zh": "停机期间"}
    return _bare(Event(TransitionKind.HEALTH, Reason.LATE), "tapewatch{}", at, title, say)


def _bare(
    event: Event,
    key: str,
    at: datetime,
    title: Localized,
    say: Localized,
    *,
    program: Program | None = None,
    labels: Mapping[str, str] | None = None,
) -> Transition:
    quiet = event.kind is TransitionKind.HEALTH
    return Transition(
        kind=event.kind,
        reason=event.reason,
        rule=program.spec.id if program else "tapewatch",
        rule_version=program.version if program else "",
        alert=key,
        labels=labels or {},
        at=at,
        observed_at=None,
        value=None,
        unit="",
        title=title,
        say=say,
        because=say["en"],
        severity=Severity.HEALTH if quiet or program is None else program.spec.severity,
        tags=program.spec.tags if program else (),
        group_by=(),
        trace=_NOTHING,
    )


def calmed(transitions: Sequence[Transition], limit: int) -> list[Transition]:
    """Of one evaluation of a rule: more than ``limit`` of one kind become one summary, at the place of the first."""
    by_kind: dict[TransitionKind, list[Transition]] = {}
    for item in transitions:
        by_kind.setdefault(item.kind, []).append(item)
    kept: list[Transition] = []
    for item in transitions:
        alike = by_kind[item.kind]
        if item.kind not in {TransitionKind.FIRED, TransitionKind.RESOLVED} or len(alike) <= limit:
            kept.append(item)
        elif item is alike[0]:
            kept.append(_summary(alike))
    return kept


def _summary(alike: Sequence[Transition]) -> Transition:
    first = alike[0]
    names = [item.labels.get("symbol", item.alert) for item in alike]
    shown, more = ", ".join(names[:_NAMED]), len(names) - _NAMED
    say: Localized = {
        "en": f"{len(names)} instances at once: {shown} and {more} more",
        "zh": f"同时触发 {len(names)} 个：{shown} 等，另有 {more} 个",
    }
    common = {name: value for name, value in first.labels.items() if name != "symbol"}
    alert = f"{first.rule}{{}}@{first.at.isoformat()}"
    return replace(
        first, reason=Reason.STORM, alert=alert, labels=common, value=None, say=say, because=say["en"], options={}
    )
