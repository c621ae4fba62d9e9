"""The Block's chart data of spot ETF flows: JSON per fund in USD, no key, undocumented."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import partial

from adapters.feeds.answer import BadAnswer, dig, instant, mapping, maybe, optional_number, sequence
from adapters.feeds.flow_day import FlowDays
from adapters.feeds.flow_rows import FlowRow, FlowTable, table_of, to_days
from adapters.feeds.flow_site import FlowSite
from adapters.http import Source

NAME = "theblock"
SOURCE = Source(name=NAME, base_url="https://data.tbstat.com", headers={"Accept": "application/json"})
PATHS: Mapping[str, str] = {
    "BTC": "/dashboard/markets_structuredproducts_btcspotetfflows_daily_other.json",
    "ETH": "/dashboard/markets_structuredproducts_ethspotetfflows_daily_other.json",
}
_TICKER = re.compile(r"[A-Z][A-Z0-9]{1,5}")
_NAMED = re.compile(r"\(([A-Z][A-Z0-9]{1,5})\)")


def parse(answer: object, since: date = date.min) -> FlowTable:
    """Read the answer from ``since`` on: one series a fund, points stamped midnight UTC of the session.

    Sums are left out, and funds without a point since then.
    """
    series = mapping(dig(answer, "Series"), "Series")
    bodies = {ticker: body for name, body in series.items() if (ticker := _ticker(name))}
    if not bodies:
        raise BadAnswer(f"none of its series is a fund; there are {', '.join(sorted(series)[:8]) or 'none'}")
    table: dict[date, dict[str, float | None]] = {}
    for ticker, body in bodies.items():
        for day, flow in _points(ticker, body, since):
            table.setdefault(day, {})[ticker] = flow
    if not table:
        raise BadAnswer(f"its series have no point since {since}")
    funds = [ticker for ticker in bodies if any(ticker in values for values in table.values())]
    return table_of(_reader(day, values, funds) for day, values in table.items())


def _points(ticker: str, body: object, since: date) -> Iterator[tuple[date, float | None]]:
    oldest = datetime.combine(since, time(), UTC).timestamp()
    for point in sequence(dig(body, "Data"), f"the data of {ticker}"):
        stamp = maybe(point, "Timestamp")
        if isinstance(stamp, int | float) and stamp < oldest:
            continue
        day = instant(stamp, f"the time of a point of {ticker}").date()
        yield day, optional_number(dig(point, "Result"), f"{ticker} on {day}")


def _reader(day: date, values: Mapping[str, float | None], funds: Sequence[str]) -> Callable[[], FlowRow]:
    return partial(FlowRow, day, {ticker: values.get(ticker) for ticker in funds})


def _ticker(name: str) -> str:
    """``IBIT`` of ``IBIT`` or ``BlackRock (IBIT)``; ``""`` for a sum."""
    if name.casefold() in {"total", "net", "sum"}:
        return ""
    found = _NAMED.search(name)
    return found[1] if found else name if _TICKER.fullmatch(name) else ""


def read(asset: str, answer: object, since: date, now: datetime) -> FlowDays:
    """The days of the chart."""
    return to_days(asset, NAME, parse(answer, since), now)


SITE = FlowSite(source=SOURCE, requests={asset: (path, {}) for asset, path in PATHS.items()}, read=read)
