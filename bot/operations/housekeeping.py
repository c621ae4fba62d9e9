"""What the store need not keep for ever."""

from __future__ import annotations

import asyncio

import structlog

from adapters.clock import Clock
from adapters.store.port import Store, StoreUnavailable
from bot.operations.retention import RetentionSettings
from bot.past import snapshots
from bot.rulebook import personal

log = structlog.get_logger()

_EVERY_S = 3_600.0


async def tidy(store: Store, retention: RetentionSettings, clock: Clock) -> None:
    """Forget what is old, once."""
    now = clock.now()
    observations = await store.tape.trim(now - retention.tape)
    lines = await store.outbox.trim(now - retention.log)
    await snapshots.forget(store.documents, now - retention.tape)
    alerts = await personal.forget_expired(store.documents, now)
    if observations or lines or alerts:
        log.info("tidied", observations=observations, log_lines=lines, price_alerts=alerts)


async def keep_tidy(store: Store, retention: RetentionSettings, clock: Clock) -> None:
    """Forget what is old, every hour."""
    while True:
        try:
            await tidy(store, retention, clock)
        except StoreUnavailable as error:
            log.warning("store_unavailable", role="housekeeping", error=str(error))
        await asyncio.sleep(_EVERY_S)
