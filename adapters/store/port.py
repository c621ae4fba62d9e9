"""What the store keeps, as small ports: tape, alert states, outbox, documents, leases, rate limits, bars.

Everything that must change together goes through one :class:`Commit`. One implementation (``redis.py``) serves a given
server and the embedded one. Every method raises :class:`StoreUnavailable` when the server can't be reached; nothing is
half-written then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rules.model import Observation


class StoreUnavailable(Exception):
    """The store can't be reached, is full or refuses to write. The message says what to do."""


Cursor = str
"""A position in the tape, ordered, opaque; ``"0"`` is before everything."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One notice for one destination, as committed. ``payload`` is JSON that delivery alone understands."""

    key: str
    """Idempotency key: the same key is enqueued once per destination, ever."""
    destination: str
    payload: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """An entry that this worker holds until it acknowledges, postpones or buries it; ``attempt`` counts from 1."""

    id: str
    entry: OutboxEntry
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one turn of the engine changed: written whole, or not at all.

    ``alerts`` maps an alert instance's key to its JSON state, ``None`` to forget it; ``documents`` likewise maps
    ``(collection, key)`` to JSON.
    """

    cursor: Cursor | None = None
    alerts: Mapping[str, str | None]
    outbox: Sequence[OutboxEntry] = ()
    documents: Mapping[tuple[str, str], str | None] | None = None


class Tape(Protocol):
    """The record of what became known, in the order in which it did."""

    async def append(self, observations: Sequence[Observation]) -> Cursor:
        """Add ``observations`` durably and return the position after them."""
        ...

    async def read(self, after: Cursor, count: int) -> Sequence[tuple[Cursor, Observation]]:
        """Return up to ``count`` observations after ``after``, each with its position; empty when there are none."""
        ...


class AlertStates(Protocol):
    """The durable state of the engine."""

    async def cursor(self) -> Cursor:
        """How far the tape was evaluated."""
        ...

    async def alerts(self) -> Mapping[str, str]:
        """Every alert instance's JSON by its key."""
        ...

    async def commit(self, commit: Commit) -> None:
        """Write alerts, cursor, documents and outbox entries in one transaction."""
        ...


class Outbox(Protocol):
    """Messages on their way: one lane per destination, order kept in each, shared by many senders."""

    async def claim(self, worker: str, now: datetime, count: int = 1) -> Sequence[Claimed]:
        """Take the heads of up to ``count`` lanes that are due and that nobody holds, a dead worker's included."""
        ...

    async def acknowledge(self, claimed: Claimed, receipt: str, now: datetime) -> None:
        """The message was accepted: log it with its ``receipt`` (JSON) and free the lane."""
        ...

    async def postpone(self, claimed: Claimed, until: datetime, why: str) -> None:
        """Give the lane back; its head is due again at ``until``."""
        ...

    async def bury(self, claimed: Claimed, why: str, now: datetime) -> None:
        """Move the entry to the dead letters, explained, and free the lane."""
        ...

    async def waiting(self) -> Mapping[str, int]:
        """How many entries wait per destination."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next postponed lane is due, ``None`` when nothing waits."""
        ...


class Documents(Protocol):
    """Small JSON documents in named collections: subscriptions, settings, silences, calendar events, health."""

    async def get(self, collection: str, key: str) -> str | None:
        """The document, or ``None``."""
        ...

    async def put(self, collection: str, key: str, document: str | None) -> None:
        """Write the document; ``None`` removes it."""
        ...

    async def all(self, collection: str) -> Mapping[str, str]:
        """Every document of the collection by its key."""
        ...


class Leases(Protocol):
    """Who alone may do something, until when."""

    async def acquire(self, name: str, owner: str, ttl_s: float) -> bool:
        """Take or renew the lease; ``False`` when somebody else holds it."""
        ...

    async def release(self, name: str, owner: str) -> None:
        """Give the lease back if ``owner`` holds it."""
        ...


class RateLimits(Protocol):
    """Token buckets shared by every process."""

    async def take(self, buckets: Mapping[str, tuple[float, float]], now: datetime) -> float:
        """Take one token from each bucket (name to rate per second and burst), or from none.

        Return 0 when taken, else the seconds until all will have one.
        """
        ...

    async def block(self, bucket: str, until: datetime) -> None:
        """Hand out nothing from ``bucket`` before ``until`` (the service said ``retry_after``)."""
        ...
