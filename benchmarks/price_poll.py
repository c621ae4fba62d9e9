"""A poll of 500 symbols, beside ``yfinance.download`` on the same local server: ``python -m benchmarks.price_poll``.

Measured for each: HTTP requests, seconds, and how long the event loop could not run (the longest delay of a task that
sleeps 2 ms at a time). The server is a process of its own, so its work isn't counted.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from adapters.clock import SystemClock
from adapters.feeds.cool_downs import StoredCoolDowns
from adapters.feeds.yahoo import YahooDesk, YahooOptions, YahooPrices
from adapters.paces import Pace
from rules.calendars import Calendars
from rules.universe import Instrument, Kind
from tests.fakes.documents import MemoryDocuments
from tests.fakes.http_server import ok_json, running_http
from tests.fakes.yahoo import bars, chart

SYMBOLS = 500
QUOTED = datetime(2026, 7, 17, 19, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """One way of polling; ``lag_ms`` is the loop's longest delay."""

    way: str
    seconds: float
    requests: int
    figures: int
    lag_ms: float

    def __str__(self) -> str:
        return (
            f"{self.way:<54}{self.seconds:>7.2f} s{self.requests:>7} requests"
            f"{self.figures:>8} figures   loop lag {self.lag_ms:6.1f} ms"
        )


def serve(pipe: Connection) -> None:
    """Answer charts of 25 sessions; each message on ``pipe`` asks for the number of requests since the last one."""

    async def listen() -> None:
        async with running_http() as fake:
            week = bars(date(2026, 6, 15), [100.0 + n for n in range(25)])
            fake.route("*", ok_json(chart("X", week, quoted_at=QUOTED)))
            pipe.send(fake.base_url)
            while await asyncio.to_thread(pipe.recv):
                pipe.send(len(fake.requests))
                fake.requests.clear()

    asyncio.run(listen())


async def longest_delay(work: Callable[[], Awaitable[int]]) -> tuple[float, float, int]:
    """Run ``work``; return its seconds, the loop's longest delay in seconds and what it returned."""
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.002)
            worst = max(worst, time.perf_counter() - before - 0.002)

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    started = time.perf_counter()
    figures = await work()
    elapsed = time.perf_counter() - started
    watcher.cancel()
    return elapsed, worst, figures


async def measure(base_url: str, requests: Callable[[], int], cache: Path) -> Sequence[Row]:
    """Every row: the machine, a full refresh, a poll, and the peer."""
    clock = SystemClock()
    options = YahooOptions(base_url=base_url, cache_dir=cache, pace=Pace(0))
    desk = YahooDesk(clock, StoredCoolDowns(MemoryDocuments()), options)
    names = [f"S{number:03}" for number in range(SYMBOLS)]
    instruments = [Instrument(name, {"en": name, "zh": name}, Kind.EQUITY, "USD", "XNYS") for name in names]
    feed = YahooPrices(desk, instruments, Calendars())
    await desk.prepare()

    async def poll() -> int:
        return len((await feed.fetch(QUOTED)).observations)

    seconds, lag, _ = await longest_delay(idle)
    rows = [Row("nothing at all (this machine's own delays)", seconds, 0, 0, lag * 1000)]
    ways = [("tapewatch, full refresh by yfinance", poll), ("tapewatch, poll while the market is open", poll)]
    for way, work in [*ways, ("yfinance.download in a thread", lambda: peer(base_url, names))]:
        requests()
        seconds, lag, figures = await longest_delay(work)
        rows.append(Row(f"{way}, {SYMBOLS} symbols", seconds, requests(), figures, lag * 1000))
    desk.close()
    return rows


async def idle() -> int:
    """Wait, to see what the machine's other work does to the loop."""
    await asyncio.sleep(5)
    return 0


async def peer(base_url: str, names: Sequence[str]) -> int:
    """What yfinance does by itself with the same session."""
    import yfinance

    from adapters.feeds.yahoo_session import YahooSession

    logging.getLogger("yfinance").setLevel(logging.CRITICAL)
    session = YahooSession(base_url)

    def download() -> int:
        frame = yfinance.download(
            list(names), period="1mo", auto_adjust=False, progress=False, threads=4, session=session
        )
        return int(frame.count().sum())

    return await asyncio.to_thread(download)


async def report() -> None:
    """Start the server, measure, print."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    server.start()
    base_url = ours.recv()

    def requests() -> int:
        ours.send(True)
        return int(ours.recv())

    with tempfile.TemporaryDirectory() as cache:
        for row in await measure(base_url, requests, Path(cache)):
            print(row)
    print(f"{'memory at its highest':<54}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:>7.0f} MB")
    ours.send(False)
    server.join()


if __name__ == "__main__":
    asyncio.run(report())
