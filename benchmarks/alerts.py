"""A million price alerts: ``python -m benchmarks.alerts``.

The index that the live engine uses, alone and inside ``advance``, beside a bare comparison, sortedcontainers and a
scan; a price that strikes a hundred thousand, to the durable commit; and a restart over a store that holds all.
"""

from __future__ import annotations

import asyncio
import base64
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from adapters.message import Reader
from adapters.store.embedded import open_store
from adapters.store.port import Commit, Store
from benchmarks.desk import CALENDARS, best, line, peer, rules, universe
from bot.market.view import MarketView
from bot.pipeline import Pipeline
from bot.readers import Profiles
from bot.routing.dispatch import Dispatcher
from bot.routing.settings import RoutingSettings
from bot.rulebook.price_watch import LEVELS
from rules.engine import Engine, State
from rules.model import Observation, Status
from rules.planning.crowd import Crowd, Way

SYMBOLS, EACH = 5_000, 200
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
WINDOWED = ["ret(it, 1d) <= -8%", "it > sma(it, 50d) * 1.2", "is_high(it, 60d)"] * 3


def packed() -> dict[str, str]:
    """Alerts above and below a price of 100, as the store keeps them."""
    chance, found = np.random.default_rng(1), {}
    for number in range(SYMBOLS):
        levels = np.sort(100 * chance.uniform(0.5, 1.5, EACH))
        ways = np.where(levels > 100, int(Way.ABOVE), int(Way.BELOW))
        found[f"S{number:04}"] = text_of(levels, np.arange(EACH) + number * EACH, ways)
    return found


def text_of(levels: np.ndarray, ids: np.ndarray, ways: np.ndarray) -> str:
    return base64.b64encode(levels.tobytes() + (ids << 5 | ways << 2).astype(np.int64).tobytes()).decode()


def rising(count: int = 100_000) -> str:
    """Alerts that one price above 200 strikes."""
    return text_of(np.linspace(150.0, 200.0, count), np.arange(count) + (1 << 40), np.zeros(count, np.int64))


def tick(symbol: int, price: float, second: float) -> Observation:
    at = NOW + timedelta(seconds=second)
    return Observation(f"prices.S{symbol:04}.close", at, at, price, Status.PARTIAL)


def weight(texts: dict[str, str]) -> float:
    """Bytes of an alert in the index, as the allocator counts them."""
    tracemalloc.start()
    crowd = Crowd.unpack(texts)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / len(crowd)


def spread(spent: list[int], own: int) -> tuple[float, float]:
    """p50 and p99 in seconds, without the ``own`` nanoseconds that reading the clock takes."""
    spent.sort()
    return max(spent[len(spent) // 2] - own, 0) / 1e9, max(spent[len(spent) * 99 // 100] - own, 0) / 1e9


def timed(work: Callable[[Observation], object], seen: list[Observation]) -> list[int]:
    found = []
    for item in seen:
        start = time.perf_counter_ns()
        work(item)
        found.append(time.perf_counter_ns() - start)
    return found


def engine_with(crowd: Crowd) -> tuple[Engine, State]:
    """45,000 levels of windowed rules, found, beside the crowd."""
    engine = Engine(rules(WINDOWED), universe(SYMBOLS), CALENDARS)
    state = engine.initial_state(NOW - timedelta(seconds=10))
    state.crowd = crowd
    at = CALENDARS.get("XNYS").sessions[CALENDARS.get("XNYS").sessions < np.datetime64(NOW.date())][-130:]
    for number in range(SYMBOLS):
        block, key = state.history.home("prices", f"S{number:04}")  # type: ignore[misc]
        index = block.axis.on_or_before(at.astype("datetime64[D]").astype(np.int64))
        values = np.where(np.arange(len(index)) == len(index) - 2, 120.0, np.linspace(99.0, 100.0, len(index)))
        block.column("close").fill(key, index, values, block.axis.close(index))
    for step, price in enumerate((99.0, 101.0, 100.0)):
        opening = [tick(number, price, step - 5) for number in range(SYMBOLS)]
        state, _ = engine.advance(state, opening, opening[0].known_at)
    state.crowd.drain()
    return engine, state


def quiet() -> None:
    print(f"{SYMBOLS * EACH:,} price alerts and 45,000 rule levels on {SYMBOLS:,} symbols")
    texts = packed()
    start = time.perf_counter()
    crowd = Crowd.unpack(texts)
    line("the index from its packed form", time.perf_counter() - start)
    print(f"  an alert in the index: {weight(texts):.0f} bytes beyond its record, goal ≤ 40")
    engine, state = engine_with(crowd)
    chance = random.Random(1)
    walk = [tick(chance.randrange(SYMBOLS), 100.0 + chance.gauss(0, 0.1), number / 100) for number in range(100_000)]
    own = sorted(timed(lambda _seen: None, walk[:20_000]))[10_000]
    compare, low, high = walk[0].value or 0.0, 99.0, 101.0
    limit = sorted(timed(lambda _seen: low < compare < high, walk[:20_000]))[10_000] - own
    p50, p99 = spread(timed(state.crowd.is_quiet, walk), own)
    line("a quiet tick in the index, p50", p50, f"goal ≤ 1 µs; a bare comparison {max(limit, 0)} ns")
    line("                           p99", p99, "goal ≤ 10 µs")
    whole = best(lambda: [crowd.is_quiet(seen) for seen in walk], 3) / len(walk)
    line("a tick in a loop", whole, f"{1 / whole:,.0f} ticks/s, goal ≥ 1 M")
    advanced(engine, state, own)
    peers(whole, [seen.value or 0.0 for seen in walk[:50_000]])


def advanced(engine: Engine, state: State, own: int) -> None:
    """Ticks between the levels through the whole of ``advance``."""
    chance = random.Random(2)
    later = [tick(chance.randrange(SYMBOLS), 100.0 + chance.gauss(0, 0.01), 2_000 + n / 100) for n in range(50_000)]
    before = state.evaluations

    def advance(seen: Observation) -> None:
        nonlocal state
        state, _ = engine.advance(state, (seen,), seen.known_at)

    for seen in later[:20_000]:
        advance(seen)
    p50, p99 = spread(timed(advance, later[20_000:]), own)
    line("the same through Engine.advance, p50", p50, f"{state.evaluations - before:,} evaluations")
    line("                                 p99", p99)


def peers(whole: float, prices: list[float]) -> None:
    chance = random.Random(3)
    if contained := peer("sortedcontainers"):
        lists = [contained.SortedList(100.0 * chance.uniform(0.5, 1.5) for _ in range(EACH)) for _ in range(500)]
        other = best(lambda: [list(lists[at % 500].irange(100.0, price)) for at, price in enumerate(prices)], 3)
        line("peer: SortedList.irange", other / len(prices), f"{other / len(prices) / whole:.0f} ×")
    scan = [100.0 * chance.uniform(0.5, 1.5) for _ in range(EACH)]
    few = prices[:5_000]
    other = best(lambda: [[n for n, level in enumerate(scan) if level <= price] for price in few], 3) / len(few)
    line("peer: scan of the symbol's 200 alerts", other, f"{other / whole:.0f} ×")


def pipeline_on(store: Store) -> Pipeline:
    desk, settings = universe(SYMBOLS), RoutingSettings()
    return Pipeline(
        engine=Engine([], desk, CALENDARS),
        universe=desk,
        store=store,
        dispatcher=Dispatcher(
            router=settings.router((), desk),
            settings=settings,
            documents=store.documents,
            profiles=Profiles(store.documents, Reader()),
            universe=desk,
        ),
        market=MarketView(desk, CALENDARS),
    )


async def durable(home: Path) -> None:
    print("the same on a store on this disk (append-only, every commit synced)")
    async with open_store(None, home) as store:
        texts = {**packed(), "S0000": rising()}
        for first in range(0, SYMBOLS, 500):
            some = {(LEVELS, symbol): text for symbol, text in list(texts.items())[first : first + 500]}
            await store.states.commit(Commit(alerts={}, documents=some))
        pipeline = pipeline_on(store)
        start = time.perf_counter()
        await pipeline.start((), NOW)
        line(
            f"restart with {(SYMBOLS - 1) * EACH + 100_000:,} alerts: ready", time.perf_counter() - start, "goal ≤ 5 s"
        )
        crowd = Crowd.unpack({"S0000": rising()})
        crowd.take(tick(0, 100.0, 0))
        start = time.perf_counter()
        crowd.take(tick(0, 300.0, 1))
        spent = time.perf_counter() - start
        line(f"a tick that strikes {len(crowd.struck[0].ids):,} alerts: detected", spent, "goal ≤ 5 ms")
        for second, price in ((0, 100.0), (1, 300.0)):
            await pipeline.record([tick(0, price, second)])
            start = time.perf_counter()
            await pipeline.turn(NOW + timedelta(seconds=second))
        line("    and durable", time.perf_counter() - start, "goal ≤ 1 s; told from there on, 200 a turn")


def main() -> None:
    """Every block."""
    quiet()
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(durable(Path(home)))


if __name__ == "__main__":
    main()
