"""The long past: it goes into the archive and never over the tape, since nothing of it is news.

The history of prices is fetched before a price feed is asked for the first time; the sources of other figures give it
together with what is new. A mark among the documents says whose history has come, so that an engine that started on an
emptier archive takes it in.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from adapters.feeds.port import Fault, Fetched, join
from adapters.store.port import Documents
from bot.feeding.archive import Archive
from rules.model import Observation, SeriesName

MARKS = "backfilled"
_AT_A_TIME = 25
"""Symbols whose history is in memory together: two years of them are some 60,000 figures."""
_CLOCKS_DIFFER = timedelta(minutes=1)
_AGAIN = {Fault.UNREACHABLE, Fault.RATE_LIMITED, Fault.BLOCKED, Fault.UNAUTHORIZED}

log = structlog.get_logger()


class LongPrices(Protocol):
    """A feed of prices with a long history, as ``adapters.feeds.prices.Prices`` is."""

    def remember(self, observations: Sequence[Observation]) -> None:
        """Take finished bars of an earlier process as given."""
        ...

    async def backfill(self, now: datetime, symbols: Container[str]) -> Fetched:
        """The long history of those of ``symbols`` that were not remembered."""
        ...

    async def fetch(self, now: datetime) -> Fetched:
        """Ask once."""
        ...


class Backfilled:
    """``prices`` of ``symbols`` as a feed that completes the archive before it is first asked, some symbols at a time.

    While its source can't be reached or refuses, each fetch tries the history again and tells what was in the way,
    like any failure of the source.
    """

    def __init__(
        self, name: str, prices: LongPrices, symbols: Iterable[str], archive: Archive, documents: Documents
    ) -> None:
        self._name = name
        self._prices = prices
        ordered = list(symbols)
        self._waiting = [frozenset(ordered[n : n + _AT_A_TIME]) for n in range(0, len(ordered), _AT_A_TIME)]
        self._remembered: set[frozenset[str]] = set()
        self._archive = archive
        self._documents = documents

    async def fetch(self, now: datetime) -> Fetched:
        """Complete the history where that is still to do, then ask for what is new; raise ``StoreUnavailable``."""
        while self._waiting:
            found = await self._fill(self._waiting[0], now)
            if any(problem.fault in _AGAIN and not problem.subject for problem in found.problems):
                return Fetched(problems=found.problems)
            del self._waiting[0]
        return await self._prices.fetch(now)

    async def _fill(self, symbols: frozenset[str], now: datetime) -> Fetched:
        if symbols not in self._remembered:
            self._prices.remember(await self._archive.bars_of(symbols))
            self._remembered.add(symbols)
        found = await self._prices.backfill(now, symbols)
        if found.observations:
            await self._archive.keep(found.observations)
            self._prices.remember(found.observations)
            name = f"{self._name} {min(symbols)}"
            await _mark(self._documents, name, found.observations, now)
        return found


class News(Protocol):
    """A feed that tells only what it has not told, as ``adapters.feeds.news.OnlyNews`` does."""

    def remember(self, observations: Sequence[Observation]) -> None:
        """Take figures of an earlier process as told."""
        ...

    async def fetch(self, now: datetime) -> Fetched:
        """Ask once."""
        ...


class PastApart:
    """``news`` of the feed ``name``, without what the archive has from an earlier process and without the long past.

    A figure that is heard of for the first time more than ``past`` after its time goes into the archive alone; one that
    was known and is corrected is news, however old.
    """

    def __init__(self, name: str, news: News, archive: Archive, documents: Documents, past: timedelta) -> None:
        self._name = name
        self._news = news
        self._archive = archive
        self._documents = documents
        self._past = past
        self._known: set[tuple[str, datetime]] | None = None
        self._held = Fetched()

    async def fetch(self, now: datetime) -> Fetched:
        """Ask once; raise ``StoreUnavailable``."""
        if self._known is None:
            kept = await self._archive.load(only=_OfFeed(self._name))
            self._news.remember(kept)
            self._known = {(item.series, item.at) for item in kept}
        self._held = fetched = join([self._held, await self._news.fetch(now)])  # it isn't told twice
        oldest = now - self._past
        late = [item for item in fetched.observations if item.at < oldest and (item.series, item.at) not in self._known]
        if late:
            await self._archive.keep(late)
            await _mark(self._documents, self._name, late, now)
        self._known.update((item.series, item.at) for item in fetched.observations)
        self._held = Fetched()
        places = {(item.series, item.at) for item in late}
        news = tuple(item for item in fetched.observations if (item.series, item.at) not in places)
        return replace(fetched, observations=news)


@dataclass(frozen=True, slots=True)
class _OfFeed:
    """Every pair of ``feed`` and a key."""

    feed: str

    def __contains__(self, pair: object) -> bool:
        return isinstance(pair, tuple) and pair[0] == self.feed


async def _mark(documents: Documents, name: str, came: Sequence[Observation], now: datetime) -> None:
    """Say that the history of what ``came`` is in the archive."""
    names = [SeriesName.parse(item.series) for item in came]
    keys = sorted({(each.feed, each.key) for each in names})
    await documents.put(MARKS, name, json.dumps({"at": now.isoformat(), "keys": keys}))
    log.info("history_fetched", feed=name, keys=len(keys), figures=len(came))


class LateHistory:
    """What came into the archive since ``started``, for who loaded it then."""

    def __init__(self, archive: Archive, documents: Documents, started: datetime) -> None:
        self._archive = archive
        self._documents = documents
        self._since = started - _CLOCKS_DIFFER
        self._seen: Mapping[str, str] = {}

    async def take(self) -> Sequence[Observation]:
        """The history of what was completed since the last call; raise ``StoreUnavailable``."""
        marks = await self._documents.all(MARKS)
        new = [json.loads(text) for name, text in marks.items() if self._seen.get(name) != text]
        late = [mark for mark in new if datetime.fromisoformat(mark["at"]) >= self._since]
        keys = {(feed, key) for mark in late for feed, key in mark["keys"]}
        found = await self._archive.load(only=keys) if keys else []
        self._seen = marks
        return found
