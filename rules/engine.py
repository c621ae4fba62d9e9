"""The one function through which everything goes that changes an alert: ``advance(state, observations, now)``."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rules.axis import Axis
from rules.calendars import Calendars
from rules.history import Applied, History
from rules.instances import Moment, judge
from rules.language.scope import Ref, Scope
from rules.lifecycle import AlertRecord
from rules.model import Observation, Transition
from rules.program import Program, compile_rule
from rules.runtime import Group, Runtime
from rules.spec import RuleSpec
from rules.universe import Universe

_REMEMBERED = 64

Touched = dict[tuple[int, int], set[int] | None]
"""By rule and group number: the lanes to evaluate, ``None`` for all."""


@dataclass(slots=True)
class State:
    """Where the engine stands. A linear value: after ``advance`` only the state that it returned may be used."""

    now: datetime
    history: History
    alerts: dict[str, AlertRecord]
    revision: int = 0
    changes: tuple[tuple[int, frozenset[str]], ...] = ()
    """By revision: the keys of the records that this ``advance`` changed; only the newest are kept."""
    held: list[tuple[datetime, datetime, int, Observation]] = field(default_factory=list)
    """Observations that become known later than ``now``, as a heap."""
    strikes: dict[int, datetime] = field(default_factory=dict)
    """By rule number: its next clock strike."""

    def changed_since(self, old: State) -> Mapping[str, AlertRecord | None]:
        """The records that were written between ``old`` and this state; ``None`` for one that was forgotten."""
        keys = {key for number, changed in self.changes if number > old.revision for key in changed}
        return {key: self.alerts.get(key) for key in sorted(keys)}


class Engine:
    """Compiled rules over a universe. Pure: it holds no state but what it was made of."""

    def __init__(self, rules: Sequence[RuleSpec], universe: Universe, calendars: Calendars) -> None:
        self._calendars = calendars
        scope = Scope(universe, is_calendar=self._is_calendar)
        self.programs: tuple[Program, ...] = tuple(compile_rule(rule, scope) for rule in rules if rule.enabled)
        self._axes: dict[str, Axis] = {}
        self._needs = self._collect()
        self._rules = [Runtime(program, self._axes) for program in self.programs]
        self._readers = self._index()

    def _is_calendar(self, name: str) -> bool:
        try:
            self._calendars.get(name)
        except ValueError:
            return False
        return True

    def _axis(self, name: str) -> Axis:
        if name not in self._axes:
            self._axes[name] = Axis(self._calendars.get(name))
        return self._axes[name]

    def _collect(self) -> dict[tuple[str, str], list[str]]:
        """The keys to keep, by feed and calendar."""
        needs: dict[tuple[str, str], dict[str, None]] = {}
        for program in self.programs:
            self._axis(program.calendar)
            for item in program.members or ():
                self._axis(item.calendar)
            for ref in program.refs | program.message_refs | ({program.trigger} if program.trigger else set()):
                for key, calendar in _keys(ref, program):
                    self._axis(calendar)
                    needs.setdefault((ref.feed, calendar), {})[key] = None
        return {home: list(keys) for home, keys in needs.items()}

    def _index(self) -> dict[tuple[str, str], list[tuple[int, bool]]]:
        """By feed and field: the rules whose ``it`` reads it; by full series name as ``(name, "")``: the others."""
        readers: dict[tuple[str, str], list[tuple[int, bool]]] = {}
        for number, rule in enumerate(self._rules):
            refs = set(rule.program.refs)
            trigger = rule.program.trigger
            if trigger is not None:
                refs.add(trigger)
            for ref in refs:
                wakes = trigger is None or ref == trigger
                name = (str(ref), "") if ref.key else (ref.feed, ref.field)
                readers.setdefault(name, []).append((number, wakes and not rule.on_clock))
        return readers

    def initial_state(self, now: datetime, alerts: Mapping[str, AlertRecord] | None = None) -> State:
        """A state that knows nothing but the alerts given."""
        history = History(self._axes)
        for (feed, calendar), keys in self._needs.items():
            history.declare(feed, self._axes[calendar], keys)
        state = State(now=now, history=history, alerts=dict(alerts or {}))
        for number, rule in enumerate(self._rules):
            if rule.schedule is not None and (strike := rule.schedule.after(now)) is not None:
                state.strikes[number] = strike
            for group in rule.groups:
                _restore(group, state.alerts)
        return state

    def seed(self, state: State, observations: Iterable[Observation]) -> State:
        """Take history in without evaluating anything; what becomes known after ``state.now`` waits for its time."""
        for seen in sorted(observations, key=_order):
            if seen.known_at > state.now:
                self._hold(state, seen)
            else:
                state.history.apply(seen)
        return state

    def advance(
        self, state: State, observations: Iterable[Observation], now: datetime
    ) -> tuple[State, tuple[Transition, ...]]:
        """Apply what became known up to ``now`` in order, let the clocks strike in between, and decide.

        A ``now`` before ``state.now`` counts as ``state.now``: time does not run backwards.
        """
        now = max(now, state.now)
        for seen in observations:
            self._hold(state, seen)
        changed: set[str] = set()
        told: list[Transition] = []
        for at, batch in self._moments(state, now):
            touched = self._apply(state.history, batch) if batch else self._struck(state, at)
            told.extend(self._evaluate(touched, Moment(at, state.history, state.alerts, changed)))
        changes = (*state.changes, (state.revision + 1, frozenset(changed)))[-_REMEMBERED:]
        return replace(state, now=now, revision=state.revision + 1, changes=changes), tuple(told)

    def next_wakeup(self, state: State) -> datetime | None:
        """When something may happen without a new observation: a strike, a timer, or a figure that waits."""
        times = list(state.strikes.values())
        if state.held:
            times.append(state.held[0][0])
        return min(times, default=None)

    @staticmethod
    def _hold(state: State, seen: Observation) -> None:
        heapq.heappush(state.held, (seen.known_at, seen.at, len(state.held), seen))

    def _moments(self, state: State, now: datetime) -> Iterator[tuple[datetime, list[Observation]]]:
        """What happens up to ``now`` in order: batches of observations, and strikes (with an empty batch)."""
        while True:
            strike = min(state.strikes.values(), default=None)
            known = state.held[0][0] if state.held else None
            if known is not None and known <= now and (strike is None or known <= strike):
                yield max(known, state.now), _batch(state)
            elif strike is not None and strike <= now:
                yield strike, []
            else:
                return

    def _struck(self, state: State, moment: datetime) -> Touched:
        touched: Touched = {}
        for number, strike in list(state.strikes.items()):
            if strike != moment:
                continue
            schedule = self._rules[number].schedule
            following = schedule.after(moment) if schedule is not None else None
            if following is None:
                del state.strikes[number]
            else:
                state.strikes[number] = following
            touched.update({(number, group): None for group in range(len(self._rules[number].groups))})
        return touched

    def _apply(self, history: History, batch: list[Observation]) -> Touched:
        touched: Touched = {}
        for seen in batch:
            applied = history.apply(seen)
            if applied is not None:
                self._touch(touched, applied)
        return touched

    def _touch(self, touched: Touched, applied: Applied) -> None:
        feed, key, leaf = applied.block.feed, list(applied.block.keys)[applied.key], applied.field
        for leaves in {(leaf,), ("high",), ("low",)} if feed == "prices" and leaf == "close" else {(leaf,)}:
            for number, wakes in self._readers.get((f"{feed}.{key}.{leaves[0]}", ""), ()):
                if wakes:
                    touched.update({(number, group): None for group in range(len(self._rules[number].groups))})
            for number, wakes in self._readers.get((feed, leaves[0]), ()):
                if wakes:
                    self._touch_lane(touched, number, key)

    def _touch_lane(self, touched: Touched, number: int, key: str) -> None:
        rule = self._rules[number]
        for at, group in enumerate(rule.groups):
            lane = group.lane_of.get(key)
            if lane is None:
                continue
            lanes = touched.setdefault((number, at), set())
            if lanes is not None:
                lanes.add(lane)

    def _evaluate(self, touched: Touched, moment: Moment) -> Iterator[Transition]:
        for number, group in sorted(touched):
            rule = self._rules[number]
            yield from judge(rule.groups[group], None if rule.whole else touched[number, group], moment)


def _order(seen: Observation) -> tuple[datetime, datetime]:
    return (seen.known_at, seen.at)


def _batch(state: State) -> list[Observation]:
    """The next observations that became known together, at most one of each series."""
    known = state.held[0][0]
    batch: list[Observation] = []
    series: set[str] = set()
    while state.held and state.held[0][0] == known and state.held[0][3].series not in series:
        seen = heapq.heappop(state.held)[3]
        series.add(seen.series)
        batch.append(seen)
    return batch


def _keys(ref: Ref, program: Program) -> Iterator[tuple[str, str]]:
    if ref.key:
        yield ref.key, ref.calendar
        return
    for item in program.members or ():
        yield item.symbol, item.calendar


def _restore(group: Group, alerts: Mapping[str, AlertRecord]) -> None:
    for lane, key in enumerate(group.keys):
        record = alerts.get(key)
        if record is not None and record.sides:
            group.sides.restore(lane, record.sides)


__all__ = ["AlertRecord", "Engine", "State"]
