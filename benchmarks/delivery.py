"""Delivery against the services' own limits: ``python -m benchmarks.delivery``.

A broadcast to 1,000 chats against a local Bot API server that refuses what comes too fast, by one sender and by two;
and the way from a committed notice to its acceptance, whose peer is the bare HTTP call to the same server.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx
from pydantic import SecretStr

from adapters.clock import SystemClock
from adapters.message import Message, Reader, Text
from adapters.notifiers.telegram import TelegramNotifier
from adapters.store.embedded import open_store
from adapters.store.port import Commit, OutboxEntry, Store
from benchmarks.store import Row
from bot.courier import always
from bot.delivery import Sender
from bot.payload import pack
from tests.fakes.telegram_server import FakeTelegram

CHATS = 1_000
LIMIT_PER_S = 30.0
PAYLOAD = pack({"en": Message(summary="SOX lags NDX", title=(Text("SOX lags NDX this week", "bold"),))})


def sender(name: str, store: Store, notifier: TelegramNotifier) -> Sender:
    notifiers = {"telegram": notifier}
    return Sender(name=name, store=store, notifiers=notifiers, reader_at=always(Reader()), clock=SystemClock())


async def enqueue(store: Store, key: str, chats: range) -> None:
    now = SystemClock().now()
    entries = [OutboxEntry(key, f"telegram:{chat}", PAYLOAD, now) for chat in chats]
    await store.states.commit(Commit(alerts={}, outbox=entries))


async def lag(worst: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(0.01)
        worst.append(time.perf_counter() - before - 0.01)


async def broadcast(senders: int) -> list[Row]:
    async with FakeTelegram() as telegram:
        telegram.rates.enforced = True
        for chat in range(1, CHATS + 1):
            telegram.add_chat(chat)
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as home:
            async with (
                open_store(None, Path(home)) as store,
                TelegramNotifier(SecretStr(telegram.token), SystemClock(), telegram.base_url) as notifier,
            ):
                await enqueue(store, "n1", range(1, CHATS + 1))
                lags: list[float] = []
                watch = asyncio.create_task(lag(lags))
                team = [asyncio.create_task(sender(f"s{n}", store, notifier).run()) for n in range(senders)]
                started = time.perf_counter()
                while len(telegram.sent()) < CHATS:
                    await asyncio.sleep(0.02)
                rate = CHATS / (time.perf_counter() - started)
                for task in [watch, *team]:
                    task.cancel()
                await asyncio.gather(watch, *team, return_exceptions=True)
                refused = telegram.rates.refused
    who = f"{senders} sender" + ("s" if senders > 1 else "")
    return [
        Row(f"broadcast to {CHATS:,} chats, {who}", rate, "msg/s", LIMIT_PER_S, "the service's limit"),
        Row(f"  refused with 429, {who}", refused, "times"),
        Row(f"  event loop late, p99, {who}", 1000 * statistics.quantiles(lags, n=100)[98], "ms"),
    ]


async def latency(rounds: int = 60) -> list[Row]:
    ours: list[float] = []
    bare: list[float] = []
    async with FakeTelegram() as telegram:
        for chat in range(1, 2 * rounds + 2):
            telegram.add_chat(chat)
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as home:
            async with (
                open_store(None, Path(home)) as store,
                TelegramNotifier(SecretStr(telegram.token), SystemClock(), telegram.base_url) as notifier,
                httpx.AsyncClient() as client,
            ):
                task = asyncio.create_task(sender("s", store, notifier).run())
                for number in range(1, rounds + 1):
                    ours.append(await _accepted(store, telegram, number))
                    url = f"{telegram.base_url}/bot{telegram.token}/sendMessage"
                    started = time.perf_counter()
                    await client.post(url, data={"chat_id": rounds + number, "text": "x"})
                    bare.append(time.perf_counter() - started)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
    p50, p99 = 1000 * statistics.median(ours), 1000 * statistics.quantiles(ours, n=100)[98]
    peer = 1000 * statistics.median(bare)
    return [
        Row("commit to accepted, p50", p50, "ms", peer, "a bare HTTP call, ms"),
        Row("commit to accepted, p99", p99, "ms", peer, "a bare HTTP call, ms"),
    ]


async def _accepted(store: Store, telegram: FakeTelegram, number: int) -> float:
    started = time.perf_counter()
    await enqueue(store, f"n{number}", range(number, number + 1))
    while not telegram.sent(number):
        await asyncio.sleep(0.0005)
    elapsed = time.perf_counter() - started
    await asyncio.sleep(0.05)
    return elapsed


async def measure() -> list[Row]:
    """Every row."""
    return [*await latency(), *await broadcast(1), *await broadcast(2)]


def main() -> None:
    for row in asyncio.run(measure()):
        print(row)


if __name__ == "__main__":
    main()
