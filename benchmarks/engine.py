"""The engine beside its peers and limits: ``python -m benchmarks.engine [ticks|windowed|poll|backtest|rule|compile]``.

Peers are in the ``bench`` dependency group; one that is not installed is named and left out. All figures of a block are
taken in one process, one after the other; use the ratios.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from rules.axis import micros
from rules.backtest import Panel, Past, chunks
from rules.bars import Bars
from rules.calendars import Calendars
from rules.engine import Engine
from rules.frames import NowFrame
from rules.levels import Levels
from rules.model import Observation, Status
from rules.runtime import Group
from rules.spec import Expression, RuleSpec
from rules.universe import Instrument, Kind, Universe

CALENDARS = Calendars()
CONDITIONS = [
    "ret(it, 1d) >= 8%",
    "abs(ret(it, 5d)) >= 15%",
    "crosses_up(it, sma(it, 20d))",
    "it > sma(it, 50d) * 1.2",
    "is_high(it, 60d)",
    "is_low(it, 60d)",
    "drawdown(it, 60d) <= -30%",
    "zscore(it, 20d) >= 2.5",
    "it > max(prev(it, 1), 20d)",
    "rsi(it, 14d) > 80",
]


def line(what: str, seconds: float, note: str = "") -> None:
    unit, scale = (
        ("ns", 1e9) if seconds < 1e-6 else ("µs", 1e6) if seconds < 1e-3 else ("ms", 1e3) if seconds < 1 else ("s ", 1)
    )
    print(f"  {what:<66}{seconds * scale:>10.2f} {unit}  {note}", flush=True)


def best(run: Callable[[], object], repeat: int = 5) -> float:
    found = []
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def peer(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        print(f"  {name}: not installed (the bench group)")
        return None


def universe(count: int) -> Universe:
    return Universe(
        Instrument(f"S{n:04}", {"en": f"S{n:04}", "zh": f"S{n:04}"}, Kind.EQUITY, "USD", "XNYS", tags=("all",))
        for n in range(count)
    )


def rules(conditions: Sequence[str]) -> list[RuleSpec]:
    return [
        RuleSpec(id=f"r{n}", title={"en": "r", "zh": "r"}, when=Expression(text), for_each="universe.all")
        for n, text in enumerate(conditions)
    ]


def prices(days: int, symbols: int, seed: int = 1) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return 100.0 * np.exp(np.cumsum(chance.normal(0, 0.02, (days, symbols)), axis=0))


def sessions(days: int) -> np.ndarray:
    known = CALENDARS.get("XNYS").sessions
    return known[(known >= np.datetime64("2014-01-02"))][:days]


def bars_of(panel: np.ndarray, days: np.ndarray) -> list[Bars]:
    return [Bars(f"S{n:04}", days, {"close": panel[:, n]}) for n in range(panel.shape[1])]


def ticks() -> None:
    print("ticks: 1,000,000 personal alerts and 45,000 rule levels on 5,000 symbols")
    chance = random.Random(1)
    gc.disable()
    index = [Levels((100.0 * chance.uniform(0.5, 1.5), n * 209 + k) for k in range(209)) for n in range(5000)]
    gc.enable()
    for levels in index:
        levels.tick(100.0)
    walk = [(chance.randrange(5000), 100.0 + chance.gauss(0, 0.02)) for _ in range(200_000)]
    spent, touched = [], 0
    for symbol, price in walk:
        start = time.perf_counter_ns()
        found = index[symbol].tick(price)
        spent.append(time.perf_counter_ns() - start)
        touched += len(found)
    empty = []
    for _ in range(50_000):
        start = time.perf_counter_ns()
        empty.append(time.perf_counter_ns() - start)
    own = sorted(empty)[len(empty) // 2]
    spent.sort()
    line("quiet or touching tick, p50", max(spent[len(spent) // 2] - own, 0) / 1e9, "goal ≤ 1 µs")
    line(
        "                        p99",
        max(spent[len(spent) * 99 // 100] - own, 0) / 1e9,
        f"goal ≤ 10 µs; {touched} touched",
    )
    whole = best(lambda: [index[symbol].tick(price) for symbol, price in walk], 3) / len(walk)
    line("a tick in a loop", whole, f"{1 / whole:,.0f} ticks/s, goal ≥ 1 M")
    print(f"  an alert in the index: {16} bytes beyond its record, goal ≤ 40")
    crowd = Levels((100.0 + n * 1e-6, n) for n in range(100_000))
    crowd.tick(99.0)
    start = time.perf_counter()
    fired = crowd.tick(101.0)
    line(f"a tick that touches {len(fired):,} alerts", time.perf_counter() - start, "goal ≤ 5 ms detected")
    if contained := peer("sortedcontainers"):
        lists = [contained.SortedList(100.0 * chance.uniform(0.5, 1.5) for _ in range(209)) for _ in range(500)]
        few = [(symbol % 500, price) for symbol, price in walk[:50_000]]
        other = best(lambda: [list(lists[symbol].irange(100.0, price)) for symbol, price in few], 3) / len(few)
        line("peer: SortedList.irange", other, f"{other / whole:.0f} ×")
    scan = [100.0 * chance.uniform(0.5, 1.5) for _ in range(209)]
    other = best(lambda: [[n for n, level in enumerate(scan) if level <= price] for _, price in walk[:5000]], 3) / 5000
    line("peer: scan of the symbol's 209 alerts", other, f"{other / whole:.0f} ×")


WINDOWED = ["ret(it, 1d) <= -8%", "it > sma(it, 50d) * 1.2", "is_high(it, 60d)"] * 3


def windowed() -> None:
    """The engine with 45,000 levels of windowed rules: what a tick costs between them, and without the planner."""
    count, days = 5000, 130
    print(f"windowed: {len(WINDOWED)} rules over {count:,} symbols, {len(WINDOWED) * count:,} levels")
    known = sessions(days)
    spent: dict[int | None, float] = {}
    panel = np.tile(np.linspace(100.0, 101.0, days)[:, None], (1, count))
    panel[-2] = 120.0
    begin = datetime.combine(date.fromisoformat(str(known[-1])), datetime.min.time(), UTC) + timedelta(hours=15)
    for patience in (64, None):
        engine = Engine(rules(WINDOWED), universe(count), CALENDARS, patience=patience)
        state = engine.initial_state(begin)
        for bars in bars_of(panel[:-1], known[:-1]):
            bars.fill(state.history)
        opening = [Observation(f"prices.S{n:04}.close", begin, begin, 115.0, Status.PARTIAL) for n in range(count)]
        start = time.perf_counter()
        state, _ = engine.advance(state, opening, begin)
        line("first prices of a session" + (", levels found" if patience else ""), time.perf_counter() - start)
        before, total = state.evaluations, 2000 if patience else 500
        start = time.perf_counter()
        for n in range(1, total + 1):
            at = begin + timedelta(seconds=n)
            seen = Observation(f"prices.S{n * 7 % count:04}.close", at, at, 115.0 + n % 5 / 100, Status.PARTIAL)
            state, _ = engine.advance(state, (seen,), at)
        spent[patience] = (time.perf_counter() - start) / total
        what = "advance, a tick between levels" if patience else "the same tick without the planner"
        line(what, spent[patience], f"{state.evaluations - before:,} evaluations")
    print(f"  {spent[None] / spent[64]:.0f} ×")


def poll() -> None:
    count, days = 5000, 320
    print(f"poll: {len(CONDITIONS)} windowed rules over {count:,} symbols")
    panel, known = prices(days, count), sessions(days)
    engine = Engine(rules(CONDITIONS), universe(count), CALENDARS)
    at = datetime.combine(date.fromisoformat(str(known[-1])), datetime.min.time(), UTC) + timedelta(hours=18)
    state = engine.initial_state(at)
    for bars in bars_of(panel[:-1], known[:-1]):
        bars.fill(state.history)
    column = state.history.home("prices", "S0000")[0].column("close")  # type: ignore[index]
    row = int(column.last[0]) + 1
    column.reserve(row)
    column.values[row - column.first] = panel[-1]
    column.last[:] = row
    groups = [rule.groups[0] for rule in engine.runtimes]

    def evaluate(chosen: Sequence[Group]) -> None:
        shared = NowFrame(state.history, np.array([micros(at)]), 1)
        for group in chosen:
            group.rule.program.when.evaluate(group.frame(shared, state.memories[group], None))

    start = time.perf_counter()
    evaluate(groups)
    line("the first poll after a close: closed bars summed up", time.perf_counter() - start)
    ours = best(lambda: evaluate(groups), 50)
    line("10 rules evaluated over the universe", ours, "goal ≤ 0.5 ms")
    for group, text in zip(groups, CONDITIONS, strict=True):
        line(f"  {text}", best(lambda group=group: evaluate([group]), 20))  # type: ignore[misc]
    if pandas := peer("pandas"):
        frame = pandas.DataFrame(panel[-80:])
        other = best(lambda: pandas_rules(pandas.DataFrame(panel)), 1)
        line("peer: pandas over the stored history", other, f"{other / ours:.0f} ×")
        other = best(lambda: pandas_rules(frame), 2)
        line("peer: pandas over the tails that are needed", other, f"{other / ours:.0f} ×")
    seen = [
        Observation(f"prices.S{n:04}.close", at, at, float(panel[-1, n]) * 1.0001, Status.PARTIAL) for n in range(count)
    ]
    start = time.perf_counter()
    engine.advance(state, seen, at + timedelta(seconds=1))
    line("advance: 5,000 new prices taken in, evaluated, lives stepped", time.perf_counter() - start)


def pandas_rules(close: Any) -> list[Any]:
    ret1, sma20, high60 = close.pct_change(1, fill_method=None), close.rolling(20).mean(), close.rolling(60).max()
    low60, moves = close.rolling(60).min(), close.diff()
    gain = moves.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    loss = (-moves.clip(upper=0)).ewm(alpha=1 / 14, adjust=False).mean()
    return [
        ret1 >= 0.08,
        close.pct_change(5, fill_method=None).abs() >= 0.15,
        (close > sma20) & (close.shift() < sma20.shift()),
        close > close.rolling(50).mean() * 1.2,
        close > high60.shift(),
        close < low60.shift(),
        close / high60 - 1 <= -0.3,
        (close - sma20) / close.rolling(20).std() >= 2.5,
        close > close.shift().rolling(20).max(),
        100 * gain / (gain + loss) > 80,
    ]


def backtests() -> None:
    count, days = 5000, 2520
    print(f"backtest: {len(CONDITIONS)} rules over {count:,} symbols and {days:,} sessions, with lifecycle")
    panel, known = prices(days, count), sessions(days)
    data = bars_of(panel, known)
    first, last = date.fromisoformat(str(known[0])), date.fromisoformat(str(known[-1]))
    past = Past(rules(CONDITIONS), universe(count), CALENDARS, data, start=first, end=last)
    whole, fires = 0.0, 0
    for rule, text in zip(past.engine.runtimes, CONDITIONS, strict=True):
        start = time.perf_counter()
        own = 0
        for group in rule.groups:
            for lanes in chunks(group):
                own += len(Panel(past.history, group, lanes, past.start, past.end).lives())
        spent = time.perf_counter() - start
        whole, fires = whole + spent, fires + own
        line(f"  {text}", spent, f"{own:,} alerts")
    cells = len(CONDITIONS) * count * days
    line(
        "all ten rules, lives included",
        whole,
        f"{fires:,} alerts, {cells / whole / 1e6:.0f} M rule-cells/s, goal ≤ 2 s",
    )
    if pandas := peer("pandas"):
        frame = pandas.DataFrame(panel)
        other = best(
            lambda: [(found & ~found.shift(fill_value=False)).to_numpy().sum() for found in pandas_rules(frame)], 1
        )
        line("peer: pandas, conditions and rising edges", other, f"{other / whole:.1f} ×")
    if vectorbt := peer("vectorbt"):
        frame = peer("pandas").DataFrame(panel)
        other = best(lambda: vectorbt.RSI.run(frame, window=14).rsi_above(80), 1)
        line("peer: vectorbt, RSI 14 alone", other)


def rule() -> None:
    print("one simple rule on one new value")
    engine = Engine(
        [RuleSpec(id="r", title={"en": "r", "zh": "r"}, when=Expression("S0000 > 140"))], universe(1), CALENDARS
    )
    windowed = Engine(
        [RuleSpec(id="r", title={"en": "r", "zh": "r"}, when=Expression("S0000 > sma(S0000, 20d) * 2"))],
        universe(1),
        CALENDARS,
    )
    begin = datetime(2026, 3, 2, 15, tzinfo=UTC)
    for name, own in (("advance, a rule that is a level", engine), ("advance, a windowed rule", windowed)):
        state = own.initial_state(begin)
        moments = [begin + timedelta(seconds=n) for n in range(1, 2001)]
        seen = [
            Observation("prices.S0000.close", at, at, 100.0 + n % 7, Status.PARTIAL) for n, at in enumerate(moments)
        ]
        start = time.perf_counter()
        for item, at in zip(seen, moments, strict=True):
            state, _ = own.advance(state, (item,), at)
        line(name, (time.perf_counter() - start) / len(seen))
    if found := peer("rule_engine"):
        compiled = found.Rule("price > 140")
        line(
            "peer: rule-engine, the comparison alone",
            best(lambda: [compiled.matches({"price": 100.0}) for _ in range(5000)], 3) / 5000,
        )
    if found := peer("cel"):
        line(
            "peer: CEL (Rust), the comparison alone",
            best(lambda: [found.evaluate("price > 140.0", {"price": 100.0}) for _ in range(5000)], 3) / 5000,
        )


def compiling() -> None:
    print("compile 1,000 rules")
    desk = universe(50)
    texts = [CONDITIONS[n % 10].replace("it", f"S{n % 50:04}").replace("lim", "") for n in range(1000)]
    specs = [RuleSpec(id=f"r{n}", title={"en": "r", "zh": "r"}, when=Expression(text)) for n, text in enumerate(texts)]
    line(
        "parsed, typed, compiled and wired",
        best(lambda: Engine(specs, desk, CALENDARS), 3),
        "goal with loading ≤ 300 ms",
    )


BLOCKS = {"ticks": ticks, "windowed": windowed, "poll": poll, "backtest": backtests, "rule": rule, "compile": compiling}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The blocks to run."""

    names: tuple[str, ...]

    def run(self) -> None:
        """One after the other."""
        for name in self.names:
            BLOCKS[name]()


if __name__ == "__main__":
    Wanted(tuple(sys.argv[1:]) or tuple(BLOCKS)).run()
