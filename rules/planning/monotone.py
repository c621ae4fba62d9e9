"""Which conditions can only change where the latest price of one symbol passes a level, its closed bars given.

Each figure has a shape: bounds of its slope in the price. Float arithmetic rounds monotonically, so a figure built
from steps of one direction never turns back, not by one bit; against another figure that moves too, rounding may turn
the comparison a few bits around the level, and a band there is left to evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from rules.evaluation.frames import Evaluate
from rules.evaluation.history import PRICE_FEED
from rules.evaluation.logic import COMPARISONS
from rules.functions.base import Part, is_behind, is_steady
from rules.language.scope import Ref

CROSSINGS = frozenset({"crosses", "crosses_up", "crosses_down"})
_SPANS = frozenset({"d", "bars", "w", "mo", "y"})
_PERIODS = frozenset({"session", "week", "month", "quarter", "year"})
_LEAST_APART = 0.01
_SLOPES = {
    "sum": (1.0, 1.0),
    "change": (1.0, 1.0),
    "ret": (0.0, inf),
    "max": (0.0, 1.0),
    "min": (0.0, 1.0),
    "drawdown": (0.0, inf),
    "from_high": (-inf, 0.0),
    "is_high": (0.0, inf),
    "is_low": (-inf, 0.0),
}
_TRUTHS = frozenset({"is_high", "is_low"})
_STRICT = {">": (True,), "<=": (True,), ">=": (False,), "<": (False,)}


@dataclass(frozen=True, slots=True)
class Probe:
    """Two figures whose order decides a condition.

    ``strict`` lists the questions that matter: ``left > right`` and, for ``False``, ``left >= right``. ``apart`` is the
    least difference of their slopes where both move and rounding may turn the answer near the level, else 0.
    """

    left: Evaluate
    right: Evaluate
    strict: tuple[bool, ...]
    apart: float = 0.0
    level: float | None = None
    """Where the left one is the price itself and the right one a constant."""


@dataclass(frozen=True, slots=True)
class _Shape:
    low: float
    high: float
    rounds: bool = False
    offset: bool = False
    """Whether something was added to it, so that its size says nothing about its rounding errors."""

    @property
    def still(self) -> bool:
        return self.low == self.high == 0

    @property
    def turns(self) -> bool:
        return self.low < 0 < self.high

    def times(self, factor: float) -> _Shape:
        ends = sorted((self.low * factor, self.high * factor))
        return _Shape(ends[0], ends[1], rounds=True, offset=self.offset)


def price_of_all(part: Part) -> Ref | None:
    """The one close that the condition reads, ``None`` when it reads anything else."""
    refs = part.typed.reads()
    ref = next(iter(refs), None)
    return ref if len(refs) == 1 and ref and (ref.feed, ref.field) == (PRICE_FEED, "close") else None


def probes_of(part: Part, ref: Ref) -> tuple[Probe, ...] | None:
    """What decides the condition while the closed bars of ``ref`` stay, ``None`` if it is not known to be monotone."""
    if part.typed.form == "op" and part.typed.name in {"and", "or", "not"}:
        found = [probes_of(arg, ref) for arg in part.args]
        return None if None in found else tuple(probe for own in found for probe in own or ())
    if part.typed.name in COMPARISONS:
        return _comparison(part, ref)
    if part.name in CROSSINGS and len(part.args) == 2:
        return _compared(part.args[0], part.args[1], ref, (True, False))
    if part.name in _TRUTHS and _shape(part, ref) is not None:
        half = np.array([0.5])
        return (Probe(part.evaluate, lambda _frame: half, (True,)),)
    return None


def _comparison(part: Part, ref: Ref) -> tuple[Probe, ...] | None:
    left, right = part.args
    if left.name == "abs" and right.typed.form == "literal":
        both = (True, False)
        own = _compared(left.args[0], right, ref, both)
        if own is None:
            return None
        return (*own, Probe(left.args[0].evaluate, lambda frame: -right.evaluate(frame), both))
    return _compared(left, right, ref, _STRICT.get(part.typed.name, (True, False)))


def _compared(left: Part, right: Part, ref: Ref, strict: tuple[bool, ...]) -> tuple[Probe, ...] | None:
    one, other = _shape(left, ref), _shape(right, ref)
    if one is None or other is None or one.turns or other.turns:
        return None
    if left.typed.form == "series" and right.typed.form == "literal":
        return (Probe(left.evaluate, right.evaluate, strict, level=right.typed.value),)
    if one.still or other.still:
        return (Probe(left.evaluate, right.evaluate, strict),)
    apart = max(one.low - other.high, other.low - one.high)
    if not (one.rounds or other.rounds) and apart >= 0:
        return (Probe(left.evaluate, right.evaluate, strict),)
    if one.offset or other.offset or not isfinite(apart) or apart < _LEAST_APART:
        return None
    return (Probe(left.evaluate, right.evaluate, strict, apart),)


def _shape(part: Part, ref: Ref) -> _Shape | None:
    form = part.typed.form
    if form == "literal":
        return _Shape(0.0, 0.0)
    if form == "series":
        return _Shape(1.0, 1.0) if part.typed.ref == ref else None
    if form == "op":
        return _of_operation(part, ref)
    return _of_call(part, ref) if form == "call" and not part.has_edges else None


def _of_operation(part: Part, ref: Ref) -> _Shape | None:
    shapes = [_shape(arg, ref) for arg in part.args]
    one, other = shapes[0], shapes[-1]
    if one is None or other is None:
        return None
    if len(shapes) == 1:
        return _Shape(-one.high, -one.low, one.rounds, one.offset) if part.typed.name == "-" else None
    if part.typed.name in {"*", "/"}:
        return _scaled(part, one, other)
    if part.typed.name not in {"+", "-"}:
        return None
    if part.typed.name == "-":
        other = _Shape(-other.high, -other.low)
    turns = one.turns or other.turns or max(one.high, other.high) > 0 > min(one.low, other.low)
    return None if turns else _Shape(one.low + other.low, one.high + other.high, rounds=True, offset=True)


def _scaled(part: Part, one: _Shape, other: _Shape) -> _Shape | None:
    factors = [arg.typed.value if arg.typed.form == "literal" else None for arg in part.args]
    if factors[1]:
        factor = factors[1] if part.typed.name == "*" else 1.0 / factors[1]
        return one.times(factor) if isfinite(factor) else None
    return other.times(factors[0]) if factors[0] and part.typed.name == "*" else None


def _of_call(part: Part, ref: Ref) -> _Shape | None:
    if any(inner.typed.form == "series" and inner.typed.ref != ref for inner in part.walk()):
        return None
    if is_behind(part):
        return _Shape(0.0, 0.0) if is_steady(part) else None
    if part.args[0].typed.form != "series" or not any(arg.typed.window for arg in part.args):
        return None
    window = part.window
    return _of_window(part) if window.unit in _PERIODS or (window.unit in _SPANS and window.count >= 1) else None


def _of_window(part: Part) -> _Shape | None:
    """A window of the price itself."""
    window = part.window
    if part.name in {"mean", "sma"} and window.unit in {"d", "bars"}:
        return _Shape(1.0 / window.count, 1.0 / window.count, rounds=True)
    if part.name == "ema":
        alpha = 2.0 / (window.count + 1)
        return _Shape(alpha, alpha, rounds=True) if window.count > 1 and not window.is_period else None
    bounds = _SLOPES.get(part.name)
    return None if bounds is None else _Shape(*bounds, rounds=part.name not in {"max", "min"})
