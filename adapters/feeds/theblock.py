"""The Block's chart data of spot ETF flows: JSON per fund in USD, no key, undocumented."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import partial

from adapters.feeds.answer import BadAnswer, dig, instant, mapping, maybe, optional_number, sequence
from adapters.feeds.flow_day import FlowDays, LongTable, ask_each, told
from adapters.feeds.flow_rows import FlowRow, FlowTable, table_of, to_days
from adapters.feeds.port import Fetched
from adapters.http import HttpClient, Source

NAME = "theblock"
BASE_URL = "https://data.tbstat.com"
PATHS: Mapping[str, str] = {
    "BTC": "/dashboard/markets_structuredproducts_btcspotetfflows_daily_other.json",
    "ETH": "/dashboard/markets_structuredproducts_ethspotetfflows_daily_other.json",
}
_TICKER = re.compile(r"[A-Z][A-Z0-9]{1,5}")
_NAMED = re.compile(r"\(([A-Z][A-Z0-9]{1,5})\)")


class TheBlock:
    """Flows per fund from The Block's charts."""

    name = NAME

    def __init__(
        self,
        *,
        http: HttpClient,
        base_url: str = BASE_URL,
        assets: Sequence[str] = ("BTC", "ETH"),
        timeout_s: float = 20.0,
    ) -> None:
        self._http = http
        self._source = Source(
            name=NAME,
            base_url=base_url,
            headers={"Accept": "application/json"},
            min_interval_s=1.0,
            timeout_s=timeout_s,
        )
        self._assets = tuple(asset for asset in assets if asset in PATHS)
        self._table = LongTable()

    async def days(self, now: datetime) -> FlowDays:
        """Ask for each asset's chart; faults come back as problems."""

        async def ask(asset: str) -> FlowDays:
            chart = await self._http.get_json(self._source, PATHS[asset])
            since = self._table.since(asset, now)
            answer = await asyncio.to_thread(lambda: to_days(asset, NAME, parse(chart, since), now))
            self._table.was_read(asset)
            return answer

        return await ask_each(NAME, self._assets, ask)

    async def fetch(self, now: datetime) -> Fetched:
        """The same as observations."""
        return told(await self.days(now), now)


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
