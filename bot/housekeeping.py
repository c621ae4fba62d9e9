"""What the store need not keep for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated

import structlog
from pydantic import BaseModel, BeforeValidator, ConfigDict

from adapters.clock import Clock
from adapters.store.port import Store, StoreUnavailable
from bot import snapshots
from bot.routing_settings import duration

log = structlog.get_logger()

_EVERY_S = 3_600.0
Duration = Annotated[timedelta, BeforeValidator(duration)]


class RetentionSettings(BaseModel):
    """How long the tape keeps what was evaluated, and the delivery log what was sent.

    Prices are kept apart from the tape, packed. A notice whose log line is gone could be sent a second time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tape: Duration = timedelta(days=2)
    log: Duration = timedelta(days=400)


async def tidy(store: Store, retention: RetentionSettings, clock: Clock) -> None:
    """Forget what is old, once."""
    now = clock.now()
    observations = await store.tape.trim(now - retention.tape)
    lines = await store.outbox.trim(now - retention.log)
    await snapshots.forget(store.documents, now - retention.tape)
    if observations or lines:
        log.info("tidied", observations=observations, log_lines=lines)


async def keep_tidy(store: Store, retention: RetentionSettings, clock: Clock) -> None:
    """Forget what is old, every hour."""
    while True:
        try:
            await tidy(store, retention, clock)
        except StoreUnavailable as error:
            log.warning("store_unavailable", role="housekeeping", error=str(error))
        await asyncio.sleep(_EVERY_S)
