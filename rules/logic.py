"""Arithmetic that never raises and logic with three values, on float64 arrays: NaN is unknown, true is 1, false 0."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rules.history import Floats

Operation = Callable[[Floats, Floats], Floats]


@lru_cache(maxsize=64)
def _zeros(length: int) -> Floats:
    return np.zeros(length)


def has_no_nan(values: Floats) -> bool:
    """Whether every value is known and finite. A product with zeros is the cheapest such test, and cannot overflow."""
    flat = values.ravel()
    return bool(flat.dot(_zeros(len(flat))) == 0)


def finite(values: Floats) -> Floats:
    """``values`` with what overflowed made unknown."""
    if has_no_nan(values):
        return values
    return np.where(np.isfinite(values), values, np.nan)


def truth(answer: NDArray[np.bool_], left: Floats, right: Floats) -> Floats:
    """An answer about two sides as 1 and 0, unknown where one of them is."""
    found: Floats = answer.astype(np.float64)
    if not (has_no_nan(left) and has_no_nan(right)):
        found[np.isnan(left) | np.isnan(right)] = np.nan
    return found


def where(condition: NDArray[np.bool_], values: Floats, other: float) -> Floats:
    """``np.where``, which is not asked when the condition holds everywhere."""
    return values if condition.all() else np.where(condition, values, other)


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
        return truth(operation(left, right), left, right)

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
