"""Tests of packs: the figures of a test go through the engine that runs live, on a clock of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.loading.loader import Loaded
from rules.loading.pack_tests import Expected, Point, TestSpec
from rules.model import Observation, SeriesName, Status, Transition
from rules.problems import Problem, ProblemsFound
from rules.spec import RuleSpec
from rules.universe import Universe

_ALWAYS = frozenset({"fired", "resolved"})
_MOMENT = timedelta(microseconds=1)
_AFTER_CLOSE = timedelta(hours=12)
SOURCE = "test"


@dataclass(frozen=True, slots=True)
class Happened:
    """What the engine said: like ``Expected``, with the figure that decided and why."""

    event: Expected
    value: float | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test, run. ``happened`` holds the kinds that count: fired, resolved, and those that are expected."""

    test: TestSpec
    happened: tuple[Happened, ...]
    trouble: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether exactly the expected events happened, in order."""
        return not self.trouble and tuple(each.event for each in self.happened) == self.test.expect

    @property
    def title(self) -> str:
        """``file:line rule (name)``."""
        name = f" ({self.test.name})" if self.test.name else ""
        return f"{self.test.file}:{self.test.line} {self.test.rule}{name}"

    def differences(self) -> list[str]:
        """A line for each event: ``=`` as expected, ``-`` expected only, ``+`` happened only."""
        if self.trouble:
            return [f"! {problem}" for problem in self.trouble]
        wanted, got = self.test.expect, [each.event for each in self.happened]
        lines: list[str] = []
        for tag, first, last, begin, end in SequenceMatcher(a=wanted, b=got, autojunk=False).get_opcodes():
            if tag == "equal":
                lines += [f"= {_line(each)}" for each in wanted[first:last]]
                continue
            lines += [f"- {_line(each)}" for each in wanted[first:last]]
            lines += [f"+ {_line(each.event)}{_why(each)}" for each in self.happened[begin:end]]
        return lines or ["= nothing"]

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain values."""
        return {
            "file": self.test.file,
            "line": self.test.line,
            "rule": self.test.rule,
            "name": self.test.name,
            "ok": self.ok,
            "expected": [_plain(each) for each in self.test.expect],
            "happened": [
                {**_plain(each.event), "value": each.value, "because": each.because} for each in self.happened
            ],
            "trouble": [str(problem) for problem in self.trouble],
        }


def run_tests(loaded: Loaded, universe: Universe, calendars: Calendars) -> tuple[Outcome, ...]:
    """Run every test whose rule can be used, each alone."""
    rules = {rule.id: rule for rule in loaded.rules}
    return tuple(run_test(test, rules[test.rule], universe, calendars) for test in loaded.tests if test.rule in rules)


def run_test(test: TestSpec, rule: RuleSpec, universe: Universe, calendars: Calendars) -> Outcome:
    """Step one rule through its figures with the production engine."""
    try:
        engine = Engine([replace(rule, enabled=True)], universe, calendars)
    except ProblemsFound as found:
        return Outcome(test, (), found.problems)
    try:
        observations = observations_of(test, rule, universe, calendars)
    except (OverflowError, ValueError) as error:
        said = f"the test's figures lie beyond all calendars: {error}"
        return Outcome(test, (), (Problem(test.file, test.line, test.column, "bad-instant", said),))
    state = engine.initial_state(min((seen.known_at for seen in observations), default=test.start) - _MOMENT)
    told: list[Transition] = []
    for instant, batch in _by_instant(observations, _end(test, observations)):
        state, transitions = engine.advance(state, batch, instant)
        told.extend(transitions)
    counted = _ALWAYS | {each.event for each in test.expect}
    named = any(each.symbol for each in test.expect)
    happened = (_happened(each, named=named) for each in told if each.kind.value in counted)
    return Outcome(test, tuple(happened))


def results_json(outcomes: Sequence[Outcome], problems: Iterable[Problem] = ()) -> dict[str, Any]:
    """All outcomes as one document: ``{"ok", "tests", "problems"}``."""
    told = [str(problem) for problem in problems]
    tests = [outcome.to_json() for outcome in outcomes]
    return {"ok": all(outcome.ok for outcome in outcomes) and not told, "tests": tests, "problems": told}


def observations_of(
    test: TestSpec, rule: RuleSpec, universe: Universe, calendars: Calendars
) -> tuple[Observation, ...]:
    """The figures of a test as observations, in the order in which they become known."""
    return tuple(_Figures(test, rule, universe, calendars).observations())


class _Figures:
    """The observations of a test."""

    def __init__(self, test: TestSpec, rule: RuleSpec, universe: Universe, calendars: Calendars) -> None:
        self.test, self.rule, self.universe, self.calendars = test, rule, universe, calendars

    def observations(self) -> list[Observation]:
        """In the order in which they become known."""
        found = [seen for name, points in self.test.data.items() for seen in self._series(name, points)]
        return sorted(found, key=lambda seen: seen.known_at)

    def _series(self, name: str, points: tuple[Point, ...]) -> Iterable[Observation]:
        series, calendar = self._named(name)
        for at, point in zip(self._instants(calendar, len(points)), points, strict=True):
            if not point.silent:
                yield Observation(series, at, at, point.value, self._status(series, point), SOURCE)

    def _named(self, name: str) -> tuple[str, str]:
        """The full name of a series and its calendar."""
        own = self.rule.series.get(name)
        if own is not None:
            return str(SeriesName(own.feed, own.key, own.field)), own.calendar
        instrument = self.universe.resolve(name)
        if instrument is not None:
            return str(SeriesName("prices", instrument.symbol, "close")), instrument.calendar
        holder = self.universe.by_symbol.get(SeriesName.parse(name).key)
        pack = (each.calendar for each in self.rule.series.values() if name == f"{each.feed}.{each.key}.{each.field}")
        return name, holder.calendar if holder else next(pack, "24/7")

    def _instants(self, name: str, count: int) -> Iterable[datetime]:
        step = self.test.step
        if isinstance(step, timedelta):
            return [self.test.start + index * step for index in range(count)]
        calendar = self.calendars.get(name)
        session = calendar.next(self.test.start.date() - timedelta(days=1))
        return [calendar.close(calendar.next(session, index) if index else session) for index in range(count)]

    def _status(self, series: str, point: Point) -> Status:
        """A price between two closes is a tick, so it is partial."""
        if point.status is Status.FINAL and self.test.step != "session" and series.startswith("prices."):
            return Status.PARTIAL
        return point.status


def _end(test: TestSpec, observations: Sequence[Observation]) -> datetime:
    """When the test ends: after the last figure and the last expected event, and after what a close sets off."""
    last = max((seen.known_at for seen in observations), default=test.start)
    if test.step == "session":
        last += _AFTER_CLOSE
    return test.until or max([last, *(each.at for each in test.expect)])


def _by_instant(observations: Sequence[Observation], end: datetime) -> Iterable[tuple[datetime, list[Observation]]]:
    batches: dict[datetime, list[Observation]] = {}
    for seen in observations:
        batches.setdefault(seen.known_at, []).append(seen)
    yield from batches.items()
    yield end, []


def _happened(transition: Transition, *, named: bool) -> Happened:
    symbol = transition.labels.get("symbol", "") if named else ""
    return Happened(Expected(transition.at, transition.kind.value, symbol), transition.value, transition.because)


def _line(event: Expected) -> str:
    return f"{event.at:%Y-%m-%dT%H:%M:%SZ} {event.event}{f' {event.symbol}' if event.symbol else ''}"


def _why(happened: Happened) -> str:
    return f"  because {happened.because}" if happened.because else ""


def _plain(event: Expected) -> dict[str, str]:
    return {"at": f"{event.at:%Y-%m-%dT%H:%M:%SZ}", "event": event.event, "symbol": event.symbol}
