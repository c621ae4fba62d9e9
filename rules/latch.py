"""Lifecycles over columns: by whole columns for rules without timers and keys, else step by step where it matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rules.axis import instant
from rules.columns import ColumnFrame, Mask
from rules.history import NONE, Floats
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


def lives(column: Column) -> Iterator[Fire]:
    """Every alert of every lane."""
    policy = column.rule.policy
    if not _is_plain(column):
        yield from _stepped(column)
    elif policy.momentary:
        rows, lanes = np.nonzero((column.when == 1) & column.heard)
        for row, lane in zip(rows.tolist(), lanes.tolist(), strict=True):
            yield Fire(lane, row, None)
    else:
        yield from _latched(column)


def _is_plain(column: Column) -> bool:
    """Whether the phase is nothing but the last of "true" and "clear", which never hold together."""
    policy, program = column.rule.policy, column.rule.program
    if policy.once_per or policy.rearm or program.period or not _timeless(policy):
        return False
    return policy.momentary or not bool(((column.when == 1) & (column.clear == 1)).any())


def _timeless(policy: Policy) -> bool:
    return policy.for_.is_zero and policy.keep_for.is_zero and policy.cooldown.is_zero


def _latched(column: Column) -> Iterator[Fire]:
    """Fires where the latch turns on, ends where it turns off; unknown and unheard rows hold it."""
    heard = column.heard
    turn = np.where(heard & (column.when == 1), 1, np.where(heard & (column.clear == 1), -1, 0)).astype(np.int8)
    number = np.arange(len(turn), dtype=np.int64)[:, None]
    newest = np.maximum.accumulate(np.where(turn != 0, number, -1), axis=0)
    on = np.take_along_axis(turn, np.maximum(newest, 0), axis=0) == 1
    on &= newest >= 0
    before = np.vstack([np.zeros((1, on.shape[1]), np.bool_), on[:-1]])
    for lane in np.flatnonzero(on.any(axis=0)).tolist():
        begins = np.flatnonzero(on[:, lane] & ~before[:, lane]).tolist()
        ends = np.flatnonzero(~on[:, lane] & before[:, lane]).tolist()
        for at, row in enumerate(begins):
            yield Fire(lane, row, ends[at] if at < len(ends) else None)


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
