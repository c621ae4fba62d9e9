"""From an evaluation to transitions: the lanes that matter step through their lifecycle and are explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from rules.axis import micros
from rules.explain import Decision, Lane, decide, render
from rules.frames import NowFrame
from rules.functions.base import Part
from rules.history import Floats, History, Ints
from rules.lifecycle import AlertRecord, Event, Verdict, step
from rules.model import Lang, Phase, Transition, TransitionKind
from rules.program import Program
from rules.runtime import Group, SessionClock
from rules.spec import OncePer


@dataclass(slots=True)
class Moment:
    """One instant at which rules are evaluated; ``shared`` is the frame for what no member changes."""

    at: datetime
    history: History
    alerts: dict[str, AlertRecord]
    changed: set[str]
    now: Ints = field(init=False)
    shared: NowFrame = field(init=False)

    def __post_init__(self) -> None:
        self.now = np.array([micros(self.at)])
        self.shared = NowFrame(self.history, self.now, 1)


def judge(group: Group, chosen: set[int] | None, moment: Moment) -> Iterator[Transition]:
    """Evaluate the lanes given, all when ``None``, and step those that matter."""
    lanes = None if chosen is None else np.array(sorted(chosen), np.int64)
    return _Evaluation(group, lanes, moment).transitions()


class _Evaluation:
    """One rule's group at one instant."""

    def __init__(self, group: Group, lanes: Ints | None, moment: Moment) -> None:
        self.group, self.rule, self.moment = group, group.rule, moment.at
        self.alerts, self.changed = moment.alerts, moment.changed
        self.frame = group.frame(moment.history, moment.now, moment.shared, lanes)
        self.lanes = np.arange(group.size) if lanes is None else lanes
        self.program: Program = group.rule.program

    def transitions(self) -> Iterator[Transition]:
        """Step every lane that matters, in the order of the universe."""
        when = self._values(self.program.when)
        clear = self._values(self.program.clear) if self.program.clear else 1.0 - when
        rearm = self._values(self.program.rearm) if self.program.rearm else None
        for at in self._interesting(when):
            verdict = Verdict(
                when=_truth(when[at]),
                clear=_truth(clear[at]),
                rearm=None if rearm is None else _truth(rearm[at]),
                key=self._once_key(int(at)),
                period=self._period_key(),
            )
            yield from self._step(int(at), verdict)
        if self.rule.has_edges:
            self._store_sides()

    def _values(self, part: Part) -> Floats:
        return np.broadcast_to(part.evaluate(self.frame), (len(self.lanes),))

    def _interesting(self, when: Floats) -> Ints:
        """Lanes that are true, that have a record, or that are unknown where the rule cares about that."""
        matter = when == 1
        if self.program.policy.on_missing.action != "hold":
            matter = matter | np.isnan(when)
        for at, lane in enumerate(self.lanes):
            record = self.alerts.get(self.group.keys[lane])
            if record is not None and _is_alive(record):
                matter[at] = True
        return np.flatnonzero(matter)

    def _once_key(self, at: int) -> str:
        once, day = self.program.spec.once_per, self.rule.axis.day(self.rule.axis.session(micros(self.moment)))
        if once is None:
            return ""
        if once is OncePer.OBSERVATION:
            return self._observation_key(at)
        if once is OncePer.EVER:
            return "ever"
        if once is OncePer.WEEK:
            return f"{day:%G-W%V}"
        if once is OncePer.MONTH:
            return f"{day:%Y-%m}"
        return f"{day:%Y-%m-%d}" if once is OncePer.SESSION else f"{self.moment:%Y-%m-%d}"

    def _observation_key(self, at: int) -> str:
        """The newest session among the figures that the condition reads."""
        seen = [self.frame.position(ref) for ref in self.program.refs]
        days = []
        for ref, position in zip(self.program.refs, seen, strict=True):
            index = int(position[at if len(position) > 1 else 0])
            if index >= 0:
                days.append(self.frame.track(ref).axis.day(index))
        return max(days).isoformat() if days else ""

    def _period_key(self) -> str:
        period = self.program.period
        if not period:
            return ""
        axis = self.rule.axis
        today = np.array([axis.session(micros(self.moment))])
        base = int(today[0]) - 1 if period == "session" else int(axis.base(period, today)[0])  # type: ignore[arg-type]
        return axis.day(base).isoformat()

    def _step(self, at: int, verdict: Verdict) -> Iterator[Transition]:
        lane = int(self.lanes[at])
        key = self.group.keys[lane]
        old = self.alerts.get(key) or self.rule.new_record(self.group.labels[lane])
        record, events = step(old, verdict, self.moment, self.program.policy, SessionClock(self.rule.axis))
        if events:
            explained = self._explained(at)
            decision = decide(explained, self.program, self.program.when)
            if any(event.kind is TransitionKind.FIRED for event in events):
                record = replace(record, value=decision.value, observed_at=decision.observed_at)
            for event in events:
                yield self._transition(event, record, lane, decision, explained)
        if record != old or key not in self.alerts:
            self.alerts[key] = record
            self.changed.add(key)

    def _explained(self, at: int) -> Lane:
        instruments = self.group.instruments
        member = None if instruments is None else instruments[int(self.lanes[at])]
        return Lane(self.frame, at, self.program.spec.when.text, member)

    def _transition(
        self, event: Event, record: AlertRecord, lane: int, decision: Decision, explained: Lane
    ) -> Transition:
        spec = self.program.spec
        say: dict[Lang, str] = {lang: render(text, explained, lang) for lang, text in self.program.say.items()}
        return Transition(
            kind=event.kind,
            reason=event.reason,
            rule=spec.id,
            rule_version=self.program.version,
            alert=f"{self.group.keys[lane]}@{record.key}" if record.key else self.group.keys[lane],
            labels=self.group.labels[lane],
            at=self.moment,
            observed_at=decision.observed_at,
            value=decision.value,
            unit=decision.unit,
            title=spec.title,
            say=say or {"en": decision.because, "zh": decision.because},
            because=decision.because,
            severity=spec.severity,
            tags=spec.tags,
            group_by=spec.group_by,
            trace=decision.trace,
            sources=decision.sources,
            calendar=decision.calendar,
            status=decision.status,
            options=_options(spec.chart, spec.notes),
        )

    def _store_sides(self) -> None:
        for lane in self.lanes:
            key = self.group.keys[lane]
            sides = self.group.sides.of_lane(int(lane))
            record = self.alerts.get(key) or self.rule.new_record(self.group.labels[lane])
            if dict(record.sides) != sides:
                self.alerts[key] = replace(record, sides=sides)
                self.changed.add(key)


def _truth(value: float) -> bool | None:
    return None if np.isnan(value) else bool(value)


def _is_alive(record: AlertRecord) -> bool:
    return (
        record.phase is not Phase.INACTIVE
        or not record.armed
        or record.unknown_since is not None
        or bool(record.period)
    )


def _options(chart: Mapping[str, str], notes: str) -> dict[str, str]:
    options = {f"chart.{name}": value for name, value in chart.items()}
    return {**options, "notes": notes} if notes else options
