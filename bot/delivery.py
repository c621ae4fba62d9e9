"""From the outbox to the messengers: claim, keep to the limits, send, and do what the outcome asks for."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from pydantic import TypeAdapter, ValidationError

from adapters.clock import Clock
from adapters.message import Message, Reader
from adapters.notifiers.port import (
    DeliveryError,
    DestinationGone,
    DestinationMoved,
    MessageRejected,
    Misconfigured,
    Notifier,
    OutcomeUnknown,
    Outgoing,
    Receipt,
    RetryLater,
    Searchable,
    TargetLost,
)
from adapters.store.port import Claimed, Store, StoreUnavailable, alive
from bot.limits import buckets_of, chat_bucket, spacings_of
from bot.payload import Payload, unpack

log = structlog.get_logger()

ReaderAt = Callable[[str], Awaitable[Reader]]
"""Who reads at a destination."""


def always(reader: Reader) -> ReaderAt:
    """The same reader everywhere."""

    async def at(_destination: str) -> Reader:
        return reader

    return at


_HORIZON_S = 2.0
"""A token that comes this soon is waited for with the entry in hand; for a later one the lane is given back."""
_LONGEST_PAUSE_S = 60.0
_FIX_PAUSE_S = 60.0
_HOPELESS_AFTER = 12
"""Attempts after which an error that nobody classified is taken for permanent."""
_SILENCE = timedelta(hours=1)
"""For how long a message without an answer is sent again to a service that answers nobody."""
_LOOK_EVERY_S = 1.0
_LAST_MOMENT_S = 5.0
_LIFE_S = 10.0
"""A sender that has not shown itself for this long is dead."""
_RECEIPT = TypeAdapter(Receipt)


class Owners(Protocol):
    """Whoever looks after destinations: what is to be done when one is gone or has moved."""

    async def gone(self, destination: str, why: str) -> None:
        """Nothing will be accepted there: park its subscriptions, tell its owner."""
        ...

    async def moved(self, old: str, new: str) -> None:
        """It has a new address: carry its subscriptions and settings over."""
        ...


@dataclass(frozen=True, slots=True)
class NoOwners:
    """Nobody looks after destinations (demo, tests)."""

    async def gone(self, destination: str, why: str) -> None:
        """Do nothing."""

    async def moved(self, old: str, new: str) -> None:
        """Do nothing."""


class Sender:
    """Takes what is due from the outbox, at most ``parallel`` destinations at a time, and sends it.

    Any number of senders, in any number of processes, may share an outbox; ``name`` tells them apart.
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
        parallel: int = 64,
    ) -> None:
        self._name = name
        self._outbox = store.outbox
        self._limits = store.rate_limits
        self._leases = store.leases
        self._notifiers = notifiers
        self._reader_at = reader_at
        self._clock = clock
        self._owners = owners or NoOwners()
        self._parallel = parallel
        self._answered: dict[str, datetime] = {}
        """When each service last said anything."""
        self._doubted: dict[tuple[str, str], datetime] = {}
        """Since when the outcome of a message at a destination is unknown."""

    async def run(self) -> None:
        """Send for ever, and take over what dead senders held. A store that can't be reached delays the work."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._live())
            while True:
                try:
                    await self._show()
                    await self.drain()
                    await self._outbox.wait(await self._rest_s())
                except StoreUnavailable as error:
                    log.warning("store_unavailable", role="sender", error=str(error))
                    await asyncio.sleep(_LOOK_EVERY_S)

    async def _show(self) -> None:
        await self._leases.acquire(alive(self._name), self._name, _LIFE_S)

    async def _live(self) -> None:
        """Show that this sender lives, and look after those that don't any more."""
        while True:
            try:
                await self._show()
                if taken := await self._outbox.take_over(self._clock.now()):
                    log.warning("taken_over", entries=taken)
            except StoreUnavailable as error:
                log.warning("store_unavailable", role="sender", error=str(error))
            await asyncio.sleep(_LIFE_S / 5)

    async def drain(self) -> int:
        """Send until nothing is due; return how many messages were accepted.

        A finished destination's place is taken at once by the next one that is due, so a slow one delays no other. What
        is on its way when the sender is stopped gets a moment to arrive.
        """
        accepted = 0
        running: set[asyncio.Task[bool]] = set()
        try:
            while True:
                room = self._parallel - len(running)
                claimed = await self._outbox.claim(self._name, self._clock.now(), room) if room else []
                running |= {asyncio.create_task(self._handle(item)) for item in claimed}
                if not running:
                    return accepted
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                accepted += sum(task.result() for task in done)
        finally:
            await _finish(running)

    async def _rest_s(self) -> float:
        due = await self._outbox.next_due()
        if due is None:
            return _LOOK_EVERY_S
        return min(max((due - self._clock.now()).total_seconds(), 0.001), _LOOK_EVERY_S)

    async def _handle(self, claimed: Claimed) -> bool:
        """Bring one entry on its way, whatever happens; ``True`` when it was accepted."""
        entry = claimed.entry
        notifier = self._notifiers.get(entry.destination.partition(":")[0])
        if notifier is None:
            return await self._bury(claimed, f"no notifier for {entry.destination}; is its service configured?")
        try:
            payload = unpack(entry.payload)
        except ValidationError as error:
            return await self._bury(claimed, f"unreadable payload: {error.error_count()} mistakes")
        return await self._has_token(claimed) and await self._attempt(claimed, payload, notifier)

    async def _attempt(self, claimed: Claimed, payload: Payload, notifier: Notifier) -> bool:
        try:
            receipt = await self._deliver(claimed, payload, notifier)
        except StoreUnavailable:
            raise
        except DeliveryError as error:
            if not isinstance(error, OutcomeUnknown):
                self._note_answer(claimed)
            return await self._after(claimed, error, notifier)
        except Exception as error:  # a fault of ours must not stop the other destinations
            return await self._after(claimed, error, notifier)
        if receipt is None:
            await self._outbox.drop(claimed, "the message to mark is gone", self._clock.now())
            return False
        self._note_answer(claimed)
        for bucket, seconds in spacings_of(claimed.entry.destination).items():
            await self._limits.block(bucket, self._clock.now() + timedelta(seconds=seconds))
        await self._acknowledge(claimed, payload, receipt)
        return True

    def _note_answer(self, claimed: Claimed) -> None:
        destination = claimed.entry.destination
        self._answered[destination.partition(":")[0]] = self._clock.now()
        self._doubted.pop((claimed.entry.key, destination), None)

    async def _has_token(self, claimed: Claimed) -> bool:
        destination, now = claimed.entry.destination, self._clock.now()
        wait_s = await self._limits.take(buckets_of(destination), now, within_s=_HORIZON_S)
        if wait_s > _HORIZON_S:
            await self._outbox.release(claimed, now + timedelta(seconds=wait_s))
            return False
        if wait_s > 0:
            await self._clock.sleep_until(now + timedelta(seconds=wait_s))
        return True

    async def _deliver(self, claimed: Claimed, payload: Payload, notifier: Notifier) -> Receipt | None:
        """The receipt; ``None`` for a mark on a message that isn't there."""
        outgoing = await self._outgoing(claimed, payload)
        if claimed.in_doubt and isinstance(notifier, Searchable) and outgoing.edit is None:
            found = await notifier.find(outgoing)
            if found is not None:
                return found
        if payload.mark and outgoing.edit is None:
            return None
        try:
            receipt = await notifier.send(outgoing)
        except TargetLost:
            if payload.mark:
                return None
            receipt = await notifier.send(replace(outgoing, edit=None, reply_to=None))
        doubtful = claimed.in_doubt and not isinstance(notifier, Searchable)
        return replace(receipt, possibly_duplicate=True) if doubtful else receipt

    async def _outgoing(self, claimed: Claimed, payload: Payload) -> Outgoing:
        entry = claimed.entry
        reader = await self._reader_at(entry.destination)
        return Outgoing(
            key=entry.key,
            destination=entry.destination,
            message=_in_language(payload, reader),
            reader=reader,
            silent=payload.silent,
            edit=await self._receipt(payload.edits, entry.destination),
            reply_to=await self._receipt(payload.follows, entry.destination),
        )

    async def _receipt(self, key: str, destination: str) -> Receipt | None:
        text = await self._outbox.receipt(key, destination) if key else None
        return _RECEIPT.validate_json(text) if text else None

    async def _acknowledge(self, claimed: Claimed, payload: Payload, receipt: Receipt) -> None:
        # The message is out: as long as we hold the entry, keep trying to say so rather than risk a second one.
        text = _RECEIPT.dump_json(receipt).decode()
        for attempt in range(60):
            try:
                if payload.edits:
                    # A new message may have taken the place of one that was deleted.
                    await self._outbox.replace(payload.edits, claimed.entry.destination, text)
                await self._outbox.acknowledge(claimed, text, self._clock.now())
            except StoreUnavailable:
                if attempt == 59:
                    raise
                await asyncio.sleep(_LOOK_EVERY_S)
            else:
                break
        log.info("message_sent", key=claimed.entry.key, destination=claimed.entry.destination, attempt=claimed.attempt)

    async def _after(self, claimed: Claimed, error: Exception, notifier: Notifier) -> bool:
        """Do what the failure asks for."""
        if not isinstance(error, DeliveryError):
            log.error("delivery_failed", key=claimed.entry.key, trace="".join(traceback.format_exception(error)))
        why = f"{type(error).__name__}: {error}"
        destination = claimed.entry.destination
        match error:
            case DestinationMoved():
                await self._owners.moved(destination, error.new_destination)
                await self._outbox.move(claimed, error.new_destination, self._clock.now())
                log.info("destination_moved", destination=destination, to=error.new_destination)
            case DestinationGone():
                await self._bury(claimed, why)
                await self._owners.gone(destination, str(error))
            case MessageRejected():
                await self._bury(claimed, why)
            case OutcomeUnknown():
                await self._without_answer(claimed, why, searchable=isinstance(notifier, Searchable))
            case RetryLater():
                await self._retry_later(claimed, error, why)
            case Misconfigured():
                log.error("misconfigured", destination=destination, error=str(error))
                await self._postpone(claimed, _FIX_PAUSE_S, why)
            case _ if claimed.attempt >= _HOPELESS_AFTER:
                await self._bury(claimed, why)
            case _:
                await self._postpone(claimed, _pause_s(claimed), why, unknown=True)
        return False

    async def _without_answer(self, claimed: Claimed, why: str, *, searchable: bool) -> None:
        """Try again; but what can't be looked up is sent a second time only, unless the service is silent altogether.

        A service that answers others and not this message has most likely taken it twice. One that answers nobody is
        down, and has taken nothing.
        """
        destination = claimed.entry.destination
        since = self._doubted.setdefault((claimed.entry.key, destination), self._clock.now())
        answers_others = self._answered.get(destination.partition(":")[0], since) > since
        if claimed.in_doubt and not searchable and (answers_others or self._clock.now() - since > _SILENCE):
            await self._bury(claimed, f"{why}; sent more than once without an answer, so it may have arrived")
        else:
            await self._postpone(claimed, _pause_s(claimed), why, unknown=True)

    async def _retry_later(self, claimed: Claimed, error: RetryLater, why: str) -> None:
        if error.after_s is not None:
            until = self._clock.now() + timedelta(seconds=error.after_s)
            await self._limits.block(chat_bucket(claimed.entry.destination), until)
        await self._postpone(claimed, _pause_s(claimed) if error.after_s is None else error.after_s, why)

    async def _postpone(self, claimed: Claimed, pause_s: float, why: str, *, unknown: bool = False) -> None:
        until: datetime = self._clock.now() + timedelta(seconds=pause_s)
        await self._outbox.postpone(claimed, until, why, accepted="unknown" if unknown else "no")
        log.warning("message_postponed", key=claimed.entry.key, destination=claimed.entry.destination, why=why)

    async def _bury(self, claimed: Claimed, why: str) -> bool:
        await self._outbox.bury(claimed, why, self._clock.now())
        log.error("message_buried", key=claimed.entry.key, destination=claimed.entry.destination, why=why)
        return False


async def _finish(running: set[asyncio.Task[bool]]) -> None:
    if not running:
        return
    _, late = await asyncio.wait(running, timeout=_LAST_MOMENT_S)
    for task in late:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def _pause_s(claimed: Claimed) -> float:
    """Twice as long after each attempt: 1 s, 2 s, 4 s … up to a minute."""
    return float(min(2.0 ** min(claimed.attempt - 1, 16), _LONGEST_PAUSE_S))


def _in_language(payload: Payload, reader: Reader) -> Message:
    """The reader's language, or whichever there is."""
    found = payload.messages.get(reader.lang)
    return found if found is not None else next(iter(payload.messages.values()))
