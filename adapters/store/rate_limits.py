"""Token buckets in the store, so that every process draws from the same ones."""

from __future__ import annotations

from datetime import datetime

from adapters.store import keys
from adapters.store.link import Link
from adapters.store.port import Buckets

# Two passes: a token is taken from each bucket, or from none. A bucket is its tokens at an instant, which lies ahead
# while it is blocked; taken in advance, tokens go below zero. One that nobody touched for as long as it takes to fill
# is the same as a full one, so it expires. Times are microseconds, a bucket is {key, rate a second, burst}. The second
# result is the bucket that is waited for.
BUCKETS = """
local function take(buckets, now, horizon)
  local wait, left, from, last = 0, {}, {}, nil
  for i, bucket in ipairs(buckets) do
    local rate, burst = bucket[2] / 1e6, bucket[3]
    local held = redis.call('HMGET', bucket[1], 'tokens', 'at')
    local tokens, at = tonumber(held[1] or burst), tonumber(held[2] or now)
    from[i] = math.max(now, at)
    left[i] = math.min(burst, tokens + (from[i] - at) * rate)
    local own = from[i] - now + math.max(0, (1 - left[i]) / rate)
    if own > wait then wait, last = own, bucket end
  end
  if wait > horizon then return wait, last end
  for i, bucket in ipairs(buckets) do
    local rate, burst = bucket[2] / 1e6, bucket[3]
    redis.call('HSET', bucket[1], 'tokens', string.format('%.9f', left[i] - 1), 'at', string.format('%.0f', from[i]))
    redis.call('PEXPIRE', bucket[1], math.ceil((from[i] - now + burst / rate) / 1000) + 60000)
  end
  return wait
end
local function block(bucket, until_us)
  local at = tonumber(redis.call('HGET', bucket, 'at') or 0)
  if tonumber(until_us) > at then
    redis.call('HSET', bucket, 'tokens', '1', 'at', until_us)
    redis.call('PERSIST', bucket)
  end
end
"""

_TAKE = (
    BUCKETS
    + """
local buckets = {}
for i, key in ipairs(KEYS) do buckets[i] = {key, tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])} end
local wait = take(buckets, tonumber(ARGV[1]), tonumber(ARGV[#ARGV]))
return string.format('%.3f', wait)
"""
)

_BLOCK = BUCKETS + "block(KEYS[1], ARGV[1])"


class RedisRateLimits:
    """See :class:`adapters.store.port.RateLimits`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def take(self, buckets: Buckets, now: datetime, *, within_s: float = 0.0) -> float:
        """Take one token from each bucket, or from none; see the port."""
        if not buckets:
            return 0.0
        numbers = [number for rate, burst in buckets.values() for number in (repr(rate), repr(burst))]
        names = [keys.bucket(name) for name in buckets]
        wait_us = await self._link.script(_TAKE, names, [keys.to_us(now), *numbers, round(within_s * 1e6)])
        return float(wait_us) / 1e6

    async def block(self, bucket: str, until: datetime) -> None:
        """Hand out nothing from ``bucket`` before ``until``, and one token then."""
        await self._link.script(_BLOCK, [keys.bucket(bucket)], [keys.to_us(until)])
