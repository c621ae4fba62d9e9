"""The store against the disk that it stands on: ``python -m benchmarks.store``.

Each row of durable writes stands beside an append and fdatasync of the same bytes on the same disk in the same run, in
alternating rounds, so that the ratio holds on a noisy machine. A round's best of several is reported.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.store.embedded import open_store, open_throwaway_store
from adapters.store.port import Commit, OutboxEntry, Store

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)
PAYLOAD = json.dumps({"text": "SOX lags NDX this week " * 20})
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report; ``limit`` is what the peer reached in the same run, 0 without one."""

    work: str
    value: float
    unit: str
    limit: float = 0.0
    limit_is: str = ""

    def __str__(self) -> str:
        ratio = f"{self.value / self.limit:5.2f} x {self.limit_is} ({self.limit:,.0f})" if self.limit else ""
        return f"{self.work:<46}{self.value:>12,.1f} {self.unit:<10}{ratio}"


def entries(prefix: str, count: int) -> list[OutboxEntry]:
    return [OutboxEntry(f"{prefix}-{number}", f"slack:C{number % 50}", PAYLOAD, NOW) for number in range(count)]


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


def append_and_sync(path: Path, batch: int, turns: int) -> float:
    line = (json.dumps([PAYLOAD] * batch) + "\n").encode()
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    started = time.perf_counter()
    for _ in range(turns):
        os.write(descriptor, line)
        os.fdatasync(descriptor)
    elapsed = time.perf_counter() - started
    os.close(descriptor)
    return batch * turns / elapsed


async def enqueue(store: Store, prefix: str, batch: int, turns: int) -> None:
    for turn in range(turns):
        await store.states.commit(Commit(alerts={}, outbox=entries(f"{prefix}-{turn}", batch)))


async def durable_enqueue(store: Store, home: Path, batch: int) -> Row:
    turns = max(20, 300 // batch)
    ours = theirs = 0.0
    for attempt in range(ROUNDS):
        prefix = f"{batch}-{attempt}"
        ours = max(ours, batch * turns / await seconds(lambda p=prefix: enqueue(store, p, batch, turns)))
        theirs = max(theirs, append_and_sync(home / "peer.log", batch, turns))
    return Row(f"durable enqueue, {batch} a commit", ours, "notices/s", theirs, "append + fdatasync")


async def drain(store: Store, count: int) -> int:
    done = 0
    while done < count and (claimed := await store.outbox.claim("bench", NOW, 50)):
        await asyncio.gather(*(store.outbox.acknowledge(item, "{}", NOW) for item in claimed))
        done += len(claimed)
    return done


async def claim_and_acknowledge(store: Store) -> Row:
    waiting = sum((await store.outbox.waiting()).values())
    elapsed = await seconds(lambda: drain(store, min(waiting, 2_000)))
    return Row("claim and acknowledge, 50 lanes at once", min(waiting, 2_000) / elapsed, "notices/s")


async def large_turn(store: Store) -> list[Row]:
    alerts = {f"personal {number}": json.dumps({"phase": "firing", "n": number}) for number in range(100_000)}
    written = await seconds(lambda: store.states.commit(Commit(alerts=alerts)))
    read = await seconds(store.states.alerts)
    return [Row("one commit of 100,000 alerts", written * 1000, "ms"), Row("read 100,000 alerts", read * 1000, "ms")]


async def opening() -> list[Row]:
    async def throwaway() -> None:
        async with open_throwaway_store():
            pass

    with tempfile.TemporaryDirectory() as home:

        async def durable() -> None:
            async with open_store(None, Path(home)):
                pass

        await durable()
        best = min([await seconds(durable) for _ in range(ROUNDS)])
    fleeting = min([await seconds(throwaway) for _ in range(ROUNDS)])
    return [
        Row("open and close the embedded store", best * 1000, "ms"),
        Row("open and close a throw-away store", fleeting * 1000, "ms"),
    ]


async def measure(home: Path) -> list[Row]:
    """Every row, measured in ``home`` (its disk is what is measured)."""
    async with open_store(None, home) as store:
        rows = [await durable_enqueue(store, home, batch) for batch in (1, 10, 100)]
        rows.append(await claim_and_acknowledge(store))
        rows += await large_turn(store)
    return rows + await opening()


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as home:
        for row in asyncio.run(measure(Path(home))):
            print(row)


if __name__ == "__main__":
    main()
