"""Typed trees to closures: a closure takes a frame and gives one value a lane, equal meanings once a frame."""

from __future__ import annotations

import numpy as np

from rules.evaluation.frames import Evaluate, Frame
from rules.evaluation.history import Floats
from rules.evaluation.logic import OPERATIONS, negated
from rules.functions import BUILDERS
from rules.functions.base import Part, unknown
from rules.functions.behind import kept_behind
from rules.language.typed import Typed


def compile_typed(typed: Typed, owner: str, source: str = "") -> Part:
    """Compile a tree without errors. ``owner`` (rule and clause) keeps the memory of its edges apart from others'."""
    args = tuple(compile_typed(arg, owner, source) for arg in typed.args)
    part = Part(typed, args, unknown, owner, source)
    part.evaluate = _memoised(kept_behind(part, _evaluator(part)), part)
    return part


def _evaluator(part: Part) -> Evaluate:
    typed = part.typed
    if typed.form == "literal":
        constant = np.array([typed.value])
        return lambda _frame: constant
    if typed.form == "series" and typed.ref is not None:
        ref = typed.ref
        return lambda frame: frame.value(ref)
    if typed.form == "op":
        return _operation(part)
    if typed.form == "call":
        return BUILDERS[typed.name](part)
    return lambda _frame: np.array([np.nan])


def _operation(part: Part) -> Evaluate:
    op = part.typed.name
    if len(part.args) == 1:
        operand = part.args[0].evaluate
        if op == "not":
            return lambda frame: negated(operand(frame))
        return lambda frame: -operand(frame)
    run, left, right = OPERATIONS[op], part.args[0].evaluate, part.args[1].evaluate
    return lambda frame: run(left(frame), right(frame))


def _memoised(evaluate: Evaluate, part: Part) -> Evaluate:
    if part.typed.form == "literal":
        return evaluate
    key = f"{part.owner}:{part.typed.key}" if part.has_edges else part.typed.key
    if part.uses_it or part.has_edges:

        def own(frame: Frame) -> Floats:
            found = frame.memo.get(key)
            if found is None:
                found = frame.memo[key] = evaluate(frame)
            return found

        return own

    def shared(frame: Frame) -> Floats:
        frame = frame.shared
        found = frame.memo.get(key)
        if found is None:
            found = frame.memo[key] = evaluate(frame)
        return found

    return shared
