"""TFTC's table of bitcoin ETF flows: JSON per fund in USD, no key, CC BY 4.0 (attribution required)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from adapters.feeds.answer import BadAnswer, Json, dig, iso_day, mapping, maybe, optional_number, sequence
from adapters.feeds.flow_day import FlowDays, is_session, new_york, of_total, provisional
from adapters.feeds.flow_rows import FlowRow, FlowTable, table_of, to_days
from adapters.feeds.flow_site import FlowSite
from adapters.http import Source

NAME = "tftc"
SOURCE = Source(name=NAME, base_url="https://www.tftc.io", headers={"Accept": "application/json"})


@dataclass(frozen=True, slots=True)
class TftcTable:
    """Rows with funds, and the totals (USD) of days without them; ``complete_to`` is the last complete day."""

    funds: FlowTable
    totals: Mapping[date, float]
    complete_to: date


def read(asset: str, answer: object, since: date, now: datetime) -> FlowDays:
    """Days with funds, and between them those with a total alone; both are provisional after ``complete_to``."""
    table = parse(answer, since)
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


SITE = FlowSite(source=SOURCE, requests={"BTC": ("/bitcoin-etf-flows/data.json", {})}, read=read)
