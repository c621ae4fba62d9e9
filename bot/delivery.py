"""From the outbox to the messengers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from adapters.message import Message, Reader
from adapters.notifiers.port import DeliveryError, DestinationGone, MessageRejected, Notifier, Outgoing, RetryLater
from adapters.store.port import Claimed, Outbox
from rules.model import Lang

Readers = Mapping[str, Reader]
"""Who reads at a destination."""

_MESSAGES = TypeAdapter(dict[Lang, Message])


def pack(messages: Mapping[Lang, Message]) -> str:
    """The payload of an outbox entry: the message in each language."""
    return _MESSAGES.dump_json(dict(messages)).decode()


class Sender:
    """Takes what is due from the outbox, one message per destination at a time, and sends it."""

    def __init__(
        self, *, name: str, outbox: Outbox, notifiers: Mapping[str, Notifier], reader: Reader, readers: Readers
    ) -> None:
        self._name = name
        self._outbox = outbox
        self._notifiers = notifiers
        self._reader = reader
        self._readers = readers

    async def drain(self, now: datetime) -> int:
        """Send everything that is due at ``now``; return how many messages were accepted."""
        accepted = 0
        while claimed := await self._outbox.claim(self._name, now):
            for item in claimed:
                accepted += await self._send(item, now)
        return accepted

    async def _send(self, claimed: Claimed, now: datetime) -> bool:
        entry = claimed.entry
        notifier = self._notifiers.get(entry.destination.partition(":")[0])
        if notifier is None:
            await self._outbox.bury(claimed, f"no notifier for {entry.destination}", now)
            return False
        reader = self._readers.get(entry.destination, self._reader)
        outgoing = Outgoing(
            key=entry.key,
            destination=entry.destination,
            message=_MESSAGES.validate_json(entry.payload)[reader.lang],
            reader=reader,
        )
        try:
            receipt = await notifier.send(outgoing)
        except (MessageRejected, DestinationGone) as error:
            await self._outbox.bury(claimed, f"{type(error).__name__}: {error}", now)
            return False
        except DeliveryError as error:
            after = (
                error.after_s if isinstance(error, RetryLater) and error.after_s else min(2.0**claimed.attempt, 300.0)
            )
            await self._outbox.postpone(claimed, now + timedelta(seconds=after), f"{type(error).__name__}: {error}")
            return False
        await self._outbox.acknowledge(claimed, json.dumps({"message_id": receipt.message_id}), now)
        return True
