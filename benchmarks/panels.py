"""Rules over many symbols and years beside pandas, vectorbt and NumPy: ``python -m benchmarks.panels [BLOCK …]``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from benchmarks.desk import (
    CALENDARS,
    CONDITIONS,
    PANDAS_RULES,
    bars_of,
    best,
    line,
    pandas_rules,
    peer,
    prices,
    rules,
    run_blocks,
    sessions,
    universe,
)
from rules.backtesting.backtest import Past
from rules.calendars.axis import micros
from rules.engine import Engine
from rules.evaluation.frames import NowFrame
from rules.evaluation.runtime import Group
from rules.model import Observation, Status


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
    ours = best(lambda: evaluate(groups), 100, warm=True)
    line("10 rules evaluated over the universe", ours, "goal ≤ 0.5 ms")
    line("  the same with cold caches", best(lambda: evaluate(groups), 50))
    for group, text in zip(groups, CONDITIONS, strict=True):
        line(f"  {text}", best(lambda group=group: evaluate([group]), 20))  # type: ignore[misc]
    if pandas := peer("pandas"):
        frame = pandas.DataFrame(panel[-80:])
        other = best(lambda: pandas_rules(pandas.DataFrame(panel)), 1)
        line("peer: pandas over the stored history", other, f"{other / ours:.0f} ×, goal ≥ 1,000 ×")
        other = best(lambda: pandas_rules(frame), 2)
        line("peer: pandas over the tails that are needed", other, f"{other / ours:.0f} ×")
    closes = [
        Observation(f"prices.S{n:04}.close", at, at, float(panel[-1, n]) * 1.0001, Status.PARTIAL) for n in range(count)
    ]
    start = time.perf_counter()
    engine.advance(state, closes, at + timedelta(seconds=1))
    line("advance: 5,000 new prices taken in, evaluated, lives stepped", time.perf_counter() - start)


def symbol() -> None:
    days, ticks = 320, 2000
    print(f"symbol: {len(CONDITIONS)} windowed rules on one symbol's tick")
    panel, known = prices(days, 1), sessions(days)
    engine = Engine(rules(CONDITIONS), universe(1), CALENDARS)
    begin = datetime.combine(date.fromisoformat(str(known[-1])), datetime.min.time(), UTC) + timedelta(hours=15)
    state = engine.initial_state(begin)
    for bars in bars_of(panel[:-1], known[:-1]):
        bars.fill(state.history)
    moments = [begin + timedelta(seconds=n) for n in range(1, ticks + 1)]
    seen = [
        Observation("prices.S0000.close", at, at, float(panel[-1, 0]) * (1 + n % 7 * 1e-5), Status.PARTIAL)
        for n, at in enumerate(moments)
    ]
    for item, at in zip(seen[:100], moments, strict=False):
        state, _ = engine.advance(state, (item,), at)
    start = time.perf_counter()
    for item, at in zip(seen[100:], moments[100:], strict=True):
        state, _ = engine.advance(state, (item,), at)
    ours = (time.perf_counter() - start) / (ticks - 100)
    line("advance: taken in, evaluated, lives stepped", ours)
    if pandas := peer("pandas"):
        tail = pandas.DataFrame(panel[-80:])
        other = best(lambda: pandas_rules(tail), 20)
        line("peer: pandas, the conditions alone over 80 rows", other, f"{other / ours:.0f} ×")


def backtests() -> None:
    count, days = 5000, 2520
    print(f"backtest: {len(CONDITIONS)} rules over {count:,} symbols and {days:,} sessions, with lifecycle")
    panel, known = prices(days, count), sessions(days)
    data = bars_of(panel, known)
    first, last = date.fromisoformat(str(known[0])), date.fromisoformat(str(known[-1]))
    past = Past(rules(CONDITIONS), universe(count), CALENDARS, data, start=first, end=last)

    def alerts(numbers: Sequence[int]) -> int:
        return sum(own for _, own in past.over(numbers, lambda panel: len(panel.lives())))

    every = range(len(CONDITIONS))
    fires, whole = alerts(every), best(lambda: alerts(every), 3)
    cells = len(CONDITIONS) * count * days
    note = f"{fires:,} alerts, {cells / whole / 1e6:.0f} M rule-cells/s, goal ≤ 2 s"
    line("all ten rules, lives included", whole, note)
    busy = best(lambda: alerts(every), 2, time.process_time)
    line("  its processor time, over all threads", busy)
    alone = {text: best(lambda number=number: alerts([number]), 2) for number, text in enumerate(CONDITIONS)}  # type: ignore[misc]
    for text, own in alone.items():
        line(f"  {text}", own)
    scratch = np.empty_like(panel)
    line("limit: the panel copied once", best(lambda: np.copyto(scratch, panel)))
    if pandas := peer("pandas"):
        frame = pandas.DataFrame(panel)
        for clock, own, what in ((time.perf_counter, whole, ""), (time.process_time, busy, ", processor time")):
            other = best(lambda: rising_edges(pandas_rules(frame)), 1, clock)
            line(f"peer: pandas, conditions and rising edges{what}", other, f"{other / own:.1f} ×, goal ≥ 5 ×")
        compare("pandas", PANDAS, frame, alone)
    if vectorbt := peer("vectorbt"):
        compare("vectorbt", vectorbt_rules(vectorbt), peer("pandas").DataFrame(panel), alone)


def rising_edges(conditions: Sequence[Any]) -> list[int]:
    return [(found & ~found.shift(fill_value=False)).to_numpy().sum() for found in conditions]


def _alone(rule: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda close: rising_edges([rule(close)])


PANDAS = {text: _alone(rule) for text, rule in zip(CONDITIONS, PANDAS_RULES, strict=True)}


def vectorbt_rules(vectorbt: Any) -> dict[str, Callable[[Any], Any]]:
    """Those that vectorbt has an indicator for."""
    return {
        "crosses_up(it, sma(it, 20d))": lambda close: vectorbt.MA.run(close, window=20).close_crossed_above(
            vectorbt.MA.run(close, window=20).ma
        ),
        "rsi(it, 14d) > 80": lambda close: vectorbt.RSI.run(close, window=14).rsi_above(80),
    }


def compare(name: str, theirs: Mapping[str, Callable[[Any], Any]], frame: Any, alone: Mapping[str, float]) -> None:
    for text, run in theirs.items():
        run(frame.iloc[:, :10])
        other = best(lambda run=run: run(frame), 1)  # type: ignore[misc]
        line(f"peer: {name}, {text}", other, f"{other / alone[text]:.1f} ×")


if __name__ == "__main__":
    run_blocks({"poll": poll, "symbol": symbol, "backtest": backtests})
