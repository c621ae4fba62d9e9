"""Lengths of time, instants and schedules as files write them; a reader raises ``ValueError`` with what is wanted."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from rules.calendars import schedule
from rules.problems import nearest
from rules.spec import AtInterval, AtSession, Every, NewObservation, Span

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)")
_CLOCK = re.compile(r"(?:\d+(?:\.\d+)?(?:s|m|h|d|w))+")
_SESSIONS = re.compile(r"(\d{1,4}) ?sessions?")
_NEW = re.compile(r"new\(\s*(\S[^()]*?)\s*\)")
_AT = re.compile(r"(\S+)\s+(open|close)\s*(?:([+-])\s*(\S+))?")
_LONGEST = timedelta(days=3_660)


def read_duration(text: str) -> timedelta:
    """``30m``, ``1h30m``, ``2d``: days and weeks are 24 hours and 7 days of the clock."""
    if not _CLOCK.fullmatch(text):
        raise ValueError(f"{text!r} is no length of time; wanted one such as 30m, 2h or 1d")
    seconds = sum(float(count) * _SECONDS[unit] for count, unit in _PART.findall(text))
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"{text!r} is longer than ten years")
    return timedelta(seconds=seconds)


def read_span(text: str) -> Span:
    """A duration or ``2 sessions``; ``0`` is none."""
    if text == "0":
        return Span()
    sessions = _SESSIONS.fullmatch(text)
    if sessions:
        return Span(sessions=int(sessions[1]))
    try:
        return Span(seconds=read_duration(text).total_seconds())
    except ValueError as error:
        raise ValueError(f"{error}, or 2 sessions" if "wanted" in str(error) else str(error)) from None


def read_instant(text: str) -> datetime:
    """An ISO date (its midnight) or date and time; without an offset it is in UTC."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no instant; wanted 2026-03-02 or 2026-03-02T14:00Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def read_every(text: str) -> Every:
    """``new(SERIES)``, ``XNYS close+20m`` or an interval such as ``15m``."""
    new = _NEW.fullmatch(text)
    if new:
        return NewObservation(new[1])
    at = _AT.fullmatch(text)
    if at:
        calendar, edge, sign, length = at.groups()
        offset = read_duration(length) if length else timedelta(0)
        if offset > timedelta(days=1):
            raise ValueError(f"{text!r} is more than a day away from the {edge}")
        named = AtSession(read_calendar(calendar), "open" if edge == "open" else "close")
        return AtSession(named.calendar, named.edge, -offset if sign == "-" else offset)
    if not _CLOCK.fullmatch(text):
        raise ValueError(f"{text!r} says not when; wanted XNYS close+20m, new(SERIES) or an interval such as 15m")
    interval = read_duration(text)
    if not timedelta(seconds=1) <= interval <= timedelta(days=1):
        raise ValueError(f"{text!r} is no interval from 1s to 1d")
    return AtInterval(interval)


def read_calendar(text: str) -> str:
    """The calendar's own name."""
    found = schedule.canonical(text)
    if found is None:
        guess = nearest(text, schedule.known_names())
        hint = f"; did you mean {guess}?" if guess else ""
        raise ValueError(f"no calendar is called {text!r}; wanted an exchange code such as XNYS, or 24/7{hint}")
    return found
