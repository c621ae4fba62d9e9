"""Collections of documents in memory, and commits that go there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.store.port import Commit, OutboxEntry, StoreUnavailable


class MemoryDocuments:
    """The ``Documents`` port without a server; ``away`` makes every call fail as an unreachable store does."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], str] = {}
        self.away = False

    def _reach(self) -> None:
        if self.away:
            raise StoreUnavailable("the store can't be reached")

    async def get(self, collection: str, key: str) -> str | None:
        """The document, or ``None``."""
        self._reach()
        return self.documents.get((collection, key))

    async def put(self, collection: str, key: str, document: str | None) -> None:
        """Write the document; ``None`` removes it."""
        self._reach()
        if document is None:
            self.documents.pop((collection, key), None)
        else:
            self.documents[collection, key] = document

    async def all(self, collection: str) -> Mapping[str, str]:
        """Every document of the collection by its key."""
        self._reach()
        return {key: text for (name, key), text in self.documents.items() if name == collection}

    async def keys(self, collection: str) -> Sequence[str]:
        """The key of every document of the collection."""
        return [*await self.all(collection)]


class MemoryCommits:
    """Takes commits: documents go to ``documents``, what is to be sent is kept in ``outbox``."""

    def __init__(self, documents: MemoryDocuments) -> None:
        self._documents = documents
        self.outbox: list[OutboxEntry] = []

    async def commit(self, commit: Commit) -> None:
        """Write it."""
        for (collection, key), document in (commit.documents or {}).items():
            await self._documents.put(collection, key, document)
        self.outbox += commit.outbox
