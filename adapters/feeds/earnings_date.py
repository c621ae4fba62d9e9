"""A company's next earnings report as one source tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from adapters.feeds.calendar_dates import dated, zone_of
from adapters.feeds.port import FeedProblem, Fetched
from rules.model import CalendarEvent, Status

When = Literal["before_open", "after_close", "during", "unknown"]


@dataclass(frozen=True, slots=True)
class EarningsDate:
    """A report between ``first`` and ``last`` (mostly the same day), dates of the company's exchange.

    ``confirmed`` is ``False`` where the source calls it an estimate, ``True`` where it says that it is none, and
    ``None`` where it doesn't tell them apart.
    """

    symbol: str
    first: date
    last: date
    when: When
    confirmed: bool | None
    source: str
    company: str = ""


@dataclass(frozen=True, slots=True)
class EarningsDates:
    """What a source answered: dates and faults come together."""

    dates: tuple[EarningsDate, ...] = ()
    problems: tuple[FeedProblem, ...] = ()


class EarningsSource(Protocol):
    """A calendar that can be compared with others."""

    @property
    def name(self) -> str:
        """What the source is called in ``source`` fields."""
        ...

    async def dates(self, now: datetime) -> EarningsDates:
        """Ask once; faults come back as problems."""
        ...


def event(found: EarningsDate, now: datetime, status: Status | None = None) -> CalendarEvent:
    """The date as a calendar item; without ``status`` it is confirmed only if the source says so."""
    name = found.company or found.symbol
    return CalendarEvent(
        kind="earnings",
        key=found.symbol,
        start=found.first.isoformat(),
        end=found.last.isoformat(),
        title={"en": f"{name} earnings", "zh": f"{name} 财报"},
        known_at=now,
        session=found.when,
        status=status or (Status.FINAL if found.confirmed else Status.PROVISIONAL),
        source=found.source,
        tags=("earnings",),
    )


def told(answer: EarningsDates, now: datetime) -> Fetched:
    """What one source answered, as a feed returns it: every date as an item, the next of each symbol as a figure."""
    events = tuple(event(each, now) for each in answer.dates)
    following = {each.symbol: event(each, now) for each in reversed(upcoming(answer.dates, now))}
    return Fetched(tuple(dated(each, now) for each in following.values()), events, answer.problems)


def upcoming(dates: Iterable[EarningsDate], now: datetime) -> list[EarningsDate]:
    """The dates that have not passed at their exchange, earliest first."""
    ahead = [each for each in dates if each.last >= now.astimezone(zone_of(each.symbol)).date()]
    return sorted(ahead, key=lambda each: (each.first, each.symbol))
