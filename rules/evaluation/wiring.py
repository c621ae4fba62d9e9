"""Which keys a history must hold for a set of rules, and which rules a new figure concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rules.evaluation.history import PRICE_FEED, Applied
from rules.evaluation.program import Program
from rules.evaluation.runtime import Runtime
from rules.language.scope import Ref
from rules.planning.fences import Fences, Plot
from rules.planning.levels import Levels
from rules.planning.plan import level_of, windowed_of

RUNNING = ("open", "high", "low")
"""Fields of a bar that a tick moves along with the close."""


def needs(programs: Sequence[Program]) -> dict[tuple[str, str], list[str]]:
    """The keys that the rules read, by feed and calendar."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for program in programs:
        for ref in program.refs | program.message_refs:
            for key, calendar in _keys(ref, program):
                found.setdefault((ref.feed, calendar), {})[key] = None
    return {home: list(keys) for home, keys in found.items()}


def _keys(ref: Ref, program: Program) -> Iterator[tuple[str, str]]:
    if ref.key:
        yield ref.key, ref.calendar
        return
    for item in program.members or ():
        yield item.symbol, item.calendar


class Touched:
    """The lanes that must be evaluated, by number of rule and group; ``None`` stands for all lanes."""

    def __init__(self) -> None:
        self.lanes: dict[tuple[int, int], set[int] | None] = {}

    def whole(self, number: int, groups: int) -> None:
        """All lanes of a rule."""
        self.lanes.update({(number, group): None for group in range(groups)})

    def lane(self, number: int, group: int, lane: int) -> None:
        """One lane."""
        lanes = self.lanes.setdefault((number, group), set())
        if lanes is not None:
            lanes.add(lane)


class _Index:
    """Rules by the series that they read, whether by its name or as a member's."""

    def __init__(self, rules: Sequence[Runtime]) -> None:
        self._rules = rules
        self._named: dict[tuple[str, str, str], list[int]] = {}
        self._members: dict[tuple[str, str], list[int]] = {}

    def add(self, number: int) -> None:
        """Take in a rule."""
        for ref in self._rules[number].program.refs:
            for leaf in _moved_by(ref):
                if ref.key:
                    _add(self._named.setdefault((ref.feed, ref.key, leaf), []), number)
                else:
                    _add(self._members.setdefault((ref.feed, leaf), []), number)

    def of(self, feed: str, key: str, field: str) -> Iterator[tuple[int, Runtime, tuple[int, int] | None]]:
        """The rules that read a series: number, rule, and the group and lane that do (``None`` for all)."""
        for number in self._named.get((feed, key, field), ()):
            yield number, self._rules[number], None
        for number in self._members.get((feed, field), ()):
            place = self._rules[number].place_of.get(key)
            if place is not None:
                yield number, self._rules[number], place


class Readers:
    """The rules that a new figure concerns."""

    def __init__(self, rules: Sequence[Runtime], *, planned: bool = True) -> None:
        self._rules = rules
        self._levels: dict[str, list[tuple[float, int]]] = {}
        self._plots: list[Plot] = []
        self._heard: dict[tuple[str, str, str], bool] = {}
        self._moved, self._waiting = _Index(rules), _Index(rules)
        for number, rule in enumerate(rules):
            if rule.policy.on_missing.action == "notify":
                self._waiting.add(number)
            if not (planned and self._watched(number, rule)):
                self._moved.add(number)

    def hears(self, name: tuple[str, str, str]) -> bool:
        """Whether a new figure of the series (feed, key, field) may matter to a rule that waits for no level."""
        found = self._heard.get(name)
        if found is None:
            moved = any(not rule.on_clock for _, rule, _ in self._moved.of(*name))
            found = self._heard[name] = moved or any(True for _ in self._waiting.of(*name))
        return found

    def _watched(self, number: int, rule: Runtime) -> bool:
        """Whether only a move of a price through a level, or time, can change the rule."""
        found = level_of(rule.program)
        if not isinstance(found, str):
            self._levels.setdefault(found[0].key, []).append((found[1], number))
            return True
        windowed = "its own clock strikes" if rule.on_clock else windowed_of(rule.program)
        if isinstance(windowed, str):
            return False
        self._plots.extend(Plot(number, at, group, *windowed) for at, group in enumerate(rule.groups))
        return True

    def fences(self, patience: int) -> Fences:
        """The levels of the rules that only a move through a level can change; one set for each state."""
        levels = {symbol: Levels(levels) for symbol, levels in self._levels.items()}
        return Fences(levels, self._plots, len(self._rules), patience)

    def touch(self, touched: Touched, applied: Applied, concerned: Callable[[Runtime], bool]) -> None:
        """Mark what ``applied`` may change, for rules that are ``concerned``."""
        for number, rule, place in self._moved.of(applied.feed, applied.key, applied.field):
            if not concerned(rule):
                continue
            if place is None:
                touched.whole(number, len(rule.groups))
            else:
                touched.lane(number, *place)

    def touch_waiting(self, touched: Touched, applied: Applied) -> None:
        """Mark the rules that tell of overdue data and read what ``applied`` is of."""
        for number, rule, place in self._waiting.of(applied.feed, applied.key, applied.field):
            if place is None:
                touched.whole(number, len(rule.groups))
            else:
                touched.lane(number, *place)


def _moved_by(ref: Ref) -> tuple[str, ...]:
    """The fields whose figures can change ``ref``: a tick of the close moves a running bar's other fields."""
    return (ref.field, "close") if ref.feed == PRICE_FEED and ref.field in RUNNING else (ref.field,)


def _add(numbers: list[int], number: int) -> None:
    if not numbers or numbers[-1] != number:
        numbers.append(number)


def wakes(rule: Runtime, applied: Applied) -> bool:
    """Whether a new figure makes the rule run: never one that the clock drives, else by ``every: new(…)``."""
    if rule.on_clock:
        return False
    trigger = rule.program.trigger
    if trigger is None:
        return True
    return (trigger.feed, trigger.field) == (applied.feed, applied.field) and trigger.key in {"", applied.key}
