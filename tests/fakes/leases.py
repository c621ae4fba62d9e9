"""Leases in this process's memory, on the real clock."""

from __future__ import annotations

import time

from adapters.store.port import StoreUnavailable


class MemoryLeases:
    """The ``Leases`` port; ``down`` makes it fail as a store that can't be reached."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[str, float]] = {}
        self.down = False

    async def acquire(self, name: str, owner: str, ttl_s: float) -> bool:
        """Take or renew the lease."""
        if self.down:
            raise StoreUnavailable("the store is down")
        holder, until = self.held.get(name, (owner, 0.0))
        if holder != owner and until > time.monotonic():
            return False
        self.held[name] = (owner, time.monotonic() + ttl_s)
        return True

    async def take_over(self, name: str, owner: str, ttl_s: float, *, dead: str) -> bool:
        """Take the lease from ``dead``."""
        if await self.holder(name) != dead:
            return False
        self.held[name] = (owner, time.monotonic() + ttl_s)
        return True

    async def holder(self, name: str) -> str | None:
        """Who holds the lease."""
        if self.down:
            raise StoreUnavailable("the store is down")
        holder, until = self.held.get(name, ("", 0.0))
        return holder if until > time.monotonic() else None

    async def release(self, name: str, owner: str) -> None:
        """Give the lease back."""
        if self.held.get(name, ("", 0.0))[0] == owner:
            del self.held[name]
