"""Pictures that answer commands: drawn in a process of their own, kept until they are sent."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from pathlib import Path

from bot.charts.render import Render, rendered
from bot.files import write_whole

_KEPT = 200
_AT_ONCE = 2
"""Each process takes a core for half a second: when many ask, they wait for their turn."""


class Gallery:
    """The pictures in ``folder``, which the senders can read; the same drawing is the same file."""

    def __init__(self, folder: Path, render: Render = rendered) -> None:
        self.folder = folder
        self._render = render
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def keep(self, svg: str) -> Path:
        """The PNG of ``svg``; raise :class:`RenderingFailed` or ``OSError`` where there can't be one."""
        path = self.folder / f"{hashlib.sha256(svg.encode()).hexdigest()[:20]}.png"
        async with self._turns:
            if path.exists():
                path.touch()
            else:
                png = await self._render(svg)
                await asyncio.to_thread(self._put, path, png)
        return path

    def _put(self, path: Path, png: bytes) -> None:
        """Write the picture, and leave the newest ones; somebody else may be tidying up too."""
        write_whole(path, png)
        ages: list[tuple[float, Path]] = []
        for each in self.folder.glob("*.png"):
            with contextlib.suppress(FileNotFoundError):
                ages.append((each.stat().st_mtime, each))
        for _, each in sorted(ages, reverse=True)[_KEPT:]:
            each.unlink(missing_ok=True)
