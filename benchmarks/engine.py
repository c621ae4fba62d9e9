"""The engine beside its peers and limits: ``python -m benchmarks.engine [windowed|rule|compile]``.

Peers are in the ``bench`` dependency group; one that is not installed is named and left out. All figures of a block are
taken in one process, one after the other; use the ratios.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np

from benchmarks.desk import (
    CALENDARS,
    CONDITIONS,
    bars_of,
    best,
    line,
    peer,
    prices,
    rules,
    run_blocks,
    sessions,
    universe,
)
from rules.calendars.axis import micros
from rules.engine import Engine
from rules.evaluation.frames import NowFrame
from rules.model import Observation, Status
from rules.spec import Expression, RuleSpec

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
        for step, price in enumerate((114.0, 116.0, 115.0)):
            at = begin + timedelta(milliseconds=step)
            opening = [Observation(f"prices.S{n:04}.close", at, at, price, Status.PARTIAL) for n in range(count)]
            start = time.perf_counter()
            state, _ = engine.advance(state, opening, at)
            if step == 0:
                what = "first prices of a session" + (", levels found" if patience else "")
                line(what, time.perf_counter() - start)
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
    alone = compared(5000)
    line("the comparison alone, over 5,000 symbols, each", alone)
    peers: list[tuple[str, Callable[[], object]]] = []
    if found := peer("rule_engine"):
        matches = found.Rule("price > 140").matches
        peers.append(("rule-engine", lambda: matches({"price": 100.0})))
    if found := peer("cel"):
        execute = found.compile("price > 140.0").execute
        peers.append(("CEL (Rust), compiled once", lambda: execute({"price": 100.0})))
    code = compile("price > 140", "rule", "eval")
    peers.append(("eval of compiled Python", lambda: eval(code, {}, {"price": 100.0})))
    for name, run in peers:
        other = best(lambda run=run: [run() for _ in range(5000)], 3) / 5000  # type: ignore[misc]
        line(f"peer: {name}, the comparison alone", other, f"{other / alone:.0f} × the comparison alone")


def compared(count: int) -> float:
    """Seconds a symbol for ``it > 140`` over ``count`` symbols."""
    engine = Engine(rules(["it > 140"]), universe(count), CALENDARS)
    at = datetime(2026, 3, 2, 20, tzinfo=UTC)
    state = engine.initial_state(at)
    for bars in bars_of(prices(30, count), sessions(30)):
        bars.fill(state.history)
    condition, members = engine.programs[0].when, engine.runtimes[0].groups[0].members
    return best(lambda: condition.evaluate(NowFrame(state.history, np.array([micros(at)]), count, members)), 20) / count


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


if __name__ == "__main__":
    run_blocks({"windowed": windowed, "rule": rule, "compile": compiling})
