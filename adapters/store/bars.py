"""Packed price history: a block of columns for each symbol and year. It is a cache; what can't be read isn't there."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from adapters.store import keys
from adapters.store.link import Link
from adapters.store.port import Bars

_VERSION = 1
_HEADER = struct.Struct("<BII")
"""Version, number of bars, CRC-32 of the columns."""
_COLUMNS = ("open", "high", "low", "close", "volume")
_ROW_BYTES = 8 * (1 + len(_COLUMNS))


class RedisPriceHistory:
    """See :class:`adapters.store.port.PriceHistory`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, symbol: str) -> Bars:
        """Every bar of ``symbol`` that is known, oldest first; empty when there are none."""
        flat = await self._link.call_raw("HVALS", keys.bars(symbol))
        return merged([block for raw in flat if (block := unpack(raw)) is not None])

    async def put(self, symbol: str, bars: Bars) -> None:
        """Add ``bars``; one with the same time as an earlier one takes its place."""
        parts = by_year(bars)
        if not parts:
            return
        held = await self._link.call_raw("HMGET", keys.bars(symbol), *parts)
        written: list[str | bytes] = []
        for (year, part), raw in zip(parts.items(), held, strict=True):
            earlier = unpack(raw) if raw is not None else None
            written += [str(year), pack(merged([earlier, part]) if earlier is not None else part)]
        await self._link.call("HSET", keys.bars(symbol), *written)

    async def forget(self, symbol: str) -> None:
        """Drop every bar of ``symbol`` (a split changed all of them)."""
        await self._link.call("DEL", keys.bars(symbol))


def pack(bars: Bars) -> bytes:
    """The bars as a block: header, then ``at`` as int64 and five columns of float64, little-endian."""
    columns = [bars.at.astype("<i8"), *(getattr(bars, name).astype("<f8") for name in _COLUMNS)]
    body = b"".join(column.tobytes() for column in columns)
    return _HEADER.pack(_VERSION, len(bars.at), zlib.crc32(body)) + body


def unpack(block: bytes) -> Bars | None:
    """The bars of a block, or ``None`` if it is of another version or damaged."""
    if len(block) < _HEADER.size:
        return None
    version, count, checksum = _HEADER.unpack_from(block)
    body = memoryview(block)[_HEADER.size :]
    if version != _VERSION or len(body) != count * _ROW_BYTES or zlib.crc32(body) != checksum:
        return None
    at = np.frombuffer(body, "<i8", count)
    columns = np.frombuffer(body, "<f8", count * len(_COLUMNS), offset=8 * count).reshape(len(_COLUMNS), count)
    return Bars(at, *columns)


def by_year(bars: Bars) -> Mapping[int, Bars]:
    """The bars by the UTC year of their time."""
    years: NDArray[np.int64] = bars.at.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    return {int(year): _taken(bars, np.flatnonzero(years == year)) for year in np.unique(years)}


def merged(parts: list[Bars]) -> Bars:
    """One run of bars, oldest first; of two with the same time the later part's stays."""
    if not parts:
        empty = np.empty(0)
        return Bars(np.empty(0, np.int64), empty, empty, empty, empty, empty)
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in ("at", *_COLUMNS))
    joined = Bars(*columns)
    _, last_from_end = np.unique(joined.at[::-1], return_index=True)
    return _taken(joined, len(joined.at) - 1 - last_from_end)


def _taken(bars: Bars, rows: NDArray[np.int64]) -> Bars:
    return Bars(*(getattr(bars, name)[rows] for name in ("at", *_COLUMNS)))
