"""What the store keeps, as small ports: tape, alert states, outbox, documents, leases, rate limits, bars.

Everything that must change together goes through one :class:`Commit`. One implementation (``redis.py``) serves a given
server and the embedded one. Every method raises :class:`StoreUnavailable` when the server can't be reached; nothing is
half-written then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from rules.model import Observation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class StoreUnavailable(Exception):
    """The store can't be reached, is full or refuses to write. The message says what to do."""


class Overtaken(Exception):
    """Somebody else changed a document first, and nothing was written: read it again and decide anew."""


Cursor = str
"""A position in the tape, opaque (the store alone can order two); ``"0"`` is before everything."""


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One notice for one destination, as committed. ``payload`` is JSON that delivery alone understands."""

    key: str
    """Idempotency key: the same key is enqueued once per destination for as long as the delivery log remembers it."""
    destination: str
    payload: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """An entry that this worker holds until it gives it back in one way or another; ``attempt`` counts from 1.

    ``in_doubt`` says that an earlier attempt may have been accepted: its outcome was unknown, or its worker died;
    ``unanswered`` counts the attempts whose outcome was unknown. Its tokens are there after ``wait_s``.
    """

    id: str
    entry: OutboxEntry
    attempt: int
    in_doubt: bool = False
    unanswered: int = 0
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that was given up, and why."""

    id: str
    entry: OutboxEntry
    why: str
    at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """What became of a notice at a destination.

    ``outcome`` is ``sent``, ``sent_again``, ``postponed``, ``buried``, ``dropped``, ``moved`` or ``retried``, or for a
    notice that routing held back the :class:`~rules.model.Reason`. ``detail`` is the receipt (JSON) or the explanation.
    ``at`` is when, for ``postponed`` until when. ``attempt`` counts from 1; it is 0 where nothing was attempted.
    """

    key: str
    destination: str
    at: datetime
    outcome: str
    detail: str
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one turn of the engine changed: written whole, or not at all.

    ``alerts`` maps an alert instance's key to its JSON state, ``None`` to forget it; ``documents`` likewise maps
    ``(collection, key)`` to JSON. ``decisions`` goes to the delivery log: what was not sent, and why. ``unchanged``
    maps documents to what they said when the change was decided (``None``: there was none); if one says otherwise by
    now, nothing is written.
    """

    cursor: Cursor | None = None
    alerts: Mapping[str, str | None]
    outbox: Sequence[OutboxEntry] = ()
    documents: Mapping[tuple[str, str], str | None] | None = None
    decisions: Sequence[LogLine] = ()
    unchanged: Mapping[tuple[str, str], str | None] | None = None


class Tape(Protocol):
    """The record of what became known, in the order in which it did."""

    async def append(self, observations: Sequence[Observation]) -> Cursor:
        """Add ``observations`` durably and return the position after them."""
        ...

    async def end(self) -> Cursor:
        """The position after the newest observation."""
        ...

    async def read(self, after: Cursor, count: int, wait_s: float = 0.0) -> Sequence[tuple[Cursor, Observation]]:
        """Return up to ``count`` observations after ``after``, each with its position; empty when there are none.

        With ``wait_s`` it waits that long (by the server's clock) for the first one.
        """
        ...

    async def between(self, start: datetime, end: datetime, count: int = 100_000) -> Sequence[Observation]:
        """What became known from ``start`` to ``end``, inclusive, oldest first, at most ``count``."""
        ...

    async def trim(self, before: datetime) -> int:
        """Forget what was evaluated and became known before ``before``; return how many observations went."""
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
        """Write alerts, cursor, documents and outbox entries in one transaction; raise :class:`Overtaken` instead."""
        ...


LIFE_S = 10.0
"""A worker that has not shown itself for this long is dead."""


def alive(worker: str) -> str:
    """The name of the lease by which a worker shows that it lives; to claim something renews it for ``LIFE_S``."""
    return f"sender {worker}"


Buckets = Mapping[str, tuple[float, float]]
"""Token buckets by name: tokens a second, and burst."""

Limits = Callable[[str], Buckets]
"""The buckets that a message to a destination draws a token from."""


def unlimited(_destination: str) -> Buckets:
    """No limits."""
    return {}


class Outbox(Protocol):
    """Messages on their way: one lane per destination, order kept in each, shared by many senders."""

    async def claim(
        self,
        worker: str,
        now: datetime,
        count: int = 1,
        *,
        limits: Limits = unlimited,
        within_s: float = 0.0,
    ) -> Sequence[Claimed]:
        """Take the heads of up to ``count`` lanes that are due and that nobody holds, a dead worker's included.

        With each its tokens are taken from the buckets that ``limits`` names, in advance where they come ``within_s``:
        the caller waits so long and then sends. A lane whose tokens come later is left, and due when they are near.
        """
        ...

    async def acknowledge(
        self, claimed: Claimed, receipt: str, now: datetime, *, blocked: Mapping[str, datetime] = ...
    ) -> None:
        """The message was accepted: log it with its ``receipt`` (JSON) and free the lane.

        From the buckets ``blocked`` nothing is handed out before the instants given, and one token then.
        """
        ...

    async def take_over(self, now: datetime, is_dead: Callable[[str], bool] = ...) -> int:
        """Make due at once what dead workers hold: those whose lease :func:`alive` ended, and who ``is_dead``.

        Return how many entries that are. Without it, an entry is taken over when its holder keeps it for longer than
        the visibility time-out.
        """
        ...

    async def postpone(
        self, claimed: Claimed, until: datetime, why: str, *, accepted: Literal["no", "unknown"] = "no"
    ) -> None:
        """Give the lane back; its head is due again at ``until``. ``accepted`` says whether it may have arrived."""
        ...

    async def move(self, claimed: Claimed, destination: str, now: datetime) -> None:
        """Put the entry at the end of another destination's lane, unless it was enqueued there before."""
        ...

    async def bury(self, claimed: Claimed, why: str, now: datetime) -> None:
        """Move the entry to the dead letters, explained, and free the lane."""
        ...

    async def drop(self, claimed: Claimed, why: str, now: datetime) -> None:
        """Take the entry off without sending it, since there is nothing to be done; the log says so."""
        ...

    async def waiting(self) -> Mapping[str, int]:
        """How many entries wait per destination."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next lane is due, or the worker that holds it taken for dead; ``None`` when nothing waits."""
        ...

    async def wait(self, timeout_s: float) -> bool:
        """Return ``True`` once something was enqueued since the last call, ``False`` after ``timeout_s``."""
        ...

    async def receipt(self, key: str, destination: str) -> str | None:
        """The receipt of a delivered notice, ``""`` while it waits or lies dead, ``None`` if it was never enqueued."""
        ...

    async def replace(self, key: str, destination: str, receipt: str) -> None:
        """The message of a delivered notice is another one by now: later edits and replies go to that one."""
        ...

    async def dead(self, count: int = 100) -> Sequence[DeadLetter]:
        """The newest dead letters, newest first."""
        ...

    async def retry(self, dead_id: str, now: datetime) -> bool:
        """Put a dead letter at the end of its lane; ``False`` when there is no such letter."""
        ...

    async def discard(self, dead_id: str, why: str, now: datetime) -> bool:
        """Forget a dead letter; the log says why. ``False`` when there is no such letter."""
        ...

    async def log(self, count: int = 100, key: str = "") -> Sequence[LogLine]:
        """The newest lines of the delivery log, newest first; with ``key``, only that notice's."""
        ...

    async def trim(self, before: datetime) -> int:
        """Forget log lines from before ``before``, and with them that their notices were sent; return how many."""
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

    async def keys(self, collection: str) -> Sequence[str]:
        """The key of every document of the collection, for who reads large ones one by one."""
        ...


class Leases(Protocol):
    """Who alone may do something, until when."""

    async def acquire(self, name: str, owner: str, ttl_s: float) -> bool:
        """Take or renew the lease; ``False`` when somebody else holds it."""
        ...

    async def take_over(self, name: str, owner: str, ttl_s: float, *, dead: str) -> bool:
        """Take the lease from ``dead``, whom the caller knows to be dead; ``False`` when another than that holds it."""
        ...

    async def holder(self, name: str) -> str | None:
        """Who holds the lease now; ``None`` when nobody does."""
        ...

    async def release(self, name: str, owner: str) -> None:
        """Give the lease back if ``owner`` holds it."""
        ...


class RateLimits(Protocol):
    """Token buckets shared by every process."""

    async def take(self, buckets: Buckets, now: datetime, *, within_s: float = 0.0) -> float:
        """Take one token from each bucket, or from none.

        Return the seconds until all have one. Up to ``within_s`` the tokens are taken, in advance: the caller waits so
        long and then goes ahead. Beyond, nothing was taken.
        """
        ...

    async def block(self, bucket: str, until: datetime) -> None:
        """Hand out nothing from ``bucket`` before ``until`` (the service said ``retry_after``)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars of one symbol, oldest first, as columns of one length.

    ``at`` is the close of each bar in microseconds since 1970 UTC; prices are in the instrument's currency, split-
    adjusted; a missing figure is NaN.
    """

    at: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]


class PriceHistory(Protocol):
    """Bars that were fetched before. A cache: what is damaged or of an older layout is simply not there."""

    async def get(self, symbol: str) -> Bars:
        """Every bar of ``symbol`` that is known, oldest first; empty when there are none."""
        ...

    async def put(self, symbol: str, bars: Bars) -> None:
        """Add ``bars``; one with the same time as an earlier one takes its place."""
        ...

    async def forget(self, symbol: str) -> None:
        """Drop every bar of ``symbol`` (a split changed all of them)."""
        ...


class Store(Protocol):
    """The whole store."""

    @property
    def place(self) -> str:
        """Where it is, for people; without a password."""
        ...

    @property
    def tape(self) -> Tape:
        """What became known."""
        ...

    @property
    def states(self) -> AlertStates:
        """What the engine remembers."""
        ...

    @property
    def outbox(self) -> Outbox:
        """What is on its way."""
        ...

    @property
    def documents(self) -> Documents:
        """Everything small."""
        ...

    @property
    def leases(self) -> Leases:
        """Who alone may."""
        ...

    @property
    def rate_limits(self) -> RateLimits:
        """How fast."""
        ...

    @property
    def bars(self) -> PriceHistory:
        """Price history."""
        ...
