"""Why a transition happened: the trace of an evaluation, its deciding clause and its sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

import numpy as np

from rules.calendars.axis import Axis, instant
from rules.calendars.schedule import CONTINUOUS
from rules.evaluation.frames import Frame
from rules.evaluation.history import NONE, STATUSES
from rules.evaluation.logic import COMPARISONS
from rules.evaluation.program import Filled, MemberName, Message, Program
from rules.formats import write
from rules.functions.base import Part
from rules.functions.sets import by_calendar, by_member
from rules.language.errors import ExpressionError
from rules.language.parser import parse
from rules.language.scope import Ref
from rules.language.tree import Node
from rules.model import Lang, Localized, Status, Trace, TraceLine
from rules.numbers import price
from rules.universe import Instrument

_RATIOS = frozenset({"%", "pp", "bp"})
_WEAKNESS = {Status.FINAL: 0, Status.PROVISIONAL: 1, Status.PARTIAL: 2, Status.PENDING: 3}


@dataclass(frozen=True, slots=True)
class Decision:
    """What decided in one lane: the clause, its left side's value and unit, and the figures that it read."""

    clause: str
    value: float | None
    unit: str
    observed_at: datetime | None
    calendar: str
    """Whose market time ``observed_at`` is."""
    series: tuple[str, ...]
    """What was read, by full name."""
    sources: tuple[str, ...]
    status: Status
    trace: Trace
    because: Localized
    gap_s: float = 0.0
    """How long the feed was down before an edge, where that is longer than the rule's ``max_gap``."""


class Lane:
    """One member at one evaluation, to be explained."""

    def __init__(self, frame: Frame, number: int, at: datetime, member: Instrument | None) -> None:
        self.frame, self.number, self.at, self.member = frame, number, at, member

    def value(self, part: Part) -> float:
        """The value that the evaluation found, or finds now where it did not need it."""
        values = part.evaluate(self.frame)
        return float(values[self.number if len(values) > 1 else 0])

    def series(self, ref: Ref) -> str:
        """The series' name, that of the member where it is ``it``'s."""
        return str(ref) if ref.key or self.member is None else str(replace(ref, key=self.member.symbol))

    def seen(self, ref: Ref) -> tuple[datetime | None, str, Status] | None:
        """Time, source and firmness of the newest figure of ``ref``, ``None`` when it is not known."""
        position = self.frame.position(ref)
        lane = self.number if len(position) > 1 else 0
        if position[lane] == NONE:
            return None
        track = self.frame.track(ref)
        key = int(track.keys[lane if len(track.keys) > 1 else 0])
        column = track.column
        if column.last[key] != position[lane]:
            close = track.axis.close(np.array([position[lane]]))[0]
            return instant(close), column.sources[key], Status.FINAL
        return instant(column.at[key]), column.sources[key], STATUSES[column.status[key]]

    def gap(self, ref: Ref) -> float:
        """Seconds of trading between the newest figure and the one before it; 0 without one before."""
        track, position = self.frame.track(ref), self.frame.position(ref)
        lane = self.number if len(track.keys) > 1 else 0
        column, key = track.column, int(track.keys[lane])
        session = int(position[lane if len(position) > 1 else 0])
        before = int(column.before[key])
        if not before or session == NONE or column.last[key] != session:
            return 0.0
        whole = STATUSES[column.status[key]] is Status.FINAL
        opened = int(track.axis.open(np.array([session]))[0])
        start = opened if whole else int(column.at[key])
        return traded(track.axis, before, max(start, opened))


def traded(axis: Axis, start: int, end: int) -> float:
    """Seconds of trading from ``start`` to ``end`` (microseconds since 1970), without the hours between sessions."""
    first, last = axis.session(start), axis.session(end)
    sessions = np.arange(first, last + 1, dtype=np.int64)
    spans = np.minimum(axis.close(sessions), end) - np.maximum(axis.open(sessions), start)
    return float(np.maximum(spans, 0).sum()) / 1e6


def written(part: Part) -> str:
    """The part as the rule's author wrote it; what came from a macro in its canonical form."""
    return _written(part.source, part.typed.node)


@lru_cache(maxsize=4096)
def _written(source: str, node: Node) -> str:
    text = source[node.offset : node.end]
    try:
        if text and parse(text) == node:
            return text
    except ExpressionError:
        pass
    text = str(node)
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def decide(lane: Lane, program: Program, part: Part) -> Decision:
    """Explain why ``part`` holds in ``lane``."""
    decider = decider_of(lane, part)
    left = left_of(decider)
    refs = sorted((left or decider).typed.reads(), key=str)
    seen = [found for ref in refs if (found := lane.seen(ref)) is not None]
    times = [at for at, _, _ in seen if at is not None]
    value = lane.value(left) if left is not None else float("nan")
    unit = unit_beside(decider, left) if left is not None else ""
    statuses = [status for _, _, status in seen]
    return Decision(
        clause=written(decider),
        value=None if np.isnan(value) else value,
        unit=unit,
        observed_at=max(times, default=None),
        calendar=lane.frame.track(refs[0]).axis.name if seen else CONTINUOUS,
        series=tuple(lane.series(ref) for ref in refs),
        sources=tuple(sorted({source for _, source, _ in seen if source})),
        status=max(statuses, key=_WEAKNESS.__getitem__, default=Status.FINAL),
        trace=Trace(tuple(_lines(lane, part)), written(decider), _location(program)),
        because=_because(decider, left, unit, value),
        gap_s=_gap(lane, program, refs),
    )


def _gap(lane: Lane, program: Program, refs: list[Ref]) -> float:
    limit = program.spec.max_gap
    if limit is None or not program.when.has_edges:
        return 0.0
    longest = max((lane.gap(ref) for ref in refs), default=0.0)
    return longest if longest > limit.total_seconds() else 0.0


def _location(program: Program) -> str:
    line, column = program.spec.when.locate(0)
    return f"{program.spec.when.file or program.spec.file}:{line}:{column}"


def decider_of(lane: Lane, part: Part) -> Part:
    """The first comparison or call whose own truth makes ``part`` what it is."""
    if part.typed.name in {"and", "or"}:
        truth = lane.value(part)
        alike = [arg for arg in part.args if lane.value(arg) == truth]
        return decider_of(lane, alike[0] if alike else part.args[0])
    if part.typed.form == "op" and len(part.args) == 1 and part.typed.is_condition:
        return decider_of(lane, part.args[0])
    return part


def left_of(part: Part) -> Part | None:
    """The figure that is compared; of ``abs(x)`` it is ``x``, since the sign is what a reader wants to know."""
    if part.typed.name in COMPARISONS:
        left = part.args[1] if part.args[0].typed.form == "literal" else part.args[0]
        return left.args[0] if left.name == "abs" else left
    figures = [arg for arg in part.args if arg.typed.form in {"series", "op", "call"} and not arg.typed.is_condition]
    return figures[0] if part.name and figures else None


def unit_beside(comparison: Part, side: Part) -> str:
    """The unit to show ``side`` in: a plain number that is compared with a percentage reads as one."""
    if side.typed.unit:
        return side.typed.unit
    return next((arg.typed.unit for arg in comparison.args if arg.typed.unit in _RATIOS), "")


def _because(decider: Part, left: Part | None, unit: str, value: float) -> Localized:
    clause = written(decider)
    if left is None:
        return {"en": clause, "zh": clause}
    name = written(left)
    return {
        "en": f"{name} = {write(value, unit, None, 'en')}; the rule says {clause}",
        "zh": f"{name} = {write(value, unit, None, 'zh')}；规则为 {clause}",
    }


def _lines(lane: Lane, part: Part) -> list[TraceLine]:
    lines: list[TraceLine] = []
    told: set[str] = set()
    units = _units(part)
    for inner in part.visible():
        if inner.typed.form in {"series", "op", "call"} and inner.typed.key not in told:
            told.add(inner.typed.key)
            lines.append(_line(lane, inner, units.get(inner.typed.key, inner.typed.unit)))
            lines.extend(_members(lane, inner))
    return lines


def _units(part: Part) -> dict[str, str]:
    """The units of what is compared in ``part``, by key; of ``abs(x)`` also that of ``x``."""
    found: dict[str, str] = {}
    for inner in part.visible():
        if inner.typed.name in COMPARISONS:
            sides = [*inner.args, *(x for arg in inner.args if arg.name == "abs" for x in arg.args)]
            found |= {side.typed.key: unit_beside(inner, side) for side in sides}
    return found


_SHOWN = 5


def _members(lane: Lane, part: Part) -> list[TraceLine]:
    """Of a function over a list, the members that speak for it: those that are true, or have the highest values."""
    if not part.typed.over_set:
        return []
    inner, members = part.args[1], part.args[0].typed.members
    rows = by_member(lane.frame.shared, tuple(item.symbol for item in members), inner.evaluate)
    values = rows[:, lane.number if rows.shape[1] > 1 else 0]
    order = by_calendar(lane.frame, members)
    best = sorted((at for at in range(len(order)) if values[at] == values[at]), key=lambda at: -values[at])[:_SHOWN]
    shown = [at for at in best if not inner.typed.is_condition or values[at] == 1]
    return [
        TraceLine(f"{written(inner)}, {order[at]}", said["en"], chinese=_beside(said))
        for at in shown
        if (said := _said(float(values[at]), inner.typed.unit))
    ]


def _line(lane: Lane, part: Part, unit: str) -> TraceLine:
    refs = part.typed.reads()
    seen = lane.seen(next(iter(refs))) if len(refs) == 1 else None
    value = lane.value(part)
    if np.isnan(value):
        said = _unknown([str(ref) for ref in sorted(refs, key=str) if lane.seen(ref) is None])
    else:
        said = _said(value, unit, coins=all(lane.frame.track(ref).axis.name == CONTINUOUS for ref in refs))
    at, source, status = seen or (None, "", None)
    return TraceLine(written(part), said["en"], at, source, status, _beside(said))


def _said(value: float, unit: str, *, coins: bool = False) -> Localized:
    """The value in each language; Chinese readers separate the thousands of coins' prices alone."""
    of_coins = coins and unit.partition(":")[0] == "price"
    chinese = price(value, "zh", crypto=True) if of_coins else write(value, unit, None, "zh")
    return {"en": write(value, unit, None, "en"), "zh": chinese}


def _unknown(missing: list[str]) -> Localized:
    names = ", ".join(missing)
    return {
        "en": f"unknown: no figure of {names}" if names else "unknown: not enough history",
        "zh": f"未知：没有 {names} 的数据" if names else "未知：历史数据不足",
    }


def _beside(said: Localized) -> str:
    return said["zh"] if said["zh"] != said["en"] else ""


def render(message: Message, lane: Lane, lang: Lang) -> str:
    """A message's text for one lane."""
    pieces = []
    for piece in message:
        if isinstance(piece, MemberName):
            pieces.append(lane.member.name[lang] if lane.member else "")
        elif isinstance(piece, Filled):
            pieces.append(write(lane.value(piece.part), piece.part.typed.unit, piece.format, lang))
        else:
            pieces.append(piece)
    return "".join(pieces)
