"""When data that a rule waits for is overdue: no figure of a session that closed so long ago."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from rules.calendars.axis import Axis, instant
from rules.evaluation.frames import NowFrame
from rules.evaluation.history import NONE, Ints
from rules.evaluation.program import Program
from rules.language.scope import Ref
from rules.spec import Span

_OCCASIONAL = frozenset({"earnings", "events", "fundamentals"})


def watched(program: Program) -> tuple[Ref, ...]:
    """The series whose absence the rule tells: that of ``every: new(…)``, else all that come once a session."""
    if program.trigger is not None:
        return (program.trigger,)
    return tuple(sorted((ref for ref in program.refs if ref.feed not in _OCCASIONAL), key=str))


def due_times(program: Program, frame: NowFrame, lanes: int, started: datetime) -> list[datetime]:
    """For each lane, the instant at which its first missing figure is overdue by ``notify_after``."""
    after = program.policy.on_missing.notify_after
    found = [datetime.max.replace(tzinfo=started.tzinfo)] * lanes
    for ref in watched(program):
        track = frame.track(ref)
        last = np.broadcast_to(_last_known(frame, ref), (lanes,))
        for lane, session in enumerate(last.tolist()):
            found[lane] = min(found[lane], _due(track.axis, session, after, started))
    return found


def _last_known(frame: NowFrame, ref: Ref) -> Ints:
    """The newest session that has a value; a figure that is pending has none."""
    newest = frame.newest(ref)
    pending = np.isnan(frame.at(ref, newest))
    return np.where((newest != NONE) & pending, newest - 1, newest)


def _due(axis: Axis, last: int, after: Span, started: datetime) -> datetime:
    if last == NONE:
        return started + timedelta(seconds=after.seconds) if after.seconds else started + timedelta(days=after.sessions)
    if after.sessions:
        return instant(int(axis.close(np.array([last + 1 + after.sessions]))[0]))
    return instant(int(axis.close(np.array([last + 1]))[0])) + timedelta(seconds=after.seconds)
