"""A real HTTP/1.1 server on the loopback that answers by script, well or badly.

server.route("/btc/", ok_text(page))                    # always this
server.route("/v1/x", rate_limited("2"), ok_json({}))   # one after the other; the last one repeats
server.route("/chart/*", lambda request: ok_json(chart(request.path)))
await http.get_text(Source(name="farside", base_url=server.base_url), "/btc/")
assert ["/btc/"] == [request.path for request in server.requests]
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

CHALLENGE = (
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head>"
    "<body><script>window._cf_chl_opt = {}</script></body></html>"
)


@dataclass(frozen=True)
class Request:
    """A request as it came in: header names in lower case, the query decoded (last value of a name)."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer, and how it is delivered.

    ``whole`` sends it all; ``cut`` promises its length and hangs up half way; ``drip`` sends a byte now and then for as
    long as somebody listens; ``reset`` aborts the connection without an answer.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Literal["whole", "cut", "drip", "reset"] = "whole"


Script = Reply | Callable[[Request], Reply]


def ok_json(document: Any, status: int = 200) -> Reply:
    """``document`` as JSON."""
    return Reply(status, json.dumps(document, ensure_ascii=False).encode(), {"Content-Type": "application/json"})


def ok_text(text: str, *, content_type: str = "text/html; charset=utf-8", charset: str = "utf-8") -> Reply:
    """``text`` in ``charset``; ``content_type`` may claim another one."""
    return Reply(200, text.encode(charset), {"Content-Type": content_type})


def challenge(status: int = 403) -> Reply:
    """The page that a bot protection sends in place of the answer."""
    return Reply(status, CHALLENGE.encode(), {"Content-Type": "text/html; charset=UTF-8"})


def rate_limited(retry_after: str | None = None) -> Reply:
    """429, with the ``Retry-After`` header if one is given (seconds or an HTTP date)."""
    return Reply(429, b"Too Many Requests", {} if retry_after is None else {"Retry-After": retry_after})


def failing(status: int = 500) -> Reply:
    """The source fails."""
    return Reply(status, b"<html><body>Internal error</body></html>", {"Content-Type": "text/html"})


def not_found() -> Reply:
    """404."""
    return failing(404)


def truncated(reply: Reply) -> Reply:
    """``reply`` that ends half way although it promised its length."""
    return replace(reply, delivery="cut")


def dripping(reply: Reply) -> Reply:
    """``reply`` that never comes to its end."""
    return replace(reply, delivery="drip")


def reset() -> Reply:
    """The connection is aborted after the request."""
    return Reply(delivery="reset")


def gzipped(reply: Reply, *, keep: float = 1.0) -> Reply:
    """``reply`` compressed; with ``keep`` below one the compressed body ends early but is framed correctly."""
    packed = gzip.compress(reply.body)
    return replace(reply, body=packed[: int(len(packed) * keep)], headers={**reply.headers, "Content-Encoding": "gzip"})


class FakeHttp:
    """The server: what it is asked lands in ``requests``, what it answers is set with :meth:`route`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.base_url = ""
        self.open_connections = 0
        self.most_connections = 0
        self._routes: dict[str, list[Script]] = {}

    def route(self, path: str, *scripts: Script) -> None:
        """Answer ``path`` (``*`` matches anything) with each of ``scripts`` in turn; the last one repeats."""
        self._routes[path] = list(scripts)

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [request.path for request in self.requests]

    def _reply(self, request: Request) -> Reply:
        for pattern, scripts in self._routes.items():
            if fnmatchcase(request.path, pattern):
                script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
                return script if isinstance(script, Reply) else script(request)
        return not_found()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive between requests."""
        self.open_connections += 1
        self.most_connections = max(self.most_connections, self.open_connections)
        try:
            while (request := await _read_request(reader)) is not None:
                self.requests.append(request)
                if not await _send(writer, self._reply(request)):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_connections -= 1
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    url = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    return Request(method, unquote(url.path), query, headers, body)


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    """Deliver ``reply``; return whether the connection can be used again."""
    if reply.delivery == "reset":
        writer.transport.abort()
        return False
    length = len(reply.body) if reply.delivery != "drip" else 10_000_000
    headers = {**reply.headers, "Content-Length": str(length)}
    lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    if reply.delivery == "drip":
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)
    half = len(reply.body) // 2 if reply.delivery == "cut" else len(reply.body)
    writer.write(reply.body[:half])
    await writer.drain()
    return reply.delivery == "whole"


@asynccontextmanager
async def running_http() -> AsyncIterator[FakeHttp]:
    """A :class:`FakeHttp` that listens on a free port of the loopback until the block ends."""
    fake = FakeHttp()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await fake.serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=512)
    host, port = server.sockets[0].getsockname()[:2]
    fake.base_url = f"http://{host}:{port}"
    try:
        yield fake
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def http_server() -> AsyncIterator[FakeHttp]:
    """A scripted HTTP server on the loopback."""
    async with running_http() as fake:
        yield fake
