"""One rule at work: its lanes, what their edges remember, and its evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import numpy as np

from rules.calendars.axis import Axis, instant, micros
from rules.calendars.clockwork import schedule_of
from rules.evaluation.frames import Members, NowFrame
from rules.evaluation.history import Floats, Ints
from rules.evaluation.program import Program
from rules.functions.base import Part
from rules.lifecycle import AlertRecord, Policy
from rules.model import Phase
from rules.spec import AtInterval, AtSession, OncePer
from rules.universe import Instrument


class Sides:
    """What the edges of a group of lanes remember, as columns: the side, and the session's date in days since 1970."""

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._kept: dict[str, tuple[Floats, Ints]] = {}
        self._moved: set[int] = set()

    def recall(self, edge: str) -> tuple[Floats, Ints] | None:
        """Sides and sessions by lane."""
        return self._kept.get(edge)

    def keep(self, edge: str, sides: Floats, sessions: Ints) -> None:
        """Remember."""
        kept = self._columns(edge)
        changed = (kept[0] != sides) | (kept[1] != sessions)
        if changed.any():
            self._moved.update(np.flatnonzero(changed).tolist())
            kept[0][:], kept[1][:] = sides, sessions

    def _columns(self, edge: str) -> tuple[Floats, Ints]:
        return self._kept.setdefault(edge, (np.zeros(self._lanes), np.full(self._lanes, -1, np.int64)))

    def moved(self, lanes: Ints) -> list[int]:
        """The lanes, among those given, that changed since they were last asked for."""
        found = sorted(self._moved.intersection(lanes.tolist()))
        self._moved.difference_update(found)
        return found

    def of_lane(self, lane: int) -> dict[str, tuple[int, int]]:
        """What a record stores for one lane."""
        return {name: (int(sides[lane]), int(sessions[lane])) for name, (sides, sessions) in self._kept.items()}

    def restore(self, lane: int, stored: Mapping[str, tuple[int, int]]) -> None:
        """Take back what a record stored."""
        for name, (side, session) in stored.items():
            sides, sessions = self._columns(name)
            sides[lane], sessions[lane] = side, session

    def narrowed(self, lanes: Ints) -> NarrowSides:
        """A view for some of the lanes."""
        return NarrowSides(self, lanes, self._lanes)

    def write(self, edge: str, lanes: Ints, sides: Floats, sessions: Ints) -> None:
        """Remember for some lanes."""
        all_sides, all_sessions = self._columns(edge)
        changed = (all_sides[lanes] != sides) | (all_sessions[lanes] != sessions)
        self._moved.update(lanes[changed].tolist())
        all_sides[lanes], all_sessions[lanes] = sides, sessions


class NarrowSides:
    """The memory of some lanes of a group."""

    def __init__(self, whole: Sides, lanes: Ints, count: int) -> None:
        self._whole, self._lanes, self._count = whole, lanes, count

    def recall(self, edge: str) -> tuple[Floats, Ints] | None:
        """Sides and sessions by lane."""
        kept = self._whole.recall(edge)
        return None if kept is None else (kept[0][self._lanes], kept[1][self._lanes])

    def keep(self, edge: str, sides: Floats, sessions: Ints) -> None:
        """Remember."""
        self._whole.write(edge, self._lanes, sides, sessions)


class Memory:
    """What a state keeps of a group: the sides of its edges, and the lanes that are in the middle of something."""

    def __init__(self, lanes: int) -> None:
        self.sides = Sides(lanes)
        self.live: set[int] = set()

    def note(self, lane: int, record: AlertRecord) -> None:
        """Remember whether a lane must be stepped although its condition is not true."""
        resting = record.phase is Phase.INACTIVE and record.armed and not record.outlived
        if not resting or record.period or record.figure:
            self.live.add(lane)
        else:
            self.live.discard(lane)

    def restore(self, lane: int, record: AlertRecord) -> None:
        """Take up a stored record."""
        self.note(lane, record)
        self.sides.restore(lane, record.sides)


Lists = dict[tuple[str, ...], Members]
"""One ``Members`` for each list of symbols: rules that share a list share what is known of it."""


def _shared(lists: Lists, symbols: tuple[str, ...], axis: Axis) -> Members:
    found = lists.get(symbols)
    if found is None:
        found = lists[symbols] = Members(symbols, axis)
    return found


class Group:
    """The lanes of a rule that share a calendar; a rule without ``for_each`` has one group of one lane."""

    def __init__(self, rule: Runtime, members: tuple[Instrument, ...] | None, axis: Axis, lists: Lists) -> None:
        self.rule = rule
        self.instruments = members
        self.members = None if members is None else _shared(lists, tuple(item.symbol for item in members), axis)
        self.axis = axis
        self.size = 1 if members is None else len(members)
        self.lane_of = {} if members is None else {item.symbol: lane for lane, item in enumerate(members)}
        self.labels = [rule.labels_of(item) for item in (members or (None,))]
        self.keys = [rule.key_of(labels) for labels in self.labels]

    def frame(self, shared: NowFrame, memory: Memory, lanes: Ints | None) -> NowFrame:
        """A frame over all lanes or some of them, at the instant of ``shared``."""
        frame = shared if self.members is None else shared.about(self.members, lanes)
        if not self.rule.has_edges:
            return frame
        return frame.beside(memory.sides if lanes is None else memory.sides.narrowed(lanes))


class Runtime:
    """A compiled rule with its lanes."""

    def __init__(self, program: Program, axes: Mapping[str, Axis], lists: Lists | None = None) -> None:
        self.program = program
        self.id = program.spec.id
        self.axis = axes[program.calendar]
        self.schedule = schedule_of(program.spec.every, self.axis)
        self.on_clock = isinstance(program.spec.every, AtSession | AtInterval)
        conditions: tuple[Part | None, ...] = (program.when, program.clear, program.rearm)
        self.has_edges = any(part is not None and part.has_edges for part in conditions)
        self.sessions = SessionClock(self.axis)
        self.groups = list(self._groups(axes, {} if lists is None else lists))
        self.place_of = {
            symbol: (number, lane) for number, group in enumerate(self.groups) for symbol, lane in group.lane_of.items()
        }

    @property
    def policy(self) -> Policy:
        """Timers and limits."""
        return self.program.policy

    def _groups(self, axes: Mapping[str, Axis], lists: Lists) -> Iterator[Group]:
        members = self.program.members
        if members is None:
            yield Group(self, None, self.axis, lists)
            return
        for calendar in dict.fromkeys(item.calendar for item in members):
            yield Group(self, tuple(item for item in members if item.calendar == calendar), axes[calendar], lists)

    def labels_of(self, member: Instrument | None) -> dict[str, str]:
        """The labels of an instance: those of the rule, and the member's symbol."""
        own = dict(self.program.spec.labels)
        if member is not None:
            own = {name: value.replace("{it}", member.symbol) for name, value in own.items()}
            own["symbol"] = member.symbol
        return own

    def key_of(self, labels: Mapping[str, str]) -> str:
        """What identifies an instance: the rule and its labels."""
        inner = ",".join(f"{name}={labels[name]}" for name in sorted(labels))
        return f"{self.id}{{{inner}}}"

    def new_record(self, labels: Mapping[str, str]) -> AlertRecord:
        """An instance of which nothing is known yet."""
        return AlertRecord(rule=self.id, version=self.program.version, labels=labels)


class SessionClock:
    """Counts a calendar's sessions for timers such as ``for: 2 sessions``."""

    def __init__(self, axis: Axis) -> None:
        self._axis = axis

    def after(self, earlier: datetime, count: int) -> datetime:
        """When the ``count``-th session after that of ``earlier`` opens."""
        index = self._axis.session(micros(earlier)) + count
        return instant(int(self._axis.open(np.array([index]))[0]))

    def between(self, earlier: datetime, later: datetime) -> int:
        """How many sessions opened after ``earlier``, up to ``later``."""
        return self._axis.session(micros(later)) - self._axis.session(micros(earlier))


_DAY = 86_400_000_000
_LAYOUTS = {OncePer.EVER: "ever", OncePer.WEEK: "%G-W%V", OncePer.MONTH: "%Y-%m", OncePer.SESSION: "%Y-%m-%d"}


def once_key(rule: Runtime, once: OncePer | None, at: int, figure: str) -> str:
    """The ``once_per`` key at an instant (microseconds since 1970 UTC); ``figure`` is the newest figure's session."""
    if once is None:
        return ""
    if once is OncePer.OBSERVATION:
        return figure
    if once is OncePer.DAY:
        return f"{instant(at):%Y-%m-%d}"
    return format(rule.axis.day(rule.axis.session(at)), _LAYOUTS[once])


def period_key(rule: Runtime, at: int) -> str:
    """The session before the period that a rule about ``this_week`` and its siblings speaks of; ``""`` for others."""
    period = rule.program.period
    if not period:
        return ""
    session = rule.axis.session(at)
    if period == "session":
        return rule.axis.day(session - 1).isoformat()
    return rule.axis.day(int(rule.axis.base(period, np.array([session]))[0])).isoformat()  # type: ignore[arg-type]


def turns_at(rule: Runtime, at: int) -> int | None:
    """The next instant at which the ``once_per`` key or the period may be another; ``None`` where there is neither."""
    once = rule.program.spec.once_per
    times = []
    if once is OncePer.DAY:
        times.append((at // _DAY + 1) * _DAY)
    elif once is not None and once is not OncePer.EVER:
        times.append(rule.axis.open_of(rule.axis.session(at) + 1))
    if rule.program.period:
        times.append(rule.axis.open_of(rule.axis.session(at) + 1))
    return min(times, default=None)
