"""What the benchmarks of rules share: a universe, prices, ten windowed rules, and how a figure is taken and printed."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rules.backtesting.bars import Bars
from rules.calendars.sessions import Calendars
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


def best(
    run: Callable[[], object], repeat: int = 5, clock: Callable[[], float] = time.perf_counter, *, warm: bool = False
) -> float:
    """The shortest of some rounds, in seconds of ``clock``; ``warm`` ones come right after another."""
    found = []
    for _ in range(repeat):
        gc.collect()
        if warm:
            run()
        start = clock()
        run()
        found.append(clock() - start)
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


def _rsi(close: Any) -> Any:
    moves = close.diff()
    gain = moves.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean()
    loss = (-moves.clip(upper=0)).ewm(alpha=1 / 14, adjust=False).mean()
    return 100 * gain / (gain + loss)


def _crossed_up(close: Any, line: Any) -> Any:
    return (close > line) & (close.shift() < line.shift())


PANDAS_RULES: list[Callable[[Any], Any]] = [
    lambda close: close.pct_change(1, fill_method=None) >= 0.08,
    lambda close: close.pct_change(5, fill_method=None).abs() >= 0.15,
    lambda close: _crossed_up(close, close.rolling(20).mean()),
    lambda close: close > close.rolling(50).mean() * 1.2,
    lambda close: close > close.rolling(60).max().shift(),
    lambda close: close < close.rolling(60).min().shift(),
    lambda close: close / close.rolling(60).max() - 1 <= -0.3,
    lambda close: (close - close.rolling(20).mean()) / close.rolling(20).std() >= 2.5,
    lambda close: close > close.shift().rolling(20).max(),
    lambda close: _rsi(close) > 80,
]
"""``CONDITIONS`` as an analyst would write them with pandas."""


def pandas_rules(close: Any) -> list[Any]:
    """The same with what several of them need computed once."""
    sma20, high60 = close.rolling(20).mean(), close.rolling(60).max()
    return [
        PANDAS_RULES[0](close),
        PANDAS_RULES[1](close),
        _crossed_up(close, sma20),
        PANDAS_RULES[3](close),
        close > high60.shift(),
        PANDAS_RULES[5](close),
        close / high60 - 1 <= -0.3,
        (close - sma20) / close.rolling(20).std() >= 2.5,
        PANDAS_RULES[8](close),
        PANDAS_RULES[9](close),
    ]


def run_blocks(blocks: Mapping[str, Callable[[], None]]) -> None:
    """The blocks that the command line names, all without a name."""
    for name in sys.argv[1:] or blocks:
        blocks[name]()
