"""Arithmetic that never raises and logic with three values, on float64 arrays: NaN is unknown, true is 1, false 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rules.evaluation.history import Floats

Mask = NDArray[np.bool_]
Operation = Callable[[Floats, Floats], Floats]


_ZEROS = np.zeros(8192)


def has_no_nan(values: Floats) -> bool:
    """Whether every value is known and finite. A product with zeros is the cheapest such test, and cannot overflow.

    It stays short: a longer one is spread over processors, which a backtest uses already.
    """
    flat = values.ravel()
    if len(flat) > len(_ZEROS):
        return bool(np.isfinite(flat).all())
    return bool(flat.dot(_ZEROS[: len(flat)]) == 0)


def finite(values: Floats) -> Floats:
    """``values`` with what overflowed made unknown."""
    if has_no_nan(values):
        return values
    infinite = np.isinf(values)
    return np.where(infinite, np.nan, values) if infinite.any() else values


def truth(answer: Mask, left: Floats, right: Floats) -> Floats:
    """An answer about two sides as 1 and 0, unknown where one of them is."""
    found: Floats = answer.astype(np.float64)
    if has_no_nan(left) and has_no_nan(right):
        return found
    return marked(found, np.isnan(left) | np.isnan(right), np.nan)


def marked(values: Floats, where: Mask, value: float) -> Floats:
    """``values``, which nobody else holds, with ``value`` put in ``where``."""
    if where.any():
        np.copyto(values, value, where=where)
    return values


def both(left: Floats, right: Floats) -> Floats:
    """Kleene's and: false if either is false, whatever the other."""
    found = left * right
    return marked(found, np.isnan(found) & ((left == 0) | (right == 0)), 0.0)


def either(left: Floats, right: Floats) -> Floats:
    """Kleene's or: true if either is true, whatever the other."""
    found: Floats = np.maximum(left, right)
    return marked(found, np.isnan(found) & ((left == 1) | (right == 1)), 1.0)


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
