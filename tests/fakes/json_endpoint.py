"""An HTTP endpoint that takes JSON and remembers it."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Self

from aiohttp import web


class JsonEndpoint:
    """Answers ``status`` (with ``headers`` and ``body``) to every POST; ``received`` holds headers, bytes and JSON."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: dict[str, Any] = {}
        self.received: list[tuple[dict[str, str], bytes, dict[str, Any]]] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        content = await request.read()
        if self.status < 300:
            self.received.append((dict(request.headers), content, json.loads(content)))
        return web.json_response(self.body, status=self.status, headers=self.headers)
