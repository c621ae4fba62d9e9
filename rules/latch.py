"""Lifecycles over columns: by whole columns for rules without timers and keys, else step by step where it matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rules.axis import instant
from rules.columns import ColumnFrame, Mask
from rules.history import NONE, Floats, Ints
from rules.lifecycle import AlertRecord, Policy, Verdict, step
from rules.model import Phase, TransitionKind
from rules.runtime import Runtime, once_key, period_key

_ENDS = frozenset({TransitionKind.RESOLVED, TransitionKind.ENDED, TransitionKind.CORRECTED})


class Fire(NamedTuple):
    """A lane fired at a row, and ended at another or never."""

    lane: int
    row: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Column:
    """The verdicts of lanes: a row an instant, a column a lane; ``heard`` marks what was evaluated."""

    rule: Runtime
    frame: ColumnFrame
    when: Floats
    clear: Floats
    rearm: Floats | None
    heard: Mask


def lives(column: Column) -> Ints:
    """Every alert of every lane, a row each: lane, row at which it fired, row at which it ended (-1: never)."""
    policy = column.rule.policy
    if not _is_plain(column):
        found = [(fire.lane, fire.row, -1 if fire.end is None else fire.end) for fire in _stepped(column)]
        return np.array(found, np.int64).reshape(len(found), 3)
    if policy.momentary:
        lanes, rows = _marked((column.when == 1) & column.heard)
        return np.stack([lanes, rows, np.full(len(rows), -1)], axis=1)
    return _latched(column)


def _is_plain(column: Column) -> bool:
    """Whether the phase is nothing but the last of "true" and "clear", which never hold together."""
    policy, program = column.rule.policy, column.rule.program
    if policy.once_per or policy.rearm or program.period or not _timeless(policy):
        return False
    return policy.momentary or not bool(((column.when == 1) & (column.clear == 1)).any())


def _timeless(policy: Policy) -> bool:
    return policy.for_.is_zero and policy.keep_for.is_zero and policy.cooldown.is_zero


def _latched(column: Column) -> Ints:
    """Fires where the latch turns on, ends where it turns off; unknown and unheard rows hold it."""
    heard, width = column.heard, column.when.shape[1]
    on = _held(heard & (column.when == 1), heard & (column.clear == 1))
    before = np.zeros_like(on)
    before[1:] = on[:-1]
    lanes, rows = _marked(on & ~before)
    lanes_of_ends, ends = _marked(~on & before)
    lane = np.arange(width + 1)
    begins_at, ends_at = np.searchsorted(lanes, lane), np.searchsorted(lanes_of_ends, lane)
    place = ends_at[lanes] + np.arange(len(lanes)) - begins_at[lanes]
    ended = place < ends_at[lanes + 1]
    found = np.full(len(lanes), -1, np.int64)
    found[ended] = ends[place[ended]]
    return np.stack([lanes, rows, found], axis=1)


def _held(begin: Mask, end: Mask) -> Mask:
    """The last of ``begin`` and ``end`` in each row; lanes where a beginning stands next to neither are searched."""
    lanes = np.flatnonzero((begin[:-1] & ~(begin[1:] | end[1:])).any(axis=0))
    if not len(lanes):
        return begin
    number = 2 * np.arange(1, len(begin) + 1, dtype=np.int32)[:, None]
    turns = np.where(begin[:, lanes], number + 1, np.where(end[:, lanes], number, 0))
    on = begin.copy()
    on[:, lanes] = (np.maximum.accumulate(turns, axis=0) & 1).astype(np.bool_)
    return on


def _marked(mask: Mask) -> tuple[Ints, Ints]:
    """Lanes and rows of what is marked, lane after lane."""
    found = np.flatnonzero(np.ascontiguousarray(mask.T))
    lanes = found // len(mask)
    return lanes, found - lanes * len(mask)


def _stepped(column: Column) -> Iterator[Fire]:
    """The lifecycle itself, at the rows at which something can happen."""
    rule, frame = column.rule, column.frame
    periods = [period_key(rule, int(at)) for at in frame.instants]
    matters = _matters(column, np.array(periods))
    figures = _Figures(column)
    for lane in np.flatnonzero(((column.when == 1) & column.heard).any(axis=0)).tolist():
        yield from _lane(column, lane, np.flatnonzero(matters[:, lane]).tolist(), (periods, figures))


def _matters(column: Column, periods: np.ndarray[tuple[int], np.dtype[np.str_]]) -> Mask:
    """Rows where a lane's verdict differs from the one before, or that count by themselves."""
    policy = column.rule.policy
    if not _timeless(policy):
        return column.heard
    changed = column.when == 1
    for values in (column.when, column.clear, column.rearm):
        if values is not None:
            changed = changed | _differs(values, column.heard)
    rolled = np.concatenate([[True], periods[1:] != periods[:-1]])
    return np.asarray(column.heard & (changed | rolled[:, None]))


def _differs(values: Floats, heard: Mask) -> Mask:
    """Whether a heard row has another truth than the heard row before it."""
    code = np.where(heard, np.where(np.isnan(values), 2.0, values), np.nan)
    number = np.where(heard, np.arange(len(code), dtype=np.int64)[:, None], -1)
    newest = np.maximum.accumulate(number, axis=0)
    before = np.vstack([np.full((1, code.shape[1]), -1, np.int64), newest[:-1]])
    old = np.where(before < 0, -1.0, np.take_along_axis(code, np.maximum(before, 0), axis=0))
    return np.asarray(old != code)


class _Figures:
    """The newest session among the figures that a lane's condition reads, as the live engine names it."""

    def __init__(self, column: Column) -> None:
        self._frame = column.frame
        self._refs = [(ref, column.frame.track(ref).axis) for ref in column.rule.program.refs]

    def of(self, row: int, lane: int) -> str:
        """The session's date at a row."""
        newest = ""
        for ref, axis in self._refs:
            position = self._frame.position(ref)
            index = int(position[row * self._frame.width + lane])
            if index != NONE:
                newest = max(newest, axis.day(index).isoformat())
        return newest


def _lane(column: Column, lane: int, rows: list[int], keys: tuple[list[str], _Figures]) -> Iterator[Fire]:
    rule, (periods, figures) = column.rule, keys
    policy, once = rule.policy, rule.program.spec.once_per
    record, fired = AlertRecord(rule=rule.id, version=rule.program.version), None
    for row in rows:
        when = _truth(column.when[row, lane])
        if not when and record.phase is Phase.INACTIVE and record.armed and not record.period:
            continue
        figure = figures.of(row, lane)
        at = int(column.frame.instants[row])
        verdict = Verdict(
            when=when,
            clear=_truth(column.clear[row, lane]),
            rearm=None if column.rearm is None else _truth(column.rearm[row, lane]),
            key=once_key(rule, once, at, figure),
            period=periods[row],
            figure=figure,
        )
        record, events = step(record, verdict, instant(at), policy, rule.sessions)
        for event in events:
            if event.kind in _ENDS and fired is not None:
                yield Fire(lane, fired, row)
                fired = None
            elif event.kind is TransitionKind.FIRED:
                if fired is not None:
                    yield Fire(lane, fired, None)
                fired = row
    if fired is not None:
        yield Fire(lane, fired, None)


def _truth(value: float) -> bool | None:
    return None if np.isnan(value) else bool(value)
