"""Round trips: what is timed, and from when on it is trusted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web

from adapters.clock import SteppingClock
from adapters.notifiers.round_trips import RoundTrips


class Service:
    """Answers after as many seconds of ``clock`` as the path says; ``/wait`` when it is ``released``."""

    def __init__(self, clock: SteppingClock) -> None:
        self.clock = clock
        self.waiting, self.released = asyncio.Event(), asyncio.Event()
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """One request."""
        what = request.match_info["what"]
        if what == "reset":
            assert request.transport
            request.transport.abort()
        elif what == "wait":
            self.waiting.set()
            await self.released.wait()
        else:
            self.clock.step_to(self.clock.now() + timedelta(seconds=float(what)))
        return web.Response()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """It listens on the loopback."""
    serving = Service(SteppingClock(datetime(2024, 11, 1, tzinfo=UTC)))
    app = web.Application()
    app.router.add_get("/{what}", serving.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    serving.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield serving
    await runner.cleanup()


async def test_the_quickest_counts_once_enough_are_known(service: Service) -> None:
    """Nineteen are too few; slower ones and failures change nothing."""
    trips = RoundTrips(service.clock)
    async with aiohttp.ClientSession(service.url, trace_configs=[trips.trace()]) as session:
        await session.get("/0.25")
        for _ in range(18):
            await session.get("/0.5")
        assert 0.0 == trips.quickest_s
        with pytest.raises(aiohttp.ClientError):
            await session.get("/reset")
        assert 0.0 == trips.quickest_s
        await session.get("/0.5")
        assert 0.25 == trips.quickest_s


async def test_what_is_not_alone_on_its_way_is_not_timed(service: Service) -> None:
    """Neither those that join another one, nor that one."""
    trips = RoundTrips(service.clock)
    async with aiohttp.ClientSession(service.url, trace_configs=[trips.trace()]) as session:
        first = asyncio.create_task(session.get("/wait"))
        await service.waiting.wait()
        for _ in range(20):
            await session.get("/0.001")
        service.released.set()
        await first
        assert 0.0 == trips.quickest_s
        for _ in range(20):
            await session.get("/0.5")
        assert 0.5 == trips.quickest_s
