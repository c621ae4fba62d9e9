"""From the outbox to the messengers: claim, keep to the limits, send, and do what the outcome asks for."""

from __future__ import annotations

import asyncio
import math
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
    Probed,
    Receipt,
    RetryLater,
    Searchable,
    TargetLost,
)
from adapters.store.port import LIFE_S, Claimed, Store, StoreUnavailable, alive
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
_SILENCE_S = 3600.0
"""For how long a message without an answer is sent again to a service that tells nothing of itself."""
_LOOK_EVERY_S = 1.0
_LAST_MOMENT_S = 5.0
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
        self._limits = store.rate_limits
        self._leases = store.leases
        self._notifiers = notifiers
        self._reader_at = reader_at
        self._clock = clock
        self._owners = owners or NoOwners()
        self._is_dead = is_dead
        self._parallel = parallel

    async def run(self) -> None:
        """Send for ever, and take over what dead senders held. A store that can't be reached delays the work."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._live())
            while True:
                try:
                    await self.drain()
                    await self._outbox.wait(await self._rest_s())
                except StoreUnavailable as error:
                    log.warning("store_unavailable", role="sender", error=str(error))
                    await asyncio.sleep(_LOOK_EVERY_S)

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
                claimed = await self._claim(room) if room else []
                running |= {asyncio.create_task(self._handle(item)) for item in claimed}
                if not running:
                    return accepted
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                accepted += sum(task.result() for task in done)
        finally:
            await _finish(running)

    async def _claim(self, room: int) -> Sequence[Claimed]:
        return await self._outbox.claim(self._name, self._clock.now(), room, limits=buckets_of, within_s=_HORIZON_S)

    async def _rest_s(self) -> float:
        due = await self._outbox.next_due()
        if due is None:
            return _LOOK_EVERY_S
        return min(max((due - self._clock.now()).total_seconds(), 0.001), _LOOK_EVERY_S)

    async def _handle(self, claimed: Claimed) -> bool:
        """Bring one entry on its way, whatever happens; ``True`` when it was accepted."""
        entry, now = claimed.entry, self._clock.now()
        notifier = self._notifiers.get(entry.destination.partition(":")[0])
        if notifier is None:
            return await self._bury(claimed, f"no notifier for {entry.destination}; is its service configured?")
        try:
            payload = unpack(entry.payload)
        except ValidationError as error:
            return await self._bury(claimed, f"unreadable payload: {error.error_count()} mistakes")
        if claimed.wait_s > 0:
            await self._clock.sleep_until(now + timedelta(seconds=claimed.wait_s))
        return await self._attempt(claimed, payload, notifier)

    async def _attempt(self, claimed: Claimed, payload: Payload, notifier: Notifier) -> bool:
        try:
            receipt = await self._deliver(claimed, payload, notifier)
        except StoreUnavailable:
            raise
        except Exception as error:  # a fault of ours must not stop the other destinations
            return await self._after(claimed, payload, error, notifier)
        if receipt is None:
            await self._outbox.drop(claimed, "the message to mark is gone", self._clock.now())
            return False
        await self._acknowledge(claimed, receipt)
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
        if claimed.in_doubt and isinstance(notifier, Probed):
            await notifier.probe()
        try:
            receipt = await notifier.send(outgoing)
        except TargetLost:
            if payload.mark:
                return None
            outgoing = replace(outgoing, edit=None, reply_to=None)
            receipt = await notifier.send(outgoing)
        doubtful = claimed.in_doubt and outgoing.edit is None and not isinstance(notifier, Searchable)
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

    async def _acknowledge(self, claimed: Claimed, receipt: Receipt) -> None:
        # The message is out: as long as we hold the entry, keep trying to say so rather than risk a second one.
        text, now = _RECEIPT.dump_json(receipt).decode(), self._clock.now()
        spacings = spacings_of(claimed.entry.destination)
        blocked = {bucket: now + timedelta(seconds=seconds) for bucket, seconds in spacings.items()}
        for attempt in range(60):
            try:
                await self._outbox.acknowledge(claimed, text, now, blocked=blocked)
            except StoreUnavailable:
                if attempt == 59:
                    raise
                await asyncio.sleep(_LOOK_EVERY_S)
            else:
                break
        log.info("message_sent", key=claimed.entry.key, destination=claimed.entry.destination, attempt=claimed.attempt)

    async def _after(self, claimed: Claimed, payload: Payload, error: Exception, notifier: Notifier) -> bool:
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
                await self._without_answer(claimed, why, resend_s=_resend_s(payload, notifier))
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

    async def _without_answer(self, claimed: Claimed, why: str, *, resend_s: float) -> None:
        """Send it again, once at least, and for ``resend_s`` after it was committed; give up then."""
        if claimed.unanswered and (self._clock.now() - claimed.entry.created_at).total_seconds() > resend_s:
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


def _resend_s(payload: Payload, notifier: Notifier) -> float:
    """For how long a message that stays unanswered is sent more than twice.

    What is looked up before a resend, and an edit, can't arrive twice. A service that answered a probe just before has
    most likely taken what it left unanswered. One that tells nothing of itself may be down.
    """
    if payload.edits or isinstance(notifier, Searchable):
        return math.inf
    return 0.0 if isinstance(notifier, Probed) else _SILENCE_S


def _pause_s(claimed: Claimed) -> float:
    """Twice as long after each attempt: 1 s, 2 s, 4 s … up to a minute."""
    return float(min(2.0 ** min(claimed.attempt - 1, 16), _LONGEST_PAUSE_S))


def _in_language(payload: Payload, reader: Reader) -> Message:
    """The reader's language, or whichever there is."""
    found = payload.messages.get(reader.lang)
    return found if found is not None else next(iter(payload.messages.values()))
