"""The long history of prices: fetched before a price feed is asked for the first time, and told to who runs already.

History goes into the archive and never over the tape: nothing of it is news. A mark among the documents says whose
history has come, so that an engine that started on an emptier archive takes it in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from adapters.feeds.port import Fault, Fetched
from adapters.store.port import Documents
from bot.archive import Archive
from rules.model import Observation, SeriesName

MARKS = "backfilled"
_CLOCKS_DIFFER = timedelta(minutes=1)
_AGAIN = {Fault.UNREACHABLE, Fault.RATE_LIMITED, Fault.BLOCKED, Fault.UNAUTHORIZED}

log = structlog.get_logger()


class LongPrices(Protocol):
    """A feed of prices with a long history, as ``adapters.feeds.prices.Prices`` is."""

    def remember(self, observations: Sequence[Observation]) -> None:
        """Take finished bars of an earlier process as given."""
        ...

    async def backfill(self, now: datetime) -> Fetched:
        """The long history of what was not remembered."""
        ...

    async def fetch(self, now: datetime) -> Fetched:
        """Ask once."""
        ...


class Backfilled:
    """``prices`` of ``symbols`` as a feed that completes the archive before it is first asked.

    While its source can't be reached or refuses, each fetch tries the history again and tells what was in the way,
    like any failure of the source.
    """

    def __init__(
        self, name: str, prices: LongPrices, symbols: Iterable[str], archive: Archive, documents: Documents
    ) -> None:
        self._name = name
        self._prices = prices
        self._symbols = tuple(symbols)
        self._archive = archive
        self._documents = documents
        self._remembered = self._complete = False

    async def fetch(self, now: datetime) -> Fetched:
        """Complete the history where that is still to do, then ask for what is new; raise ``StoreUnavailable``."""
        if not self._complete:
            found = await self._fill(now)
            if any(problem.fault in _AGAIN and not problem.subject for problem in found.problems):
                return Fetched(problems=found.problems)
            self._complete = True
        return await self._prices.fetch(now)

    async def _fill(self, now: datetime) -> Fetched:
        if not self._remembered:
            self._prices.remember(await self._archive.load(only={("prices", symbol) for symbol in self._symbols}))
            self._remembered = True
        found = await self._prices.backfill(now)
        if found.observations:
            await self._archive.keep(found.observations)
            self._prices.remember(found.observations)
            symbols = sorted({SeriesName.parse(item.series).key for item in found.observations})
            await self._documents.put(MARKS, self._name, json.dumps({"at": now.isoformat(), "symbols": symbols}))
            log.info("history_fetched", feed=self._name, symbols=len(symbols), figures=len(found.observations))
        return found


class LateHistory:
    """What came into the archive since ``started``, for who loaded it then."""

    def __init__(self, archive: Archive, documents: Documents, started: datetime) -> None:
        self._archive = archive
        self._documents = documents
        self._since = started - _CLOCKS_DIFFER
        self._seen: Mapping[str, str] = {}

    async def take(self) -> Sequence[Observation]:
        """The history of each symbol that was completed since the last call; raise ``StoreUnavailable``."""
        marks = await self._documents.all(MARKS)
        new = [json.loads(text) for name, text in marks.items() if self._seen.get(name) != text]
        late = [mark for mark in new if datetime.fromisoformat(mark["at"]) >= self._since]
        symbols = {("prices", symbol) for mark in late for symbol in mark["symbols"]}
        found = await self._archive.load(only=symbols) if symbols else []
        self._seen = marks
        return found
