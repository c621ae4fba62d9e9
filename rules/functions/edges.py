"""Edges: a side that was known before and is another now.

Equality is on neither side and is passed over. A session's high restarts each session, so the first look of a session
at ``crosses(high(x), level)`` compares with the close of the session before, and only an upward move counts; ``low``
mirrors it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from rules.frames import Evaluate, Frame
from rules.functions.base import Builder, Part, value_at
from rules.history import NONE, Floats, Ints
from rules.language.scope import Ref

Direction = Literal["up", "down", "either"]
Side = Callable[[Frame], Floats]


def _edge(part: Part, side: Side, before: Side, direction: Direction, extreme: Ref | None) -> Evaluate:
    """Compare the side now with the remembered one; ``before`` is the side at the close before the present session."""
    name = f"{part.owner}:{part.typed.key}"
    anchor = part.anchor

    def evaluate(frame: Frame) -> Floats:
        now = side(frame)
        lanes = frame.lanes
        now = np.broadcast_to(now, (lanes,))
        session = np.broadcast_to(_day(frame, anchor), (lanes,))
        old = _remembered(frame, name, before, session, restarts=extreme is not None)
        crossed = np.where(np.isnan(now) | ((old == 0) & (now != 0)), np.nan, (now != 0) & (now != old))
        if direction != "either":
            wanted = 1.0 if direction == "up" else -1.0
            crossed = np.where((crossed == 1) & (now != wanted), 0.0, crossed)
        if frame.edges is not None:
            moved = ~np.isnan(now) & (now != 0)
            frame.edges.keep(name, np.where(moved, now, old), np.where(np.isnan(now), -1, session))
        return crossed

    return evaluate


def _day(frame: Frame, anchor: Ref | None) -> Ints:
    """The date of the newest session in days since 1970, -1 without one."""
    if anchor is None:
        return np.zeros(1, np.int64)
    position = frame.position(anchor)
    return np.where(position == NONE, -1, frame.track(anchor).axis.days(position))


def _remembered(frame: Frame, name: str, before: Side, session: Ints, *, restarts: bool) -> Floats:
    kept = None if frame.edges is None else frame.edges.recall(name)
    old = np.zeros(frame.lanes) if kept is None else kept[0]
    seen = np.full(frame.lanes, -1, np.int64) if kept is None else kept[1]
    ask = (session >= 0) & ((session != seen) if restarts else ((old == 0) & (seen < 0)))
    if not ask.any():
        return old
    earlier = np.nan_to_num(np.broadcast_to(before(frame), (frame.lanes,)), nan=0.0)
    return np.where(ask & (earlier != 0), earlier, old)


def _signs(left: Part, right: Part) -> Side:
    return lambda frame: np.sign(left.evaluate(frame) - right.evaluate(frame))


def _signs_before(part: Part, left: Part, right: Part, extreme: Ref | None) -> Side:
    anchor = part.anchor

    def before(frame: Frame) -> Floats:
        if anchor is None:
            return np.zeros(1)
        index = frame.position(anchor) - 1
        one = value_at(left, frame, index) if extreme is None else frame.at(extreme.with_field("close"), index)
        return np.sign(one - _broad(right, frame, anchor, index))

    return before


def _broad(part: Part, frame: Frame, anchor: Ref, index: Ints) -> Floats:
    if part.anchor is None:
        return part.evaluate(frame)
    return part.evaluate(frame.earlier(anchor, index))


def crosses(part: Part) -> Evaluate:
    """``crosses crosses_up crosses_down (a, b)``."""
    left, right = part.args
    direction: Direction = {"crosses_up": "up", "crosses_down": "down"}.get(part.name, "either")  # type: ignore[assignment]
    extreme = left.args[0].typed.ref if left.name in {"high", "low"} else None
    if extreme is not None and direction == "either":
        direction = "up" if left.name == "high" else "down"
    return _edge(part, _signs(left, right), _signs_before(part, left, right, extreme), direction, extreme)


def enters(part: Part) -> Evaluate:
    """``enters exits (x, lo, hi)``: inside is strictly between; a bound itself is on neither side."""
    x, lo, hi = part.args

    def side(frame: Frame) -> Floats:
        return _inside(x.evaluate(frame), lo.evaluate(frame), hi.evaluate(frame))

    def before(frame: Frame) -> Floats:
        anchor = part.anchor
        if anchor is None:
            return np.zeros(1)
        index = frame.position(anchor) - 1
        return _inside(*(_broad(arg, frame, anchor, index) for arg in (x, lo, hi)))

    return _edge(part, side, before, "up" if part.name == "enters" else "down", None)


def _inside(x: Floats, lo: Floats, hi: Floats) -> Floats:
    unknown = np.isnan(x) | np.isnan(lo) | np.isnan(hi)
    side = np.where((x > lo) & (x < hi), 1.0, np.where((x < lo) | (x > hi), -1.0, 0.0))
    return np.where(unknown, np.nan, side)


def becomes(part: Part) -> Evaluate:
    """``becomes(cond)``."""
    condition = part.args[0]

    def side(frame: Frame) -> Floats:
        return 2.0 * condition.evaluate(frame) - 1.0

    def before(frame: Frame) -> Floats:
        anchor = part.anchor
        if anchor is None or condition.has_edges:
            return np.zeros(1)
        return 2.0 * _broad(condition, frame, anchor, frame.position(anchor) - 1) - 1.0

    return _edge(part, side, before, "up", None)


BUILDERS: dict[str, Builder] = {
    "crosses": crosses,
    "crosses_up": crosses,
    "crosses_down": crosses,
    "enters": enters,
    "exits": enters,
    "becomes": becomes,
}
