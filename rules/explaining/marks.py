"""Where a rule triggers and where it is over or arms again, as figures that a chart can draw.

They are written into a transition's options when it happens, so that a picture drawn later shows the rule as it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rules.calendars.axis import instant
from rules.evaluation.logic import COMPARISONS
from rules.evaluation.program import Program
from rules.explaining.explain import Lane, decider_of, left_of
from rules.functions.base import Part, start_of
from rules.language.scope import Ref

_PREFIX = "mark."
_FIELDS = frozenset({"open", "high", "low"})
_CROSSINGS = frozenset({"crosses", "crosses_up", "crosses_down"})

Shape = Literal["level", "return", "spread"]
"""A figure itself, a change of one series since ``base``, or the change of one less that of another since ``base``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a rule's numbers mean on a chart.

    ``series`` are full names (two for a spread). ``trigger`` and ``until`` (where the alert is over, or may fire again)
    are in the unit of the figure: the series' own for a level, a fraction for a return or a spread. ``base`` is the
    close that a change is measured from, in UTC.
    """

    shape: Shape
    series: tuple[str, ...]
    trigger: float | None = None
    until: tuple[float, ...] = ()
    rearms: bool = False
    """Whether ``until`` is where the alert may fire again, and not where it is over."""
    base: datetime | None = None

    def options(self) -> Mapping[str, str]:
        """The marks as options of a transition."""
        found = {"shape": self.shape, "series": " ".join(self.series)}
        if self.trigger is not None:
            found["trigger"] = repr(self.trigger)
        if self.until:
            found["rearm" if self.rearms else "clear"] = " ".join(map(repr, self.until))
        if self.base is not None:
            found["base"] = self.base.isoformat()
        return {_PREFIX + name: text for name, text in found.items()}


def marks_of(options: Mapping[str, str]) -> Marks | None:
    """The marks that a transition carries; ``None`` where it has none, or ones that can't be read."""
    found = {name.removeprefix(_PREFIX): text for name, text in options.items() if name.startswith(_PREFIX)}
    shapes: dict[str, Shape] = {"level": "level", "return": "return", "spread": "spread"}
    if found.get("shape") not in shapes:
        return None
    until = found.get("rearm") or found.get("clear") or ""
    try:
        return Marks(
            shape=shapes[found["shape"]],
            series=tuple(found.get("series", "").split()),
            trigger=float(found["trigger"]) if "trigger" in found else None,
            until=tuple(float(level) for level in until.split()),
            rearms="rearm" in found,
            base=datetime.fromisoformat(found["base"]) if "base" in found else None,
        )
    except ValueError:
        return None


def find_marks(lane: Lane, program: Program, part: Part) -> Marks | None:
    """The marks of the clause that decided ``part`` in ``lane``; ``None`` where a chart has no place for it."""
    decider = decider_of(lane, part)
    left = left_of(decider)
    if left is None:
        return None
    shape = _shape(left)
    if shape is None:
        return None
    threshold = _literal(decider)
    signed = threshold is not None and _is_abs(decider)
    sign = math.copysign(1.0, lane.value(left)) if signed else 1.0
    until = sorted(sign * level for level in _levels(program.clear, left)) if program.clear else []
    rearm = sorted(_levels(program.rearm, left)) if program.rearm else []
    return Marks(
        shape=shape,
        series=tuple(lane.series(ref) for ref in _refs(left)),
        trigger=sign * threshold if threshold is not None else None,
        until=tuple(rearm or until),
        rearms=bool(rearm),
        base=_base(lane, left) if shape != "level" else None,
    )


def _refs(left: Part) -> list[Ref]:
    return [arg.typed.ref for arg in (left, *left.args) if arg.typed.ref is not None]


def _shape(left: Part) -> Shape | None:
    """What the figure is: a series or its open, high or low; a return of one; the spread of two."""
    plain = all(arg.typed.form in {"series", "window"} for arg in left.args)
    if left.typed.form == "series" or (left.name in _FIELDS and plain):
        return "level"
    if left.name == "ret" and plain:
        return "return"
    return "spread" if left.name == "rel" and plain else None


def _literal(comparison: Part) -> float | None:
    if comparison.typed.name not in COMPARISONS and comparison.name not in _CROSSINGS:
        return None
    return next((arg.typed.value for arg in comparison.args if arg.typed.form == "literal"), None)


def _is_abs(comparison: Part) -> bool:
    return any(arg.name == "abs" for arg in comparison.args)


def _levels(condition: Part, left: Part) -> list[float]:
    """The constants that ``condition`` compares the same figure with, or a distance from a constant as two levels."""
    found: list[float] = []
    for part in condition.walk():
        bound = _literal(part)
        if bound is None or part.typed.name not in COMPARISONS:
            continue
        figure = left_of(part)
        if figure is None:
            continue
        if figure.typed.key == left.typed.key:
            found.append(bound)
        elif (centre := _centre(figure)) is not None and set(_refs_below(figure)) == set(_refs_below(left)):
            found += [centre * (1 - bound), centre * (1 + bound)]
    return found


def _centre(figure: Part) -> float | None:
    """``c`` of ``x / c - 1``."""
    if figure.typed.name != "-" or len(figure.args) != 2:
        return None
    ratio, one = figure.args
    if one.typed.form != "literal" or one.typed.value != 1 or ratio.typed.name != "/":
        return None
    below = ratio.args[1]
    return below.typed.value if below.typed.form == "literal" and ratio.args[0].typed.form == "series" else None


def _refs_below(part: Part) -> list[Ref]:
    return [inner.typed.ref for inner in part.walk() if inner.typed.ref is not None]


def _base(lane: Lane, left: Part) -> datetime | None:
    anchor = left.anchor
    if anchor is None:
        return None
    start = start_of(lane.frame, anchor, left.window)
    index = start[lane.number : lane.number + 1] if len(start) > 1 else start
    return instant(int(lane.frame.track(anchor).axis.close(index)[0])) if index[0] >= 0 else None
