"""How fast each source may be asked, kept to by every process together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from adapters.clock import Clock
from adapters.store.port import RateLimits, StoreUnavailable

_IN_ADVANCE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """``per_s`` requests a second on average, ``burst`` of them at once; a ``per_s`` of 0 never waits."""

    per_s: float
    burst: int = 1


UNHURRIED = Pace(1.0)
"""For a source that doesn't say what it allows."""


class Paces(Protocol):
    """Gives everybody who asks a source a turn."""

    async def turn(self, source: str, pace: Pace) -> None:
        """Return when ``source`` may be asked once more."""
        ...


class OwnPaces:
    """The turns of one process, in the order in which they are asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paid_until: dict[str, datetime] = {}

    async def turn(self, source: str, pace: Pace) -> None:
        """Return when ``source`` may be asked once more."""
        if not pace.per_s:
            return
        spacing = timedelta(seconds=1 / pace.per_s)
        now = self._clock.now()
        paid_until = max(self._paid_until.get(source, now), now) + spacing
        self._paid_until[source] = paid_until
        await self._clock.sleep_until(paid_until - spacing * pace.burst)


class StoredPaces:
    """Turns that all processes take from the store; while it is away, each process keeps to the pace by itself."""

    def __init__(self, limits: RateLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._own = OwnPaces(clock)

    async def turn(self, source: str, pace: Pace) -> None:
        """Return when ``source`` may be asked once more."""
        if not pace.per_s:
            return None
        while True:
            now = self._clock.now()
            bucket = {f"source {source}": (pace.per_s, float(pace.burst))}
            try:
                wait_s = await self._limits.take(bucket, now, within_s=_IN_ADVANCE_S)
            except StoreUnavailable:
                return await self._own.turn(source, pace)
            await self._clock.sleep_until(now + timedelta(seconds=wait_s))
            if wait_s <= _IN_ADVANCE_S:  # else nothing was taken
                return None
