"""TFTC's table of bitcoin ETF flows: JSON per fund in USD, no key, CC BY 4.0 (attribution required)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from adapters.feeds.answer import BadAnswer, Json, dig, iso_day, mapping, maybe, optional_number, sequence
from adapters.feeds.flow_day import FlowDays, LongTable, ask_each, is_session, new_york, of_total, provisional, told
from adapters.feeds.flow_rows import FlowRow, FlowTable, table_of, to_days
from adapters.feeds.port import Fetched
from adapters.http import HttpClient, Source

NAME = "tftc"
BASE_URL = "https://www.tftc.io"
PATHS: Mapping[str, str] = {"BTC": "/bitcoin-etf-flows/data.json"}


@dataclass(frozen=True, slots=True)
class TftcTable:
    """Rows with funds, and the totals (USD) of days without them; ``complete_to`` is the last complete day."""

    funds: FlowTable
    totals: Mapping[date, float]
    complete_to: date


class Tftc:
    """Flows per fund from TFTC; bitcoin only."""

    name = NAME

    def __init__(
        self,
        *,
        http: HttpClient,
        base_url: str = BASE_URL,
        assets: Sequence[str] = ("BTC",),
        timeout_s: float = 20.0,
    ) -> None:
        self._http = http
        self._source = Source(name=NAME, base_url=base_url, headers={"Accept": "application/json"}, timeout_s=timeout_s)
        self._assets = tuple(asset for asset in assets if asset in PATHS)
        self._table = LongTable()

    async def days(self, now: datetime) -> FlowDays:
        """Ask for the table; faults come back as problems."""

        async def ask(asset: str) -> FlowDays:
            table = await self._http.get_json(self._source, PATHS[asset])
            since = self._table.since(asset, now)
            answer = await asyncio.to_thread(lambda: _days(asset, parse(table, since), now))
            self._table.was_read(asset)
            return answer

        return await ask_each(NAME, self._assets, ask)

    async def fetch(self, now: datetime) -> Fetched:
        """The same as observations."""
        return told(await self.days(now), now)


def _days(asset: str, table: TftcTable, now: datetime) -> FlowDays:
    """Days with funds, and between them those with a total alone, which is provisional after ``complete_to``."""
    detailed = to_days(asset, NAME, table.funds, now)
    known = {day.day for day in detailed.days}
    plain = [
        of_total(asset, day, total, NAME, now)
        for day, total in table.totals.items()
        if day not in known and is_session(day) and new_york().close(day) <= now
    ]
    checked = [day if day.day <= table.complete_to else provisional(day) for day in (*detailed.days, *plain)]
    return FlowDays(tuple(sorted(checked, key=lambda day: day.day)), detailed.problems)


def parse(answer: object, since: date = date.min) -> TftcTable:
    """Read the answer from ``since`` on; a placeholder for a holiday (no funds, a net flow of zero) is left out."""
    if (unit := dig(answer, "units")) != "USD":
        raise BadAnswer(f"its units are {unit!r:.30}; wanted 'USD'")
    days = [row for row in sequence(dig(answer, "days"), "days") if str(maybe(row, "date")) >= since.isoformat()]
    if not days:
        raise BadAnswer(f"its list of days is empty since {since}")
    complete_to = iso_day(dig(answer, "updatedThrough"), "updatedThrough")
    detailed = [row for row in days if mapping(row, "a day").get("perEtfUsd")]
    plain = [row for row in days if not row.get("perEtfUsd")]
    tickers = list(dict.fromkeys(name for row in detailed for name in mapping(row["perEtfUsd"], "perEtfUsd")))
    funds = table_of(partial(_row, row, tickers) for row in detailed)
    return TftcTable(funds, dict(filter(None, map(_total, plain))), complete_to)


def _row(row: Json, tickers: list[str]) -> FlowRow:
    day = iso_day(dig(row, "date"), "a day's date")
    per_fund = mapping(row["perEtfUsd"], f"perEtfUsd on {day}")
    funds = {ticker: optional_number(per_fund.get(ticker), f"{ticker} on {day}") for ticker in tickers}
    return FlowRow(day, funds, optional_number(row.get("netFlowUsd"), f"netFlowUsd on {day}"), tolerance=100_000.0)


def _total(row: Json) -> tuple[date, float] | None:
    day = iso_day(dig(row, "date"), "a day's date")
    total = optional_number(row.get("netFlowUsd"), f"netFlowUsd on {day}")
    return (day, total) if total else None
