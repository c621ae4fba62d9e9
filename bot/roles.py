"""What each role of a running bot does until it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from adapters.clock import Clock
from adapters.store.port import Leases, StoreUnavailable
from bot.delivery import Sender
from bot.pipeline import Pipeline

log = structlog.get_logger()

LEASE_S = 15.0
"""A dead holder's work is taken over after this long."""
LOOK_EVERY_S = 1.0
"""How long an idle role waits before it looks at its own clock again."""


async def engine(pipeline: Pipeline, clock: Clock) -> None:
    """Evaluate what arrives and what the rules' own clocks demand.

    A store that can't be reached delays the work; nothing is evaluated twice, since state, cursor and notices are one
    commit.
    """
    while True:
        try:
            await pipeline.wait(LOOK_EVERY_S)
            for notice in await pipeline.turn(clock.now()):
                log.info("notice_committed", key=notice.key, rule=notice.rule, kind=notice.kind)
        except StoreUnavailable as error:
            log.warning("store_unavailable", role="engine", error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)


async def sender(outgoing: Sender, clock: Clock) -> None:
    """Send what is due, then rest a moment."""
    while True:
        try:
            if not await outgoing.drain(clock.now()):
                await asyncio.sleep(LOOK_EVERY_S / 10)
        except StoreUnavailable as error:
            log.warning("store_unavailable", role="sender", error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def leadership(leases: Leases, name: str, owner: str) -> AsyncIterator[None]:
    """Wait until ``owner`` alone holds the lease ``name``, and keep it while the block runs.

    Losing it (the process was stopped for longer than the lease lasts) cancels the block: a standby works by then.
    """
    waiting_told = False
    while not await leases.acquire(name, owner, LEASE_S):
        if not waiting_told:
            log.info("standing_by", role=name)
            waiting_told = True
        await asyncio.sleep(LEASE_S / 3)
    holder = asyncio.current_task()

    async def keep() -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            if not await leases.acquire(name, owner, LEASE_S):
                log.error("lease_lost", role=name)
                assert holder is not None
                holder.cancel()
                return

    keeper = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeper.cancel()
        await leases.release(name, owner)
