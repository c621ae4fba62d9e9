"""The store and the parts that tests of the application share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.store.embedded import open_store
from adapters.store.redis import RedisStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RedisStore]:
    """A real server of the test's own."""
    async with open_store(None, tmp_path) as opened:
        yield opened
