"""Functions about time: how old a figure is, whether a market trades, how many days until an event."""

from __future__ import annotations

import numpy as np

from rules.calendars.axis import Axis, instant
from rules.evaluation.frames import Evaluate, Frame
from rules.evaluation.history import NONE, Floats, Ints
from rules.functions.base import Builder, Part, unknown
from rules.language.scope import Ref
from rules.language.typed import event_ref

_SECOND = 1e6
_DAY = 86_400


def seen_at(frame: Frame, ref: Ref) -> Floats:
    """When the newest figure happened, overdue or not, in microseconds; NaN without one."""
    track, position = frame.track(ref), frame.newest(ref)
    live = (track.column.last[track.keys] == position) & (position != NONE)
    at = np.where(live, track.column.at[track.keys], track.axis.close(position))
    return np.where(position == NONE, np.nan, np.minimum(at, frame.now).astype(np.float64))


def age(part: Part) -> Evaluate:
    """``age(x)`` in seconds."""
    ref = part.args[0].typed.ref
    if ref is None:
        return unknown
    return lambda frame: (frame.now - seen_at(frame, ref)) / _SECOND


def fresh(part: Part) -> Evaluate:
    """``fresh(x, w)``: at most so long ago, or within the last sessions of its calendar; false without any figure."""
    ref, window = part.args[0].typed.ref, part.window
    if ref is None:
        return unknown
    seconds = {"s": 1, "w": 7 * _DAY, "mo": 31 * _DAY, "y": 366 * _DAY}.get(window.unit)

    def by_time(frame: Frame) -> Floats:
        limit = (seconds or 0) * window.count * _SECOND
        return np.asarray(frame.now - seen_at(frame, ref) <= limit, np.float64)

    def by_session(frame: Frame) -> Floats:
        position = frame.newest(ref)
        today = frame.track(ref).axis.sessions(frame.now)
        count = 1 if window.is_period else window.count
        return np.asarray((position != NONE) & (today - position < count), np.float64)

    return by_time if seconds else by_session


def _axis(part: Part, frame: Frame) -> Axis:
    return frame.history.axes[part.args[0].typed.key]


def open_now(part: Part) -> Evaluate:
    """``open_now(cal)``: lunch breaks are closed."""

    def evaluate(frame: Frame) -> Floats:
        calendar = _axis(part, frame).calendar
        return np.array([float(calendar.is_open(instant(at))) for at in frame.now])

    return evaluate


def session(part: Part) -> Evaluate:
    """``session(cal)``: the date of the last session that has opened."""

    def evaluate(frame: Frame) -> Floats:
        axis = _axis(part, frame)
        return axis.days(axis.sessions(frame.now)).astype(np.float64)

    return evaluate


def to_close(part: Part) -> Evaluate:
    """``to_close(cal)`` in seconds."""

    def evaluate(frame: Frame) -> Floats:
        axis = _axis(part, frame)
        return (axis.close(axis.closed(frame.now) + 1) - frame.now) / _SECOND

    return evaluate


def event_date(part: Part) -> Evaluate:
    """``earnings(x)`` and ``event(tag)``: the date that the feed last named, in days since 1970."""
    ref = event_ref(part.typed)

    def evaluate(frame: Frame) -> Floats:
        return _days(frame.value(ref))

    return evaluate


def _days(numbers: Floats) -> Floats:
    """YYYYMMDD as days since 1970."""
    known = ~np.isnan(numbers)
    whole = np.where(known, numbers, 19700101).astype(np.int64)
    months = ((whole // 10_000 - 1970) * 12 + whole // 100 % 100 - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + whole % 100 - 1
    return np.where(known, days.astype(np.float64), np.nan)


def days_until(part: Part) -> Evaluate:
    """``days_until(event)``: calendar days, counted from today's date where the event's market is."""
    event = part.args[0]
    refs = sorted(event.typed.reads(), key=str)

    def evaluate(frame: Frame) -> Floats:
        axis = frame.track(refs[0]).axis if refs else frame.history.axes["24/7"]
        return event.evaluate(frame) - _local_days(axis, frame.now)

    return evaluate


def _local_days(axis: Axis, now: Ints) -> Floats:
    zone = axis.calendar.tz
    epoch = np.datetime64("1970-01-01").astype("datetime64[D]").astype(object).toordinal()
    return np.array([float(instant(at).astimezone(zone).toordinal() - epoch) for at in now])


BUILDERS: dict[str, Builder] = {
    "age": age,
    "fresh": fresh,
    "open_now": open_now,
    "session": session,
    "to_close": to_close,
    "earnings": event_date,
    "event": event_date,
    "days_until": days_until,
}
