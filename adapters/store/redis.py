"""The store over the Redis protocol: one connection, and what the ports ask for, each in its own module."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from adapters.store.copying import copy
from adapters.store.documents import RedisDocuments
from adapters.store.leases import RedisLeases
from adapters.store.link import Link, client_for_url, place_of
from adapters.store.outbox import VISIBILITY_S, RedisOutbox
from adapters.store.port import StoreUnavailable
from adapters.store.rate_limits import RedisRateLimits
from adapters.store.states import RedisAlertStates
from adapters.store.tape import RedisTape

if TYPE_CHECKING:
    from adapters.store.bars import RedisPriceHistory

_OLDEST_SERVER = (6, 2)


class RedisStore:
    """Everything that Tapewatch keeps, on one server that speaks the Redis protocol.

    Implements :class:`adapters.store.port.Store`. ``visibility_s`` is how long a sender may hold a message before
    another one takes it for dead and takes over.
    """

    def __init__(self, link: Link, *, visibility_s: float = VISIBILITY_S) -> None:
        self._link = link
        self.place = link.place
        self.tape = RedisTape(link)
        self.states = RedisAlertStates(link)
        self.outbox = RedisOutbox(link, visibility_s)
        self.documents = RedisDocuments(link)
        self.leases = RedisLeases(link)
        self.rate_limits = RedisRateLimits(link)

    @cached_property
    def bars(self) -> RedisPriceHistory:
        """Price history, whose arrays take twenty megabytes to load."""
        from adapters.store.bars import RedisPriceHistory  # noqa: PLC0415

        return RedisPriceHistory(self._link)

    async def check(self) -> None:
        """Raise :class:`StoreUnavailable` unless the server answers, is new enough and may be written to."""
        info = await self.info()
        version = str(info.get("redis_version", "0"))
        if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_SERVER:
            raise StoreUnavailable(f"the store at {self.place} is Redis {version}; wanted 6.2 or newer, or Valkey")

    async def info(self) -> Mapping[str, Any]:
        """What the server says about itself, for ``tapewatch status`` and ``doctor``."""
        found: dict[str, Any] = await self._link.call("INFO")
        return found

    async def setting(self, name: str) -> str | None:
        """How the server is configured, ``None`` where it won't say (a hosted one often doesn't)."""
        try:
            found: list[str] = await self._link.call("CONFIG", "GET", name)
        except StoreUnavailable:
            return None
        return found[1] if len(found) > 1 else None

    async def copy_to(self, other: RedisStore) -> None:
        """Let ``other`` remember what this one does: states, documents, prices; no tape, outbox, lease or bucket."""
        await copy(self._link, other._link)

    async def aclose(self) -> None:
        """Drop the connections; the server keeps running."""
        await self._link.aclose()


async def connect(url: str) -> RedisStore:
    """The store on a server that somebody else runs; raise :class:`StoreUnavailable` when it can't be used."""
    store = RedisStore(Link(client_for_url(url), place_of(url)))
    try:
        await store.check()
    except BaseException:
        await store.aclose()
        raise
    return store
