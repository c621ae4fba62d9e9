"""Reading a web page's table of ETF flows: a date a row, a fund a column, US$ millions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

from lxml import etree, html

from adapters.feeds.answer import BadAnswer, english_day
from adapters.feeds.flow_rows import FlowRow, FlowTable, table_of, usd_millions

_TICKER = re.compile(r"[A-Z][A-Z0-9]{1,5}")
_TOTALS = {"total", "totals"}
_ROUNDING = 0.05
"""Each printed figure is off by up to US$ 0.05 m."""


def parse(text: str) -> FlowTable:
    """Read the page's table: one row a date, columns by the tickers of its header.

    Summary rows (``Total``, ``Average`` …) and ``Seed`` rows have no date and are left out. Raises ``BadAnswer`` for a
    page whose table is missing or has another layout.
    """
    tables = [_cells(table) for table in _tables(text)]
    readable = [table for table in tables if _first_dated(table) is not None]
    if not readable:
        raise BadAnswer(f"there is no table with dated rows on the page; it begins {_beginning(text)}")
    return table_of(_rows(max(readable, key=len)))


def _tables(text: str) -> Sequence[etree._Element]:
    try:
        return list(html.fromstring(text).iter("table")) if text.strip() else []
    except (etree.ParserError, ValueError) as error:
        raise BadAnswer(f"the page is not HTML ({error}); it begins {_beginning(text)}") from error


def _cells(table: etree._Element) -> list[list[str]]:
    rows = ([cell for cell in row if cell.tag in {"td", "th"}] for row in table.iter("tr"))
    return [[text for cell in row for text in _spread(cell)] for row in rows]


def _spread(cell: etree._Element) -> list[str]:
    """The cell's text, followed by empty ones for the further columns that it spans."""
    span = str(cell.get("colspan") or "1")
    further = min(int(span), 100) - 1 if span.isdecimal() else 0
    return [" ".join("".join(map(str, cell.itertext())).split()), *[""] * further]


def _first_dated(table: Sequence[Sequence[str]]) -> int | None:
    return next((index for index, row in enumerate(table) if row and english_day(row[0])), None)


def _rows(table: Sequence[Sequence[str]]) -> Iterator[Callable[[], FlowRow]]:
    first = _first_dated(table) or 0
    tickers, total = _columns(table[:first])
    for cells in table[first:]:
        day = english_day(cells[0]) if cells else None
        if day is not None:
            yield partial(_row, day, cells, tickers, total)


def _columns(header: Sequence[Sequence[str]]) -> tuple[dict[int, str], int]:
    """Which column holds which fund, and which the total; the row with the most tickers names the columns."""
    tickers: dict[int, str] = {}
    for cells in header:
        found = {index: cell for index, cell in enumerate(cells) if index and _is_ticker(cell)}
        tickers = max(tickers, found, key=len)
    totals = {index for cells in header for index, cell in enumerate(cells) if cell.casefold() in _TOTALS}
    if not tickers or len(totals) != 1:
        seen = " | ".join(cell for cells in header for cell in cells if cell)[:120]
        raise BadAnswer(f"its table's header names no funds and one total; it reads {seen!r}")
    if len(set(tickers.values())) != len(tickers):
        raise BadAnswer(f"its table's header names a fund twice: {', '.join(tickers.values())}")
    return tickers, totals.pop()


def _is_ticker(cell: str) -> bool:
    return bool(_TICKER.fullmatch(cell)) and cell.casefold() not in _TOTALS


def _row(day: date, cells: Sequence[str], tickers: Mapping[int, str], total: int) -> FlowRow:
    width = max(total, *tickers) + 1
    if len(cells) != width:
        raise BadAnswer(f"the row of {day} has {len(cells)} cells, its header has {width}")
    funds = {ticker: usd_millions(cells[index], f"{ticker} on {day}") for index, ticker in tickers.items()}
    tolerance = (_ROUNDING * (len(funds) + 1) + 0.01) * 1e6
    return FlowRow(day, funds, usd_millions(cells[total], f"the total on {day}"), tolerance)


def _beginning(text: str) -> str:
    return repr(" ".join(text[:200].split())[:80])
