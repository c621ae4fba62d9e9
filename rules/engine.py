"""The one function through which everything goes that changes an alert: ``advance(state, observations, now)``."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from rules.agenda import Agenda, Cause, Entry
from rules.calendars.axis import Axis, micros
from rules.calendars.sessions import Calendars
from rules.evaluation import collector
from rules.evaluation.history import PRICE_FEED, Applied, History
from rules.evaluation.instances import Evaluation, Moment
from rules.evaluation.program import Program, compile_rule
from rules.evaluation.runtime import Group, Lists, Memory, Runtime
from rules.evaluation.wiring import Readers, Touched, needs, wakes
from rules.explaining import told
from rules.language.need import sessions_needed
from rules.language.scope import Scope
from rules.lifecycle import AlertRecord, close_edited, next_timer
from rules.model import Observation, Transition
from rules.planning.crowd import Crowd
from rules.planning.fences import Fences, Tick
from rules.planning.plan import Plan, plan
from rules.spec import AtSession, RuleSpec
from rules.universe import Universe

CLOCK_KEY = "~clock"
"""The key under which the instant of the last ``advance`` is kept among the records, so that a restart finds it."""

_REMEMBERED = 64
_SINGLE = timedelta(microseconds=1)


@dataclass(slots=True)
class State:
    """Where the engine stands. A linear value: after ``advance`` only the state that it returned may be advanced."""

    now: datetime
    started: datetime
    history: History
    alerts: dict[str, AlertRecord]
    memories: dict[Group, Memory]
    agenda: Agenda
    held: list[tuple[datetime, datetime, int, Observation]] = field(default_factory=list)
    """Observations that become known later than ``now``, as a heap."""
    fences: Fences = field(default_factory=lambda: Fences({}, (), 0, 0))
    """By symbol of a price: the rules that wait for it to touch their level."""
    taken: int = 0
    evaluations: int = 0
    """How many instances were evaluated so far."""
    crowd: Crowd = field(default_factory=Crowd)
    """Everybody's price alerts; what they decide is drained from here and not among the transitions."""
    untold: tuple[Transition, ...] = ()
    """What a change of rules closed, told by the next ``advance``."""
    revision: int = 0
    changes: tuple[tuple[int, frozenset[str]], ...] = ()
    """By revision: the keys of the records that this ``advance`` changed; only the newest are kept."""

    def quietly(self, now: datetime) -> State:
        """The same at a later time: nothing that a record holds has changed."""
        return State(
            now,
            self.started,
            self.history,
            self.alerts,
            self.memories,
            self.agenda,
            self.held,
            self.fences,
            self.taken,
            self.evaluations,
            self.crowd,
            self.untold,
            self.revision + 1,
            self.changes,
        )

    def changed_since(self, old: State) -> Mapping[str, AlertRecord | None]:
        """The records that were written between ``old`` and this state; ``None`` for one to be forgotten."""
        keys = {key for number, changed in self.changes if number > old.revision for key in changed}
        found: dict[str, AlertRecord | None] = {key: self.alerts.get(key) for key in sorted(keys)}
        if self.revision > old.revision:
            found[CLOCK_KEY] = AlertRecord(rule=CLOCK_KEY, version="1", fired_at=self.now)
        return found


class Engine:
    """Compiled rules over a universe. It holds no state but what it was made of.

    ``storm`` is the number of new instances of a rule in one evaluation above which one summary is told. With
    ``max_lateness``, clock strikes that were missed for longer (the process was down) are not made up for; they become
    one note. ``patience`` is how often the lanes of a windowed rule are evaluated before their price levels are looked
    for; with ``None`` no rule is planned as a level, and each is evaluated whenever one of its inputs moves.
    """

    def __init__(
        self,
        rules: Sequence[RuleSpec],
        universe: Universe,
        calendars: Calendars,
        *,
        storm: int = 50,
        max_lateness: timedelta | None = None,
        patience: int | None = 64,
    ) -> None:
        self._patience = patience
        self.calendars, self._storm, self._max_lateness = calendars, storm, max_lateness
        scope = Scope(universe, is_calendar=self._is_calendar)
        with collector.paused():
            self.programs: tuple[Program, ...] = tuple(compile_rule(rule, scope) for rule in rules if rule.enabled)
        self._axes: dict[str, Axis] = {}
        self._needs = needs(self.programs)
        for calendar in {"24/7", *(home[1] for home in self._needs), *_named_calendars(self.programs)}:
            self._axes[calendar] = Axis(calendars.get(calendar))
        lists: Lists = {}
        self.runtimes = self._rules = [Runtime(program, self._axes, lists) for program in self.programs]
        self._readers = Readers(self._rules, planned=patience is not None)
        self._watches = any(rule.policy.on_missing.action == "notify" for rule in self._rules)

    @property
    def reads(self) -> frozenset[tuple[str, str]]:
        """The feed and key of every series that some rule reads."""
        return frozenset((feed, key) for (feed, _), keys in self._needs.items() for key in keys)

    def _is_calendar(self, name: str) -> bool:
        try:
            self.calendars.get(name)
        except ValueError:
            return False
        return True

    def initial_state(self, now: datetime, alerts: Mapping[str, AlertRecord] | None = None) -> State:
        """A state without history, with the records given (as ``changed_since`` returned them).

        When they tell when the last ``advance`` was, the state stands there, and the next ``advance`` makes up for what
        the clock struck since then. Instances of rules that were changed or removed are closed.
        """
        records = {key: record for key, record in (alerts or {}).items() if key != CLOCK_KEY}
        clock = (alerts or {}).get(CLOCK_KEY)
        since = min(now, clock.fired_at) if clock and clock.fired_at else now
        history = History(self._axes)
        for (feed, calendar), keys in self._needs.items():
            history.declare(feed, self._axes[calendar], keys)
        memories = {group: Memory(group.size) for rule in self._rules for group in rule.groups}
        state = State(
            since, since, history, records, memories, Agenda(), fences=self._readers.fences(self._patience or 1)
        )
        self._close_edited(state)
        for number, rule in enumerate(self._rules):
            self._plan(state, number, rule)
        return state

    def _close_edited(self, state: State) -> None:
        current = {rule.id: rule.program for rule in self._rules}
        gone: set[str] = set()
        for key, record in list(state.alerts.items()):
            program = current.get(record.rule)
            if program is not None and program.version == record.version:
                continue
            events = close_edited(record)
            state.untold += tuple(told.edited(event, record, key, state.now, program) for event in events)
            del state.alerts[key]
            gone.add(key)
        state.changes = ((1, frozenset(gone)),) if gone else ()

    def _plan(self, state: State, number: int, rule: Runtime) -> None:
        if rule.schedule is not None:
            state.agenda.put(Entry(Cause.STRIKE, number), rule.schedule.after(state.now))
        for at, group in enumerate(rule.groups):
            for lane, key in enumerate(group.keys):
                record = state.alerts.get(key)
                if record is not None:
                    state.memories[group].restore(lane, record)
                    entry = Entry(Cause.TIMER, number, at, lane)
                    due = self._timer(state, entry)
                    state.agenda.put(entry, due and max(due, state.now + _SINGLE))
            if rule.policy.on_missing.action == "notify":
                state.agenda.put(Entry(Cause.OVERDUE, number, at), state.now + _SINGLE)

    def _timer(self, state: State, entry: Entry) -> datetime | None:
        """When the instance's time is up, perhaps while nothing ran; ``None`` when only a figure matters."""
        rule = self._rules[entry.rule]
        record = state.alerts.get(rule.groups[entry.group].keys[entry.lane])
        return None if rule.on_clock or record is None else next_timer(record, rule.policy, rule.sessions)

    def seed(self, state: State, observations: Iterable[Observation]) -> State:
        """Take history in without evaluating anything; what becomes known after ``state.now`` waits for its time."""
        for seen in sorted(observations, key=_order):
            if seen.known_at > state.now:
                _hold(state, seen)
            else:
                state.history.apply(seen)
                state.crowd.stand(seen)
        return state

    def adopt(self, state: State, old: State) -> State:
        """Take over history, price alerts and waiting observations of another engine's state, for a change of rules."""
        state.history.copy_from(old.history)
        state.crowd = old.crowd
        for _, _, _, seen in old.held:
            _hold(state, seen)
        return state

    def advance(
        self, state: State, observations: Iterable[Observation], now: datetime
    ) -> tuple[State, tuple[Transition, ...]]:
        """Apply what became known up to ``now`` in order, let the clocks strike in between, and decide.

        A ``now`` before ``state.now`` counts as ``state.now``: time does not run backwards.
        """
        now = max(now, state.now)
        idle = not (state.held or state.untold or state.agenda.strikes(now))
        loud = self._quiet(state, list(observations), now) if idle else observations
        if idle and not loud:
            return state.quietly(now), ()
        for seen in loud:
            _hold(state, seen)
        changed: set[str] = set()
        found: list[Transition] = list(state.untold)
        missed: list[str] = []
        for at, batch in _moments(state, now):
            if batch:
                found.extend(self._observed(state, batch, at, changed))
            else:
                found.extend(self._struck(state, at, now, changed, missed))
        if missed:
            found.append(told.late(missed, len(missed), now))
        number = state.revision + 1
        changes = (*state.changes, (number, frozenset(changed)))[-_REMEMBERED:] if changed else state.changes
        return replace(state, now=now, revision=number, changes=changes, untold=()), tuple(found)

    def _quiet(self, state: State, seen: list[Observation], now: datetime) -> list[Observation]:
        """Take in ticks that touch no level and that no other rule hears, from the first on; return the others."""
        if len(seen) > 1 and any(a.known_at > b.known_at for a, b in pairwise(seen)):
            return seen
        for number, item in enumerate(seen):
            if item.known_at > now or not self._is_quiet(state, item):
                return seen[number:]
        return []

    def _is_quiet(self, state: State, seen: Observation) -> bool:
        """Take ``seen`` in if it is a tick that nothing has to be evaluated for."""
        if not state.crowd.is_quiet(seen):
            return False
        running, price = state.history.running.get(seen.series), seen.value
        if running is None or price is None or self._readers.hears(running.name):
            return False
        at = micros(seen.at)
        moment = at if seen.known_at == seen.at else micros(seen.known_at)
        if state.now > seen.known_at:
            moment = micros(state.now)
        if moment >= running.overdue_at or not state.fences.is_quiet(running.name[1], price, running.version, moment):
            return False
        return running.take(seen, at) is not None

    def next_wakeup(self, state: State) -> datetime | None:
        """When something may happen without a new observation: a strike, a timer, or a figure that waits."""
        waiting = state.held[0][0] if state.held else None
        times = [at for at in (state.agenda.next, waiting) if at is not None]
        return min(times, default=None)

    def _observed(
        self, state: State, batch: Sequence[Observation], at: datetime, changed: set[str]
    ) -> Iterator[Transition]:
        fresh, revised, settled = Touched(), Touched(), Touched()
        for seen in batch:
            state.crowd.take(seen)
            applied = state.history.apply(seen)
            if applied is None:
                continue
            self._readers.touch(revised if applied.revision else fresh, applied, lambda rule: wakes(rule, applied))  # noqa: B023
            self._check_soon(state, applied, at)
            self._through_levels(state, applied, at, revised if applied.revision else fresh)
            if applied.revision:
                self._readers.touch(settled, applied, _settles)
        for touched, is_revision in ((fresh, False), (revised, True)):
            if touched.lanes:
                yield from self._evaluate(state, touched, self._moment(state, at, changed, revision=is_revision))
        if state.fences.due:
            state.fences.settle(self._moment(state, at, changed))
        for (number, group), lanes in settled.lanes.items():
            strike = _last_strike(self._rules[number], at)
            moment = self._moment(state, at, changed, as_of=strike, revision=True)
            one = Touched()
            one.lanes[number, group] = lanes
            yield from self._evaluate(state, one, moment)

    def _moment(
        self, state: State, at: datetime, changed: set[str], *, as_of: datetime | None = None, revision: bool = False
    ) -> Moment:
        return Moment(at, state.history, state.alerts, changed, state.memories, as_of, revision, self._storm)

    @staticmethod
    def _through_levels(state: State, applied: Applied, at: datetime, touched: Touched) -> None:
        """The rules whose level the price has touched, or whose time has come; all of them when it came overdue."""
        if (applied.feed, applied.field) != (PRICE_FEED, "close") or not state.fences.watches(applied.key):
            return
        home = state.history.home(applied.feed, applied.key)
        if home is None:
            return
        (block, key), column, moment = home, home[0].column("close"), micros(at)
        newest = int(column.last[key])
        if moment >= block.axis.close_of(newest + 1):
            found = state.fences.everything(applied.key)
        else:
            end = block.axis.open_of(block.axis.session(moment) + 1)
            tick = Tick(moment, end, int(column.versions[key]), applied.revision)
            found = state.fences.tick(applied.key, column.cell(newest, key), tick)
        for rule, group, lane in found:
            touched.lane(rule, group, lane)

    def history_needed(self) -> dict[tuple[str, str], int]:
        """By feed and key, how many sessions the rules read: what to fetch and to seed before the first ``advance``."""
        found: dict[tuple[str, str], int] = {}
        for program in self.programs:
            count = max(sessions_needed(part.typed) for part in program.parts)
            for (feed, _), keys in needs((program,)).items():
                for key in keys:
                    found[feed, key] = max(found.get((feed, key), 1), count)
        return found

    def plans(self) -> tuple[Plan, ...]:
        """How each rule is evaluated, and why."""
        return tuple(
            plan(rule.program, on_clock=rule.on_clock, planned=self._patience is not None) for rule in self._rules
        )

    def _check_soon(self, state: State, applied: Applied, at: datetime) -> None:
        """A figure has come: whoever tells of overdue data looks again."""
        if not self._watches:
            return
        touched = Touched()
        self._readers.touch_waiting(touched, applied)
        for number, group in touched.lanes:
            state.agenda.put(Entry(Cause.OVERDUE, number, group), at)

    def _struck(
        self, state: State, at: datetime, now: datetime, changed: set[str], missed: list[str]
    ) -> Iterator[Transition]:
        moment = self._moment(state, at, changed)
        touched = Touched()
        for entry in state.agenda.take(at):
            rule = self._rules[entry.rule]
            if entry.cause is Cause.OVERDUE:
                yield from self._overdue(state, entry, moment)
            elif entry.cause is Cause.TIMER:
                touched.lane(entry.rule, entry.group, entry.lane)
            else:
                state.agenda.put(entry, rule.schedule.after(at) if rule.schedule else None)
                if self._max_lateness is not None and now - at > self._max_lateness:
                    missed.append(rule.id)
                else:
                    touched.whole(entry.rule, len(rule.groups))
        yield from self._evaluate(state, touched, moment)

    def _overdue(self, state: State, entry: Entry, moment: Moment) -> list[Transition]:
        group = self._rules[entry.rule].groups[entry.group]
        found, due = Evaluation(group, None, moment).overdue(state.started)
        state.agenda.put(entry, min((at for at in due if at > moment.at), default=None))
        return found

    def _evaluate(self, state: State, touched: Touched, moment: Moment) -> Iterator[Transition]:
        by_rule: dict[int, list[Transition]] = {}
        for (number, at), lanes in sorted(touched.lanes.items(), key=lambda item: item[0]):
            evaluation = Evaluation(self._rules[number].groups[at], lanes, moment)
            by_rule.setdefault(number, []).extend(evaluation.transitions())
            state.evaluations += len(evaluation.lanes)
            state.fences.note(number, at, evaluation.known, evaluation.looks)
            for lane in evaluation.stepped:
                entry = Entry(Cause.TIMER, number, at, lane)
                due = self._timer(state, entry)
                # A time that is up and decided nothing (the condition is unknown) waits for a figure, not for itself.
                state.agenda.put(entry, due if due is not None and due > moment.at else None)
        for transitions in by_rule.values():
            yield from told.calmed(transitions, self._storm)


def _named_calendars(programs: Sequence[Program]) -> Iterator[str]:
    for program in programs:
        yield program.calendar
        yield from (item.calendar for item in program.members or ())
        for part in (program.when, program.clear, program.rearm):
            if part is not None:
                yield from (inner.typed.key for inner in part.walk() if inner.typed.form == "calendar")


def _order(seen: Observation) -> tuple[datetime, datetime]:
    return (seen.known_at, seen.at)


def _hold(state: State, seen: Observation) -> None:
    state.taken += 1
    heapq.heappush(state.held, (seen.known_at, seen.at, state.taken, seen))


def _moments(state: State, now: datetime) -> Iterator[tuple[datetime, list[Observation]]]:
    """What happens up to ``now`` in order: batches of observations, and what is on the agenda (an empty batch)."""
    while True:
        struck = state.agenda.next
        known = state.held[0][0] if state.held else None
        if known is not None and known <= now and (struck is None or known <= struck):
            yield max(known, state.now), _batch(state)
        elif struck is not None and struck <= now:
            yield struck, []
        else:
            return


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


def _settles(rule: Runtime) -> bool:
    """Whether a revised figure makes the rule look again at its last strike: after a close, all figures were final."""
    every = rule.program.spec.every
    return isinstance(every, AtSession) and every.edge == "close"


def _last_strike(rule: Runtime, at: datetime) -> datetime | None:
    return rule.schedule.before(at) if rule.schedule is not None else None


__all__ = ["CLOCK_KEY", "AlertRecord", "Engine", "State"]
