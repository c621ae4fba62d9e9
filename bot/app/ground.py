"""What a live process stands on."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from adapters.clock import Clock, SystemClock
from adapters.store.embedded import STORE, end_unused, open_store
from adapters.store.port import Store
from bot.files import left_behind, private_folder


@dataclass(frozen=True, slots=True)
class Ground:
    """The time, and the way to a store. A test may give it a faster one."""

    clock: Clock
    open_store: Callable[[SecretStr | None, Path], AbstractAsyncContextManager[Store]]


HOST = Ground(SystemClock(), open_store)
_OWN = ("demo-", "dry-run-", "reference-", "replay-")


@asynccontextmanager
async def own_home(parent: Path, prefix: str) -> AsyncIterator[Path]:
    """A data directory of its own below ``parent``, removed at the end.

    What killed processes left there, the servers of their stores among it, is cleared away first.
    """
    for left in left_behind(parent, _OWN):
        if not (left / STORE).exists() or await end_unused(left / STORE):
            shutil.rmtree(left, ignore_errors=True)
    with private_folder(parent, prefix) as home:
        yield home
