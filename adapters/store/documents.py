"""Documents as Redis hashes, one a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.store import keys
from adapters.store.hashes import read_all
from adapters.store.link import Link


class RedisDocuments:
    """See :class:`adapters.store.port.Documents`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, collection: str, key: str) -> str | None:
        """The document, or ``None``."""
        found: str | None = await self._link.call("HGET", keys.documents(collection), key)
        return found

    async def put(self, collection: str, key: str, document: str | None) -> None:
        """Write the document; ``None`` removes it."""
        if document is None:
            await self._link.call("HDEL", keys.documents(collection), key)
        else:
            await self._link.call("HSET", keys.documents(collection), key, document)

    async def all(self, collection: str) -> Mapping[str, str]:
        """Every document of the collection by its key."""
        return await read_all(self._link, keys.documents(collection))

    async def keys(self, collection: str) -> Sequence[str]:
        """The key of every document of the collection, for who reads large ones one by one."""
        found: Sequence[str] = await self._link.call("HKEYS", keys.documents(collection))
        return found
