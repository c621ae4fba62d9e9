"""A few read-only pages over HTTP, for probes and for Prometheus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

Page = Callable[[], Awaitable["Answer"]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page says."""

    body: str
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"


@asynccontextmanager
async def served(host: str, port: int, pages: dict[str, Page]) -> AsyncIterator[str]:
    """Serve ``pages`` by path; yield the address. Raise ``OSError`` when the port can't be had."""
    app = web.Application()
    for path, page in pages.items():
        app.router.add_get(path, _handler(page))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        name, bound, *_ = runner.addresses[0]
        yield f"http://{name}:{bound}"
    finally:
        await runner.cleanup()


def _handler(page: Page) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(_: web.Request) -> web.Response:
        answer = await page()
        headers = {"Content-Type": answer.content_type, "Cache-Control": "no-store"}
        return web.Response(body=answer.body.encode(), status=answer.status, headers=headers)

    return handle
