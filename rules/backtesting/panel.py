"""A rule over many instants and members at once: when it is evaluated, and the alerts that come of it."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from rules.backtesting.columns import ColumnFrame, Mask
from rules.backtesting.fired import Fired
from rules.backtesting.latch import Column, lives
from rules.calendars.axis import instant
from rules.evaluation.frames import Members
from rules.evaluation.history import Floats, History, Ints
from rules.evaluation.runtime import Group
from rules.explaining.explain import Lane, decide
from rules.functions.base import Part
from rules.language.scope import Ref


class Strip:
    """Some members of a list over the span, with what all rules that look at them share."""

    def __init__(self, history: History, members: Members | None, width: int, span: tuple[int, int]) -> None:
        self._span = span
        self._empty = ColumnFrame(history, np.zeros(0, np.int64), members, width)
        self._frames: dict[object, ColumnFrame] = {}

    def frame(self, group: Group) -> ColumnFrame:
        """The instants at which the lanes are evaluated by the group's rule; it knows nothing yet of any value."""
        program, schedule = group.rule.program, group.rule.schedule
        refs = program.refs if program.trigger is None else frozenset({program.trigger})
        key = (program.spec.every, group.rule.axis.name) if schedule is not None else refs
        found = self._frames.get(key)
        if found is None:
            if schedule is None:
                instants, heard = _heard(self._empty, refs, self._span)
            else:
                instants = schedule.between(*self._span)
                heard = np.ones((len(instants), self._empty.width), np.bool_)
            found = self._frames[key] = self._empty.over_instants(instants, heard)
        found.forget()
        return found


class Panel:
    """The lanes of a rule that a strip holds, over all instants."""

    def __init__(self, strip: Strip, group: Group, lanes: Ints) -> None:
        self.rule, self.group, self.lanes, self.program = group.rule, group, lanes, group.rule.program
        self.frame = strip.frame(group)

    @property
    def evaluations(self) -> int:
        """How many lanes were evaluated in all."""
        return int(self.frame.heard.sum())

    def fires(self) -> list[Fired]:
        """The alerts of these lanes, in words."""
        return [self._fired(*fire) for fire in self.lives().tolist()]

    def lives(self) -> Ints:
        """The alerts of these lanes: lane, row at which it fired, row at which it ended or -1."""
        if not len(self.frame.instants):
            return np.zeros((0, 3), np.int64)
        program = self.program
        when = self._values(program.when)
        clear, rearm = (None if part is None else self._values(part) for part in (program.clear, program.rearm))
        return lives(Column(self.rule, self.frame, when, clear, rearm, self.frame.heard))

    def _values(self, part: Part) -> Floats:
        whole = np.broadcast_to(part.evaluate(self.frame), (self.frame.lanes,))
        return whole.reshape(self.frame.rows, self.frame.width)

    def _fired(self, column: int, row: int, end: int) -> Fired:
        lane = int(self.lanes[column])
        member = None if self.group.instruments is None else self.group.instruments[lane]
        number = row * self.frame.width + column
        told = decide(Lane(self.frame, number, self._at(row), member), self.program, self.program.when)
        return Fired(
            fired_at=self._at(row),
            resolved_at=None if end < 0 else self._at(end),
            observed_at=told.observed_at,
            value=told.value,
            because=told.because["en"],
            labels=self.group.labels[lane],
        )

    def _at(self, row: int) -> datetime:
        return instant(int(self.frame.instants[row]))


def _heard(frame: ColumnFrame, refs: frozenset[Ref], span: tuple[int, int]) -> tuple[Ints, Mask]:
    """When any of ``refs`` has a figure, and which lanes are evaluated at each of these instants."""
    heard = [_closes(frame, ref, span) for ref in sorted(refs, key=str)]
    if not heard:
        return np.zeros(0, np.int64), np.zeros((0, frame.width), np.bool_)
    times = heard[0][0] if len(heard) == 1 else np.unique(np.concatenate([own for own, _ in heard]))
    marks = np.zeros((len(times), frame.width), np.bool_)
    for own, known in heard:
        marks[np.searchsorted(times, own)] |= known
    kept = marks.any(axis=1)
    return times[kept], marks[kept]


def _closes(frame: ColumnFrame, ref: Ref, span: tuple[int, int]) -> tuple[Ints, Mask]:
    """The closes at which a series has a figure: by instant and member (one column for a named series)."""
    track = frame.source(ref)
    column = track.column
    sessions = np.arange(column.first, column.first + len(column.values), dtype=np.int64)
    closes = track.axis.close(sessions)
    inside = (closes > span[0]) & (closes <= span[1])
    first, last = int(np.searchsorted(closes, span[0], side="right")), int(inside.sum())
    return closes[inside], ~np.isnan(frame.figures.of(column, track.keys)[first : first + last])
