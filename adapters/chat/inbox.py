"""What was heard and isn't answered yet, kept in the store before the service is told that it arrived."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from adapters.clock import Clock
from adapters.store.port import Documents, StoreUnavailable

_LOG = structlog.get_logger(__name__)
COLLECTION = "heard"
LOOK_EVERY = timedelta(seconds=10)
_ABANDONED = timedelta(seconds=30)
"""Whoever has not finished with an event by then is dead."""
_WAITED_FOR = timedelta(minutes=15)
"""Nobody waits longer for an answer."""
_LONGEST_WRITE_S = 1.0
Json = dict[str, Any]
Again = Callable[[Json], Awaitable[None]]


class Inbox:
    """Events of one platform that a crash would lose: confirmed to the service, and not yet answered.

    An event that was left behind is handled once more, by any process. So after a crash an answer may come twice.
    Without ``documents`` nothing is kept.
    """

    def __init__(self, documents: Documents | None, platform: str, clock: Clock) -> None:
        self._documents = documents
        self._platform = platform
        self._clock = clock

    async def keep(self, events: Mapping[str, Json]) -> None:
        """Keep events by their ids. A store that is away, or slow, must not keep people waiting."""
        at = self._clock.now().isoformat()
        try:
            async with asyncio.timeout(_LONGEST_WRITE_S):
                kept = (self._put(key, json.dumps({"at": at, "body": body})) for key, body in events.items())
                await asyncio.gather(*kept)
        except (StoreUnavailable, TimeoutError) as error:
            _LOG.warning("events_not_kept", platform=self._platform, count=len(events), error=type(error).__name__)

    async def done(self, key: str) -> None:
        """The event is answered."""
        try:
            await self._put(key, None)
        except StoreUnavailable as error:
            _LOG.warning("event_not_forgotten", platform=self._platform, error=str(error))

    async def look_after(self, again: Again) -> None:
        """Hand what was left behind to ``again``, until cancelled."""
        while self._documents is not None:
            try:
                for body in await self._left(self._documents):
                    await again(body)
            except StoreUnavailable as error:
                _LOG.warning("store_unavailable", role=self._platform, error=str(error))
            await self._clock.sleep_until(self._clock.now() + LOOK_EVERY)

    async def _left(self, documents: Documents) -> list[Json]:
        """What nobody finished; it is taken out first, so that what kills a process does so once more at most."""
        found = []
        for key, text in (await documents.all(COLLECTION)).items():
            if not key.startswith(f"{self._platform}:"):
                continue
            held = json.loads(text)
            age = self._clock.now() - datetime.fromisoformat(held["at"])
            if age >= _ABANDONED:
                await documents.put(COLLECTION, key, None)
                found += [held["body"]] if age < _WAITED_FOR else []
        return found

    async def _put(self, key: str, document: str | None) -> None:
        if self._documents is not None:
            await self._documents.put(COLLECTION, f"{self._platform}:{key}", document)
