"""Which sources asked for a pause, shared by every process through the store."""

from __future__ import annotations

import json
from datetime import datetime

from adapters.store.port import Documents, StoreUnavailable

COLLECTION = "cool_downs"


class StoredCoolDowns:
    """Cool-downs in the store, with what this process saw itself as a fallback while the store is away.

    A process that was told to slow down must slow down even when it can't tell the others.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._own: dict[str, datetime] = {}

    async def until(self, source: str, now: datetime) -> datetime | None:
        """When ``source`` may be asked again; ``None`` when it may be asked at ``now``."""
        try:
            stored = _until(await self._documents.get(COLLECTION, source))
        except StoreUnavailable:
            stored = None
        latest = max((until for until in (stored, self._own.get(source)) if until is not None), default=None)
        return latest if latest is not None and latest > now else None

    async def begin(self, source: str, until: datetime, why: str) -> None:
        """Nobody asks ``source`` before ``until``; a longer pause that is already on stays."""
        self._own[source] = until
        try:
            stored = _until(await self._documents.get(COLLECTION, source))
            if stored is None or stored < until:
                document = json.dumps({"until": until.isoformat(), "why": why})
                await self._documents.put(COLLECTION, source, document)
        except StoreUnavailable:
            return

    async def end(self, source: str) -> None:
        """Ask again at once, because an operator says so."""
        self._own.pop(source, None)
        await self._documents.put(COLLECTION, source, None)


def _until(document: str | None) -> datetime | None:
    return None if document is None else datetime.fromisoformat(json.loads(document)["until"])
