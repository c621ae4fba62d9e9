"""What each role of a running bot does until it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from adapters.clock import Clock
from adapters.process import acquired, is_dead
from adapters.store.port import Leases, StoreUnavailable
from bot.failures import Failure
from bot.pipeline import Pipeline

log = structlog.get_logger()

LEASE_S = 15.0
"""The work of a holder who died out of sight is taken over after this long."""
LOOK_EVERY_S = 1.0
"""How long an idle role waits before it looks at its own clock again."""


async def engine(pipeline: Pipeline, clock: Clock, renew: Callable[[], Awaitable[None]]) -> None:
    """Evaluate what arrives and what the rules' own clocks demand; ``renew`` takes up other rules between two turns.

    A store that can't be reached delays the work; nothing is evaluated twice, since state, cursor and notices are one
    commit.
    """
    while True:
        try:
            await pipeline.wait(LOOK_EVERY_S)
            for notice in await pipeline.turn(clock.now()):
                log.info("notice_committed", key=notice.key, rule=notice.rule, kind=notice.kind)
            await renew()
        except StoreUnavailable as error:
            log.warning("store_unavailable", role="engine", error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)


class LeadershipLost(Failure):
    """Another process took the role over, since this one was stopped for longer than its lease lasted."""


async def lead(
    leases: Leases,
    name: str,
    owner: str,
    work: Callable[[], Awaitable[None]],
    is_dead: Callable[[str], bool] = is_dead,
) -> None:
    """Wait until ``owner`` alone holds the lease ``name``, then do ``work`` while keeping it.

    A holder of whom ``is_dead`` is certain is not waited for. Raise ``LeadershipLost`` when somebody else has the
    lease: this process was stopped for too long, and a standby works.
    """
    standing_by = False
    while not await _when_reached(lambda: acquired(leases, name, owner, LEASE_S, is_dead), name):
        if not standing_by:
            log.info("standing_by", role=name)
            standing_by = True
        await asyncio.sleep(LOOK_EVERY_S)
    try:
        async with asyncio.TaskGroup() as tasks:
            keeper = tasks.create_task(_keep(leases, name, owner))
            await _worked(work, name)
            keeper.cancel()
    finally:
        with contextlib.suppress(StoreUnavailable):  # the lease ends by itself
            await leases.release(name, owner)


async def _worked(work: Callable[[], Awaitable[None]], role: str) -> None:
    """Do ``work``; begin anew, from what is stored, when a store that can't be reached put an end to it."""
    done = False
    while not done:
        try:
            await work()
            done = True
        except* StoreUnavailable as errors:
            log.warning("store_unavailable", role=role, error=str(errors.exceptions[0]))
            await asyncio.sleep(LOOK_EVERY_S)


async def _keep(leases: Leases, name: str, owner: str) -> None:
    while await _when_reached(lambda: leases.acquire(name, owner, LEASE_S), name):
        await asyncio.sleep(LEASE_S / 3)
    raise LeadershipLost(f"another process took over as {name} while this one stood still; start it again to stand by")


async def _when_reached(ask: Callable[[], Awaitable[bool]], role: str) -> bool:
    """The store's answer, however long it can't be reached: nothing was decided meanwhile."""
    while True:
        try:
            return await ask()
        except StoreUnavailable as error:
            log.warning("store_unavailable", role=role, error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)
