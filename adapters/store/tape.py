"""The tape as a Redis Stream: one entry an observation, in the order in which they became known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime

from adapters.store import keys
from adapters.store.link import Link
from adapters.store.port import Cursor
from rules.model import Observation, Status

_MANY = 200
"""Observations that are packed in a thread: thousands would hold up the event loop for half a second."""
_APPEND = """
local position
for _, entry in ipairs(ARGV) do position = redis.call('XADD', KEYS[1], '*', 'o', entry) end
return position
"""


class RedisTape:
    """See :class:`adapters.store.port.Tape`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def append(self, observations: Sequence[Observation]) -> Cursor:
        """Add ``observations`` durably and return the position after them.

        When the connection broke in between, they may or may not have been written; to append them again is harmless.
        """
        if not observations:
            return await self.end()
        if len(observations) > _MANY:
            entries = await asyncio.to_thread(lambda: [packed(observation) for observation in observations])
        else:
            entries = [packed(observation) for observation in observations]
        return str(await self._link.script(_APPEND, [keys.TAPE], entries, repeatable=False))

    async def end(self) -> Cursor:
        """The position after the newest observation."""
        newest = await self._link.call("XREVRANGE", keys.TAPE, "+", "-", "COUNT", 1)
        return str(newest[0][0]) if newest else "0"

    async def read(self, after: Cursor, count: int, wait_s: float = 0.0) -> Sequence[tuple[Cursor, Observation]]:
        """Return up to ``count`` observations after ``after``; with ``wait_s``, wait that long for the first one."""
        block = ("BLOCK", max(1, round(wait_s * 1000))) if wait_s > 0 else ()
        reply = await self._link.call("XREAD", "COUNT", count, *block, "STREAMS", keys.TAPE, after)
        entries = reply[0][1] if reply else []
        return [(position, unpacked(fields["o"])) for position, fields in entries]

    async def between(self, start: datetime, end: datetime, count: int = 100_000) -> Sequence[Observation]:
        """What became known from ``start`` to ``end``, inclusive, oldest first, at most ``count``."""
        found: list[Observation] = []
        after: Cursor = "0"
        while len(found) < count and (chunk := await self.read(after, 5_000)):
            after = chunk[-1][0]
            found.extend(item for _, item in chunk if start <= item.known_at <= end)
        return found[:count]

    async def trim(self, before: datetime) -> int:
        """Forget what was evaluated and became known before ``before``; return how many observations went."""
        evaluated = await self._link.call("GET", keys.CURSOR) or "0"
        gone = 0
        while chunk := await self.read("0", 5_000):
            keep_from = next(
                (at for at, item in chunk if item.known_at >= before or keys.is_later(at, evaluated)), None
            )
            oldest_kept = keep_from or keys.after(chunk[-1][0])
            gone += int(await self._link.call("XTRIM", keys.TAPE, "MINID", oldest_kept))
            if keep_from is not None:
                break
        return gone


def packed(observation: Observation) -> str:
    """The observation as a JSON array; times are ISO, a float comes back bit for bit."""
    return json.dumps(
        [
            observation.series,
            observation.at.isoformat(),
            observation.known_at.isoformat(),
            observation.value,
            observation.status.value,
            observation.source,
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )


def unpacked(text: str) -> Observation:
    """The observation that :func:`packed` was given."""
    series, at, known_at, value, status, source = json.loads(text)
    return Observation(
        series=series,
        at=datetime.fromisoformat(at),
        known_at=datetime.fromisoformat(known_at),
        value=value,
        status=Status(status),
        source=source,
    )
