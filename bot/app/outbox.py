"""What waits, what went and what is dead, for the terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.clock import Clock, SystemClock
from adapters.store.embedded import open_store
from adapters.store.port import Outbox
from bot.settings import Settings


@asynccontextmanager
async def open_outbox(settings: Settings) -> AsyncIterator[tuple[Outbox, Clock]]:
    """The outbox of a running, or a stopped, bot, and the clock to tell it the time by."""
    async with open_store(settings.secrets.redis_url, settings.home) as store:
        yield store.outbox, SystemClock()
