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

_TAKE_OVER = """
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
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
        return bool(await self._link.script(_ACQUIRE, [keys.lease(name)], [owner, _ms(ttl_s)]))

    async def take_over(self, name: str, owner: str, ttl_s: float, *, dead: str) -> bool:
        """Take the lease from ``dead``, whom the caller knows to be dead; ``False`` when another than that holds it."""
        return bool(await self._link.script(_TAKE_OVER, [keys.lease(name)], [owner, dead, _ms(ttl_s)]))

    async def holder(self, name: str) -> str | None:
        """Who holds the lease now; ``None`` when nobody does."""
        found: str | None = await self._link.call("GET", keys.lease(name))
        return found

    async def release(self, name: str, owner: str) -> None:
        """Give the lease back if ``owner`` holds it."""
        await self._link.script(_RELEASE, [keys.lease(name)], [owner])


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
