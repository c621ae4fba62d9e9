"""What a live process stands on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from adapters.clock import Clock, SystemClock
from adapters.store.embedded import open_store
from adapters.store.port import Store


@dataclass(frozen=True, slots=True)
class Ground:
    """The time, and the way to a store. A test may give it a faster one."""

    clock: Clock
    open_store: Callable[[SecretStr | None, Path], AbstractAsyncContextManager[Store]]


HOST = Ground(SystemClock(), open_store)
