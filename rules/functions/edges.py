"""Edges: a side that was known before and is another now.

Equality is on neither side and is passed over. A session's high restarts each session, so the first look of a session
at ``crosses(high(x), level)`` compares with the close of the session before, and only an upward move counts; ``low``
mirrors it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from rules.backtesting.columns import ColumnFrame, Mask
from rules.evaluation.frames import Evaluate, Frame
from rules.evaluation.history import Floats, Ints
from rules.evaluation.logic import has_no_nan
from rules.functions.base import Builder, Part, is_steady, value_at
from rules.language.scope import Ref

Direction = Literal["up", "down", "either"]
Side = Callable[[Frame], Floats]
"""A number whose sign is the side; 0 is on neither."""


def _edge(part: Part, side: Side, before: Side, direction: Direction, extreme: Ref | None) -> Evaluate:
    """Compare the side now with the remembered one; ``before`` is the side at the close before the present session."""
    name = f"{part.owner}:{part.typed.key}"
    anchor = part.anchor

    def evaluate(frame: Frame) -> Floats:
        lanes = frame.lanes
        if isinstance(frame, ColumnFrame):
            restarts = extreme is not None

            def at_start(first: ColumnFrame) -> tuple[Ints, Floats]:
                days = np.broadcast_to(_day(first, anchor), (first.lanes,))
                earlier = _side_before(first, part, side, before, restarts=restarts)
                return days, np.broadcast_to(earlier, (first.lanes,))

            now = np.broadcast_to(side(frame), (lanes,)).reshape(frame.rows, frame.width)
            return _over_columns(frame, now, at_start, direction, restarts=restarts)
        away = side(frame)
        kept = None if frame.edges is None else frame.edges.recall(name)
        if kept is not None and extreme is None and len(away) == lanes and _on_sides(away) and kept[0].all():
            return _turned(frame, name, away > 0, kept, _day(frame, anchor), direction=direction)
        now = np.broadcast_to(np.sign(away), (lanes,))
        days = np.broadcast_to(_day(frame, anchor), (lanes,))
        old, seen = kept or (np.zeros(lanes), np.full(lanes, -1, np.int64))
        asked = _asks(old, seen, days, restarts=extreme is not None)
        if asked.any():
            old = _answered(old, asked, np.broadcast_to(np.sign(before(frame)), (lanes,)))
        crossed = _crossed(now, old, direction)
        if frame.edges is not None:
            frame.edges.keep(name, *_kept(now, old, days))
        return crossed

    return evaluate


def _on_sides(away: Floats) -> bool:
    """Whether all are on a side: none is 0 or unknown."""
    return bool(away.all()) and has_no_nan(away)


def _turned(
    frame: Frame, name: str, up: Mask, kept: tuple[Floats, Ints], days: Ints, *, direction: Direction
) -> Floats:
    """The edges of lanes that all are on a side and were on one, which is nearly always so."""
    was_up = kept[0] > 0
    turned = up != was_up
    if frame.edges is not None and (turned.any() or (kept[1] != days).any()):
        frame.edges.keep(name, np.where(up, 1.0, -1.0), np.broadcast_to(days, up.shape))
    crossed = turned if direction == "either" else turned & (up if direction == "up" else was_up)
    found: Floats = crossed.astype(np.float64)
    return found


def _side_before(frame: ColumnFrame, part: Part, side: Side, before: Side, *, restarts: bool) -> Floats:
    """``before`` in all lanes; from the session before in the column itself, where that is the same."""
    anchor = part.anchor
    if anchor is not None and not restarts and is_steady(part):
        found = frame.rolled(anchor, side, 1, lambda panel: panel[:-1])
        if found is not None:
            return found
    return before(frame)


def _asks(old: Floats, seen: Ints, days: Ints, *, restarts: bool) -> Mask:
    """Which lanes compare with the close before: at the first look; for a high or low, at each session's first."""
    if not restarts and old.all():
        return np.zeros(len(old), np.bool_)
    fresh: Mask = (days != seen) if restarts else (old == 0) & (seen < 0)
    return np.asarray((days >= 0) & fresh)


def _answered(old: Floats, asked: Mask, earlier: Floats) -> Floats:
    earlier = np.nan_to_num(earlier, nan=0.0)
    return np.where(asked & (earlier != 0), earlier, old)


def _kept(now: Floats, old: Floats, days: Ints) -> tuple[Floats, Ints]:
    if now.all() and has_no_nan(now):
        return now, days
    moved = ~np.isnan(now) & (now != 0)
    return np.where(moved, now, old), np.where(np.isnan(now), -1, days)


def _crossed(now: Floats, old: Floats, direction: Direction) -> Floats:
    if direction == "either":
        crossed = now * old < 0
    else:
        crossed = (now > 0) & (old < 0) if direction == "up" else (now < 0) & (old > 0)
    found: Floats = crossed.astype(np.float64)
    if not (old.all() and has_no_nan(now)):
        found[np.isnan(now) | ((old == 0) & (now != 0))] = np.nan
    return found


def _over_columns(
    frame: ColumnFrame,
    now: Floats,
    at_start: Callable[[ColumnFrame], tuple[Ints, Floats]],
    direction: Direction,
    *,
    restarts: bool,
) -> Floats:
    """As the evaluations would have been made: at once where a side is remembered, row after row where not.

    ``at_start`` gives session and side before for the rows that have none to remember, which are few.
    """
    up, down = now > 0, now < 0
    moved = frame.heard & (up | down)
    was_up, was_down = _held(up, moved), _held(down, moved)
    crossed = {"up": up & was_down, "down": down & was_up}.get(direction)
    result = ((up & was_down) | (down & was_up) if crossed is None else crossed).astype(np.float64)
    np.copyto(result, np.nan, where=np.isnan(now) | ((up | down) & ~(was_up | was_down)))
    settled = np.where(moved.any(axis=0), np.argmax(moved, axis=0), frame.rows - 1)
    count = frame.rows if restarts else int(settled.max(initial=0)) + 1
    days, earlier = (each.reshape(count, frame.width) for each in at_start(frame.until(count)))
    earlier = np.sign(earlier)
    sides, seen = np.zeros(frame.width), np.full(frame.width, -1, np.int64)
    known = ~np.isnan(now[:count])
    tells = known | (np.abs(earlier) == 1)
    tells[1:] |= known[:-1]
    for row in np.flatnonzero(tells.any(axis=1)).tolist():
        asked = _asks(sides, seen, days[row], restarts=restarts)
        old, here = _answered(sides, asked, earlier[row]), np.sign(now[row])
        first = _crossed(here, old, direction)
        result[row] = first if restarts else np.where(row <= settled, first, result[row])
        kept, looked = _kept(here, old, days[row])
        heard = frame.heard[row]
        sides, seen = np.where(heard, kept, sides), np.where(heard, looked, seen)
    return result.ravel()


def _held(side: Mask, moved: Mask) -> Mask:
    """Whether the last side that was taken before each row is this one."""
    held = np.zeros_like(side)
    held[1:] = side[:-1] & moved[:-1]
    for row in np.flatnonzero(~moved[:-1].all(axis=1)).tolist():
        held[row + 1] |= held[row] & ~moved[row]
    return held


def _day(frame: Frame, anchor: Ref | None) -> Ints:
    """The date of the newest session in days since 1970, -1 without one."""
    if anchor is None:
        return np.zeros(1, np.int64)
    return frame.day(anchor)


def _difference(left: Part, right: Part) -> Side:
    return lambda frame: left.evaluate(frame) - right.evaluate(frame)


def _difference_before(part: Part, left: Part, right: Part, extreme: Ref | None) -> Side:
    anchor = part.anchor

    def before(frame: Frame) -> Floats:
        if anchor is None:
            return np.zeros(1)
        index = frame.position(anchor) - 1
        one = value_at(left, frame, index) if extreme is None else frame.at(extreme.with_field("close"), index)
        return one - _broad(right, frame, anchor, index)

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
    return _edge(part, _difference(left, right), _difference_before(part, left, right, extreme), direction, extreme)


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
