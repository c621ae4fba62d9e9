"""Functions over a list: each member in turn is ``it``.

``any`` and ``all`` follow three-valued logic. The others speak of the members that are known, and are unknown when more
than half of the list is: a newly listed member must not silence a rule, a feed that is down must.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rules.evaluation.frames import Evaluate, Frame
from rules.evaluation.history import Floats
from rules.functions.base import Builder, Part, unknown
from rules.functions.returns import ret
from rules.language.scope import Ref
from rules.language.tree import Name
from rules.universe import Instrument

Reduce = Callable[[Floats], Floats]


def _over(part: Part, reduce: Reduce) -> Evaluate:
    symbols, inner = _symbols(part.args[0]), part.args[1]
    return lambda frame: reduce(by_member(frame, symbols, inner.evaluate))


def _symbols(part: Part) -> tuple[str, ...]:
    return tuple(item.symbol for item in part.typed.members)


def by_member(frame: Frame, symbols: tuple[str, ...], evaluate: Evaluate) -> Floats:
    """The value of each member: a row a member, a column a lane of ``frame``."""
    rows: list[Floats] = []
    for inner in frame.over(symbols):
        values = evaluate(inner)
        count = 1 if inner.members is None else len(inner.members.symbols)
        if count > 1 or inner.lanes == 1:
            rows.append(np.broadcast_to(values, (count,))[:, None])
        else:
            rows.append(np.broadcast_to(values, (inner.lanes,))[None, :])
    return np.vstack(rows)


def by_calendar(frame: Frame, members: tuple[Instrument, ...]) -> list[str]:
    """The symbols in the order of the rows of ``by_member``."""
    inner = frame.shared.over(tuple(item.symbol for item in members))
    return [symbol for own in inner if own.members is not None for symbol in own.members.symbols]


def _any(values: Floats) -> Floats:
    return np.where((values == 1).any(axis=0), 1.0, np.where(np.isnan(values).any(axis=0), np.nan, 0.0))


def _all(values: Floats) -> Floats:
    return np.where((values == 0).any(axis=0), 0.0, np.where(np.isnan(values).any(axis=0), np.nan, 1.0))


def _mostly(values: Floats, result: Floats) -> Floats:
    return np.where(2 * np.isnan(values).sum(axis=0) > len(values), np.nan, result)


def _count(values: Floats) -> Floats:
    return _mostly(values, (values == 1).sum(axis=0).astype(np.float64))


def _top(values: Floats) -> Floats:
    return _mostly(values, np.max(np.where(np.isnan(values), -np.inf, values), axis=0))


def _mean(values: Floats) -> Floats:
    total = np.zeros(values.shape[1:])
    for row in np.where(np.isnan(values), 0.0, values):
        total = total + row
    with np.errstate(all="ignore"):
        return _mostly(values, total / (~np.isnan(values)).sum(axis=0))


def rank(part: Part) -> Evaluate:
    """``rank(x, set, w)``: 1 plus the number of members with a higher return."""
    x, members, window = part.args
    own = ret(Part(part.typed, (x, window), unknown, part.owner))
    it = replace(x.typed, node=Name("it"), ref=Ref("prices", "", "close", ""), key="prices.it.close")
    each = Part(it, (), lambda frame: frame.value(Ref("prices", "", "close", "")), part.owner)
    theirs = ret(Part(part.typed, (each, window), unknown, part.owner))
    symbols = _symbols(members)

    def evaluate(frame: Frame) -> Floats:
        mine = own(frame)
        rows = by_member(frame.shared, symbols, theirs)
        above = _mostly(rows, (rows > mine[None, :]).sum(axis=0).astype(np.float64))
        return np.where(np.isnan(mine), np.nan, above + 1.0)

    return evaluate


BUILDERS: dict[str, Builder] = {
    "any": lambda part: _over(part, _any),
    "all": lambda part: _over(part, _all),
    "count_of": lambda part: _over(part, _count),
    "top": lambda part: _over(part, _top),
    "mean_of": lambda part: _over(part, _mean),
    "rank": rank,
}
