"""From the periods that filings report to calendar quarters, each with every version that was ever known.

Filings give what a company chose to give: quarters, and sums since the start of the fiscal year (cash flows only so). A
quarter that is not given is the difference of two sums: the second quarter is six months less the first, the fourth is
the year less nine months. A difference uses the figures of one time: those known when the longer sum was filed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

_QUARTER_DAYS = range(80, 121)
"""Twelve to seventeen weeks: a few retailers have quarters of unequal length."""
_CENT = 0.01


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure for the days ``start`` to ``end``, both inclusive, as filed on ``filed``."""

    start: date
    end: date
    value: float
    filed: date


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """What was known of a figure from ``known`` on."""

    known: date
    value: float


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter, with its versions in the order in which they became known; at least one."""

    start: date
    end: date
    versions: tuple[Version, ...]


Timeline = Sequence[Version]


def quarters(facts: Iterable[Fact]) -> dict[date, Quarter]:
    """Every quarter that ``facts`` give or imply, by the end of the calendar quarter that holds its middle."""
    periods = _by_period(facts)
    found: dict[tuple[date, date], Timeline] = {}
    for start, end in sorted(periods, key=lambda period: (period[1], period[0])):
        if _days(start, end) in _QUARTER_DAYS:
            found[start, end] = _merged(periods[start, end], found.get((start, end), ()))
        else:
            _derive(start, end, periods, found)
    told = (Quarter(start, end, tuple(timeline)) for (start, end), timeline in found.items())
    return {calendar_quarter(each.start, each.end): each for each in sorted(told, key=lambda each: each.end)}


def calendar_quarter(start: date, end: date) -> date:
    """The last day of the calendar quarter in which the middle of ``start`` to ``end`` lies."""
    middle = start + (end - start) / 2
    month = (middle.month - 1) // 3 * 3 + 3
    following = date(middle.year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)


def combined(
    one: Mapping[date, Quarter], other: Mapping[date, Quarter], how: Callable[[float, float], float]
) -> dict[date, Quarter]:
    """``how(one, other)`` for the quarters that both have, in every version since both were known."""
    both: dict[date, Quarter] = {}
    for end, quarter in one.items():
        if end in other:
            versions = _joined(quarter.versions, other[end].versions, how)
            both[end] = Quarter(quarter.start, quarter.end, tuple(versions))
    return both


def first_known(choices: Iterable[Mapping[date, Quarter]]) -> dict[date, Quarter]:
    """Each quarter from the first of ``choices`` that has it: concepts change their names over the years."""
    found: dict[date, Quarter] = {}
    for choice in choices:
        found = {**choice, **found}
    return found


def _by_period(facts: Iterable[Fact]) -> dict[tuple[date, date], Timeline]:
    periods: dict[tuple[date, date], list[Version]] = {}
    for fact in facts:
        periods.setdefault((fact.start, fact.end), []).append(Version(fact.filed, fact.value))
    return {period: _changes(sorted(versions, key=lambda each: each.known)) for period, versions in periods.items()}


def _changes(versions: Timeline) -> Timeline:
    """``versions`` without those that repeat the value before them."""
    return [*versions[:1], *(after for before, after in pairwise(versions) if abs(after.value - before.value) > _CENT)]


def _derive(
    start: date, end: date, periods: Mapping[tuple[date, date], Timeline], found: dict[tuple[date, date], Timeline]
) -> None:
    """Add the last quarter of the sum ``start`` to ``end``, if what came before it is known."""
    for until in _possible_ends(start, end, periods, found):
        before = periods.get((start, until)) or _chained(start, until, found)
        if before:
            quarter = (until + timedelta(days=1), end)
            derived = _joined(periods[start, end], before, lambda whole, part: whole - part, follow=False)
            found[quarter] = _merged(found.get(quarter, ()), derived)
            return


def _possible_ends(
    start: date, end: date, periods: Iterable[tuple[date, date]], found: Iterable[tuple[date, date]]
) -> list[date]:
    ends = {until for begin, until in (*periods, *found) if begin >= start and (end - until).days in _QUARTER_DAYS}
    return sorted(ends, reverse=True)


def _chained(start: date, until: date, found: Mapping[tuple[date, date], Timeline]) -> Timeline:
    """The sum of the quarters that follow each other from ``start`` to ``until``; empty if one is missing."""
    total: Timeline = ()
    while start <= until:
        step = next((period for period in found if period[0] == start and period[1] <= until), None)
        if step is None:
            return ()
        total = _joined(total, found[step], lambda a, b: a + b) if total else found[step]
        start = step[1] + timedelta(days=1)
    return total


def _joined(
    one: Timeline, other: Timeline, how: Callable[[float, float], float], *, follow: bool = True
) -> list[Version]:
    """Combine two timelines; without ``follow``, changes of ``other`` alone don't make a version once there is one."""
    changes = sorted({each.known for each in one} | ({each.known for each in other} if follow else set()))
    first = max(one[0].known, other[0].known)
    moments = sorted({first, *(moment for moment in changes if moment > first)})
    return list(_changes([Version(each, how(_as_of(one, each), _as_of(other, each))) for each in moments]))


def _as_of(timeline: Timeline, moment: date) -> float:
    return [each.value for each in timeline if each.known <= moment][-1]


def _merged(given: Timeline, derived: Timeline) -> Timeline:
    """What a filing gives outright replaces what was computed, from the day of that filing on."""
    if not given:
        return derived
    return _changes([*(each for each in derived if each.known < given[0].known), *given])


def _days(start: date, end: date) -> int:
    return (end - start).days + 1
