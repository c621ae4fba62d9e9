"""Arithmetic that never raises and logic with three values, on float64 arrays: NaN is unknown, true is 1, false 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.history import Floats

Operation = Callable[[Floats, Floats], Floats]


def finite(values: Floats) -> Floats:
    """``values`` with what overflowed made unknown."""
    known = np.isfinite(values)
    return values if known.all() else np.where(known, values, np.nan)


def both(left: Floats, right: Floats) -> Floats:
    """Kleene's and: false if either is false, whatever the other."""
    return np.where((left == 0) | (right == 0), 0.0, left * right)


def either(left: Floats, right: Floats) -> Floats:
    """Kleene's or: true if either is true, whatever the other."""
    return np.where((left == 1) | (right == 1), 1.0, left + right)


def negated(value: Floats) -> Floats:
    """Not; unknown stays unknown."""
    return 1.0 - value


def _arithmetic(operation: np.ufunc) -> Operation:
    def run(left: Floats, right: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return finite(operation(left, right))

    return run


def _comparison(operation: np.ufunc) -> Operation:
    def run(left: Floats, right: Floats) -> Floats:
        unknown = np.isnan(left) | np.isnan(right)
        found: Floats = operation(left, right).astype(np.float64)
        if unknown.any():
            found[unknown] = np.nan
        return found

    return run


OPERATIONS: dict[str, Operation] = {
    "+": _arithmetic(np.add),
    "-": _arithmetic(np.subtract),
    "*": _arithmetic(np.multiply),
    "/": _arithmetic(np.divide),
    "<": _comparison(np.less),
    "<=": _comparison(np.less_equal),
    ">": _comparison(np.greater),
    ">=": _comparison(np.greater_equal),
    "==": _comparison(np.equal),
    "!=": _comparison(np.not_equal),
    "and": both,
    "or": either,
}
COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
