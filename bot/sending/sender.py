"""From the outbox to the messengers: who takes which entry when, beside any number of others who do the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from adapters.clock import Clock
from adapters.notifiers.port import Notifier
from adapters.store.port import LIFE_S, Store, StoreUnavailable, alive
from bot.sending.courier import Courier, NoOwners, Owners, ReaderAt
from bot.sending.limits import buckets_of

log = structlog.get_logger()

_HORIZON_S = 0.25
"""A token that comes this soon is waited for with the entry in hand; until a later one the lane is left alone."""
_LOOK_EVERY_S = 1.0
_LAST_MOMENT_S = 5.0


class Sender:
    """Takes what is due from the outbox, at most ``parallel`` destinations at a time, and sends it.

    Any number of senders, in any number of processes, may share an outbox; ``name`` tells them apart. What one of whom
    ``is_dead`` is certain held is taken over at once.
    """

    def __init__(
        self,
        *,
        name: str,
        store: Store,
        notifiers: Mapping[str, Notifier],
        reader_at: ReaderAt,
        clock: Clock,
        owners: Owners | None = None,
        is_dead: Callable[[str], bool] = lambda _name: False,
        parallel: int = 64,
    ) -> None:
        self._name = name
        self._outbox = store.outbox
        self._leases = store.leases
        self._clock = clock
        self._is_dead = is_dead
        self._parallel = parallel
        self._courier = Courier(
            store=store, notifiers=notifiers, reader_at=reader_at, clock=clock, owners=owners or NoOwners()
        )

    async def run(self) -> None:
        """Send for ever, and take over what dead senders held. A store that can't be reached delays the work."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._live())
            await self._serve()

    async def _live(self) -> None:
        """Show that this sender lives, and look after those that don't any more."""
        while True:
            try:
                await self._leases.acquire(alive(self._name), self._name, LIFE_S)
                if taken := await self._outbox.take_over(self._clock.now(), self._is_dead):
                    log.warning("taken_over", entries=taken)
            except StoreUnavailable as error:
                log.warning("store_unavailable", role="sender", error=str(error))
            await asyncio.sleep(LIFE_S / 5)

    async def _serve(self) -> None:
        """Take what becomes due while other messages are on their way; these get a moment to arrive in the end."""
        running: set[asyncio.Task[bool]] = set()
        bell = asyncio.create_task(self._rung())
        try:
            while True:
                try:
                    if await self._take_on(running):
                        await asyncio.sleep(0)  # what was taken goes out before the next look
                        continue
                    rest_s = await self._rest_s() if self._room(running) else None
                except StoreUnavailable as error:
                    log.warning("store_unavailable", role="sender", error=str(error))
                    rest_s = _LOOK_EVERY_S
                await asyncio.wait({*running, bell}, timeout=rest_s, return_when=asyncio.FIRST_COMPLETED)
                done = _done(running)
                running -= done
                for task in done:
                    _look_at(task)
                if bell.done():
                    bell = asyncio.create_task(self._rung())
        finally:
            bell.cancel()
            await asyncio.gather(bell, return_exceptions=True)
            await _finish(running)

    async def drain(self) -> int:
        """Send until nothing is due; return how many messages were accepted."""
        accepted = 0
        running: set[asyncio.Task[bool]] = set()
        try:
            while await self._take_on(running) or running:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                done = _done(running)
                running -= done
                accepted += sum(task.result() for task in done)
        finally:
            await _finish(running)
        return accepted

    def _room(self, running: set[asyncio.Task[bool]]) -> int:
        return self._parallel - len(running)

    async def _take_on(self, running: set[asyncio.Task[bool]]) -> bool:
        """Begin what is due, as far as there is room, so that a slow destination delays no other; whether any was."""
        if not (room := self._room(running)):
            return False
        now = self._clock.now()
        claimed = await self._outbox.claim(self._name, now, room, limits=buckets_of, within_s=_HORIZON_S)
        running |= {asyncio.create_task(self._courier.carry(item)) for item in claimed}
        return bool(claimed)

    async def _rung(self) -> None:
        """Return when something was enqueued, or it is time to look."""
        try:
            await self._outbox.wait(_LOOK_EVERY_S)
        except StoreUnavailable:
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _rest_s(self) -> float:
        due = await self._outbox.next_due()
        if due is None:
            return _LOOK_EVERY_S
        return min(max((due - self._clock.now()).total_seconds(), 0.001), _LOOK_EVERY_S)


def _look_at(task: asyncio.Task[bool]) -> None:
    """Raise what it failed with, unless that was the store: the entry is then taken up again when its time is over."""
    try:
        task.result()
    except StoreUnavailable as error:
        log.warning("store_unavailable", role="sender", error=str(error))


def _done(running: set[asyncio.Task[bool]]) -> set[asyncio.Task[bool]]:
    return {task for task in running if task.done()}


async def _finish(running: set[asyncio.Task[bool]]) -> None:
    if not running:
        return
    _, late = await asyncio.wait(running, timeout=_LAST_MOMENT_S)
    for task in late:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
