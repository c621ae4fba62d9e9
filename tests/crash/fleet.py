"""The bot's processes by name, and the nursery that starts them."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]


class Nursery:
    """See :mod:`tests.crash.nursery`."""

    def __init__(self) -> None:
        self._started: dict[str, asyncio.Future[int]] = {}
        self._ended: dict[int, asyncio.Future[int]] = {}

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.crash.nursery",
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await self._process.stdout.readline()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.stdin.close()
        await self._process.wait()
        await self._listening

    async def _listen(self) -> None:
        while line := await self._process.stdout.readline():
            match line.decode().split():
                case ["started", name, pid]:
                    self._ended[int(pid)] = asyncio.get_running_loop().create_future()
                    self._started.pop(name).set_result(int(pid))
                case ["ended", pid, status]:
                    self._ended[int(pid)].set_result(int(status))

    async def start(self, name: str, order: Mapping[str, Any]) -> int:
        """A new process; return its number."""
        self._started[name] = started = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"name": name, **order}).encode() + b"\n")
        return await started

    def has_ended(self, pid: int) -> bool:
        """Whether the process is gone."""
        return self._ended[pid].done()

    async def ended(self, pid: int) -> int:
        """Wait until it is gone; return its status."""
        return await asyncio.shield(self._ended[pid])


@dataclass
class Fleet:
    """The processes of one bot: what each is called, and which roles it runs (all of them where none is named).

    A process has a life of its own name, such as ``sender-1.3`` for the third; ``environ`` says what each is told.
    """

    nursery: Nursery
    home: Path
    environ: Callable[[str], Mapping[str, str]]
    roles: Mapping[str, Sequence[str]]
    running: dict[str, int] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)

    def life(self, name: str) -> str:
        """What the process that was started last is called."""
        return f"{name}.{self.starts[name]}"

    async def start(self, name: str) -> None:
        """Start one of them."""
        self.starts[name] += 1
        order = {
            "roles": self.roles[name],
            "environ": self.environ(self.life(name)),
            "log": str(self.home / f"{name}.log"),
            "time": str(self.home / "time"),
        }
        self.running[name] = await self.nursery.start(f"{self.home.name}/{name}", order)

    async def kill(self, name: str) -> None:
        """SIGKILL; it must have lived until now."""
        pid = self.running[name]
        assert not self.nursery.has_ended(pid), f"{name} ended by itself:\n{self.log(name)}"
        os.kill(pid, signal.SIGKILL)
        assert await self.nursery.ended(pid) == -signal.SIGKILL

    async def stop(self) -> None:
        """Ask each to end, and make it."""
        for pid in self.running.values():
            if not self.nursery.has_ended(pid):
                os.kill(pid, signal.SIGTERM)
        for pid in self.running.values():
            try:
                await asyncio.wait_for(self.nursery.ended(pid), 15)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)

    def log(self, name: str) -> str:
        """The end of what it said."""
        return (self.home / f"{name}.log").read_text(errors="replace")[-3000:]
