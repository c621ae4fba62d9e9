"""Where a rule stands at an instant: the value of each comparison, its threshold and how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from rules.calendars.axis import Axis, micros
from rules.calendars.sessions import Calendars
from rules.evaluation.frames import NowFrame
from rules.evaluation.history import History
from rules.evaluation.logic import COMPARISONS
from rules.evaluation.program import Program
from rules.evaluation.runtime import Group, Memory, Runtime
from rules.explaining.explain import Lane, unit_beside, written
from rules.functions.base import Part
from rules.language.scope import Ref
from rules.language.tree import Binary, Call

_CROSSINGS = frozenset({"crosses", "crosses_up", "crosses_down"})


@dataclass(frozen=True, slots=True)
class Standing:
    """One member of a rule, or the whole rule where it has none.

    ``holds`` is ``None`` while the condition is unknown. ``value`` and ``threshold`` are the two sides of the
    comparison that is farthest from what the condition needs, in ``unit``; ``distance`` is how far the value must still
    move: a fraction of a price or an amount, a difference of fractions for percentages, ``None`` without a comparison.
    """

    rule: str
    symbol: str
    holds: bool | None
    clause: str
    value: float | None
    threshold: float | None
    unit: str
    distance: float | None
    series: tuple[str, ...] = ()
    """The full names of what the value is made of."""


def standings(program: Program, history: History, calendars: Calendars, now: datetime) -> tuple[Standing, ...]:
    """Evaluate every member of ``program`` over ``history``, which must hold what it reads."""
    axes: Mapping[str, Axis] = _Axes(calendars)
    runtime = Runtime(program, axes)
    return tuple(found for group in runtime.groups for found in _of_group(group, program, history, now))


class _Axes(dict[str, Axis]):
    """Axes by calendar, made when first asked for."""

    def __init__(self, calendars: Calendars) -> None:
        super().__init__()
        self._calendars = calendars

    def __missing__(self, name: str) -> Axis:
        found = self[name] = Axis(self._calendars.get(name))
        return found


def _of_group(group: Group, program: Program, history: History, now: datetime) -> Iterator[Standing]:
    instant = np.array([micros(now)])
    frame = group.frame(NowFrame(history, instant, 1), Memory(group.size), None)
    truth = np.broadcast_to(program.when.evaluate(frame), (group.size,))
    for number in range(group.size):
        member = group.instruments[number] if group.instruments else None
        lane = Lane(frame, number, now, member)
        yield _standing(lane, program, member.symbol if member else "", float(truth[number]))


def _standing(lane: Lane, program: Program, symbol: str, truth: float) -> Standing:
    part, distance = _farthest(lane, program.when)
    left, right = _sides(part) or (None, None)
    return Standing(
        rule=program.spec.id,
        symbol=symbol,
        holds=None if math.isnan(truth) else bool(truth),
        clause=written(part),
        value=_known(lane.value(left)) if left else None,
        threshold=_known(lane.value(right)) if right else None,
        unit=unit_beside(part, left) if left else "",
        distance=distance,
        series=tuple(lane.series(ref) for ref in _refs(left)) if left else (),
    )


def _refs(part: Part) -> list[Ref]:
    return [inner.typed.ref for inner in part.walk() if inner.typed.ref is not None]


def _farthest(lane: Lane, part: Part) -> tuple[Part, float | None]:
    """The comparison that decides how near ``part`` is: the farthest of an ``and``, the nearest of an ``or``."""
    node = part.typed.node
    if isinstance(node, Binary) and node.op in {"and", "or"}:
        found = [_farthest(lane, arg) for arg in part.args]
        measured = [pair for pair in found if pair[1] is not None]
        blocked = [pair for pair in found if pair[1] is None and lane.value(pair[0]) != 1]
        if not measured or (node.op == "and" and blocked):
            return (blocked or found)[0]
        pick = max if node.op == "and" else min
        return pick(measured, key=lambda pair: pair[1] or 0.0)
    return part, _distance(lane, part)


def _sides(part: Part) -> tuple[Part, Part] | None:
    node = part.typed.node
    compares = isinstance(node, Binary) and node.op in COMPARISONS
    crosses = isinstance(node, Call) and node.function in _CROSSINGS
    if not (compares or crosses) or len(part.args) < 2:
        return None
    left, right = part.args[0], part.args[1]
    if left.typed.form == "literal":
        left, right = right, left
    # A bar's high is measured from where the price is now: that is what must still move.
    return (left.args[0] if left.name in {"high", "low"} else left), right


def _distance(lane: Lane, part: Part) -> float | None:
    sides = _sides(part)
    if sides is None:
        return None
    if part.typed.form == "op" and lane.value(part) == 1:
        return 0.0
    value, threshold = lane.value(sides[0]), lane.value(sides[1])
    gap = abs(threshold - value)
    if sides[0].typed.unit.partition(":")[0] in {"price", "money"}:
        gap = gap / abs(value) if value else math.nan
    return _known(gap)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
