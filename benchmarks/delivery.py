"""Delivery against the services' own limits: ``python -m benchmarks.delivery``.

The way from a committed notice to its acceptance stands beside what it can't do without: two appends that are on the
disk (the notice, and that it is on its way) and one bare HTTP call. A broadcast to 1,000 Telegram chats, and six
messages to each of 200 Slack channels, go to local servers that refuse what comes too fast, by one sender process and
by three.
Servers and senders are processes of their own; when a message was accepted is the server's word.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
import structlog
from pydantic import SecretStr

from adapters.clock import SystemClock
from adapters.message import Message, Reader, Text
from adapters.notifiers.port import Notifier
from adapters.notifiers.slack import SlackNotifier
from adapters.notifiers.telegram import TelegramNotifier
from adapters.store.embedded import open_store
from adapters.store.port import Commit, OutboxEntry, Store
from benchmarks.store import Row
from bot.sending.courier import always
from bot.sending.payload import pack
from bot.sending.sender import Sender
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

CHATS, CHANNELS, EACH = 1_000, 200, 6
TELEGRAM_PER_S, SLACK_PER_S = 30.0, 1.0
WARM_UP, ROUNDS = 20, 200
PAYLOAD = pack({"en": Message(summary="SOX lags NDX", title=(Text("SOX lags NDX this week", "bold"),))})
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Services:
    """Where the servers listen."""

    telegram: str
    telegram_token: str
    slack: str
    slack_token: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the servers saw: when (``time.monotonic()``) each destination got its messages, and what they refused."""

    arrivals: dict[str, list[float]]
    refused: int


def serve(pipe: Connection) -> None:
    """Run the servers; tell what they saw, as often as asked, until told to stop."""

    async def main() -> None:
        async with FakeTelegram() as telegram, FakeSlack() as slack:
            telegram.rates.enforced = slack.rates.enforced = True
            for chat in range(1, CHATS + 1):
                telegram.add_chat(chat)
            for channel in range(CHANNELS):
                slack.add_channel(f"C{channel}")
            pipe.send(Services(telegram.base_url, telegram.token, slack.base_url, slack.bot_token))
            while await asyncio.to_thread(pipe.recv):
                pipe.send(_seen(telegram, slack))
                telegram.messages.clear()
                slack.messages.clear()
                telegram.rates.refused = slack.rates.refused = 0

    asyncio.run(main())


def _seen(telegram: FakeTelegram, slack: FakeSlack) -> Seen:
    arrivals: dict[str, list[float]] = {}
    for ours in telegram.sent():
        arrivals.setdefault(f"telegram:{ours.chat.id}", []).append(ours.arrived)
    for theirs in slack.sent():
        arrivals.setdefault(f"slack:{theirs.channel}", []).append(theirs.arrived)
    return Seen(arrivals, telegram.rates.refused + slack.rates.refused)


@asynccontextmanager
async def sending(name: str, store: Store, at: Services) -> AsyncIterator[Sender]:
    """A sender to both services."""
    clock = SystemClock()
    async with (
        TelegramNotifier(SecretStr(at.telegram_token), clock, at.telegram) as telegram,
        SlackNotifier(SecretStr(at.slack_token), clock, at.slack) as slack,
    ):
        notifiers: dict[str, Notifier] = {"telegram": telegram, "slack": slack}
        yield Sender(name=name, store=store, notifiers=notifiers, reader_at=always(Reader()), clock=clock)


def work(name: str, home: str, at: Services, pipe: Connection) -> None:
    """Send until told to stop; tell by how many seconds the event loop was late, every ten milliseconds."""
    quiet()

    async def main() -> None:
        lags: list[float] = []
        async with open_store(None, Path(home)) as store, sending(name, store, at) as sender:
            tasks = [asyncio.create_task(sender.run()), asyncio.create_task(_lag(lags))]
            pipe.send("ready")
            await asyncio.to_thread(pipe.recv)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        pipe.send(lags)

    asyncio.run(main())


async def _lag(lags: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.01)
        lags.append(time.perf_counter() - before - 0.01)


def quiet() -> None:
    """Keep the line per message out of the way."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@contextmanager
def process(target: object, *arguments: object) -> Iterator[Connection]:
    """A process with a pipe to it; closing the block waits for it."""
    here, there = SPAWN.Pipe()
    child = SPAWN.Process(target=target, args=(*arguments, there))  # type: ignore[arg-type]
    child.start()
    try:
        yield here
    finally:
        with contextlib.suppress(OSError):
            here.send(None)
        child.join()


async def enqueue(store: Store, keys: Sequence[str], destinations: Sequence[str]) -> None:
    now = SystemClock().now()
    entries = [OutboxEntry(key, destination, PAYLOAD, now) for key in keys for destination in destinations]
    await store.states.commit(Commit(alerts={}, outbox=entries))


async def delivered(store: Store) -> None:
    while await store.outbox.waiting():
        await asyncio.sleep(0.1)


async def broadcast(
    at: Services, servers: Connection, workers: int, keys: Sequence[str], destinations: Sequence[str]
) -> tuple[Seen, list[float]]:
    """Commit a message for each of ``keys`` to each destination; what the servers saw, and how late the loops were."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as home, contextlib.ExitStack() as stack:
        async with open_store(None, Path(home)) as store:
            team = [stack.enter_context(process(work, f"s{number}", home, at)) for number in range(workers)]
            for worker in team:
                await asyncio.to_thread(worker.recv)
            await enqueue(store, keys, destinations)
            await delivered(store)
            lags: list[float] = []
            for worker in team:
                worker.send(None)
                lags += await asyncio.to_thread(worker.recv)
    servers.send("tell")
    return await asyncio.to_thread(servers.recv), lags


async def telegram_rows(at: Services, servers: Connection, workers: int) -> list[Row]:
    seen, lags = await broadcast(at, servers, workers, ["n1"], [f"telegram:{chat}" for chat in range(1, CHATS + 1)])
    instants = sorted(instant for each in seen.arrivals.values() for instant in each)
    rate = (len(instants) - 1) / (instants[-1] - instants[0])
    what = f"broadcast to {CHATS:,} Telegram chats, {workers} sender" + ("s" if workers > 1 else "")
    return [Row(what, rate, "msg/s", TELEGRAM_PER_S, "the service's limit"), *_manners(seen, lags)]


async def slack_rows(at: Services, servers: Connection, workers: int) -> list[Row]:
    keys, channels = [f"n{number}" for number in range(EACH)], [f"slack:C{number}" for number in range(CHANNELS)]
    seen, lags = await broadcast(at, servers, workers, keys, channels)
    rate = statistics.mean((EACH - 1) / (max(each) - min(each)) for each in seen.arrivals.values())
    firsts = [min(each) for each in seen.arrivals.values()]
    what = f"{EACH} messages to each of {CHANNELS} Slack channels, {workers} sender" + ("s" if workers > 1 else "")
    return [
        Row(what, rate, "msg/s each", SLACK_PER_S, "the service's limit"),
        Row("  from the first channel's first message to the last one's", max(firsts) - min(firsts), "s"),
        *_manners(seen, lags),
    ]


def _manners(seen: Seen, lags: list[float]) -> list[Row]:
    late = 1000 * statistics.quantiles(lags, n=100)[98]
    return [Row("  refused with 429", seen.refused, "times"), Row("  a sender's event loop late, p99", late, "ms")]


async def latency(at: Services, servers: Connection) -> list[Row]:
    """One notice at a time to a sender that waits for it."""
    began: dict[str, float] = {}
    calls: list[float] = []
    syncs: list[float] = []
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as home:
        async with open_store(None, Path(home)) as store, aiohttp.ClientSession() as session:
            with process(work, "s", home, at) as worker:
                await asyncio.to_thread(worker.recv)
                for chat in range(1, WARM_UP + ROUNDS + 1):
                    began[f"telegram:{chat}"] = time.monotonic()
                    await enqueue(store, ["n1"], [f"telegram:{chat}"])
                    await asyncio.sleep(0.04)
                    syncs.append(_append(Path(home) / "peer.log"))
                    calls.append(await _call(session, at))
                await delivered(store)
                worker.send(None)
                await asyncio.to_thread(worker.recv)
    servers.send("tell")
    seen: Seen = await asyncio.to_thread(servers.recv)
    took = [seen.arrivals[destination][0] - instant for destination, instant in began.items()][WARM_UP:]
    floor = 1000 * (2 * statistics.median(syncs[WARM_UP:]) + statistics.median(calls[WARM_UP:]))
    beside = "two fdatasyncs and a bare HTTP call, p50 ms"
    return [
        Row("commit to accepted, p50", 1000 * statistics.median(took), "ms", floor, beside),
        Row("commit to accepted, p99", 1000 * statistics.quantiles(took, n=100)[98], "ms", floor, beside),
    ]


def _append(path: Path) -> float:
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    started = time.perf_counter()
    os.write(descriptor, PAYLOAD.encode())
    os.fdatasync(descriptor)
    took = time.perf_counter() - started
    os.close(descriptor)
    return took


async def _call(session: aiohttp.ClientSession, at: Services) -> float:
    url, started = f"{at.telegram}/bot{at.telegram_token}/sendMessage", time.perf_counter()
    async with session.post(url, data={"chat_id": CHATS, "text": "x"}) as answer:
        await answer.read()
    return time.perf_counter() - started


async def measure() -> None:
    """Print every row as it is found."""
    with process(serve) as servers:
        at: Services = await asyncio.to_thread(servers.recv)
        for rows in (
            latency(at, servers),
            *(slack_rows(at, servers, workers) for workers in (1, 3)),
            *(telegram_rows(at, servers, workers) for workers in (1, 3)),
        ):
            for row in await rows:
                print(row, flush=True)


def main() -> None:
    quiet()
    asyncio.run(measure())


if __name__ == "__main__":
    main()
