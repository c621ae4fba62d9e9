"""What would have fired: whole columns where that gives the same events, else the live engine step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import numpy as np

from rules.axis import Axis, instant, micros
from rules.bars import Bars, observations
from rules.calendars import Calendars
from rules.columns import ColumnFrame, Mask
from rules.engine import Engine
from rules.explain import Lane, decide
from rules.frames import Members
from rules.functions.base import Part
from rules.history import Floats, History, Ints
from rules.language.scope import Ref
from rules.latch import Column, lives
from rules.model import Transition, TransitionKind
from rules.program import Program
from rules.runtime import Group, Runtime
from rules.spec import AtInterval, AtSession, RuleSpec
from rules.universe import Universe

HORIZONS = (1, 5, 20)
_CHUNK, _WIDE = 96, 192
_RECURSIVE = frozenset({"ema", "rsi", "atr"})
_ENDS = frozenset({TransitionKind.RESOLVED, TransitionKind.ENDED, TransitionKind.CORRECTED})
_STEPWISE = frozenset({"age", "fresh", "revised", "earnings", "event", "days_until"})


@dataclass(frozen=True, slots=True)
class Fired:
    """One alert of the past; ``forward`` maps ``1d`` … to the return that followed, ``None`` where it is unknown."""

    fired_at: datetime
    resolved_at: datetime | None
    observed_at: datetime | None
    value: float | None
    because: str
    labels: Mapping[str, str]
    forward: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule's past. ``base`` is the mean forward return of all its members' sessions, fired or not, by horizon."""

    id: str
    evaluations: int
    fires: tuple[Fired, ...]
    base: Mapping[str, float | None]
    stepwise: bool
    """Whether the live engine had to be stepped through."""

    @property
    def by_month(self) -> Mapping[str, int]:
        """How often it fired in each month that it did."""
        months: dict[str, int] = {}
        for fire in self.fires:
            month = f"{fire.fired_at:%Y-%m}"
            months[month] = months.get(month, 0) + 1
        return months

    @property
    def flapping(self) -> int:
        """How many alerts fired again, for the same labels, within a day of their end."""
        ended: dict[tuple[tuple[str, str], ...], datetime] = {}
        count = 0
        for fire in self.fires:
            key = tuple(sorted(fire.labels.items()))
            if key in ended and (fire.fired_at - ended[key]).total_seconds() <= 86_400:
                count += 1
            if fire.resolved_at is not None:
                ended[key] = fire.resolved_at
        return count


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a backtest over the sessions from ``start`` to ``end``, inclusive."""

    rules: tuple[RuleResult, ...]
    start: date
    end: date

    def to_json(self) -> dict[str, Any]:
        """The document of the command line's contract, with what else is known beside it."""
        return {"rules": [_rule_json(rule) for rule in self.rules], "from": str(self.start), "to": str(self.end)}


def _rule_json(rule: RuleResult) -> dict[str, Any]:
    return {
        "id": rule.id,
        "evaluations": rule.evaluations,
        "fires": [_fire_json(fire) for fire in rule.fires],
        "base": dict(rule.base),
        "by_month": dict(rule.by_month),
        "flapping": rule.flapping,
    }


def _fire_json(fire: Fired) -> dict[str, Any]:
    return {
        "fired_at": fire.fired_at.isoformat(),
        "resolved_at": fire.resolved_at and fire.resolved_at.isoformat(),
        "observed_at": fire.observed_at and fire.observed_at.isoformat(),
        "value": fire.value,
        "because": fire.because,
        "labels": dict(fire.labels),
        "forward": dict(fire.forward),
    }


def backtest(
    rules: Sequence[RuleSpec], universe: Universe, calendars: Calendars, data: Sequence[Bars], *, start: date, end: date
) -> Report:
    """Run ``rules`` over daily bars, each known at its session's close; ``start`` and ``end`` are UTC days, inclusive.

    Earlier bars are history that nothing is evaluated on.
    """
    past = Past(rules, universe, calendars, data, start=start, end=end)
    return Report(tuple(past.result(number) for number in range(len(past.engine.programs))), start, end)


class Past:
    """A span of the past with the rules to run over it."""

    def __init__(
        self,
        rules: Sequence[RuleSpec],
        universe: Universe,
        calendars: Calendars,
        data: Sequence[Bars],
        *,
        start: date,
        end: date,
    ) -> None:
        self.rules = [rule for rule in rules if rule.enabled]
        self.universe, self.calendars, self.data = universe, calendars, data
        self.engine = Engine(self.rules, universe, calendars, storm=10**9)
        self.start, self.end = micros(_midnight(start)), micros(_midnight(end)) + 86_400_000_000 - 1
        state = self.engine.initial_state(instant(self.start))
        self.history: History = state.history
        for bars in data:
            bars.fill(self.history)

    def result(self, number: int) -> RuleResult:
        """What rule ``number`` did."""
        rule = self.engine.runtimes[number]
        stepwise = not runs_in_columns(rule)
        if stepwise:
            evaluations, fires = self._stepped(number)
        else:
            evaluations, fires = self._in_columns(rule)
        members = _forward_members(rule.program)
        forward = Forward(self.history, members, self.start, self.end)
        ordered = sorted(fires, key=lambda fire: (fire.fired_at, sorted(fire.labels.items())))
        told = tuple(replace(fire, forward=forward.after(fire)) for fire in ordered)
        return RuleResult(rule.id, evaluations, told, forward.base(), stepwise)

    def _stepped(self, number: int) -> tuple[int, list[Fired]]:
        engine = Engine([self.rules[number]], self.universe, self.calendars, storm=10**9)
        state = engine.initial_state(instant(self.start))
        state = engine.seed(state, observations(self.data, state.history, self.end))
        state, transitions = engine.advance(state, (), instant(self.end))
        return state.evaluations, fires_of(transitions)

    def _in_columns(self, rule: Runtime) -> tuple[int, list[Fired]]:
        evaluations, fires = 0, []
        for group in rule.groups:
            for lanes in chunks(group):
                panel = Panel(self.history, group, lanes, self.start, self.end)
                evaluations += panel.evaluations
                fires.extend(panel.fires())
        return evaluations, fires


def _midnight(day: date) -> datetime:
    return instant(0).replace(year=day.year, month=day.month, day=day.day)


def chunks(group: Group) -> Iterator[Ints]:
    """Lanes in blocks whose columns fit the cache; wider ones for recursions, which go step by step."""
    program = group.rule.program
    parts = [part for part in (program.when, program.clear, program.rearm) if part is not None]
    recursive = any(inner.name in _RECURSIVE for part in parts for inner in part.walk())
    step = _WIDE if recursive else _CHUNK
    for first in range(0, group.size, step):
        yield np.arange(first, min(first + step, group.size), dtype=np.int64)


def runs_in_columns(rule: Runtime) -> bool:
    """Whether columns give the same events: no timers of the clock, no health, nothing about figures themselves."""
    program, policy = rule.program, rule.policy
    timers = (policy.for_, policy.keep_for)
    if isinstance(program.spec.every, AtInterval) or policy.on_missing.action != "hold" or policy.expires is not None:
        return False
    if not rule.on_clock and not all(span.is_zero for span in timers):
        return False
    parts = [part for part in (program.when, program.clear, program.rearm) if part is not None]
    return not any(inner.name in _STEPWISE for part in parts for inner in part.walk())


def fires_of(transitions: Sequence[Transition]) -> list[Fired]:
    """Transitions as alerts with their beginning and end."""
    fires: list[Fired] = []
    current: dict[tuple[tuple[str, str], ...], int] = {}
    for item in transitions:
        key = tuple(sorted(item.labels.items()))
        if item.kind is TransitionKind.FIRED:
            current[key] = len(fires)
            fires.append(Fired(item.at, None, item.observed_at, item.value, item.because, item.labels))
        elif item.kind in _ENDS and key in current:
            at = current.pop(key)
            fires[at] = replace(fires[at], resolved_at=item.at)
    return fires


class Panel:
    """Some lanes of a group over all instants."""

    def __init__(self, history: History, group: Group, lanes: Ints, start: int, end: int) -> None:
        self.rule, self.group, self.lanes, self.program = group.rule, group, lanes, group.rule.program
        self.members: Members | None = None if group.members is None else group.members.at(lanes)
        empty = ColumnFrame(history, np.zeros(0, np.int64), self.members, len(lanes))
        instants, heard = _instants(empty, self.program, group, (start, end))
        self.frame = ColumnFrame(history, instants, self.members, len(lanes))
        self.frame.heard, self.frame.figures = heard, empty.figures
        self.heard: Mask = heard

    @property
    def evaluations(self) -> int:
        """How many lanes were evaluated in all."""
        return int(self.heard.sum())

    def fires(self) -> list[Fired]:
        """The alerts of these lanes, in words."""
        return [self._fired(*fire) for fire in self.lives().tolist()]

    def lives(self) -> Ints:
        """The alerts of these lanes: lane, row at which it fired, row at which it ended or -1."""
        if not len(self.frame.instants):
            return np.zeros((0, 3), np.int64)
        when = self._values(self.program.when)
        clear = self._values(self.program.clear) if self.program.clear else 1.0 - when
        rearm = self._values(self.program.rearm) if self.program.rearm else None
        columns = Column(self.rule, self.frame, when, clear, rearm, self.heard)
        return lives(columns)

    def _values(self, part: Part) -> Floats:
        whole = np.broadcast_to(part.evaluate(self.frame), (self.frame.lanes,))
        return whole.reshape(self.frame.rows, self.frame.width)

    def _fired(self, column: int, row: int, end: int) -> Fired:
        lane = int(self.lanes[column])
        member = None if self.group.instruments is None else self.group.instruments[lane]
        number = row * self.frame.width + column
        told = decide(Lane(self.frame, number, self._at(row), member), self.program, self.program.when)
        return Fired(
            fired_at=self._at(row),
            resolved_at=None if end < 0 else self._at(end),
            observed_at=told.observed_at,
            value=told.value,
            because=told.because["en"],
            labels=self.group.labels[lane],
        )

    def _at(self, row: int) -> datetime:
        return instant(int(self.frame.instants[row]))


def _instants(frame: ColumnFrame, program: Program, group: Group, span: tuple[int, int]) -> tuple[Ints, Mask]:
    """When the lanes of ``frame`` are evaluated, and which of them at each instant."""
    width = frame.width
    every = program.spec.every
    if isinstance(every, AtSession):
        schedule = group.rule.schedule
        times = schedule.between(*span) if schedule is not None else np.zeros(0, np.int64)
        return times, np.ones((len(times), width), np.bool_)
    refs = program.refs if program.trigger is None else {program.trigger}
    heard = [_heard(frame, ref, span) for ref in sorted(refs, key=str)]
    if not heard:
        return np.zeros(0, np.int64), np.zeros((0, width), np.bool_)
    times = heard[0][0] if len(heard) == 1 else np.unique(np.concatenate([own for own, _ in heard]))
    marks = np.zeros((len(times), width), np.bool_)
    for own, known in heard:
        marks[np.searchsorted(times, own)] |= known
    kept = marks.any(axis=1)
    return times[kept], marks[kept]


def _heard(frame: ColumnFrame, ref: Ref, span: tuple[int, int]) -> tuple[Ints, Mask]:
    """The closes at which a series has a figure: by instant and member (one column for a named series)."""
    track = frame.source(ref)
    column = track.column
    sessions = np.arange(column.first, column.first + len(column.values), dtype=np.int64)
    closes = track.axis.close(sessions)
    inside = (closes > span[0]) & (closes <= span[1])
    first, last = int(np.argmax(inside)), int(inside.sum())
    return closes[inside], ~np.isnan(frame.figures.of(column, track.keys)[first : first + last])


def _forward_members(program: Program) -> Mapping[str, Ref]:
    """The price that follows a fire, by the fire's symbol; ``""`` for a rule without ``for_each``."""
    if program.members is not None:
        return {item.symbol: Ref("prices", item.symbol, "close", item.calendar) for item in program.members}
    prices = [ref for ref in _in_order(program.when) if ref.feed == "prices" and ref.key]
    return {"": prices[0].with_field("close")} if prices else {}


def _in_order(part: Part) -> Iterator[Ref]:
    for inner in part.walk():
        if inner.typed.ref is not None:
            yield inner.typed.ref


class Forward:
    """What prices did after a session, against what they did after any."""

    def __init__(self, history: History, members: Mapping[str, Ref], start: int, end: int) -> None:
        self._columns: dict[str, tuple[Axis, Floats, int]] = {}
        for symbol, ref in members.items():
            home = history.home(ref.feed, ref.key)
            if home is not None:
                column = home[0].column("close")
                self._columns[symbol] = (home[0].axis, column.values[:, home[1]], column.first)
        self._start, self._end = start, end

    def after(self, fire: Fired) -> Mapping[str, float | None]:
        """The returns from the last close at the fire over the next sessions."""
        found = self._columns.get(fire.labels.get("symbol", ""))
        if found is None:
            return {f"{horizon}d": None for horizon in HORIZONS}
        axis, values, first = found
        row = int(axis.closed(np.array([micros(fire.fired_at)]))[0]) - first
        return {f"{horizon}d": _return(values, row, horizon) for horizon in HORIZONS}

    def base(self) -> Mapping[str, float | None]:
        """The mean over all sessions of the span and all members."""
        return {f"{horizon}d": self._mean(horizon) for horizon in HORIZONS}

    def _mean(self, horizon: int) -> float | None:
        total, count = 0.0, 0
        for axis, values, first in self._columns.values():
            closes = axis.close(np.arange(first, first + len(values), dtype=np.int64))
            with np.errstate(all="ignore"):
                moves = values[horizon:] / values[:-horizon] - 1.0
            inside = (closes > self._start) & (closes <= self._end)
            moves = moves[inside[:-horizon] & np.isfinite(moves)]
            total, count = total + float(moves.sum()), count + len(moves)
        return total / count if count else None


def _return(values: Floats, row: int, horizon: int) -> float | None:
    if not (row >= 0 and row + horizon < len(values)) or not values[row] > 0:
        return None
    move = float(values[row + horizon] / values[row] - 1.0)
    return move if np.isfinite(move) else None
