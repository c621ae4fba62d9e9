"""A view of the market that stays up to date: what is kept, then whatever comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta

import structlog

from adapters.clock import Clock
from adapters.feeds.port import SourceHealth
from adapters.store.port import Cursor, Documents, StoreUnavailable, Tape
from bot.feeding.archive import Archive
from bot.feeding.backfilling import LateHistory
from bot.feeding.intake import EVENTS, read_event
from bot.market.view import MarketView

log = structlog.get_logger()

RUNNING = timedelta(hours=1)
"""The figures of running sessions that a newcomer takes from the tape: each is told every few minutes."""
LOOK_EVERY = timedelta(seconds=2)
_MOST = 5_000
_WAIT_S = 1.0


class Follower:
    """Fills ``market`` from the archive, then follows the tape, the dated events and the sources' health."""

    def __init__(
        self,
        market: MarketView,
        *,
        archive: Archive,
        tape: Tape,
        documents: Documents,
        health: Callable[[], Awaitable[Iterable[SourceHealth]]],
        clock: Clock,
    ) -> None:
        self._market = market
        self._archive = archive
        self._tape = tape
        self._documents = documents
        self._health = health
        self._clock = clock
        self._looked = clock.now()
        self._cursor: Cursor = "0"
        self._late = LateHistory(archive, documents, self._looked)
        self._events: Mapping[str, str] = {}

    async def load(self) -> None:
        """Take in everything that is known now."""
        self._cursor = await self._tape.end()
        async for portion in self._archive.read():
            self._market.apply(portion)
        now = self._clock.now()
        self._market.apply(await self._tape.between(now - RUNNING, now))
        await self._look()

    async def run(self) -> None:
        """Follow until cancelled; a store that is away delays it."""
        while True:
            try:
                await self.step(_WAIT_S)
            except StoreUnavailable as error:
                log.warning("store_unavailable", role="market", error=str(error))
                await asyncio.sleep(_WAIT_S)

    async def step(self, wait_s: float) -> None:
        """Take in what came since the last step, waiting ``wait_s`` for it."""
        entries = await self._tape.read(self._cursor, _MOST, wait_s=wait_s)
        if entries:
            self._market.apply(seen for _, seen in entries)
            self._cursor = entries[-1][0]
        if self._clock.now() - self._looked >= LOOK_EVERY:
            await self._look()

    async def _look(self) -> None:
        """Take in history that was fetched late, and events and health: documents, few and seldom changed."""
        self._looked = self._clock.now()
        self._market.apply(await self._late.take())
        events = dict(await self._documents.all(EVENTS))
        if events != self._events:
            for gone in self._events.keys() - events.keys():
                item = read_event(self._events[gone])
                self._market.forget_event(item.kind, item.key)
            self._market.apply_events(map(read_event, events.values()))
            self._events = events
        self._market.apply_health(await self._health())
