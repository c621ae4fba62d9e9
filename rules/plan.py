"""How the engine evaluates each rule: as a level in a price's index, on a clock, or as a vector when inputs move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rules.functions.base import Part
from rules.history import PRICE_FEED
from rules.language.scope import Ref
from rules.listing import is_bounded
from rules.logic import COMPARISONS
from rules.monotone import CROSSINGS, Probe, price_of_all, probes_of
from rules.program import Program
from rules.spec import EachObservation


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
        why = "monotone in one price: its levels follow from the closed bars"
        return Plan(program.spec.id, "level", why, reads, lanes, windowed[0].key)
    ref, level = found
    return Plan(program.spec.id, "level", "one price against a constant", reads, lanes, ref.key, level)


def level_of(program: Program) -> tuple[Ref, float] | str:
    """The price and the level of a rule that only a move through a level can change, else why it has none."""
    if program.members is not None:
        return "it has members"
    return _tied(program) or _level(program.when)


def windowed_of(program: Program) -> tuple[Ref, tuple[Probe, ...]] | str:
    """The price whose levels follow from its closed bars, and what decides the rule there, else why there is none."""
    tied, ref = _tied(program), price_of_all(program.when)
    if tied or ref is None:
        return tied or "it reads more than the close of one symbol"
    probes = probes_of(program.when, ref)
    if probes is None:
        return "its condition is not known to be monotone in the price"
    return ref, probes


def _tied(program: Program) -> str:
    """What a rule depends on besides its condition, ``""`` for nothing."""
    if any(is_bounded(member) for member in program.members or ()):
        return "some of its members come or go on a date"
    if not isinstance(program.spec.every, EachObservation):
        return "it waits for new(…)"
    policy = program.policy
    timers = (policy.for_, policy.keep_for, policy.cooldown)
    if policy.once_per or policy.rearm or policy.expires is not None or not all(span.is_zero for span in timers):
        return "it depends on keys, rearm or time as well"
    if policy.on_missing.action != "hold" or program.clear is not None:
        return "it has a clear or an on_missing of its own"
    return ""


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
