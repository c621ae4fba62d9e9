"""One day of ETF flows as one source tells it, and how such days become observations.

Every flow source yields :class:`FlowDay` values; what pending, partial and final mean is decided here, once.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Protocol

from adapters.feeds.answer import gives_up, noting
from adapters.feeds.port import FeedProblem, Fetched
from rules.calendars.sessions import Calendar, Calendars
from rules.model import Observation, Status

TOTAL = "total"
_REPORTING_LAG = 5
"""Rows after which a fund that never reported wasn't listed yet: nobody reports five sessions late."""
_DELISTED_AFTER = 10


@dataclass(frozen=True, slots=True)
class FlowDay:
    """Net flows of one session in USD.

    ``funds`` maps a ticker to its flow, ``None`` where it has not reported; it is empty where the source knows totals
    only. ``total`` of a partial day is the sum of what was reported, and ``None`` when nothing was.
    """

    asset: str
    day: date
    total: float | None
    status: Status
    source: str
    funds: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def reported(self) -> int:
        """How many funds have reported."""
        return sum(value is not None for value in self.funds.values())


@dataclass(frozen=True, slots=True)
class FlowDays:
    """What a source answered, oldest day first: days and faults come together."""

    days: tuple[FlowDay, ...] = ()
    problems: tuple[FeedProblem, ...] = ()


class FlowSource(Protocol):
    """A source of flows that can be compared with others."""

    @property
    def name(self) -> str:
        """What the source is called in ``source`` fields, settings and ``--source``."""
        ...

    async def days(self, now: datetime) -> FlowDays:
        """Ask once; faults come back as problems."""
        ...


async def ask_each(source: str, assets: Sequence[str], ask: Callable[[str], Awaitable[FlowDays]]) -> FlowDays:
    """Ask for every asset, one after the other; one that fails doesn't keep the others from answering.

    A source that refuses is not asked for the next one. ``ask`` reads years of rows, so it does that in a thread.
    """
    days: list[FlowDay] = []
    problems: list[FeedProblem] = []
    for asset in assets:
        with noting(problems, source, f"etf_flows.{asset}.{TOTAL}"):
            answer = await ask(asset)
            days += answer.days
            problems += answer.problems
        if gives_up(problems):
            break
    return FlowDays(tuple(days), tuple(problems))


def told(answer: FlowDays, now: datetime) -> Fetched:
    """What a source answered, as a feed returns it."""
    return Fetched(observations(answer.days, now), problems=answer.problems)


@cache
def new_york() -> Calendar:
    """The calendar of the funds."""
    return Calendars().get("XNYS")


def of_funds(asset: str, day: date, funds: Mapping[str, float | None], source: str) -> FlowDay:
    """Make a day of its funds' flows: the total is recomputed, never taken from the source."""
    known = [value for value in funds.values() if value is not None]
    if not known:
        return FlowDay(asset, day, None, Status.PENDING, source, dict(funds))
    status = Status.FINAL if len(known) == len(funds) else Status.PARTIAL
    return FlowDay(asset, day, round(math.fsum(known), 2), status, source, dict(funds))


def of_total(asset: str, day: date, total: float | None, source: str, now: datetime) -> FlowDay:
    """Make a day of a total alone. A zero within a day and a half of the close means that nothing was published yet."""
    fresh = now - new_york().close(day) < timedelta(hours=36)
    if total is None or (total == 0 and fresh):
        return FlowDay(asset, day, None, Status.PENDING, source)
    return FlowDay(asset, day, round(total, 2), Status.FINAL, source)


def is_session(day: date) -> bool:
    """Whether the funds traded: a row for any other day is a placeholder."""
    return new_york().is_session(day)


def without_unlisted(rows: Mapping[date, Mapping[str, float | None]]) -> dict[date, dict[str, float | None]]:
    """Drop the empty cells of funds that weren't listed yet, or not any more, so that they aren't waited for.

    An empty cell is a late report only in the newest rows, or when its fund has reported shortly before. A column
    that is empty from top to bottom of a table of weeks is no fund any more, or none yet.
    """
    order = sorted(rows)
    tickers = dict.fromkeys(ticker for day in order for ticker in rows[day])
    kept: dict[date, dict[str, float | None]] = {day: {} for day in order}
    for ticker in tickers:
        numbers = [index for index, day in enumerate(order) if rows[day].get(ticker) is not None]
        for index, day in enumerate(order):
            if _awaited(index, numbers, len(order)):
                kept[day][ticker] = rows[day].get(ticker)
    return kept


def _awaited(index: int, numbers: Sequence[int], rows: int) -> bool:
    """Whether a fund with figures in the rows ``numbers`` (ascending) has, or owes, one in row ``index``."""
    told = bisect_right(numbers, index)
    if not numbers and rows >= _DELISTED_AFTER:
        return False
    if not told:
        return index >= rows - _REPORTING_LAG
    return told < len(numbers) or index - numbers[told - 1] < _DELISTED_AFTER


def observations(days: Iterable[FlowDay], now: datetime) -> tuple[Observation, ...]:
    """Every fund and total of ``days`` as a series ``etf_flows.ASSET.TICKER``, at the close of its session."""
    return tuple(observation for day in days for observation in _of_day(day, now))


def _of_day(day: FlowDay, now: datetime) -> Iterable[Observation]:
    at = new_york().close(day.day)
    firm = Status.FINAL if day.status in {Status.PARTIAL, Status.PENDING} else day.status
    for ticker, value in day.funds.items():
        status = Status.PENDING if value is None else firm
        yield Observation(f"etf_flows.{day.asset}.{ticker}", at, now, value, status, day.source)
    yield Observation(f"etf_flows.{day.asset}.{TOTAL}", at, now, day.total, day.status, day.source)


def provisional(day: FlowDay) -> FlowDay:
    """The same day, not to be relied on yet; a day that isn't complete stays what it is."""
    return replace(day, status=Status.PROVISIONAL) if day.status is Status.FINAL else day
