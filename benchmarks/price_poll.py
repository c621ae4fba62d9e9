"""A poll of 500 symbols, beside ``yfinance.download`` on the same local server: ``python -m benchmarks.price_poll``.

Measured for each: HTTP requests, seconds, and how long the event loop could not run: the longest delay of a task that
sleeps 2 ms at a time, and how much processor time this process itself used in the worst of these delays (on a busy
machine the rest is other people's). Also the flows of ETFs with their whole history, from the request to the store.
The server is a process of its own, so its work isn't counted.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from adapters.clock import SystemClock
from adapters.feeds import bitbo, cmc_flows, farside, tftc, theblock
from adapters.feeds.cool_downs import StoredCoolDowns
from adapters.feeds.etf_flows import EtfFlows
from adapters.feeds.flow_site import SiteFlows
from adapters.feeds.health import HealthBook
from adapters.feeds.news import OnlyNews
from adapters.feeds.yahoo import YahooDesk, YahooOptions, YahooPrices
from adapters.http import HttpClient
from adapters.paces import Pace
from adapters.store.embedded import open_throwaway_store
from bot.app.live import prompt
from bot.feeding.archive import Archive
from bot.feeding.intake import Intake
from rules.calendars.sessions import Calendars
from rules.universe import Instrument, Kind
from tests.adapters.feeds import flow_pages
from tests.fakes.documents import MemoryDocuments
from tests.fakes.http_server import ok_json, ok_text, running_http
from tests.fakes.yahoo import bars, chart

SYMBOLS, DAYS = 500, 630
FUNDS = [f"F{letter}X" for letter in "ABCDEFGHIJKL"]
QUOTED = datetime(2026, 7, 17, 19, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    """One way of polling; ``lag_ms`` is the loop's longest delay, ``own_ms`` the most that this process did in one."""

    way: str
    seconds: float
    requests: int
    figures: int
    lag_ms: float
    own_ms: float

    def __str__(self) -> str:
        return (
            f"{self.way:<54}{self.seconds:>7.2f} s{self.requests:>7} requests"
            f"{self.figures:>8} figures   loop lag {self.lag_ms:6.1f} ms   own work {self.own_ms:5.1f} ms"
        )


def serve(pipe: Connection) -> None:
    """Answer charts of 25 sessions and flows of years; each message on ``pipe`` asks how many requests came since."""

    async def listen() -> None:
        async with running_http() as fake:
            chart_week = bars(date(2026, 6, 15), [100.0 + n for n in range(25)])
            fake.route("/v8/*", ok_json(chart("X", chart_week, quoted_at=QUOTED)))
            years = flows_of(DAYS)
            week = dict(list(years.items())[-15:])
            page = flow_pages.farside_page(flow_pages.farside_rows(week), tickers=FUNDS)
            fake.route("/dashboard/*", ok_json(flow_pages.theblock_chart(years)))
            fake.route("/bitcoin-etf-flows/*", ok_json(flow_pages.tftc_table(years)))
            fake.route("/data-api/*", ok_json(flow_pages.cmc_chart(week)))
            fake.route("/treasuries/*", ok_text(flow_pages.bitbo_page(week)))
            fake.route("*", ok_text(page))
            pipe.send(fake.base_url)
            while await asyncio.to_thread(pipe.recv):
                pipe.send(len(fake.requests))
                fake.requests.clear()

    asyncio.run(listen())


def flows_of(count: int) -> dict[str, dict[str, float]]:
    """Flows of the last ``count`` sessions, oldest first."""
    calendar = Calendars().get("XNYS")
    day = calendar.previous(calendar.session_of(QUOTED))
    days = []
    for _ in range(count):
        days.append(day)
        day = calendar.previous(day)
    return {f"{day}": {fund: float(n) for n, fund in enumerate(FUNDS)} for day in reversed(days)}


async def longest_delay(work: Callable[[], Awaitable[int]]) -> tuple[float, float, float, int]:
    """Run ``work``; return its seconds, the loop's longest delay, the most own work in one, and what it returned."""
    worst = own = 0.0

    async def watch() -> None:
        nonlocal worst, own
        while True:
            before, used = time.perf_counter(), time.process_time()
            await asyncio.sleep(0.002)
            worst = max(worst, time.perf_counter() - before - 0.002)
            own = max(own, time.process_time() - used)

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    started = time.perf_counter()
    figures = await work()
    elapsed = time.perf_counter() - started
    watcher.cancel()
    return elapsed, worst, own, figures


async def measure(base_url: str, requests: Callable[[], int], cache: Path) -> Sequence[Row]:
    """Every row: the machine, a full refresh, a poll, the flows, and the peer."""
    clock = SystemClock()
    options = YahooOptions(base_url=base_url, cache_dir=cache, pace=Pace(0))
    desk = YahooDesk(clock, StoredCoolDowns(MemoryDocuments()), options)
    names = [f"S{number:03}" for number in range(SYMBOLS)]
    instruments = [Instrument(name, {"en": name, "zh": name}, Kind.EQUITY, "USD", "XNYS") for name in names]
    feed = YahooPrices(desk, instruments, Calendars())
    await desk.prepare()

    async def poll() -> int:
        return len((await feed.fetch(QUOTED)).observations)

    async with flows_into_a_store(base_url) as flows:
        prompt()
        ways: list[tuple[str, Callable[[], Awaitable[int]]]] = [
            ("nothing at all (this machine's own delays)", idle),
            (f"tapewatch, full refresh by yfinance, {SYMBOLS} symbols", poll),
            (f"tapewatch, poll while the market is open, {SYMBOLS} symbols", poll),
            (f"tapewatch, ETF flows of {DAYS} days into the store", flows),
            ("tapewatch, ETF flows again", flows),
            (f"yfinance.download in a thread, {SYMBOLS} symbols", lambda: peer(base_url, names)),
        ]
        rows = []
        for way, work in ways:
            requests()
            seconds, lag, own, figures = await longest_delay(work)
            rows.append(Row(way, seconds, requests(), figures, lag * 1000, own * 1000))
    desk.close()
    return rows


@asynccontextmanager
async def flows_into_a_store(base_url: str) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """Asks five sources of flows, compares them and keeps what is new."""
    sites = (theblock.SITE, tftc.SITE, farside.SITE, bitbo.SITE, cmc_flows.SITE)
    names = [site.source.name for site in sites]
    client = HttpClient(SystemClock(), base_urls=dict.fromkeys(names, base_url), per_s=dict.fromkeys(names, 0.0))
    async with client as http, open_throwaway_store() as store:
        feed = OnlyNews(feed=EtfFlows(sources=[SiteFlows(http=http, site=site) for site in sites]))
        intake = Intake(store, Archive(store.bars, store.documents))
        health = HealthBook()

        async def flows() -> int:
            fetched = await feed.fetch(QUOTED)
            await intake.take(fetched, health.note("etf_flows", fetched, QUOTED))
            return len(fetched.observations)

        yield flows


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
