"""The outbox: one Redis Stream a destination (a lane), whose head alone is handed out, so that order is kept.

A sorted set holds each lane that has entries, by when its head may next be handed out: at once, when a postponed one
is due, or when the worker that holds it must be taken for dead. The consumer group ``senders`` of each lane remembers
who holds the head and how often it was handed out; that number is the fence by which a worker that was taken for dead
can't postpone or bury what another one holds by now.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

from adapters.store import keys
from adapters.store import outbox_scripts as scripts
from adapters.store.link import Command, Link
from adapters.store.port import LIFE_S, Buckets, Claimed, DeadLetter, Limits, LogLine, OutboxEntry, alive, unlimited

VISIBILITY_S = 120.0
_LOOKED_AT = 64
_NOTHING: Mapping[str, datetime] = MappingProxyType({})
_DELIVERED = {"sent", "sent_again"}


class RedisOutbox:
    """See :class:`adapters.store.port.Outbox`.

    ``visibility_s`` is how long a worker may hold an entry before another one takes it over, however alive it is.
    """

    def __init__(self, link: Link, visibility_s: float = VISIBILITY_S) -> None:
        self._link = link
        self._visibility = timedelta(seconds=visibility_s)
        self._bell = "0"
        self._rung: Sequence[str] = ()
        """The lanes that the bell rang for, most likely due: looking for them can be saved."""

    async def claim(
        self,
        worker: str,
        now: datetime,
        count: int = 1,
        *,
        limits: Limits = unlimited,
        within_s: float = 0.0,
    ) -> Sequence[Claimed]:
        """Take the heads of up to ``count`` lanes that are due and for which there are tokens; see the port."""
        touched = [keys.OUTBOX_DUE, keys.OUTBOX_DOUBTS, keys.OUTBOX_HOLDERS, keys.lease(alive(worker))]
        lanes, self._rung = self._rung, ()
        while lanes := lanes or await self._due(now, max(count, _LOOKED_AT)):
            arguments: Command = [
                keys.encoded(worker),
                keys.LANE_PREFIX,
                keys.to_us(now),
                keys.to_us(now + self._visibility),
                round(within_s * 1e6),
                count,
                json.dumps([(lane, _buckets(limits(keys.decoded(lane)))) for lane in lanes]),
                round(LIFE_S * 1e3),
                worker,
            ]
            if found := await self._link.script(scripts.CLAIM, touched, arguments):
                return [_claimed(row) for row in found]
            lanes = ()
        return []

    async def _due(self, now: datetime, count: int) -> Sequence[str]:
        found: Sequence[str] = await self._link.call(
            "ZRANGEBYSCORE", keys.OUTBOX_DUE, "-inf", keys.to_us(now), "LIMIT", 0, count
        )
        return found

    async def acknowledge(
        self, claimed: Claimed, receipt: str, now: datetime, *, blocked: Mapping[str, datetime] = _NOTHING
    ) -> None:
        """The message was accepted: log it, free the lane and block the buckets ``blocked``; see the port."""
        touched = [*_touched(claimed), keys.OUTBOX_NOTICES]
        until = [(keys.bucket(name), str(keys.to_us(instant))) for name, instant in blocked.items()]
        arguments = [*_arguments(claimed, now, keys.to_us(now), receipt), json.dumps(until)]
        await self._link.script(scripts.ACKNOWLEDGE, touched, arguments)

    async def take_over(self, now: datetime, is_dead: Callable[[str], bool] = lambda _worker: False) -> int:
        """Make due what workers hold that are dead; return how many entries; see the port."""
        workers = {str(worker) for worker in await self._link.call("HVALS", keys.OUTBOX_HOLDERS)}
        if not workers:
            return 0
        dead = json.dumps([worker for worker in workers if is_dead(keys.decoded(worker))])
        arguments: Command = [keys.to_us(now), keys.lease(alive("")), dead]
        return int(await self._link.script(scripts.TAKE_OVER, [keys.OUTBOX_DUE, keys.OUTBOX_HOLDERS], arguments))

    async def postpone(
        self, claimed: Claimed, until: datetime, why: str, *, accepted: Literal["no", "unknown"] = "no"
    ) -> None:
        """Give the lane back; its head is due again at ``until``. ``accepted`` says whether it may have arrived."""
        arguments = [*_arguments(claimed, until, keys.to_us(until), why), _doubt(claimed, accepted)]
        await self._link.script(scripts.POSTPONE, _touched(claimed), arguments)

    async def move(self, claimed: Claimed, destination: str, now: datetime) -> None:
        """Put the entry at the end of another destination's lane, unless it was enqueued there before."""
        touched = [*_touched(claimed), keys.OUTBOX_NOTICES, keys.OUTBOX_SEQUENCE, keys.OUTBOX_BELL]
        lane = keys.encoded(destination)
        arguments = [
            *_arguments(claimed, now, keys.to_us(now), destination),
            *(lane, keys.LANE_PREFIX + lane, claimed.entry.payload, claimed.entry.created_at.isoformat()),
        ]
        await self._link.script(scripts.MOVE, touched, arguments)

    async def bury(self, claimed: Claimed, why: str, now: datetime) -> None:
        """Move the entry to the dead letters, explained, and free the lane."""
        entry = claimed.entry
        arguments = [*_arguments(claimed, now, keys.to_us(now), why), entry.payload, entry.created_at.isoformat()]
        await self._link.script(scripts.BURY, [*_touched(claimed), keys.OUTBOX_DEAD], arguments)

    async def drop(self, claimed: Claimed, why: str, now: datetime) -> None:
        """Take the entry off without sending it, since there is nothing to be done; the log says so."""
        await self._link.script(scripts.DROP, _touched(claimed), _arguments(claimed, now, keys.to_us(now), why))

    async def waiting(self) -> Mapping[str, int]:
        """How many entries wait per destination."""
        flat = await self._link.script(scripts.WAITING, [keys.OUTBOX_DUE], [keys.LANE_PREFIX])
        return {keys.decoded(lane): count for lane, count in zip(flat[::2], flat[1::2], strict=True)}

    async def next_due(self) -> datetime | None:
        """When the next lane is due or its holder taken for dead, ``None`` when nothing waits."""
        head = await self._link.call("ZRANGE", keys.OUTBOX_DUE, 0, 0, "WITHSCORES")
        return keys.from_us(float(head[0][1] if isinstance(head[0], list | tuple) else head[1])) if head else None

    async def wait(self, timeout_s: float) -> bool:
        """Return ``True`` as soon as something was enqueued since the last call, ``False`` after ``timeout_s``."""
        block_ms = max(1, round(timeout_s * 1000))
        reply = await self._link.call("XREAD", "BLOCK", block_ms, "STREAMS", keys.OUTBOX_BELL, self._bell)
        if reply:
            self._bell, fields = reply[0][1][-1]
            self._rung = fields.get("lanes", "").split()
        return bool(reply)

    async def receipt(self, key: str, destination: str) -> str | None:
        """The receipt of a delivered notice, ``""`` while it waits or lies dead, ``None`` if it was never enqueued."""
        found: str | None = await self._link.call("HGET", keys.OUTBOX_NOTICES, _notice(destination, key))
        return found

    async def replace(self, key: str, destination: str, receipt: str) -> None:
        """The message of a delivered notice is another one by now: later edits and replies go to that one."""
        await self._link.call("HSET", keys.OUTBOX_NOTICES, _notice(destination, key), receipt)

    async def dead(self, count: int = 100) -> Sequence[DeadLetter]:
        """The newest ``count`` dead letters, newest first."""
        found = await self._link.call("XREVRANGE", keys.OUTBOX_DEAD, "+", "-", "COUNT", count)
        return [_dead_letter(position, fields) for position, fields in found]

    async def retry(self, dead_id: str, now: datetime) -> bool:
        """Put a dead letter at the end of its lane; ``False`` when there is no such letter."""
        found = await self._link.call("XRANGE", keys.OUTBOX_DEAD, dead_id, dead_id)
        if not found:
            return False
        touched = [keys.OUTBOX_DEAD, keys.OUTBOX_DUE, keys.OUTBOX_SEQUENCE, keys.OUTBOX_LOG, keys.OUTBOX_BELL]
        lane = keys.encoded(found[0][1]["destination"])
        arguments: Command = [keys.LANE_PREFIX, dead_id, now.isoformat(), keys.to_us(now), lane]
        return bool(await self._link.script(scripts.RETRY, touched, arguments))

    async def discard(self, dead_id: str, why: str, now: datetime) -> bool:
        """Forget a dead letter; the log says why. ``False`` when there is no such letter."""
        arguments: Command = [dead_id, now.isoformat(), why]
        return bool(await self._link.script(scripts.DISCARD, [keys.OUTBOX_DEAD, keys.OUTBOX_LOG], arguments))

    async def log(self, count: int = 100, key: str = "") -> Sequence[LogLine]:
        """The newest ``count`` lines of the delivery log, newest first; with ``key``, only that notice's."""
        lines: list[LogLine] = []
        end = "+"
        while len(lines) < count:
            chunk = await self._link.call("XREVRANGE", keys.OUTBOX_LOG, end, "-", "COUNT", 1_000 if key else count)
            if not chunk:
                break
            lines.extend(_log_line(fields) for _, fields in chunk if not key or fields["key"] == key)
            end = f"({chunk[-1][0]}"
        return lines[:count]

    async def trim(self, before: datetime) -> int:
        """Forget log lines from before ``before``, and with them that their notices were sent; return how many."""
        gone = 0
        while chunk := await self._link.call("XRANGE", keys.OUTBOX_LOG, "-", "+", "COUNT", 1_000):
            old = list(itertools.takewhile(lambda row: datetime.fromisoformat(row[1]["at"]) < before, chunk))
            if old:
                sent = [_notice(f["destination"], f["key"]) for _, f in old if f["outcome"] in _DELIVERED]
                arguments: Command = [json.dumps(sent, ensure_ascii=False), keys.after(old[-1][0])]
                gone += int(await self._link.script(scripts.TRIM, [keys.OUTBOX_LOG, keys.OUTBOX_NOTICES], arguments))
            if len(old) < len(chunk):
                break
        return gone


def _notice(destination: str, key: str) -> str:
    return f"{keys.encoded(destination)} {key}"


def _touched(claimed: Claimed) -> list[str]:
    lane = keys.LANE_PREFIX + keys.encoded(claimed.entry.destination)
    return [keys.OUTBOX_DUE, lane, keys.OUTBOX_LOG, keys.OUTBOX_DOUBTS, keys.OUTBOX_HOLDERS]


def _doubt(claimed: Claimed, accepted: Literal["no", "unknown"]) -> str:
    # A doubt about an earlier attempt is not settled by a later one that was refused.
    unanswered = claimed.unanswered + (accepted == "unknown")
    return str(unanswered) if unanswered or claimed.in_doubt else ""


def _buckets(buckets: Buckets) -> list[tuple[str, float, float]]:
    return [(keys.bucket(name), rate, burst) for name, (rate, burst) in buckets.items()]


def _arguments(claimed: Claimed, at: datetime, due_us: int, said: str) -> list[str | float]:
    entry = claimed.entry
    lane = keys.encoded(entry.destination)
    return [lane, claimed.id, claimed.attempt, entry.key, entry.destination, at.isoformat(), due_us, said]


def _claimed(row: Sequence[Any]) -> Claimed:
    lane, position, attempt, flat, doubted, unanswered, wait_us = row
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    return Claimed(
        id=position,
        entry=OutboxEntry(
            key=fields["key"],
            destination=keys.decoded(lane),
            payload=fields["payload"],
            created_at=datetime.fromisoformat(fields["created"]),
        ),
        attempt=attempt,
        in_doubt=bool(doubted),
        unanswered=unanswered,
        wait_s=float(wait_us) / 1e6,
    )


def _dead_letter(position: str, fields: Mapping[str, str]) -> DeadLetter:
    entry = OutboxEntry(
        key=fields["key"],
        destination=fields["destination"],
        payload=fields["payload"],
        created_at=datetime.fromisoformat(fields["created"]),
    )
    return DeadLetter(
        id=position,
        entry=entry,
        why=fields["why"],
        at=datetime.fromisoformat(fields["at"]),
        attempts=int(fields["attempts"]),
    )


def _log_line(fields: Mapping[str, str]) -> LogLine:
    return LogLine(
        key=fields["key"],
        destination=fields["destination"],
        at=datetime.fromisoformat(fields["at"]),
        outcome=fields["outcome"],
        detail=fields["detail"],
        attempt=int(fields["attempt"]),
    )
