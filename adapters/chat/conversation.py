"""What every front end does with a request: answer it once, in the asker's order, and say so when it takes a while."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Collection, Container, Iterable
from typing import Any
from weakref import WeakValueDictionary

from adapters.chat.port import Application, Reply, Request
from adapters.notifiers.port import Receipt
from adapters.store.port import Leases, StoreUnavailable

Hold = Callable[[Reply], Awaitable[Receipt | None]]
"""Shows that an answer takes a while; the receipt, if any, is of what the answer replaces."""
Show = Callable[[Reply, Receipt | None], Awaitable[object]]
"""Shows the answer, in place of the message with the given receipt if there is one."""

_REMEMBERED_S = 3600.0
_GRACE_S = 3.0
ABOUT_ALERTS = frozenset({"ack", "chart", "mute", "replay", "why"})
"""The verbs that are said in answer to an alert."""
_FIRST_WORD = re.compile(r"\s*/?([^\s@]+)(?:@\S+)?(?:\s+|$)(.*)", re.DOTALL)


class Conversation:
    """Stands between a front end and the application."""

    def __init__(self, application: Application, leases: Leases, *, patience_s: float = 1.0) -> None:
        self._application = application
        self._leases = leases
        self._patience_s = patience_s
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer(self, request: Request, hold: Hold, show: Show) -> None:
        """Show the application's reply to ``request``; an event that was delivered before is left alone."""
        if not await self._is_new(request.id):
            return
        turn = self._turns.setdefault(request.user.id, asyncio.Lock())
        async with turn:
            await self._answer(request, hold, show)

    async def _answer(self, request: Request, hold: Hold, show: Show) -> None:
        answering = asyncio.ensure_future(self._application.answer(request))
        try:
            await asyncio.wait({answering}, timeout=self._patience_s)
            waiting = None if answering.done() else await hold(await self._application.working(request))
            reply = await answering
        finally:
            answering.cancel()
        if reply is not None:
            await show(reply, waiting)

    async def _is_new(self, event: str) -> bool:
        """Services deliver an event again when they doubt its arrival, perhaps to another process."""
        try:
            return await self._leases.acquire(f"event:{event}", uuid.uuid4().hex, _REMEMBERED_S)
        except StoreUnavailable:
            return True


async def finish(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Let what is being answered come to its end, but not for ever: a process that is told to stop stops."""
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=_GRACE_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def spoken(text: str, verbs: Container[str]) -> tuple[str, str]:
    """Split ``movers crypto`` or ``/movers crypto`` into verb and rest.

    Without a slash, the first word has to be one of ``verbs``; otherwise the verb is ``""`` and the rest is everything.
    """
    found = _FIRST_WORD.match(text)
    if found is None:
        return "", text.strip()
    verb = found[1].lower()
    if not text.lstrip().startswith("/") and verb not in verbs:
        return "", text.strip()
    return verb, found[2].strip()


def typed(verb: str, text: str) -> str:
    """All of ``text`` where ``verb`` is but its first word; ``""`` for a command with its slash, and without a verb."""
    return text.strip() if verb and not text.lstrip().startswith("/") else ""


def pressed(data: str) -> tuple[str, str]:
    """Split a button's ``verb:argument``."""
    verb, _, rest = data.partition(":")
    return verb.lower(), rest


def meant(verb: str, text: str, data: Iterable[str]) -> str:
    """What stands behind ``verb`` where somebody answers an alert with no more than that: what its buttons are about.

    ``data`` is that of the buttons under the message that is answered.
    """
    if text or verb not in ABOUT_ALERTS:
        return text
    known = dict(reversed([pressed(each) for each in data]))
    return known.get(verb, known.get("why", "")).replace(":", " ")
