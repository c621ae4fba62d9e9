"""Token buckets in the store, so that every process draws from the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from adapters.store import keys
from adapters.store.link import Link

# Two passes: a token is taken from each bucket, or from none. A bucket is its tokens at an instant, which lies ahead
# while it is blocked; taken in advance, tokens go below zero. One that nobody touched for as long as it takes to fill
# is the same as a full one, so it expires. Times are microseconds.
_TAKE = """
local now, horizon, wait, left, from = tonumber(ARGV[1]), tonumber(ARGV[#ARGV]), 0, {}, {}
for i, key in ipairs(KEYS) do
  local rate, burst = tonumber(ARGV[2 * i]) / 1e6, tonumber(ARGV[2 * i + 1])
  local held = redis.call('HMGET', key, 'tokens', 'at')
  local tokens, at = tonumber(held[1] or burst), tonumber(held[2] or now)
  from[i] = math.max(now, at)
  left[i] = math.min(burst, tokens + (from[i] - at) * rate)
  wait = math.max(wait, from[i] - now + math.max(0, (1 - left[i]) / rate))
end
if wait > horizon then return string.format('%.3f', wait) end
for i, key in ipairs(KEYS) do
  local rate, burst = tonumber(ARGV[2 * i]) / 1e6, tonumber(ARGV[2 * i + 1])
  redis.call('HSET', key, 'tokens', string.format('%.9f', left[i] - 1), 'at', string.format('%.0f', from[i]))
  redis.call('PEXPIRE', key, math.ceil((from[i] - now + burst / rate) / 1000) + 60000)
end
return string.format('%.3f', wait)
"""

_BLOCK = """
local at = tonumber(redis.call('HGET', KEYS[1], 'at') or 0)
if tonumber(ARGV[1]) > at then
  redis.call('HSET', KEYS[1], 'tokens', '1', 'at', ARGV[1])
  redis.call('PERSIST', KEYS[1])
end
"""


class RedisRateLimits:
    """See :class:`adapters.store.port.RateLimits`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def take(self, buckets: Mapping[str, tuple[float, float]], now: datetime, *, within_s: float = 0.0) -> float:
        """Take one token from each bucket (name to rate per second and burst), or from none; see the port."""
        if not buckets:
            return 0.0
        numbers = [number for rate, burst in buckets.values() for number in (repr(rate), repr(burst))]
        names = [keys.bucket(name) for name in buckets]
        wait_us = await self._link.script(_TAKE, names, [keys.to_us(now), *numbers, round(within_s * 1e6)])
        return float(wait_us) / 1e6

    async def block(self, bucket: str, until: datetime) -> None:
        """Hand out nothing from ``bucket`` before ``until``, and one token then."""
        await self._link.script(_BLOCK, [keys.bucket(bucket)], [keys.to_us(until)])
