"""One entry of the outbox on its way to its messenger: send it, and do what the outcome asks for."""

from __future__ import annotations

import asyncio
import math
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

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
    Timed,
)
from adapters.store.port import Claimed, Outbox, RateLimits, Store, StoreUnavailable
from bot.sending.limits import chat_bucket, spacings_of
from bot.sending.payload import Payload, unpack

log = structlog.get_logger()

ReaderAt = Callable[[str], Awaitable[Reader]]
"""Who reads at a destination."""


def always(reader: Reader) -> ReaderAt:
    """The same reader everywhere."""

    async def at(_destination: str) -> Reader:
        return reader

    return at


_LONGEST_PAUSE_S = 60.0
_FIX_PAUSE_S = 60.0
_HOPELESS_AFTER = 12
"""Attempts after which an error that nobody classified is taken for permanent."""
_SILENCE_S = 3600.0
"""For how long a message without an answer is sent again to a service that tells nothing of itself."""
_TOLD_FOR = 60
_TELL_EVERY_S = 1.0
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


class Courier:
    """Brings claimed entries on their way, any number of them at a time."""

    def __init__(
        self,
        *,
        store: Store,
        notifiers: Mapping[str, Notifier],
        reader_at: ReaderAt,
        clock: Clock,
        owners: Owners,
    ) -> None:
        self._outbox: Outbox = store.outbox
        self._limits: RateLimits = store.rate_limits
        self._notifiers = notifiers
        self._reader_at = reader_at
        self._clock = clock
        self._owners = owners

    async def carry(self, claimed: Claimed) -> bool:
        """Bring one entry on its way, whatever happens; ``True`` when it was accepted."""
        entry, ready_at = claimed.entry, self._clock.now() + timedelta(seconds=claimed.wait_s)
        notifier = self._notifiers.get(entry.destination.partition(":")[0])
        if notifier is None:
            return await self._bury(claimed, f"no notifier for {entry.destination}; is its service configured?")
        try:
            payload = unpack(entry.payload)
        except ValidationError as error:
            return await self._bury(claimed, f"unreadable payload: {error.error_count()} mistakes")
        return await self._attempt(claimed, payload, notifier, ready_at)

    async def _attempt(self, claimed: Claimed, payload: Payload, notifier: Notifier, ready_at: datetime) -> bool:
        try:
            receipt = await self._deliver(claimed, payload, notifier, ready_at)
        except StoreUnavailable as error:  # while looking up what to send
            return await self._postpone(claimed, _TELL_EVERY_S, str(error))
        except Exception as error:  # a fault of ours must not stop the other destinations
            return await self._after(claimed, payload, error, notifier)
        if receipt is None:
            now = self._clock.now()
            await _insist(lambda: self._outbox.drop(claimed, "the message to mark is gone", now))
            return False
        await self._acknowledge(claimed, payload, receipt, notifier)
        return True

    async def _deliver(
        self, claimed: Claimed, payload: Payload, notifier: Notifier, ready_at: datetime
    ) -> Receipt | None:
        """The receipt; ``None`` for a mark on a message that isn't there. Its tokens are there at ``ready_at``."""
        outgoing = await self._outgoing(claimed, payload)
        if claimed.in_doubt and isinstance(notifier, Searchable) and outgoing.edit is None:
            found = await notifier.find(outgoing)
            if found is not None:
                return found
        if payload.mark and outgoing.edit is None:
            return None
        # Whatever can be looked up before is, so that nothing but the message's own way stands between two of them.
        if claimed.wait_s > 0:
            await self._clock.sleep_until(ready_at)
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
        edit, reply_to = [await self._receipt(key, entry.destination) for key in (payload.edits, payload.follows)]
        return Outgoing(
            key=entry.key,
            destination=entry.destination,
            message=_in_language(payload, reader),
            reader=reader,
            silent=payload.silent,
            edit=edit,
            reply_to=reply_to,
        )

    async def _receipt(self, key: str, destination: str) -> Receipt | None:
        text = await self._outbox.receipt(key, destination) if key else None
        return _RECEIPT.validate_json(text) if text else None

    async def _acknowledge(self, claimed: Claimed, payload: Payload, receipt: Receipt, notifier: Notifier) -> None:
        text, now = _RECEIPT.dump_json(receipt).decode(), self._clock.now()
        if payload.edits:
            # A new message may have taken the place of one that was deleted.
            await _insist(lambda: self._outbox.replace(payload.edits, claimed.entry.destination, text))
        quickest_s = notifier.quickest_s if isinstance(notifier, Timed) else 0.0
        spacings = spacings_of(claimed.entry.destination, quickest_s)
        blocked = {bucket: now + timedelta(seconds=seconds) for bucket, seconds in spacings.items()}
        await _insist(lambda: self._outbox.acknowledge(claimed, text, now, blocked=blocked))
        log.info("message_sent", key=claimed.entry.key, destination=claimed.entry.destination, attempt=claimed.attempt)
        if receipt.missing:
            log.warning("attachments_missing", key=claimed.entry.key, missing=receipt.missing)

    async def _after(self, claimed: Claimed, payload: Payload, error: Exception, notifier: Notifier) -> bool:
        """Do what the failure asks for."""
        if not isinstance(error, DeliveryError):
            log.error("delivery_failed", key=claimed.entry.key, trace="".join(traceback.format_exception(error)))
        why = f"{type(error).__name__}: {error}"
        destination = claimed.entry.destination
        match error:
            case DestinationMoved():
                await self._move(claimed, error.new_destination)
            case DestinationGone():
                gone = str(error)
                await self._bury(claimed, why)
                await _insist(lambda: self._owners.gone(destination, gone))
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
            until, chat = self._clock.now() + timedelta(seconds=error.after_s), chat_bucket(claimed.entry.destination)
            await _insist(lambda: self._limits.block(chat, until))
        await self._postpone(claimed, _pause_s(claimed) if error.after_s is None else error.after_s, why)

    async def _move(self, claimed: Claimed, destination: str) -> None:
        old, now = claimed.entry.destination, self._clock.now()
        await _insist(lambda: self._owners.moved(old, destination))
        await _insist(lambda: self._outbox.move(claimed, destination, now))
        log.info("destination_moved", destination=old, to=destination)

    async def _postpone(self, claimed: Claimed, pause_s: float, why: str, *, unknown: bool = False) -> bool:
        until: datetime = self._clock.now() + timedelta(seconds=pause_s)
        accepted: Literal["no", "unknown"] = "unknown" if unknown else "no"
        await _insist(lambda: self._outbox.postpone(claimed, until, why, accepted=accepted))
        log.warning("message_postponed", key=claimed.entry.key, destination=claimed.entry.destination, why=why)
        return False

    async def _bury(self, claimed: Claimed, why: str) -> bool:
        now = self._clock.now()
        await _insist(lambda: self._outbox.bury(claimed, why, now))
        log.error("message_buried", key=claimed.entry.key, destination=claimed.entry.destination, why=why)
        return False


async def _insist(tell: Callable[[], Awaitable[None]]) -> None:
    """Tell the store, for as long as we hold the entry, rather than leave what became of it open."""
    for _ in range(_TOLD_FOR):
        try:
            return await tell()
        except StoreUnavailable as error:
            log.warning("store_unavailable", role="sender", error=str(error))
        await asyncio.sleep(_TELL_EVERY_S)
    return await tell()


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
