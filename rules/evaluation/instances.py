"""From an evaluation to transitions: the lanes that matter step through their lifecycle and are explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from rules.calendars.axis import micros
from rules.evaluation.frames import NowFrame
from rules.evaluation.history import Floats, History, Ints
from rules.evaluation.overdue import due_times
from rules.evaluation.runtime import Group, Memory, once_key, period_key, turns_at
from rules.explaining import told
from rules.explaining.explain import Lane
from rules.functions.base import Part
from rules.lifecycle import AlertRecord, Event, Verdict, next_look, overdue, step
from rules.model import Transition, TransitionKind

_ENDING = frozenset({TransitionKind.RESOLVED, TransitionKind.RECOVERING})


@dataclass(slots=True)
class Moment:
    """One instant at which rules are evaluated; ``shared`` is the frame for what no member changes.

    For a correction, ``as_of`` is the strike whose verdict is looked at again; figures that came later don't count.
    """

    at: datetime
    history: History
    alerts: dict[str, AlertRecord]
    changed: set[str]
    memories: Mapping[Group, Memory]
    as_of: datetime | None = None
    revision: bool = False
    storm: int = 50
    """Of one kind, more transitions of a group than this are not explained one by one: they become one summary."""
    shared: NowFrame = field(init=False)

    def __post_init__(self) -> None:
        self.shared = NowFrame(self.history, np.array([micros(self.as_of or self.at)]), 1)
        self.shared.settled = self.as_of is not None

    @property
    def clock(self) -> datetime:
        """The instant that sessions and periods are counted by."""
        return self.as_of or self.at

    def write(self, key: str, record: AlertRecord) -> None:
        """Remember a record if it differs."""
        if self.alerts.get(key) != record:
            self.alerts[key] = record
            self.changed.add(key)


class Evaluation:
    """One rule's group at one instant, over some of its lanes (all when ``chosen`` is ``None``)."""

    def __init__(self, group: Group, chosen: set[int] | None, moment: Moment) -> None:
        lanes = None if chosen is None or len(chosen) == group.size else np.array(sorted(chosen), np.int64)
        self.group, self.rule, self.program, self.moment = group, group.rule, group.rule.program, moment
        self.memory = moment.memories[group]
        self.frame = group.frame(moment.shared, self.memory, lanes)
        self.lanes = np.arange(group.size) if lanes is None else lanes
        self.stepped: list[int] = []
        self.known: list[int] = []
        """The lanes whose condition is known, or that were stepped."""
        self.looks: dict[int, int | None] = {}
        """By stepped lane: from when (microseconds) the same verdict may do something; ``None`` for never."""
        self._told: dict[TransitionKind, list[Transition]] = {}

    def transitions(self) -> Iterator[Transition]:
        """Step every lane that matters, in the order of the universe; ``stepped`` tells which."""
        when = self._values(self.program.when)
        clear = self._values(self.program.clear) if self.program.clear else 1.0 - when
        rearm = self._values(self.program.rearm) if self.program.rearm else None
        now = micros(self.moment.clock)
        period, once = period_key(self.rule, now), self.program.spec.once_per
        for at in self._interesting(when).tolist():
            figure = self._figure(at)
            verdict = Verdict(
                when=_truth(when[at]),
                clear=_truth(clear[at]),
                rearm=None if rearm is None else _truth(rearm[at]),
                key=once_key(self.rule, once, now, figure),
                period=period,
                figure=figure,
                revision=self.moment.revision,
            )
            yield from self._step(at, verdict)
        unknown = np.isnan(when)
        self.known = self.lanes[~unknown].tolist() if unknown.any() else self.lanes.tolist()
        self.known += self.looks.keys() - set(self.known)
        if self.rule.has_edges:
            self._store_sides()

    def overdue(self, started: datetime) -> tuple[list[Transition], list[datetime]]:
        """Tell which lanes' data is overdue or back; also when each lane is to be asked again."""
        due = due_times(self.program, self.frame, len(self.lanes), started)
        found: list[Transition] = []
        for at, lane in enumerate(self.lanes.tolist()):
            key = self.group.keys[lane]
            record, events = overdue(self._record(lane), late=due[at] <= self.moment.at)
            found.extend(told.health(event, record, key, self.moment.at, self.program) for event in events)
            if events:
                self.moment.write(key, record)
        return found, due

    def _values(self, part: Part) -> Floats:
        return np.broadcast_to(part.evaluate(self.frame), (len(self.lanes),))

    def _record(self, lane: int) -> AlertRecord:
        return self.moment.alerts.get(self.group.keys[lane]) or self.rule.new_record(self.group.labels[lane])

    def _interesting(self, when: Floats) -> Ints:
        """Lanes that are true, that are in the middle of something, or unknown where the rule acts on that."""
        matter = when == 1
        if self.program.policy.on_missing.action in {"fire", "resolve"}:
            matter = matter | np.isnan(when)
        live = self.memory.live
        if live:
            matter = matter | np.isin(self.lanes, np.fromiter(live, np.int64, len(live)))
        return np.flatnonzero(matter)

    def _figure(self, at: int) -> str:
        """The newest session among the figures that the condition reads."""
        newest = ""
        for ref in self.program.refs:
            position = self.frame.position(ref)
            index = int(position[at if len(position) > 1 else 0])
            if index >= 0:
                newest = max(newest, self.frame.track(ref).axis.day(index).isoformat())
        return newest

    def _step(self, at: int, verdict: Verdict) -> Iterator[Transition]:
        lane = int(self.lanes[at])
        key = self.group.keys[lane]
        old = self._record(lane)
        record, events = step(old, verdict, self.moment.at, self.program.policy, self.rule.sessions)
        self.stepped.append(lane)
        self.looks[lane] = self._next_look(verdict, record) if record == old and not events else 0
        for event in events:
            found = self._explained(event, record, key, at)
            if event.kind is TransitionKind.FIRED:
                record = replace(record, value=found.value, observed_at=found.observed_at)
            yield found
        if record != old:
            self.moment.write(key, record)
        self.memory.note(lane, record)

    def _next_look(self, verdict: Verdict, record: AlertRecord) -> int | None:
        """When to look again at a lane that has just stayed as it was, if its truths stay; 0 for at once."""
        unknown = verdict.when is None or verdict.clear is None or (self.program.rearm and verdict.rearm is None)
        if unknown or (self.rule.has_edges and verdict.when):
            return 0
        due = next_look(record, self.program.policy, self.moment.at, self.rule.sessions)
        turn = turns_at(self.rule, micros(self.moment.at))
        times = [at for at in (None if due is None else micros(due), turn) if at is not None]
        return min(times, default=None)

    def _explained(self, event: Event, record: AlertRecord, key: str, at: int) -> Transition:
        alike = self._told.setdefault(event.kind, [])
        if len(alike) > self.moment.storm:
            return replace(alike[0], alert=key, labels=record.labels, value=None)
        found = told.about(event, record, key, self._lane(at), program=self.program, part=self._deciding(event))
        alike.append(found)
        return found

    def _lane(self, at: int) -> Lane:
        instruments = self.group.instruments
        member = None if instruments is None else instruments[int(self.lanes[at])]
        return Lane(self.frame, at, self.moment.at, member)

    def _deciding(self, event: Event) -> Part:
        return self.program.clear if event.kind in _ENDING and self.program.clear else self.program.when

    def _store_sides(self) -> None:
        for lane in self.memory.sides.moved(self.lanes):
            record = replace(self._record(lane), sides=self.memory.sides.of_lane(lane))
            self.moment.write(self.group.keys[lane], record)


def _truth(value: float) -> bool | None:
    return None if np.isnan(value) else bool(value)
