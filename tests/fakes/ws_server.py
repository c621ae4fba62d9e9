"""A real WebSocket server on the loopback that follows a script for each connection.

server.script(connection_1, connection_2)     # async functions of a connection; the last one repeats
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Talk = Callable[["Line"], Awaitable[None]]


class Line:
    """One connection, seen from the server."""

    def __init__(self, server: FakeWebSocket, socket: ServerConnection) -> None:
        self._server = server
        self._socket = socket

    async def subscribed(self) -> str:
        """Wait for the next frame of the client and return it."""
        frame = str(await self._socket.recv())
        self._server.received.append(frame)
        return frame

    async def send(self, *frames: str | bytes) -> None:
        """Send frames."""
        for frame in frames:
            await self._socket.send(frame)

    async def close(self, code: int) -> None:
        """Close in the orderly way."""
        await self._socket.close(code)

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._socket.transport.abort()

    async def stay(self) -> None:
        """Keep the connection open and say nothing, until the client leaves."""
        while True:
            await self.subscribed()


class FakeWebSocket:
    """The server: it counts connections, records frames and answers the first ``refuse`` attempts by HTTP."""

    def __init__(self) -> None:
        self.url = ""
        self.connections = 0
        self.attempts = 0
        self.received: list[str] = []
        self.refuse: list[HTTPStatus] = []
        self._talks: list[Talk] = []

    def script(self, *talks: Talk) -> None:
        """What each connection in turn does; the last one repeats."""
        self._talks = list(talks)

    async def serve(self, socket: ServerConnection) -> None:
        """One connection."""
        self.connections += 1
        talk = self._talks.pop(0) if len(self._talks) > 1 else self._talks[0]
        try:
            await talk(Line(self, socket))
        except ConnectionClosed:
            return

    def answer(self, connection: ServerConnection, _request: Request) -> Response | None:
        """Refuse the handshake while there are refusals left."""
        self.attempts += 1
        return connection.respond(self.refuse.pop(0), "no") if self.refuse else None


@asynccontextmanager
async def running_ws() -> AsyncIterator[FakeWebSocket]:
    """A :class:`FakeWebSocket` that listens on a free port of the loopback until the block ends."""
    fake = FakeWebSocket()
    async with serve(fake.serve, "127.0.0.1", 0, process_request=fake.answer, close_timeout=0.1) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        fake.url = f"ws://{host}:{port}"
        yield fake
        server.close(close_connections=True)
        await asyncio.sleep(0)


@pytest.fixture
async def ws_server() -> AsyncIterator[FakeWebSocket]:
    """A scripted WebSocket server on the loopback."""
    async with running_ws() as fake:
        yield fake
