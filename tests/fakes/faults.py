"""What can go wrong between a client and a service, ordered up by a test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web


class Kind(StrEnum):
    """How a request fails. ``*_AFTER`` accepts it first: the client can't know."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    GARBAGE = "garbage"
    """An HTML page where JSON is due."""
    RESET = "reset"
    """The connection breaks before anything is done."""
    RESET_AFTER = "reset_after"
    SILENCE = "silence"
    """Nothing is done and nothing answered, until the client gives up or dies."""
    SILENCE_AFTER = "silence_after"
    """No answer, until the client gives up."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure of one request of ``method`` (any method when empty)."""

    kind: Kind
    method: str = ""
    retry_after: int = 1
    status: int = 500


Answer = Callable[[], Awaitable[web.StreamResponse]]


@dataclass
class Faults:
    """The failures that are due, first come first served; ``outage`` breaks every connection until lifted."""

    due: list[Fault] = field(default_factory=list)
    outage: bool = False
    suffered: int = 0

    def inject(self, kind: Kind, method: str = "", *, times: int = 1, retry_after: int = 1, status: int = 500) -> None:
        """Let the next ``times`` requests of ``method`` fail."""
        self.due += [Fault(kind, method, retry_after, status)] * times

    def _take(self, method: str) -> Fault | None:
        for fault in self.due:
            if fault.method in {"", method}:
                self.due.remove(fault)
                self.suffered += 1
                return fault
        return None

    async def around(
        self,
        request: web.Request,
        method: str,
        answer: Answer,
        rate_limited: Callable[[int], web.Response],
    ) -> web.StreamResponse:
        """Answer ``request``, or fail it as ordered."""
        if self.outage:
            return reset(request)
        fault = self._take(method)
        if fault is None:
            return await answer()
        match fault.kind:
            case Kind.RATE_LIMITED:
                return rate_limited(fault.retry_after)
            case Kind.SERVER_ERROR:
                return web.json_response({"ok": False, "error": "internal_error"}, status=fault.status)
            case Kind.GARBAGE:
                return web.Response(text="<html>Bad Gateway</html>", status=502, content_type="text/html")
            case Kind.RESET:
                return reset(request)
            case Kind.SILENCE:
                await _until_closed(request)
                return reset(request)
        await answer()
        if fault.kind is Kind.SILENCE_AFTER:
            await _until_closed(request)
        return reset(request)


def reset(request: web.Request) -> web.Response:
    """Break the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _until_closed(request: web.Request) -> None:
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.01)
