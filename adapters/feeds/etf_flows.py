"""ETF flows from several sources: a day is accepted when two of them agree, else it is shown for what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from adapters.feeds.flow_day import TOTAL, FlowDay, FlowDays, FlowSource, new_york, provisional, told
from adapters.feeds.port import Fault, FeedProblem, Fetched
from rules.model import Status

NAME = "etf_flows"
SINGLE_SOURCE = "single source"
_TOLERANCE_USD = 2_000_000.0
_TOLERANCE = 0.02
_PUBLISHED_AFTER = timedelta(hours=18)
_LATE_AFTER = 3
"""Sessions that a source may be behind before it is called late."""


class Verdict(StrEnum):
    """What comparing the sources of one day showed."""

    AGREED = "agreed"
    SINGLE = "single"
    DISPUTED = "disputed"
    UNFINISHED = "unfinished"
    """No source has the day complete."""


@dataclass(frozen=True, slots=True)
class Settled:
    """One day as it is told, and why; ``against`` is the figure that disputes it."""

    day: FlowDay
    verdict: Verdict
    against: FlowDay | None = None


class EtfFlows:
    """The chain of flow sources, in the order in which they are preferred.

    ``only`` names the one source to ask; its figures are then told as they are, with nothing to compare them to.
    """

    def __init__(self, *, sources: Sequence[FlowSource], only: str | None = None) -> None:
        self._sources = [source for source in sources if only in {None, source.name}]
        self._only = only
        self._names = tuple(source.name for source in sources)

    async def fetch(self, now: datetime) -> Fetched:
        """Ask every source at once; the day's figures are those of the first one that another one confirms."""
        if not self._sources:
            message = f"there is no source {self._only!r}; wanted one of {', '.join(self._names) or 'none configured'}"
            return Fetched(problems=(FeedProblem(NAME, Fault.INCOMPLETE, message),))
        answers = await asyncio.gather(*(source.days(now) for source in self._sources))
        if self._only is not None:
            return told(answers[0], now)
        return await asyncio.to_thread(compared, answers, now)


def compared(answers: Sequence[FlowDays], now: datetime) -> Fetched:
    """Settle every day of ``answers``, given in order of preference, and tell what is doubtful."""
    settled = settle(answers)
    problems = [problem for answer in answers for problem in answer.problems]
    problems += [*_late(answers, now), *_doubts(settled)]
    names = dict.fromkeys(day.source for answer in answers for day in answer.days)
    return replace(told(FlowDays(tuple(each.day for each in settled), tuple(problems)), now), answered=tuple(names))


def settle(answers: Iterable[FlowDays]) -> list[Settled]:
    """Compare the sources' days, given in order of preference, and decide each; oldest first."""
    by_day: dict[tuple[str, date], list[FlowDay]] = {}
    for answer in answers:
        for day in answer.days:
            by_day.setdefault((day.asset, day.day), []).append(day)
    return [settle_day(by_day[key]) for key in sorted(by_day)]


def settle_day(told_by: Sequence[FlowDay]) -> Settled:
    """Decide one day of one asset: sources with funds come before those with totals, then by preference."""
    complete = sorted((day for day in told_by if day.status is Status.FINAL), key=lambda day: not day.funds)
    if not complete:
        return Settled(max(told_by, key=lambda day: (day.total is not None, day.reported)), Verdict.UNFINISHED)
    if len(complete) == 1:
        label = f"{complete[0].source} ({SINGLE_SOURCE})"
        return Settled(replace(complete[0], source=label), Verdict.SINGLE)
    for day in complete:
        others = [other.source for other in complete if other is not day and agree(day, other)]
        if others:
            return Settled(replace(day, source="+".join([day.source, *others])), Verdict.AGREED)
    return Settled(provisional(complete[0]), Verdict.DISPUTED, complete[1])


def agree(one: FlowDay, other: FlowDay) -> bool:
    """Whether two totals are the same within US$2 m or 2 % of the larger one."""
    if one.total is None or other.total is None:
        return False
    allowed = max(_TOLERANCE_USD, _TOLERANCE * max(abs(one.total), abs(other.total)))
    return abs(one.total - other.total) <= allowed


def _doubts(settled: Sequence[Settled]) -> Iterable[FeedProblem]:
    for each in settled:
        if each.verdict is Verdict.DISPUTED and each.against is not None:
            subject = f"{NAME}.{each.day.asset}.{TOTAL} {each.day.day}"
            yield FeedProblem(NAME, Fault.DISAGREEMENT, _dispute(each.day, each.against), subject)
    alone: dict[tuple[str, str], list[date]] = {}
    for each in settled:
        if each.verdict is Verdict.SINGLE:
            alone.setdefault((each.day.asset, each.day.source), []).append(each.day.day)
    for (asset, source), days in alone.items():
        message = f"{asset}: {source} for {len(days)} days, {days[0]} to {days[-1]}; no other source has them complete"
        yield FeedProblem(NAME, Fault.INCOMPLETE, message, f"{NAME}.{asset}.{TOTAL}")


def _dispute(one: FlowDay, other: FlowDay) -> str:
    parts = [f"{one.asset} {one.day}: {one.source} has {one.total:,.0f} USD, {other.source} {other.total:,.0f}"]
    if one.funds and other.funds:
        differing = [ticker for ticker, value in one.funds.items() if _far(value, other.funds.get(ticker))]
        parts += [f"they differ in {', '.join(differing)}"] if differing else []
        for a, b in pairwise((one, other, one)):
            extra = [ticker for ticker in a.funds if ticker not in b.funds]
            parts += [f"only {a.source} has {', '.join(extra)}"] if extra else []
    return "; ".join(parts)


def _far(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) > _TOLERANCE_USD / 2


def _late(answers: Sequence[FlowDays], now: datetime) -> Iterable[FeedProblem]:
    """Sources that answer but whose newest complete day is old: a table that isn't kept any more."""
    calendar = new_york()
    due = calendar.previous(calendar.session_of(now - _PUBLISHED_AFTER), _LATE_AFTER)
    for answer in answers:
        newest: Mapping[tuple[str, str], date] = {
            (day.source, day.asset): day.day for day in answer.days if day.status is Status.FINAL
        }
        for (source, asset), day in newest.items():
            if day < due:
                message = f"{asset}: its newest complete day is {day}; wanted {due} or later"
                yield FeedProblem(source, Fault.INCOMPLETE, message, f"{NAME}.{asset}.{TOTAL}")
