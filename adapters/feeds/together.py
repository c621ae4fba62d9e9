"""Several feeds as one: asked at the same time, answered together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from adapters.feeds.port import Feed, Fetched, join


class Together:
    """All of ``feeds``; what one of them misses doesn't touch the others."""

    def __init__(self, *, feeds: Sequence[Feed]) -> None:
        self._feeds = tuple(feeds)

    async def fetch(self, now: datetime) -> Fetched:
        """Ask every feed at once and join what they brought, in their order."""
        return join(await asyncio.gather(*(feed.fetch(now) for feed in self._feeds)))
