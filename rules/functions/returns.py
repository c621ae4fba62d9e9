"""Values now and then: fields of a bar, earlier values, changes and returns."""

from __future__ import annotations

import numpy as np

from rules.evaluation.frames import Evaluate, Frame
from rules.evaluation.history import Floats
from rules.evaluation.logic import OPERATIONS, finite, marked
from rules.functions.base import Builder, Part, base_of, unknown


def field_of(part: Part) -> Evaluate:
    """``open high low close volume (x)``."""
    ref = part.args[0].typed.ref
    if ref is None:
        return unknown
    own = ref.with_field(part.name)
    return lambda frame: frame.value(own)


def prev(part: Part) -> Evaluate:
    """``prev(x, n)``."""
    x, anchor, window = part.args[0], part.args[0].anchor, part.window
    if anchor is None:
        return unknown
    if window.count == 0:
        return x.evaluate
    return lambda frame: base_of(x, frame, anchor, window)


def _against_start(part: Part, operation: str) -> Evaluate:
    x, anchor, window = part.args[0], part.args[0].anchor, part.window
    if anchor is None:
        return unknown
    run = OPERATIONS[operation]

    def evaluate(frame: Frame) -> Floats:
        return run(x.evaluate(frame), base_of(x, frame, anchor, window))

    return evaluate


def change(part: Part) -> Evaluate:
    """``change(x, w)``: the difference."""
    return _against_start(part, "-")


def ret(part: Part) -> Evaluate:
    """``ret(x, w)``: newest / start - 1; unknown unless the start is above 0."""
    x, anchor, window = part.args[0], part.args[0].anchor, part.window
    if anchor is None:
        return unknown

    def evaluate(frame: Frame) -> Floats:
        base = base_of(x, frame, anchor, window)
        with np.errstate(all="ignore"):
            found: Floats = x.evaluate(frame) / base - 1.0
        return finite(marked(found, base <= 0, np.nan))

    return evaluate


def rel(part: Part) -> Evaluate:
    """``rel(a, b, w)``: the return of a minus the return of b."""
    one, other = (_return_of(part, side) for side in (0, 1))
    minus = OPERATIONS["-"]
    return lambda frame: minus(one(frame), other(frame))


def _return_of(part: Part, side: int) -> Evaluate:
    x, window = part.args[side], part.args[2]
    own = Part(part.typed, (x, window), unknown, part.owner)
    evaluate = ret(own)
    key = f"ret({x.typed.key}, {window.typed.key})"
    uses_it = x.uses_it

    def memoised(frame: Frame) -> Floats:
        frame = frame if uses_it else frame.shared
        found = frame.memo.get(key)
        if found is None:
            found = frame.memo[key] = evaluate(frame)
        return found

    return memoised


def ratio(part: Part) -> Evaluate:
    """``ratio(a, b)``."""
    left, right, divide = part.args[0].evaluate, part.args[1].evaluate, OPERATIONS["/"]
    return lambda frame: divide(left(frame), right(frame))


BUILDERS: dict[str, Builder] = {
    **dict.fromkeys(("open", "high", "low", "close", "volume"), field_of),
    "prev": prev,
    "change": change,
    "ret": ret,
    "rel": rel,
    "ratio": ratio,
}
