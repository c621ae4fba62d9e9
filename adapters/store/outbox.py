"""The outbox: one Redis Stream a destination (a lane), whose head alone is handed out, so that order is kept.

A sorted set holds each lane that has entries, by when its head may next be handed out: at once, when a postponed one
is due, or when the worker that holds it must be taken for dead. The consumer group ``senders`` of each lane remembers
who holds the head and how often it was handed out; that number is the fence by which a worker that was taken for dead
can't postpone or bury what another one holds by now.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from adapters.store import keys
from adapters.store.link import Command, Link
from adapters.store.port import Claimed, DeadLetter, LogLine, OutboxEntry, alive

VISIBILITY_S = 120.0
_DELIVERED = {"sent", "sent_again"}

_CLAIM = """
local due, doubts, holders = unpack(KEYS)
local worker, now, hold_until, count, prefix = unpack(ARGV)
local out = {}
for _, lane in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, count)) do
  local stream, attempt, entry = prefix .. lane, 1, nil
  local held = redis.pcall('XPENDING', stream, 'senders', '-', '+', 1)
  if held.err then
    redis.call('ZREM', due, lane)
  else
    if #held > 0 then
      attempt = held[1][4] + 1
      entry = redis.call('XCLAIM', stream, 'senders', worker, 0, held[1][1], 'RETRYCOUNT', attempt)[1]
    else
      local fresh = redis.call('XREADGROUP', 'GROUP', 'senders', worker, 'COUNT', 1, 'STREAMS', stream, '>')
      entry = fresh and fresh[1][2][1]
    end
    if entry then
      redis.call('ZADD', due, hold_until, lane)
      local doubted = redis.call('HGET', doubts, lane) == entry[1]
      redis.call('HSET', doubts, lane, entry[1])
      redis.call('HSET', holders, lane, worker)
      out[#out + 1] = {lane, entry[1], attempt, entry[2], doubted and 1 or 0}
    else
      redis.call('DEL', stream)
      redis.call('ZREM', due, lane)
    end
  end
end
return out
"""

# Until its holder says otherwise, what was handed out may have been accepted.
_FREE = """
local due, stream, log, doubts, holders = unpack(KEYS)
local lane, id, attempt, key, destination, at, now, said = unpack(ARGV)
local function free()
  redis.call('HDEL', doubts, lane)
  redis.call('HDEL', holders, lane)
  if redis.call('XLEN', stream) == 0 then
    redis.call('DEL', stream)
    redis.call('ZREM', due, lane)
  else
    redis.call('ZADD', due, now, lane)
  end
end
local function write(outcome)
  redis.call('XADD', log, '*', 'key', key, 'destination', destination, 'at', at,
             'outcome', outcome, 'detail', said, 'attempt', attempt)
end
local function holds()
  local held = redis.call('EXISTS', stream) == 1 and redis.call('XPENDING', stream, 'senders', id, id, 1) or {}
  return #held > 0 and held[1][4] == tonumber(attempt)
end
local function leave()
  redis.call('XACK', stream, 'senders', id)
  redis.call('XDEL', stream, id)
end
"""

_ACKNOWLEDGE = (
    _FREE
    + """
local notices = KEYS[6]
if redis.call('EXISTS', stream) == 1 then redis.call('XACK', stream, 'senders', id) end
if redis.call('XDEL', stream, id) == 0 then
  write('sent_again')
  return 0
end
redis.call('HSET', notices, lane .. ' ' .. key, said)
write('sent')
free()
return 1
"""
)

_POSTPONE = (
    _FREE
    + """
if not holds() then return 0 end
redis.call('ZADD', due, now, lane)
redis.call('HDEL', holders, lane)
if ARGV[9] == '0' then redis.call('HDEL', doubts, lane) end
write('postponed')
return 1
"""
)

_RELEASE = (
    _FREE
    + """
if not holds() then return 0 end
local holder = redis.call('XPENDING', stream, 'senders', id, id, 1)[1][2]
redis.call('XCLAIM', stream, 'senders', holder, 0, id, 'RETRYCOUNT', attempt - 1, 'JUSTID')
redis.call('ZADD', due, now, lane)
redis.call('HDEL', holders, lane)
if ARGV[9] == '0' then redis.call('HDEL', doubts, lane) end
return 1
"""
)

_MOVE = (
    _FREE
    + """
local notices, sequence, bell = KEYS[6], KEYS[7], KEYS[8]
local new_lane, new_stream, payload, created = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
if not holds() then return 0 end
leave()
write('moved')
free()
if redis.call('HSETNX', notices, new_lane .. ' ' .. key, '') == 0 then return 1 end
redis.call('XADD', new_stream, redis.call('INCR', sequence) .. '-0', 'key', key, 'payload', payload,
           'created', created)
if not redis.call('ZSCORE', due, new_lane) then
  redis.call('XGROUP', 'CREATE', new_stream, 'senders', '0')
  redis.call('ZADD', due, now, new_lane)
end
redis.call('XADD', bell, 'MAXLEN', '1', '*', 'n', '1')
return 1
"""
)

_BURY = (
    _FREE
    + """
local dead, payload, created = KEYS[6], ARGV[9], ARGV[10]
if not holds() then return 0 end
leave()
redis.call('XADD', dead, '*', 'key', key, 'destination', destination, 'payload', payload, 'created', created,
           'why', said, 'at', at, 'attempts', attempt)
write('buried')
free()
return 1
"""
)

_DROP = (
    _FREE
    + """
if not holds() then return 0 end
leave()
write('dropped')
free()
return 1
"""
)

# A worker lives as long as its lease does.
_TAKE_OVER = """
local due, holders = unpack(KEYS)
local taken, held = 0, redis.call('HGETALL', holders)
for i = 1, #held, 2 do
  local lane, worker = held[i], held[i + 1]
  if redis.call('EXISTS', ARGV[2] .. worker) == 0 then
    redis.call('HDEL', holders, lane)
    if redis.call('ZSCORE', due, lane) then
      redis.call('ZADD', due, ARGV[1], lane)
      taken = taken + 1
    end
  end
end
return taken
"""

_WAITING = """
local out = {}
for _, lane in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  out[#out + 1] = lane
  out[#out + 1] = redis.call('XLEN', ARGV[1] .. lane)
end
return out
"""

_RETRY = """
local dead, due, sequence, log, bell = unpack(KEYS)
local prefix, id, at, now, lane = unpack(ARGV)
local found = redis.call('XRANGE', dead, id, id)
if #found == 0 then return 0 end
local f = {}
for i = 1, #found[1][2], 2 do f[found[1][2][i]] = found[1][2][i + 1] end
local stream = prefix .. lane
redis.call('XADD', stream, redis.call('INCR', sequence) .. '-0', 'key', f.key, 'payload', f.payload,
           'created', f.created)
if not redis.call('ZSCORE', due, lane) then
  redis.call('XGROUP', 'CREATE', stream, 'senders', '0')
  redis.call('ZADD', due, now, lane)
end
redis.call('XDEL', dead, id)
redis.call('XADD', log, '*', 'key', f.key, 'destination', f.destination, 'at', at, 'outcome', 'retried',
           'detail', f.why, 'attempt', '0')
redis.call('XADD', bell, 'MAXLEN', '1', '*', 'n', '1')
return 1
"""

# Idempotency ends with the log line of the delivery: a notice that waits or lies dead is remembered, however old.
_TRIM = """
local log, notices, rows, last = KEYS[1], KEYS[2], cjson.decode(ARGV[1]), ARGV[2]
for _, notice in ipairs(rows) do redis.call('HDEL', notices, notice) end
return redis.call('XTRIM', log, 'MINID', last)
"""


class RedisOutbox:
    """See :class:`adapters.store.port.Outbox`.

    ``visibility_s`` is how long a worker may hold an entry before another one takes it over.
    """

    def __init__(self, link: Link, visibility_s: float = VISIBILITY_S) -> None:
        self._link = link
        self._visibility = timedelta(seconds=visibility_s)
        self._bell = "0"

    async def claim(self, worker: str, now: datetime, count: int = 1) -> Sequence[Claimed]:
        """Take the heads of up to ``count`` lanes that are due and that nobody holds, a dead worker's included."""
        arguments: Command = [
            keys.encoded(worker),
            keys.to_us(now),
            keys.to_us(now + self._visibility),
            count,
            keys.LANE_PREFIX,
        ]
        found = await self._link.script(_CLAIM, [keys.OUTBOX_DUE, keys.OUTBOX_DOUBTS, keys.OUTBOX_HOLDERS], arguments)
        return [_claimed(*row) for row in found]

    async def acknowledge(self, claimed: Claimed, receipt: str, now: datetime) -> None:
        """The message was accepted: log it with its ``receipt`` (JSON) and free the lane."""
        touched = [*_touched(claimed), keys.OUTBOX_NOTICES]
        await self._link.script(_ACKNOWLEDGE, touched, _arguments(claimed, now, keys.to_us(now), receipt))

    async def take_over(self, now: datetime) -> int:
        """Make due what workers hold whose lease :func:`~adapters.store.port.alive` ended; return how many entries."""
        arguments: Command = [keys.to_us(now), keys.lease(alive(""))]
        return int(await self._link.script(_TAKE_OVER, [keys.OUTBOX_DUE, keys.OUTBOX_HOLDERS], arguments))

    async def postpone(
        self, claimed: Claimed, until: datetime, why: str, *, accepted: Literal["no", "unknown"] = "no"
    ) -> None:
        """Give the lane back; its head is due again at ``until``. ``accepted`` says whether it may have arrived."""
        arguments = [*_arguments(claimed, until, keys.to_us(until), why), _doubt(claimed, accepted)]
        await self._link.script(_POSTPONE, _touched(claimed), arguments)

    async def release(self, claimed: Claimed, until: datetime) -> None:
        """Give the lane back untried: neither an attempt nor a line of the log."""
        arguments = [*_arguments(claimed, until, keys.to_us(until), ""), _doubt(claimed, "no")]
        await self._link.script(_RELEASE, _touched(claimed), arguments)

    async def move(self, claimed: Claimed, destination: str, now: datetime) -> None:
        """Put the entry at the end of another destination's lane, unless it was enqueued there before."""
        touched = [*_touched(claimed), keys.OUTBOX_NOTICES, keys.OUTBOX_SEQUENCE, keys.OUTBOX_BELL]
        lane = keys.encoded(destination)
        arguments = [
            *_arguments(claimed, now, keys.to_us(now), destination),
            *(lane, keys.LANE_PREFIX + lane, claimed.entry.payload, claimed.entry.created_at.isoformat()),
        ]
        await self._link.script(_MOVE, touched, arguments)

    async def bury(self, claimed: Claimed, why: str, now: datetime) -> None:
        """Move the entry to the dead letters, explained, and free the lane."""
        entry = claimed.entry
        arguments = [*_arguments(claimed, now, keys.to_us(now), why), entry.payload, entry.created_at.isoformat()]
        await self._link.script(_BURY, [*_touched(claimed), keys.OUTBOX_DEAD], arguments)

    async def drop(self, claimed: Claimed, why: str, now: datetime) -> None:
        """Take the entry off without sending it, since there is nothing to be done; the log says so."""
        await self._link.script(_DROP, _touched(claimed), _arguments(claimed, now, keys.to_us(now), why))

    async def waiting(self) -> Mapping[str, int]:
        """How many entries wait per destination."""
        flat = await self._link.script(_WAITING, [keys.OUTBOX_DUE], [keys.LANE_PREFIX])
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
            self._bell = reply[0][1][-1][0]
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
        return bool(await self._link.script(_RETRY, touched, arguments))

    async def discard(self, dead_id: str) -> bool:
        """Forget a dead letter; ``False`` when there is no such letter."""
        return bool(await self._link.call("XDEL", keys.OUTBOX_DEAD, dead_id))

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
                gone += int(await self._link.script(_TRIM, [keys.OUTBOX_LOG, keys.OUTBOX_NOTICES], arguments))
            if len(old) < len(chunk):
                break
        return gone


def _notice(destination: str, key: str) -> str:
    return f"{keys.encoded(destination)} {key}"


def _touched(claimed: Claimed) -> list[str]:
    lane = keys.LANE_PREFIX + keys.encoded(claimed.entry.destination)
    return [keys.OUTBOX_DUE, lane, keys.OUTBOX_LOG, keys.OUTBOX_DOUBTS, keys.OUTBOX_HOLDERS]


def _doubt(claimed: Claimed, accepted: Literal["no", "unknown"]) -> int:
    # A doubt about an earlier attempt is not settled by a later one that was refused.
    return int(claimed.in_doubt or accepted == "unknown")


def _arguments(claimed: Claimed, at: datetime, due_us: int, said: str) -> list[str | float]:
    entry = claimed.entry
    lane = keys.encoded(entry.destination)
    return [lane, claimed.id, claimed.attempt, entry.key, entry.destination, at.isoformat(), due_us, said]


def _claimed(lane: str, position: str, attempt: int, flat: list[str], doubted: int) -> Claimed:
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
