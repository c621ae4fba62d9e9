"""Leases as keys that expire by the server's clock."""

from __future__ import annotations

from adapters.store import keys
from adapters.store.link import Link

_ACQUIRE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class RedisLeases:
    """See :class:`adapters.store.port.Leases`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def acquire(self, name: str, owner: str, ttl_s: float) -> bool:
        """Take or renew the lease; ``False`` when somebody else holds it."""
        ttl_ms = max(1, round(ttl_s * 1000))
        return bool(await self._link.script(_ACQUIRE, [keys.lease(name)], [owner, ttl_ms]))

    async def release(self, name: str, owner: str) -> None:
        """Give the lease back if ``owner`` holds it."""
        await self._link.script(_RELEASE, [keys.lease(name)], [owner])
