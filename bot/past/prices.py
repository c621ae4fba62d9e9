"""What a backtest reads: a folder of CSV files, or the figures that the archive keeps, as daily columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.failures import Failure
from bot.market.view import MarketView
from rules.backtesting.bars import Bars, parse_csv
from rules.model import Localized, Observation, SeriesName, Status
from rules.problems import Problem
from rules.universe import Instrument, Kind, Universe

_HONG_KONG = ".HK"


@dataclass(frozen=True, slots=True)
class Data:
    """Daily figures with the universe that they are about, and what could not be read."""

    universe: Universe
    bars: tuple[Bars, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def span(self) -> tuple[date, date] | None:
        """The first and the last day of which anything is known."""
        days = [item.days for item in self.bars if len(item.days)]
        if not days:
            return None
        return min(each[0] for each in days).astype(date), max(each[-1] for each in days).astype(date)


def read_folder(folder: Path, universe: Universe) -> Data:
    """The files ``SYMBOL.csv`` of ``folder``, and ``universe`` with the symbols that it lacks.

    A symbol that nobody knows is an equity in New York, or of UTC days where the file has weekends, or in Hong Kong
    where its name ends in ``.HK``. Raise ``Failure`` for a folder without such files.
    """
    found: dict[str, Bars] = {}
    unknown: list[Instrument] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.csv")):
        known = universe.resolve(path.stem)  # as in a rule: BTC is bitcoin, not the fund of that name
        symbol = known.symbol if known else path.stem
        if symbol in found:
            said = f"{symbol} is in another file of the folder already; this one is left out"
            problems.append(Problem(str(path), 1, 1, "duplicate-symbol", said))
            continue
        bars = parse_csv(path.read_text(encoding="utf-8-sig", errors="replace"), symbol, str(path))
        found[symbol] = bars
        problems.extend(bars.problems)
        if known is None:
            unknown.append(_instrument(symbol, bars.days))
    if not found:
        raise Failure("no_csv", folder=folder)
    everything = Universe([*universe.instruments, *unknown]) if unknown else universe
    return Data(everything, tuple(found.values()), tuple(problems))


def _instrument(symbol: str, days: NDArray[np.datetime64]) -> Instrument:
    name: Localized = {"en": symbol, "zh": symbol}
    if symbol.upper().endswith(_HONG_KONG):
        return Instrument(symbol, name, Kind.EQUITY, "HKD", "XHKG")
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    if (weekday >= 5).any():
        return Instrument(symbol, name, Kind.CRYPTO, "USD", "24/7")
    return Instrument(symbol, name, Kind.EQUITY, "USD", "XNYS")


def from_observations(observations: Iterable[Observation], market: MarketView, universe: Universe) -> Data:
    """Figures that were kept, as columns; of several for one session the one known last, and none of a running one."""
    cells: dict[tuple[str, str], dict[date, dict[str, float]]] = {}
    for item in sorted(observations, key=lambda each: each.known_at):
        if item.value is None or item.status in {Status.PARTIAL, Status.PENDING}:
            continue
        name = SeriesName.parse(item.series)
        day = market.calendar_of(item.series).session_of(item.at)
        cells.setdefault((name.feed, name.key), {}).setdefault(day, {})[name.field] = item.value
    return Data(universe, tuple(_columns(feed, key, rows) for (feed, key), rows in cells.items()))


def _columns(feed: str, key: str, rows: dict[date, dict[str, float]]) -> Bars:
    days: Sequence[date] = sorted(rows)
    fields = sorted({field for row in rows.values() for field in row})
    table = {field: np.array([rows[day].get(field, np.nan) for day in days]) for field in fields}
    return Bars(key, np.array(days, "datetime64[D]"), table, feed)
