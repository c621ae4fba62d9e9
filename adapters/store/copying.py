"""A copy of what a store remembers, in another store: nothing of what is on its way, and nobody's claim on anything."""

from __future__ import annotations

from collections.abc import AsyncIterator

from adapters.store import keys
from adapters.store.link import Link

_LEFT = (keys.TAPE, keys.CURSOR, f"{keys.LAYOUT}:outbox:", f"{keys.LAYOUT}:lease:", f"{keys.LAYOUT}:rate:")
_CHUNK = 1_000


async def copy(source: Link, target: Link) -> None:
    """Copy alert states, documents and price history; one that is written meanwhile may be the old or the new."""
    async for key in _keys(source):
        if key.startswith(_LEFT):
            continue
        async for flat in _fields(source, key):
            await target.call("HSET", key, *flat)


async def _keys(link: Link) -> AsyncIterator[str]:
    position = 0
    while True:
        kept = ("MATCH", f"{keys.LAYOUT}:*", "COUNT", _CHUNK, "TYPE", "hash")
        position, found = await link.call("SCAN", position, *kept)
        for key in found:
            yield key
        if not int(position):
            return


async def _fields(link: Link, key: str) -> AsyncIterator[list[bytes]]:
    """The fields and values of a hash in turn, as bytes: price history is no text."""
    position = 0
    while True:
        position, found = await link.call_raw("HSCAN", key, position, "COUNT", _CHUNK)
        if found:
            yield [part for pair in found.items() for part in pair]
        if not int(position):
            return
