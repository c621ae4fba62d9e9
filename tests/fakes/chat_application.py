"""An application behind a front end that answers by the book and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from adapters.chat.port import MenuEntry, Reply, Request
from adapters.message import Message, Reader, Text

MENU = (
    MenuEntry("movers", {"en": "biggest moves", "zh": "涨跌榜"}),
    MenuEntry("alert", {"en": "my alert", "zh": "个人提醒"}, "direct"),
    MenuEntry("tg_info", {"en": "this chat's id", "zh": "本群编号"}, "group"),
)


def said(text: str, **options: object) -> Reply:
    """A reply of one line."""
    return Reply(message=Message(summary=text, title=(Text(text),)), reader=Reader(), **options)  # type: ignore[arg-type]


class ScriptedApplication:
    """Answers with ``script(request)``; ``changed`` is set whenever it learns something."""

    def __init__(self, script: Callable[[Request], Reply | Awaitable[Reply | None] | None] | None = None) -> None:
        self.script = script or (lambda request: said(f"{request.verb}|{request.text}"))
        self.requests: list[Request] = []
        self.moves: list[tuple[str, str]] = []
        self.removals: list[str] = []

    @property
    def menu(self) -> Sequence[MenuEntry]:
        """Three commands."""
        return MENU

    async def answer(self, request: Request) -> Reply | None:
        """Ask the script."""
        self.requests.append(request)
        answer = self.script(request)
        return answer if answer is None or isinstance(answer, Reply) else await answer

    async def working(self, request: Request) -> Reply:
        """A line."""
        return said("working", toast="working")

    async def moved(self, old: str, new: str) -> None:
        """Remember."""
        self.moves.append((old, new))

    async def removed(self, destination: str) -> None:
        """Remember."""
        self.removals.append(destination)


async def until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Return as soon as ``condition`` holds; fail after ``timeout_s``."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)
