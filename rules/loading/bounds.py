"""Conditions as intervals of the figures in them: what can never hold, and what always does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rules.language.tree import Node
from rules.language.typed import Typed

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


@dataclass(frozen=True, slots=True)
class Bound:
    """An interval of one figure."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = True
    open_high: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether no number lies in it."""
        return self.low > self.high or (self.low == self.high and (self.open_low or self.open_high))

    def meet(self, other: Bound) -> Bound:
        """What lies in both."""
        low, open_low = max((self.low, self.open_low), (other.low, other.open_low))
        high, closed = min((self.high, not self.open_high), (other.high, not other.open_high))
        return Bound(low, high, open_low, not closed)

    def covers(self, other: Bound) -> bool:
        """Whether all that lies in ``other``, which is not everything, lies in this one."""
        return other != Bound() and self.meet(other) == other

    def __str__(self) -> str:
        low = "" if self.low == -math.inf else f"{'>' if self.open_low else '>='} {self.low:g}"
        high = "" if self.high == math.inf else f"{'<' if self.open_high else '<='} {self.high:g}"
        return " and ".join(side for side in (low, high) if side) or "anything"


_RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("abs", "std", "from_high", "volume", "age", "atr", "to_close"), (0.0, math.inf)),
    "drawdown": (-math.inf, 0.0),
    "rsi": (0.0, 100.0),
    "pctrank": (0.0, 1.0),
    "corr": (-1.0, 1.0),
    "sign": (-1.0, 1.0),
    "streak": (0.0, 250.0),
}
_COUNTED: dict[str, Callable[[Typed], tuple[float, float]]] = {
    "count": lambda call: (0.0, float(call.args[1].window.sessions) if call.args[1].window else math.inf),
    "count_of": lambda call: (0.0, float(len(call.args[0].members))),
    "rank": lambda call: (1.0, float(len(call.args[1].members)) + 1.0),
}


def range_of(figure: Typed) -> Bound:
    """The values that a figure can have."""
    if figure.form != "call":
        return Bound()
    counted = _COUNTED.get(figure.name)
    low, high = counted(figure) if counted else _RANGES.get(figure.name, (-math.inf, math.inf))
    return Bound(low, high, open_low=low == -math.inf, open_high=high == math.inf)


def bounds_of(typed: Typed) -> dict[str, Bound] | None:
    """The interval of each figure in a conjunction of comparisons with numbers; ``None`` for any other condition."""
    op = getattr(typed.node, "op", "")
    if typed.form == "op" and op == "and":
        ours, theirs = bounds_of(typed.args[0]), bounds_of(typed.args[1])
        return None if ours is None or theirs is None else _met(ours, theirs)
    found = _comparison(typed)
    return None if found is None else {found[0].key: found[1].meet(range_of(found[0]))}


def _met(ours: dict[str, Bound], theirs: dict[str, Bound]) -> dict[str, Bound]:
    return {key: ours.get(key, Bound()).meet(theirs.get(key, Bound())) for key in {**ours, **theirs}}


def oddities(typed: Typed) -> Iterator[tuple[Node, str, str]]:
    """Where a condition, or a branch of it, can never or must always hold: node, code and what is wrong."""
    op = getattr(typed.node, "op", "") if typed.form == "op" else ""
    if op == "or":
        for branch in typed.args:
            yield from oddities(branch)
        return
    compared = [(inner, found) for inner in _conjuncts(typed) if (found := _comparison(inner)) is not None]
    whole: dict[str, Bound] = {}
    for _, (figure, bound) in compared:
        known = range_of(figure)
        whole[figure.key] = whole.get(figure.key, known).meet(bound)
        if whole[figure.key].is_empty:
            always = "no value satisfies it" if known == Bound() else f"it is always {known}"
            yield typed.node, "never", f"can never hold for {figure.node}: {always}"
            return
    for inner, (figure, bound) in compared:
        if bound.covers(range_of(figure)):
            yield inner.node, "always", f"always holds: {figure.node} is always {range_of(figure)}"


def _conjuncts(typed: Typed) -> Iterator[Typed]:
    if typed.form == "op" and getattr(typed.node, "op", "") == "and":
        for arg in typed.args:
            yield from _conjuncts(arg)
    else:
        yield typed


def _comparison(typed: Typed) -> tuple[Typed, Bound] | None:
    """A figure and the interval that a comparison with a number leaves it."""
    op = getattr(typed.node, "op", "")
    if typed.form != "op" or len(typed.args) != 2:
        return None
    left, right = typed.args
    for figure, number, flip in ((left, _number(right), False), (right, _number(left), True)):
        if number is not None and _number(figure) is None:
            made = _interval(_FLIPPED.get(op, "") if flip else op, number)
            return None if made is None else (figure, made)
    return None


def _number(typed: Typed) -> float | None:
    if typed.form == "literal":
        return typed.value
    if typed.form == "op" and len(typed.args) == 1 and typed.args[0].form == "literal" and not typed.is_condition:
        return -typed.args[0].value
    return None


def _interval(op: str, number: float) -> Bound | None:
    return {
        "<": Bound(high=number),
        "<=": Bound(high=number, open_high=False),
        ">": Bound(low=number),
        ">=": Bound(low=number, open_low=False),
        "==": Bound(number, number, open_low=False, open_high=False),
    }.get(op)
