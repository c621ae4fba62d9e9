"""Data directories of their own: gone at the end, and after a kill as soon as another one is opened."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.store.embedded import STORE, open_store
from adapters.store.server import answers
from bot.app.ground import own_home

KILLED = """
import asyncio, os, sys
from pathlib import Path
from adapters.store.embedded import open_store
from bot.app.ground import own_home

async def main():
    async with own_home(Path(sys.argv[1]), "reference-") as home, open_store(None, home):
        print(home, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def aged(folder: Path) -> None:
    """Older than a process needs to lock its folder."""
    long_ago = time.time() - 3_600
    os.utime(folder, (long_ago, long_ago))


@pytest.fixture
def parent() -> Iterator[Path]:
    """A folder whose path is short enough for a socket in it, wherever the tests run."""
    with tempfile.TemporaryDirectory(prefix="tw-") as folder:
        yield Path(folder)


async def test_what_a_killed_process_left_is_cleared_away(parent: Path) -> None:
    """Its folder and the server of its store; the folder of one that lives stays."""
    command = (sys.executable, "-c", KILLED, str(parent))
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    left = Path((await child.stdout.readline()).decode().strip())
    async with own_home(parent, "dry-run-") as lives, open_store(None, lives):
        child.kill()
        await child.wait()
        socket = left / STORE / "store.sock"
        aged(left)
        aged(lives)
        assert await answers(socket)
        async with own_home(parent, "demo-"):
            assert await answers(socket) is None
            assert (False, True) == (left.exists(), lives.exists())
    assert [] == list(parent.iterdir())


async def test_nothing_else_is_touched(tmp_path: Path) -> None:
    """A folder of the same name that no process ever held is somebody's own."""
    (tmp_path / "demo-of-mine").mkdir()
    aged(tmp_path / "demo-of-mine")
    async with own_home(tmp_path, "demo-"):
        pass
    assert ["demo-of-mine"] == [each.name for each in tmp_path.iterdir()]
