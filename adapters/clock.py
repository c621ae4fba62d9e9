"""The one place that reads the system clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    async def sleep_until(self, instant: datetime) -> None:
        """Return once ``now() >= instant``."""
        ...


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, instant: datetime) -> None:
        """Return once ``now() >= instant``."""
        while (remaining := (instant - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(remaining, 60.0))


class ShiftedClock:
    """The host's clock set to ``start``, from where it runs on at its own pace."""

    def __init__(self, start: datetime) -> None:
        self._system = SystemClock()
        self._shift = start - self._system.now()

    def now(self) -> datetime:
        """The present instant of the shifted time."""
        return self._system.now() + self._shift

    async def sleep_until(self, instant: datetime) -> None:
        """Return once ``now() >= instant``."""
        await self._system.sleep_until(instant - self._shift)


class SteppingClock:
    """A clock that moves only when it is told to, for replay, rule tests and the test suite.

    ``sleep_until`` moves it: whoever waits for an instant is there at once.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The instant that the clock stands at."""
        return self._now

    def step_to(self, instant: datetime) -> None:
        """Stand at ``instant``; the clock never goes backwards."""
        self._now = max(self._now, instant)

    async def sleep_until(self, instant: datetime) -> None:
        """Step to ``instant`` and give other tasks a turn."""
        self.step_to(instant)
        await asyncio.sleep(0)
