"""Lifecycles over columns: by whole columns for rules without timers and keys, else step by step where it matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rules.backtesting.columns import ColumnFrame, Mask
from rules.calendars.axis import instant
from rules.evaluation.history import NONE, Floats, Ints
from rules.evaluation.runtime import Runtime, once_key, period_key
from rules.lifecycle import AlertRecord, Policy, Verdict, step
from rules.model import Phase, TransitionKind

_ENDS = frozenset({TransitionKind.RESOLVED, TransitionKind.ENDED, TransitionKind.CORRECTED})


class Fire(NamedTuple):
    """A lane fired at a row, and ended at another or never."""

    lane: int
    row: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Column:
    """The verdicts of lanes: a row an instant, a column a lane; ``heard`` marks what was evaluated.

    ``clear`` is ``None`` for a rule that ends when its condition does.
    """

    rule: Runtime
    frame: ColumnFrame
    when: Floats
    clear: Floats | None
    rearm: Floats | None
    heard: Mask


def lives(column: Column) -> Ints:
    """Every alert of every lane, a row each: lane, row at which it fired, row at which it ended (-1: never)."""
    policy = column.rule.policy
    begin = column.heard & (column.when == 1)
    if policy.momentary and _is_plain(column):
        lanes, rows = _places(begin)
        return np.stack([lanes, rows, np.full(len(rows), -1)], axis=1)
    end = column.heard & (column.when == 0 if column.clear is None else column.clear == 1)
    if _is_plain(column) and not (begin & end).any():
        return _latched(begin, end) if _has_gaps(begin | end) else _lived(*_turns(begin), begin)
    found = [(fire.lane, fire.row, -1 if fire.end is None else fire.end) for fire in _stepped(column)]
    return np.array(found, np.int64).reshape(len(found), 3)


def _is_plain(column: Column) -> bool:
    """Whether the phase is nothing but the last of "true" and "clear": no keys, no timers."""
    policy, program = column.rule.policy, column.rule.program
    return not (policy.once_per or policy.rearm or program.period) and _timeless(policy)


def _timeless(policy: Policy) -> bool:
    return policy.for_.is_zero and policy.keep_for.is_zero and policy.cooldown.is_zero


def _latched(begin: Mask, end: Mask) -> Ints:
    """Fires where the last of ``begin`` and ``end``, which never hold together, turns to ``begin``; ends where back."""
    lanes, rows = _places(_first_of_run(begin) | _first_of_run(end))
    state = begin[rows, lanes]
    before = np.zeros_like(state)
    before[1:] = state[:-1] & (lanes[1:] == lanes[:-1])
    turns = np.flatnonzero(state != before)
    return _lived(lanes[turns], rows[turns], begin)


def _has_gaps(known: Mask) -> bool:
    """Whether something is unknown that was known in the row before."""
    return bool((known[:-1] > known[1:]).any())


def _turns(begin: Mask) -> tuple[Ints, Ints]:
    """Lanes and rows at which it begins or ends to hold, lane after lane; nothing turns unknown in between."""
    turned = begin.copy()
    turned[1:] ^= begin[:-1]
    return _places(turned)


def _lived(lanes: Ints, rows: Ints, begin: Mask) -> Ints:
    """Fires and their ends from the turns, which alternate in each lane."""
    fires = np.flatnonzero(begin[rows, lanes])
    after = np.minimum(fires + 1, len(rows) - 1)
    ended = (lanes[after] == lanes[fires]) & (after > fires)
    return np.stack([lanes[fires], rows[fires], np.where(ended, rows[after], -1)], axis=1)


def _first_of_run(mask: Mask) -> Mask:
    """What is marked in a row and not in the row before."""
    first = mask.copy()
    first[1:] &= ~mask[:-1]
    return first


def _places(mask: Mask) -> tuple[Ints, Ints]:
    """Lanes and rows of what is marked, lane after lane."""
    rows, lanes = np.divmod(np.flatnonzero(mask), mask.shape[1])
    order = np.argsort(lanes.astype(np.int16), kind="stable")
    return lanes[order], rows[order]


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
            clear=_truth(1.0 - column.when[row, lane] if column.clear is None else column.clear[row, lane]),
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
