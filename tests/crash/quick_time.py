"""Time that runs faster, and as fast as a test wants just then: one for every process that shares a file.

The bot's clock and its event loop both go by it, so that a token, a back-off, a time-out and a lease's renewal take the
same share of a second as ever: the same code waits for the same seconds, which are shorter.
"""

import asyncio
import mmap
import selectors
import struct
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from adapters.store.port import Cursor, Outbox, Tape
from adapters.store.redis import RedisStore
from rules.model import Observation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SLOT = struct.Struct("=ddd")
_LONGEST_NAP_S = 0.05
"""Of the machine's time: who sleeps notices a new pace after this long."""


class QuickTime:
    """Seconds since 1970 that pass at a pace; :meth:`create` begins them now."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 0)

    @classmethod
    def create(cls, path: Path, pace: float) -> Self:
        """Time that begins as the machine's and passes ``pace`` times as fast."""
        path.write_bytes(b"\0" + _SLOT.pack(time.monotonic(), time.time(), pace) * 2)
        return cls(path)

    def _slot(self) -> tuple[float, float, float]:
        begun, instant, pace = _SLOT.unpack_from(self._shared, 1 + self._shared[0] * _SLOT.size)
        return begun, instant, pace

    @property
    def pace(self) -> float:
        """How many seconds pass in one of the machine's."""
        return self._slot()[2]

    @pace.setter
    def pace(self, pace: float) -> None:
        # Readers go by the slot that the first byte names, so they never see half of a change.
        other = 1 - self._shared[0]
        _SLOT.pack_into(self._shared, 1 + other * _SLOT.size, time.monotonic(), self.seconds(), pace)
        self._shared[0] = other

    def seconds(self) -> float:
        """Seconds since 1970."""
        begun, instant, pace = self._slot()
        return instant + (time.monotonic() - begun) * pace


class QuickClock:
    """See :class:`adapters.clock.Clock`; to be used on a :class:`QuickLoop`."""

    def __init__(self, quick: QuickTime) -> None:
        self._quick = quick

    def now(self) -> datetime:
        """The instant, in UTC."""
        return _EPOCH + timedelta(seconds=self._quick.seconds())

    async def sleep_until(self, instant: datetime) -> None:
        """Return once ``now() >= instant``."""
        while (remaining := (instant - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(remaining, 60.0))


class _Selector(selectors.DefaultSelector):  # type: ignore[valid-type,misc]
    def __init__(self, quick: QuickTime) -> None:
        super().__init__()
        self._quick = quick

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            timeout = min(timeout / self._quick.pace, _LONGEST_NAP_S)
        return super().select(timeout)


class QuickLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds are those of a :class:`QuickTime`."""

    def __init__(self, quick: QuickTime) -> None:
        self._quick = quick
        super().__init__(_Selector(quick))

    def time(self) -> float:
        """What ``call_later``, time-outs and ``asyncio.sleep`` go by."""
        return self._quick.seconds()


class QuickStore:
    """A store that is waited for in quick time; who holds a lease for how long is up to its server's clock, as ever."""

    def __init__(self, store: RedisStore, quick: QuickTime) -> None:
        self._store = store
        self.outbox = _QuickOutbox(store.outbox, quick)
        self.tape = _QuickTape(store.tape, quick)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _QuickOutbox:
    def __init__(self, outbox: Outbox, quick: QuickTime) -> None:
        self._outbox = outbox
        self._quick = quick

    async def wait(self, timeout_s: float) -> bool:
        return await self._outbox.wait(timeout_s / self._quick.pace)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)


class _QuickTape:
    def __init__(self, tape: Tape, quick: QuickTime) -> None:
        self._tape = tape
        self._quick = quick

    async def read(self, after: Cursor, count: int, wait_s: float = 0.0) -> Sequence[tuple[Cursor, Observation]]:
        return await self._tape.read(after, count, wait_s / self._quick.pace)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tape, name)
