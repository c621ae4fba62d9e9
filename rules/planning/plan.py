"""How the engine evaluates each rule: as a level in a price's index, on a clock, or as a vector when inputs move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rules.evaluation.history import PRICE_FEED
from rules.evaluation.listing import is_bounded
from rules.evaluation.logic import COMPARISONS
from rules.evaluation.program import Program
from rules.functions.base import Part
from rules.language.scope import Ref
from rules.lifecycle import Policy
from rules.planning.monotone import CROSSINGS, Probe, price_of_all, probes_of
from rules.spec import EachObservation, NewObservation


@dataclass(frozen=True, slots=True)
class Plan:
    """The engine's choice for a rule, and why; ``reads`` names its series, ``level`` is set where it is a constant."""

    rule: str
    how: Literal["level", "clock", "vector"]
    why: str
    reads: tuple[str, ...]
    lanes: int
    symbol: str = ""
    level: float | None = None


def plan(program: Program, *, on_clock: bool, planned: bool = True) -> Plan:
    """Choose for one rule."""
    reads = tuple(sorted(str(ref) for ref in program.refs))
    lanes = 1 if program.members is None else len(program.members)
    if on_clock:
        return Plan(program.spec.id, "clock", "its own clock strikes", reads, lanes)
    if not planned:
        return Plan(program.spec.id, "vector", "levels are switched off", reads, lanes)
    found = level_of(program)
    if isinstance(found, str):
        windowed = windowed_of(program)
        if isinstance(windowed, str):
            return Plan(program.spec.id, "vector", windowed, reads, lanes)
        timed = program.policy != _plain(program) or program.period
        why = "monotone in one price: its levels follow from the closed bars" + (
            ", its timers are known" if timed else ""
        )
        return Plan(program.spec.id, "level", why, reads, lanes, windowed[0].key)
    ref, level = found
    return Plan(program.spec.id, "level", "one price against a constant", reads, lanes, ref.key, level)


def level_of(program: Program) -> tuple[Ref, float] | str:
    """The price and the level of a rule that only a move through a level can change, else why it has none."""
    if program.members is not None:
        return "it has members"
    if program.policy != _plain(program) or program.clear is not None or program.spec.every != EachObservation():
        return "it depends on more than its condition"
    return _level(program.when)


def windowed_of(program: Program) -> tuple[Ref, tuple[Probe, ...]] | str:
    """The price whose levels follow from its closed bars, and what decides the rule there, else why there is none.

    ``clear`` and ``rearm`` have levels too; timers, keys and periods say themselves when to look again.
    """
    if any(is_bounded(member) for member in program.members or ()):
        return "some of its members come or go on a date"
    parts = [part for part in (program.when, program.clear, program.rearm) if part is not None]
    ref = price_of_all(program.when)
    if ref is None or any(part.typed.reads() - {ref} for part in parts):
        return "it reads more than the close of one symbol"
    if program.trigger not in {None, ref} or not isinstance(program.spec.every, EachObservation | NewObservation):
        return "it waits for new(…)"
    found = [probes_of(part, ref) for part in parts]
    probes = [probe for own in found for probe in own or ()]
    if None in found:
        return "its conditions are not known to be monotone in the price"
    return ref, tuple(probes)


def _plain(program: Program) -> Policy:
    """The policy of a rule without timers, keys and limits."""
    return Policy(momentary=program.policy.momentary)


def _level(part: Part) -> tuple[Ref, float] | str:
    if part.typed.name not in COMPARISONS and part.name not in CROSSINGS:
        return "its condition is no single comparison"
    sides = [part.args[0], part.args[1]]
    literals = [side for side in sides if side.typed.form == "literal"]
    prices = [side for side in sides if side.typed.form == "series"]
    if len(literals) != 1 or len(prices) != 1:
        return "it does not compare one series with a constant"
    ref = prices[0].typed.ref
    if ref is None or ref.feed != PRICE_FEED or ref.field != "close":
        return "what it compares is no price"
    return ref, literals[0].typed.value


__all__ = ["Plan", "level_of", "plan", "windowed_of"]
