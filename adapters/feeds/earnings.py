"""Earnings dates from several calendars: confirmed when two agree, told when they don't or when a date moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from adapters.feeds.calendar_dates import dated, zone_of
from adapters.feeds.earnings_date import EarningsDate, EarningsSource, event, upcoming
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.store.port import Documents, StoreUnavailable
from rules.model import CalendarEvent, Status

NAME = "earnings"
COLLECTION = "earnings_dates"


class Earnings:
    """The next report of each company. What was told last is kept in ``documents``, so that a move is noticed."""

    def __init__(self, *, sources: Sequence[EarningsSource], documents: Documents) -> None:
        self._sources = tuple(sources)
        self._documents = documents

    async def fetch(self, now: datetime) -> Fetched:
        """Ask every source at once and settle each company's next date."""
        answers = await asyncio.gather(*(source.dates(now) for source in self._sources))
        problems = [problem for answer in answers for problem in answer.problems]
        by_symbol: dict[str, list[EarningsDate]] = {}
        for each in upcoming((found for answer in answers for found in answer.dates), now):
            by_symbol.setdefault(each.symbol, []).append(each)
        events = []
        for symbol in sorted(by_symbol):
            settled, dispute = settle(by_symbol[symbol], self._order(), now)
            events.append(settled)
            problems += [dispute] if dispute else []
        try:
            problems += await self._moves(events, now)
        except StoreUnavailable as error:
            problems.append(FeedProblem(NAME, Fault.INCOMPLETE, f"whether dates moved is unknown: {error}"))
        answered = (
            source.name
            for source, answer in zip(self._sources, answers, strict=True)
            if answer.dates or not answer.problems
        )
        return Fetched(
            tuple(dated(each, now) for each in events), tuple(events), tuple(problems), tuple(dict.fromkeys(answered))
        )

    def _order(self) -> list[str]:
        return list(dict.fromkeys(source.name for source in self._sources))

    async def _moves(self, events: Iterable[CalendarEvent], now: datetime) -> list[FeedProblem]:
        """Compare with what was told before; a date that has passed is not moved but done."""
        before = await self._documents.all(COLLECTION)
        problems = []
        for each in events:
            told = _told(before.get(each.key, ""))
            if told is not None and told != each.start and told >= _today(each.key, now).isoformat():
                message = f"{each.key}: the next report moved from {told} to {each.start}"
                problems.append(FeedProblem(each.source, Fault.REVISED, message, f"{NAME}.{each.key}.date"))
            if told != each.start:
                await self._documents.put(COLLECTION, each.key, json.dumps({"date": each.start}))
        return problems


def settle(
    dates: Sequence[EarningsDate], order: Sequence[str], now: datetime
) -> tuple[CalendarEvent, FeedProblem | None]:
    """Decide a company's next report from each source's first date, ``order`` being that of preference."""
    first: dict[str, EarningsDate] = {}
    for each in sorted(dates, key=lambda found: found.first):
        first.setdefault(each.source, each)
    ranked = sorted(first.values(), key=lambda found: order.index(found.source))
    lead = _lead(ranked)
    same = [each for each in ranked if _overlap(each, lead)]
    others = [each for each in ranked if not _overlap(each, lead)]
    estimated = any(each.confirmed is False for each in same)
    agreed = len(same) > 1 and not estimated and not others
    vouched = lead.confirmed is True and all(each.confirmed is not True for each in others)
    status = Status.FINAL if agreed or vouched else Status.PROVISIONAL
    whens = list(dict.fromkeys(each.when for each in same if each.when != "unknown"))
    settled = replace(
        lead,
        when=whens[0] if len(whens) == 1 else "unknown",
        source="+".join(each.source for each in same),
        company=next((each.company for each in same if each.company), ""),
    )
    return event(settled, now, status), _dispute([lead, *others]) if others else None


def _lead(ranked: Sequence[EarningsDate]) -> EarningsDate:
    """The first date that its source vouches for, else that another source shares, else the preferred source's.

    Among shared dates a day is better than a range.
    """
    vouched = next((each for each in ranked if each.confirmed is True), None)
    shared = [one for one in ranked if any(_overlap(one, other) for other in ranked if other is not one)]
    return vouched or min(
        shared or ranked, key=lambda each: (bool(shared) and each.first != each.last, ranked.index(each))
    )


def _overlap(one: EarningsDate, other: EarningsDate) -> bool:
    return one.first <= other.last and other.first <= one.last


def _dispute(dates: Sequence[EarningsDate]) -> FeedProblem:
    said = ", ".join(f"{each.source} {each.first}" for each in dates)
    symbol = dates[0].symbol
    return FeedProblem(NAME, Fault.DISAGREEMENT, f"{symbol}: the next report is {said}", f"{NAME}.{symbol}.date")


def _told(document: str) -> str | None:
    try:
        return str(json.loads(document)["date"]) if document else None
    except (ValueError, KeyError, TypeError):
        return None


def _today(symbol: str, now: datetime) -> date:
    return now.astimezone(zone_of(symbol)).date()
