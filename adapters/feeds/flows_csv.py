"""ETF flows from a CSV file: history that no keyless source reaches back to, or a desk's own figures.

The header is ``date`` and a ticker a column, ``Total`` is optional and only checked; dates are ``YYYY-MM-DD``; figures
are US$ millions unless ``unit`` is ``usd``; an empty cell or ``-`` means *not reported*. Other rows are left out.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Literal

from adapters.feeds.answer import BadAnswer, iso_day
from adapters.feeds.flow_day import FlowDays, ask_each, told
from adapters.feeds.flow_rows import FlowRow, FlowTable, table_of, to_days, usd_millions
from adapters.feeds.port import Fetched

NAME = "csv"
Unit = Literal["usd_m", "usd"]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TICKER = re.compile(r"[A-Z][A-Z0-9]{1,5}")


class FlowsCsv:
    """Flows of one asset from a file, read anew at every fetch."""

    name = NAME

    def __init__(self, *, path: Path, asset: str = "BTC", unit: Unit = "usd_m") -> None:
        self._path = path
        self._asset = asset
        self._unit: Unit = unit

    async def days(self, now: datetime) -> FlowDays:
        """Read the file; a mistake in it comes back as a problem with its line."""

        async def ask(asset: str) -> FlowDays:
            text = await asyncio.to_thread(_read, self._path)
            return to_days(asset, NAME, parse(text, file=self._path.name, unit=self._unit), now)

        return await ask_each(NAME, (self._asset,), ask)

    async def fetch(self, now: datetime) -> Fetched:
        """The same as observations."""
        return told(await self.days(now), now)


def parse(text: str, *, file: str = "flows.csv", unit: Unit = "usd_m") -> FlowTable:
    """Read the file's rows; raise ``BadAnswer`` with ``file:line`` when its header is unusable."""
    rows = list(csv.reader(io.StringIO(text)))
    header = [cell.strip() for cell in rows[0]] if rows else []
    tickers = [cell for cell in header[1:] if cell.casefold() != "total"]
    wrong = [cell for cell in tickers if not _TICKER.fullmatch(cell)]
    if not tickers or header[0].casefold() != "date" or wrong or len(set(tickers)) != len(tickers):
        raise BadAnswer(
            f"{file}:1: the header is {','.join(header)!r:.80}; wanted date, one column a ticker, and Total"
        )
    return table_of(_readers(rows, header, file, 1.0 if unit == "usd_m" else 1e-6))


def _readers(rows: Sequence[list[str]], header: list[str], file: str, scale: float) -> Iterator[partial[FlowRow]]:
    for line, cells in enumerate(rows[1:], start=2):
        if cells and _DATE.fullmatch(cells[0].strip()):
            yield partial(_row, cells, header, f"{file}:{line}", scale)


def _row(cells: list[str], header: list[str], where: str, scale: float) -> FlowRow:
    day: date = iso_day(cells[0].strip(), f"{where}: the date")
    if len(cells) != len(header):
        raise BadAnswer(f"{where}: {len(cells)} cells; the header has {len(header)}")
    values: dict[str, float | None] = {}
    for name, cell in zip(header[1:], cells[1:], strict=True):
        value = usd_millions(cell, f"{where}: {name}")
        values[name] = None if value is None else round(value * scale, 2)
    totals = [values.pop(name) for name in list(values) if name.casefold() == "total"]
    return FlowRow(day, values, totals[0] if totals else None, tolerance=(0.05 * len(header) + 0.01) * 1e6)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadAnswer(f"{path} can't be read ({error}); wanted a CSV file in UTF-8") from error
