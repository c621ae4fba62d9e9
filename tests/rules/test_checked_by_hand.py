"""Rules over real daily bars, against figures worked out from the rows of the CSV files without the engine.

``real_bars/`` carries the few sessions that the first tests need. The last one runs over whole series, with files named
as there, where the variable ``TAPEWATCH_MARKET_DATA`` names their folder. See docs/rules/checked-by-hand.md.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from rules.backtesting.backtest import RuleResult, backtest
from rules.backtesting.bars import parse_csv
from rules.calendars.sessions import Calendars
from rules.loading.loader import load_packs
from rules.loading.universe_file import load_universe

FEW = Path(__file__).parent / "real_bars"
WHOLE = os.environ.get("TAPEWATCH_MARKET_DATA", "")
Told = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a CSV file."""

    day: date
    open: float
    high: float
    close: float
    volume: float


def rows_of(folder: Path, symbol: str) -> list[Row]:
    """The lines of a file, read without the product."""
    with (folder / f"{symbol}.csv").open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    names = ("open", "high", "close", "volume")
    return [Row(date.fromisoformat(row["date"]), *(float(row[name]) for name in names)) for row in found]


@cache
def results(folder: Path) -> dict[str, RuleResult]:
    """The rules of ``real_bars/rules.yaml`` over the files of a folder."""
    universe = load_universe(None)
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.csv"))}
    known = {name: universe.resolve(name) for name in texts}
    bars = [parse_csv(texts[name], meant.symbol, name) for name, meant in known.items() if meant is not None]
    days = [day for item in bars for day in (item.days[0], item.days[-1])]
    span = {"start": min(days).astype(date), "end": max(days).astype(date)}
    loaded = load_packs([FEW / "rules.yaml"], universe)
    return {found.id: found for found in backtest(loaded.rules, universe, Calendars(), bars, **span).rules}


FIRES: list[tuple[str, Told]] = [
    # 54.0775 / 61.6175, 60.21 / 54.0775, 49.1 / 60.21, 54.3175 / 49.1, then 379.8 / 305.38 after results; less 1.
    # The 18th (-6.7%) and the 26th (+2.5%) stay below 8%; 22 May 2023 has no session before it and is unknown.
    (
        "nvda-move",
        [
            ("2020-03-12T20:20", -0.122368),
            ("2020-03-13T20:20", 0.113402),
            ("2020-03-16T20:20", -0.184521),
            ("2020-03-17T20:20", 0.106263),
            ("2023-05-25T20:20", 0.243696),
        ],
    ),
    # The high that passed 60,000 after a close below. Armed again by the closes of 55,907 (15 March: -6.8%),
    # 54,529 (the 22nd: -9.1%) and 56,049 (7 April: -6.6%); so 20 March (60,031) and 3 April (60,110) are not told.
    (
        "btc-60k",
        [
            ("2021-03-13T23:59", 61683.8633),
            ("2021-03-18T23:59", 60116.25),
            ("2021-04-02T23:59", 60267.1875),
            ("2021-04-10T23:59", 61276.6641),
        ],
    ),
    # From the Friday before; the first close of each week at or below -5%. Deeper ones later in the week are not told.
    ("ndx-week", [("2020-02-25T21:20", -0.064766), ("2020-03-09T20:20", -0.068263), ("2020-03-16T20:20", -0.121932)]),
    # 4,495.70 is above the 39 closes before it (the highest: 4,415.24), 12 sessions after 4,117.37 on 27 October, which
    # lay 8.8% below 4,515.77 on 1 September. The next highs are the same setback's: none at -5% between.
    ("spx-rebound", [("2023-11-14T21:00", 4495.7)]),
    # 22,624.29 / 23,818.86, 23,359.20 / 21,757.63, 24,801.46 / 23,539.27, less 1.
    ("hsi-gap", [("2008-01-22T08:20", -0.050152), ("2008-01-23T08:20", 0.073609), ("2008-01-25T08:20", 0.053621)]),
    # 154.5 M and 142.3 M shares against means of the 20 sessions before; 23 August has only 16 before it here.
    ("msft-volume", [("2013-09-03T20:20", 154_507_000.0), ("2013-09-04T20:20", 142_320_600.0)]),
]


@pytest.mark.parametrize(("rule", "expected"), FIRES, ids=[rule for rule, _ in FIRES])
def test_a_rule_fires_over_real_bars_when_a_hand_with_a_pencil_says_so(rule: str, expected: Told) -> None:
    """The fires and their values over the sessions carried here, worked out from the rows."""
    found = results(FEW)[rule].fires
    assert [when for when, _ in expected] == [f"{fire.fired_at:%Y-%m-%dT%H:%M}" for fire in found]
    assert [value for _, value in expected] == pytest.approx([fire.value for fire in found], rel=1e-4)


def test_a_year_of_history_is_asked_for() -> None:
    """A high of 252 sessions is unknown over the 92 that are carried, and fires nowhere."""
    assert () == results(FEW)["spx-record"].fires


def _day_moves(rows: Sequence[Row]) -> Iterator[date]:
    return (now.day for before, now in pairwise(rows) if abs(now.close / before.close - 1) >= 0.08)


def _gaps(rows: Sequence[Row]) -> Iterator[date]:
    return (now.day for before, now in pairwise(rows) if abs(now.open / before.close - 1) >= 0.04)


def _passes_60k(rows: Sequence[Row]) -> Iterator[date]:
    armed = True
    for before, now in pairwise(rows):
        if armed and before.close < 60_000 < now.high:
            armed = False
            yield now.day
        elif abs(now.close / 60_000 - 1) >= 0.05:
            armed = True


def _weeks(rows: Sequence[Row]) -> Iterator[date]:
    base, told = float("nan"), False
    for before, now in pairwise(rows):
        if before.day.isocalendar()[:2] != now.day.isocalendar()[:2]:
            base, told = before.close, False
        if not told and now.close / base - 1 <= -0.05:
            told = True
            yield now.day


def _volumes(rows: Sequence[Row]) -> Iterator[date]:
    volumes = [row.volume for row in rows]
    return (rows[n].day for n in range(20, len(rows)) if volumes[n] >= 2.5 * sum(volumes[n - 20 : n]) / 20)


def _highs_after_setbacks(sessions: int, within: int, depth: float) -> Callable[[Sequence[Row]], Iterator[date]]:
    def run(rows: Sequence[Row]) -> Iterator[date]:
        closes, armed = [row.close for row in rows], True
        falls = [closes[n] / max(closes[max(n - sessions + 1, 0) : n + 1]) - 1 for n in range(len(rows))]
        for n in range(sessions + within - 2, len(rows)):
            new = closes[n] > max(closes[n - sessions + 1 : n])
            if armed and new and min(falls[n - within + 1 : n + 1]) <= -depth:
                armed = False
                yield rows[n].day
            elif falls[n] <= -depth:
                armed = True

    return run


BY_ROWS: list[tuple[str, str, Callable[[Sequence[Row]], Iterator[date]]]] = [
    ("nvda-move", "NVDA", _day_moves),
    ("btc-60k", "BTC-USD", _passes_60k),
    ("ndx-week", "NDX", _weeks),
    ("spx-record", "SPX", _highs_after_setbacks(252, 120, 0.10)),
    ("spx-rebound", "SPX", _highs_after_setbacks(40, 20, 0.05)),
    ("hsi-gap", "HSI", _gaps),
    ("msft-volume", "MSFT", _volumes),
]


@pytest.mark.skipif(not WHOLE, reason="TAPEWATCH_MARKET_DATA names no folder of daily bars")
@pytest.mark.parametrize(("rule", "symbol", "by_rows"), BY_ROWS, ids=[rule for rule, _, _ in BY_ROWS])
def test_a_rule_fires_over_whole_series_as_its_rows_say(
    rule: str, symbol: str, by_rows: Callable[[Sequence[Row]], Iterator[date]]
) -> None:
    """Every fire of many years is one of a few lines of Python over the rows, and there is none beside them."""
    expected = list(by_rows(rows_of(Path(WHOLE), symbol)))
    assert expected
    assert expected == [fire.fired_at.date() for fire in results(Path(WHOLE))[rule].fires]
