"""The route tree: which destinations a transition goes to, and with which options. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase

from rules.model import Transition
from rules.spec import RuleSpec
from rules.universe import Universe

Facts = Mapping[str, frozenset[str]]
"""What is known of a transition: ``rule``, ``severity``, ``kind``, ``tag``, ``symbol``, ``list`` and its own labels."""


def facts_of(transition: Transition, universe: Universe) -> Facts:
    """The facts that routes, inhibitions and ``routes test`` match on; ``list`` holds the symbol's universe lists."""
    labels = {name: frozenset({value}) for name, value in transition.labels.items()}
    instrument = universe.by_symbol.get(transition.labels.get("symbol", ""))
    return {
        **labels,
        "rule": frozenset({transition.rule}),
        "severity": frozenset({transition.severity.value}),
        "kind": frozenset({transition.kind.value}),
        "tag": frozenset(transition.tags),
        "list": frozenset(instrument.tags if instrument else ()),
    }


@dataclass(frozen=True, slots=True)
class Matcher:
    """Patterns by fact. A pattern may hold ``*`` and ``?``; one that begins with ``!`` must not match.

    A fact matches when one of its values matches one of the patterns and none matches a negated one; all facts that are
    named must match. No patterns match everything.
    """

    patterns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def matches(self, facts: Facts) -> bool:
        """Whether every fact that is named here matches."""
        return all(_matches(facts.get(name, frozenset()), wanted) for name, wanted in self.patterns.items())

    def __str__(self) -> str:
        return " ".join(f"{name}={','.join(wanted)}" for name, wanted in self.patterns.items()) or "everything"


def _matches(values: frozenset[str], patterns: Sequence[str]) -> bool:
    refused = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    if any(fnmatchcase(value, pattern) for value in values for pattern in refused):
        return False
    return not wanted or any(fnmatchcase(value, pattern) for value in values for pattern in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a route sends.

    ``group_by`` names facts, ``None`` leaves it to the rule. The first notice of a group waits ``group_wait`` for
    company, later ones come no closer than ``group_interval``. ``repeat`` is ``None`` for never.
    """

    group_by: tuple[str, ...] | None = None
    group_wait: timedelta = timedelta()
    group_interval: timedelta = timedelta()
    repeat: timedelta | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One destination of a transition, and why it is one: the ``path`` of matchers, or the subscription."""

    destination: str
    options: Options
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A node of the tree, with the options that it inherited already filled in."""

    matcher: Matcher = field(default_factory=Matcher)
    to: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    goes_on: bool = False
    """``continue``: the siblings that follow are asked as well."""
    routes: tuple[Route, ...] = ()

    def match(self, facts: Facts, path: str = "") -> Iterator[Target]:
        """The targets, depth first: the children that match, or this node where none does."""
        if not self.matcher.matches(facts):
            return
        here = f"{path} > {self.matcher}" if path else str(self.matcher)
        found = False
        for child in self.routes:
            if child.matcher.matches(facts):
                found = True
                yield from child.match(facts, here)
                if not child.goes_on:
                    break
        if not found:
            yield from (Target(destination, self.options, here) for destination in self.to)


def targets(root: Route, facts: Facts) -> Sequence[Target]:
    """Where the facts lead, each destination once: the first route that names it decides how."""
    by_destination: dict[str, Target] = {}
    for target in root.match(facts):
        by_destination.setdefault(target.destination, target)
    return tuple(by_destination.values())


def facts_from(words: Sequence[str], universe: Universe, rules: Sequence[RuleSpec] = ()) -> Facts:
    """The facts of ``NAME=VALUE`` words, a name repeated for several values.

    A symbol brings its lists along, and a rule of ``rules`` the severity and tags that aren't given. Raise
    ``ValueError`` for any other word.
    """
    facts: dict[str, frozenset[str]] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ValueError(f"{word!r} is not a fact; wanted NAME=VALUE such as severity=critical")
        facts[name] = facts.get(name, frozenset()) | {value}
    known = (universe.by_symbol.get(symbol) for symbol in facts.get("symbol", ()))
    lists = frozenset(tag for instrument in known if instrument for tag in instrument.tags)
    meant = [rule for rule in rules if rule.id in facts.get("rule", ())]
    implied = {
        "severity": frozenset(rule.severity.value for rule in meant),
        "tag": frozenset(tag for rule in meant for tag in rule.tags),
    }
    return {**{name: values for name, values in implied.items() if values}, **facts,
            "list": facts.get("list", frozenset()) | lists}  # fmt: skip


def options_text(options: Options) -> str:
    """The options that differ from the defaults, as the settings write them."""
    waits = ("group_wait", "group_interval", "repeat")
    lengths = [(name, getattr(options, name)) for name in waits]
    return " ".join(
        [
            *([f"group_by={','.join(options.group_by)}"] if options.group_by is not None else []),
            *(f"{name}={length_text(length)}" for name, length in lengths if length),
            *(["silent"] if options.silent else []),
        ]
    )


def length_text(length: timedelta) -> str:
    """``30s``, ``5m``, ``4h``, ``1d``: as the settings write it."""
    seconds = int(length.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
