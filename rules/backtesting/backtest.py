"""What would have fired: whole columns where that gives the same events, else the live engine step by step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar

import numpy as np

from rules.backtesting.bars import Bars, observations
from rules.backtesting.fired import Fired, fires_of
from rules.backtesting.forward import Forward, followed
from rules.backtesting.panel import Panel, Strip
from rules.calendars.axis import instant, micros
from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.evaluation.history import Block, History, Ints
from rules.evaluation.runtime import Group, Runtime
from rules.functions.base import Part
from rules.language.scope import Ref
from rules.spec import AtInterval, RuleSpec
from rules.universe import Universe

T = TypeVar("T")
MANY = 20
"""Alerts of one rule in a month; more than one a session is noise."""
_WIDTH = 96
_KEPT = 30 * 2**20
_FORGIVING = frozenset({"known", "fresh", "coalesce", "rank"})
_STEPWISE = frozenset({"age", "fresh", "revised", "earnings", "event", "days_until"})


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule's past. ``base`` is the mean forward return of all its members' sessions, fired or not, by horizon."""

    id: str
    evaluations: int
    fires: tuple[Fired, ...]
    base: Mapping[str, float | None]
    stepwise: bool
    """Whether the live engine had to be stepped through."""
    unknown: tuple[str, ...] = ()
    """Series that it reads and of which the span has no figure at all."""
    momentary: bool = False
    """Whether its alerts are over as they happen: an edge without ``clear``."""
    years: float = 0.0
    """How long the prices that it follows are known within the span."""

    @property
    def mean(self) -> Mapping[str, float | None]:
        """The mean forward return of its alerts, by horizon."""
        return {name: _mean([fire.forward.get(name) for fire in self.fires]) for name in self.base}

    @property
    def by_month(self) -> Mapping[str, int]:
        """How often it fired in each month that it did."""
        months: dict[str, int] = {}
        for fire in self.fires:
            month = f"{fire.fired_at:%Y-%m}"
            months[month] = months.get(month, 0) + 1
        return months

    @property
    def busy_months(self) -> Mapping[str, int]:
        """The months with more alerts than anyone reads."""
        return {month: count for month, count in self.by_month.items() if count > MANY}

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
        "mean": dict(rule.mean),
        "by_month": dict(rule.by_month),
        "busy_months": dict(rule.busy_months),
        "flapping": rule.flapping,
        "unknown": list(rule.unknown),
    }


def _mean(returns: Sequence[float | None]) -> float | None:
    known = [value for value in returns if value is not None]
    return sum(known) / len(known) if known else None


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
    return Report(Past(rules, universe, calendars, data, start=start, end=end).results(), start, end)


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
        _keep_freed_memory()
        self.span = micros(_midnight(start)), micros(_midnight(end)) + 86_400_000_000 - 1
        self.history: History = self.engine.initial_state(instant(self.span[0])).history
        for bars in data:
            bars.fill(self.history)

    def results(self) -> tuple[RuleResult, ...]:
        """What each rule did."""
        whole = [number for number, rule in enumerate(self.engine.runtimes) if runs_in_columns(rule)]
        found: dict[int, tuple[int, list[Fired]]] = {number: (0, []) for number in whole}
        for number, (evaluations, fires) in self.over(whole, lambda panel: (panel.evaluations, panel.fires())):
            found[number] = found[number][0] + evaluations, found[number][1] + fires
        return tuple(
            self._result(number, found.get(number) or self._stepped(number), stepwise=number not in found)
            for number in range(len(self.rules))
        )

    def over(self, numbers: Sequence[int], use: Callable[[Panel], T]) -> Iterator[tuple[int, T]]:
        """``use`` of every panel of the rules ``numbers``, with the rule's number, on all processors.

        Rules that look at the same members take turns on one strip of them, while it is in the cache.
        """
        lists: dict[tuple[str, ...], list[tuple[int, Group]]] = {}
        for number in numbers:
            for group in self.engine.runtimes[number].groups:
                lists.setdefault(() if group.members is None else group.members.symbols, []).append((number, group))
        work = [(groups, lanes) for groups in lists.values() for lanes in _strips(groups[0][1].size)]

        def run(task: tuple[list[tuple[int, Group]], Ints]) -> list[tuple[int, T]]:
            groups, lanes = task
            members = groups[0][1].members
            strip = Strip(self.history, None if members is None else members.at(lanes), len(lanes), self.span)
            return [(number, use(Panel(strip, group, lanes))) for number, group in groups]

        if len(work) == 1:
            yield from run(work[0])
            return
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for found in pool.map(run, work):
                yield from found

    def _result(self, number: int, found: tuple[int, list[Fired]], *, stepwise: bool) -> RuleResult:
        rule, (evaluations, fires) = self.engine.runtimes[number], found
        forward = Forward(self.history, followed(rule.program), *self.span)
        ordered = sorted(fires, key=lambda fire: (fire.fired_at, sorted(fire.labels.items())))
        told = tuple(replace(fire, forward=forward.after(fire)) for fire in ordered)
        return RuleResult(
            rule.id,
            evaluations,
            told,
            forward.base(),
            stepwise,
            self._unknown(rule),
            rule.policy.momentary,
            forward.years(),
        )

    def _unknown(self, rule: Runtime) -> tuple[str, ...]:
        """The series that a rule reads and of which nothing is known in the span; a list counts as one."""
        each = rule.program.spec.for_each
        return tuple(f"{ref.feed}.{ref.key or each}.{ref.field}" for ref in self._unknown_refs(rule))

    def _unknown_refs(self, rule: Runtime) -> Iterator[Ref]:
        for ref in sorted(rule.program.refs, key=str):
            keys = [ref.key] if ref.key else [item.symbol for item in rule.program.members or ()]
            homes = [home for key in keys if (home := self.history.home(ref.feed, key)) is not None]
            if not any(has_figures(block, number, ref.field, self.span) for block, number in homes):
                yield ref

    def _stepped(self, number: int) -> tuple[int, list[Fired]]:
        rule = self.engine.runtimes[number]
        if not _can_hold(rule.program.when, frozenset(self._unknown_refs(rule))):
            return 0, []
        engine = Engine([self.rules[number]], self.universe, self.calendars, storm=10**9)
        start, end = self.span
        state = engine.initial_state(instant(start))
        state = engine.seed(state, observations(self.data, state.history, end))
        state, transitions = engine.advance(state, (), instant(end))
        return state.evaluations, fires_of(transitions)


def _can_hold(part: Part, unknown: frozenset[Ref]) -> bool:
    """Whether a condition could be true while ``unknown`` series have no figure; it may say so too often."""
    if part.typed.form == "op" and part.typed.name in {"and", "or"}:
        sides = [_can_hold(arg, unknown) for arg in part.args]
        return all(sides) if part.typed.name == "and" else any(sides)
    if any(inner.name in _FORGIVING or inner.typed.over_set for inner in part.walk()):
        return True
    return not part.typed.reads() & unknown


def has_figures(block: Block, key: int, field: str, span: tuple[int, int]) -> bool:
    """Whether anything is known of a key at the closes of a span (microseconds)."""
    column = block.column(field)
    closes = block.axis.close(np.arange(column.first, column.first + len(column.values), dtype=np.int64))
    first, last = np.searchsorted(closes, span, side="right")
    return not bool(np.isnan(column.values[first:last, key]).all())


def _keep_freed_memory() -> None:
    """Have glibc keep the memory of columns that are done, which costs as much to get anew as to compute.

    It keeps twice the size of the largest block that was freed, up to blocks of 32 MB.
    """
    np.empty(_KEPT, np.uint8)


def _midnight(day: date) -> datetime:
    return instant(0).replace(year=day.year, month=day.month, day=day.day)


def _strips(size: int) -> Iterator[Ints]:
    """Lanes in strips whose columns fit the cache."""
    for first in range(0, size, _WIDTH):
        yield np.arange(first, min(first + _WIDTH, size), dtype=np.int64)


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
