"""What a messenger is to the rest of the product: one method, and failures typed by what the caller must do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from adapters.message import Message, Reader


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a delivered message can be found again, to edit it or to reply to it."""

    destination: str
    message_id: str
    at: datetime
    possibly_duplicate: bool = False
    missing: tuple[str, ...] = ()
    """Attachments that were not taken, each as ``NAME: WHY``; the text was accepted all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message for one destination.

    ``destination`` is ``SCHEME:ADDRESS`` (``telegram:-1001234567890/42``, ``slack:C0123456789``, ``console:``); ``key``
    is the notice's idempotency key, which a service that supports it stores with the message. ``edit`` replaces an
    earlier message, ``reply_to`` threads under one. A message without title and blocks sends its attachments alone.
    """

    key: str
    destination: str
    message: Message
    reader: Reader
    silent: bool = False
    edit: Receipt | None = None
    reply_to: Receipt | None = None


class Notifier(Protocol):
    """Delivers to every destination of one scheme."""

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Return once the service has accepted the message; raise a ``DeliveryError`` otherwise."""
        ...


@runtime_checkable
class Searchable(Protocol):
    """A notifier whose service can be asked whether a message arrived."""

    async def find(self, outgoing: Outgoing) -> Receipt | None:
        """The receipt of the message with ``outgoing.key`` at ``outgoing.destination``, ``None`` where there is none.

        Ask after ``OutcomeUnknown`` and before sending again. Raise a ``DeliveryError`` when the service can't say.
        """
        ...


@runtime_checkable
class Probed(Protocol):
    """A notifier whose service can't be asked for a message, but can be asked whether it answers at all.

    A message whose outcome is unknown is sent again once, and not before the service answers.
    """

    async def probe(self) -> None:
        """Return when the service answers; raise a ``DeliveryError`` otherwise. Nothing is sent."""
        ...


@runtime_checkable
class Timed(Protocol):
    """A notifier that knows how far its service is."""

    @property
    def quickest_s(self) -> float:
        """No request arrives and is answered in less; 0 where that isn't known."""
        ...


class DeliveryError(Exception):
    """A message was not (or perhaps not) accepted. The subclass says what to do."""


class RetryLater(DeliveryError):
    """Nothing was accepted; try again, no sooner than ``after_s`` seconds from now when the service named a time."""

    def __init__(self, message: str, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class OutcomeUnknown(DeliveryError):
    """The request went out and no answer came: it may or may not have been accepted."""


class MessageRejected(DeliveryError):
    """This message will never be accepted here; others will."""


class DestinationGone(DeliveryError):
    """Nothing will be accepted at this destination: blocked, kicked, archived, not in channel."""


class DestinationMoved(DeliveryError):
    """The destination has a new address (a group became a supergroup)."""

    def __init__(self, message: str, new_destination: str) -> None:
        super().__init__(message)
        self.new_destination = new_destination


class TargetLost(DeliveryError):
    """The message to edit or to reply to is deleted or too old: send a new one."""


class Misconfigured(DeliveryError):
    """A token, scope or address is wrong: nothing goes out until the configuration is fixed."""
