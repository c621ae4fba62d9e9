"""SoSoValue's OpenAPI of spot ETF flows: JSON per fund in USD; needs a key (the free one reaches back 30 days)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from pydantic import SecretStr

from adapters.feeds.answer import BadAnswer, Json, dig, gives_up, iso_day, mapping, noting, optional_number, sequence
from adapters.feeds.flow_day import FlowDays, ask_each, of_funds, told
from adapters.feeds.flow_rows import FlowRow, FlowTable, table_of, to_days
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.http import HttpClient, HttpFailure, Source
from adapters.paces import Pace

NAME = "sosovalue"
SOURCE = Source(name=NAME, base_url="https://openapi.sosovalue.com", pace=Pace(1 / 6.5))
"""The free plan allows ten requests a minute (measured; twenty are documented)."""
FUNDS_PATH = "/openapi/v1/etfs"
SUMMARY_PATH = "/openapi/v1/etfs/summary-history"
KEY_HEADER = "x-soso-api-key"
_FAULTS = {"400101": Fault.UNAUTHORIZED, "400301": Fault.UNAUTHORIZED, "402901": Fault.RATE_LIMITED}


class SoSoValue:
    """Flows per fund from SoSoValue; asks once a fund, paced below the free plan's ten requests a minute."""

    name = NAME

    def __init__(self, *, http: HttpClient, key: SecretStr | None, assets: Sequence[str] = ("BTC", "ETH")) -> None:
        self._http = http
        self._assets = tuple(assets)
        self._key = key
        self._source = replace(SOURCE, secret_headers={KEY_HEADER: key} if key else {})

    async def days(self, now: datetime) -> FlowDays:
        """Ask for each asset's funds; faults come back as problems."""
        if self._key is None:
            message = "needs a key: set SOSOVALUE_API_KEY (the demo plan is free)"
            return FlowDays(problems=(FeedProblem(NAME, Fault.UNAUTHORIZED, message),))
        return await ask_each(NAME, self._assets, partial(self._of_asset, now=now))

    async def fetch(self, now: datetime) -> Fetched:
        """The same as observations."""
        return told(await self.days(now), now)

    async def _of_asset(self, asset: str, *, now: datetime) -> FlowDays:
        where = {"symbol": asset, "country_code": "US"}
        funds = parse_funds(await self._get(FUNDS_PATH, where))
        totals = parse_summary(await self._get(SUMMARY_PATH, where | {"limit": "300"}))
        histories: dict[str, Mapping[date, float | None]] = {}
        problems: list[FeedProblem] = []
        for ticker in funds:
            with noting(problems, NAME, f"etf_flows.{asset}.{ticker}"):
                histories[ticker] = parse_history(await self._get(history_path(ticker), {"limit": "300"}))
            if gives_up(problems):
                break
        answer = to_days(asset, NAME, join(histories, totals), now)
        unknown: dict[str, float | None] = {ticker: None for ticker in funds if ticker not in histories}
        days = (of_funds(asset, day.day, {**day.funds, **unknown}, NAME) for day in answer.days)
        return FlowDays(tuple(days) if unknown else answer.days, (*problems, *answer.problems))

    async def _get(self, path: str, params: Mapping[str, str]) -> object:
        try:
            found: object = await self._http.get_json(self._source, path, params)
        except HttpFailure as failure:
            raise _explained(failure) from None
        return found


def _explained(failure: HttpFailure) -> Exception:
    """SoSoValue's own reason for a refusal, from the body of the answer, where it gives one."""
    try:
        body = json.loads(failure.body)
        code, message = str(dig(body, "code")), dig(body, "message")
    except (ValueError, BadAnswer):
        return failure
    return BadAnswer(f"{failure}: {message!r:.160}", _FAULTS.get(code, failure.fault), failure.retry_at)


def history_path(ticker: str) -> str:
    """Where the history of one fund is."""
    return f"/openapi/v1/etfs/{ticker}/history"


def parse_funds(answer: object) -> list[str]:
    """The tickers of an asset's funds."""
    return [str(dig(row, "ticker")) for row in _data(answer)]


def parse_summary(answer: object) -> dict[date, float]:
    """The printed totals in USD by day. Rows without a figure are left out; so is a zero: it may mean *pending*."""
    rows = ((iso_day(dig(row, "date"), "a row's date"), row) for row in _data(answer))
    totals = {day: optional_number(row.get("total_net_inflow"), f"total_net_inflow on {day}") for day, row in rows}
    return {day: total for day, total in totals.items() if total}


def parse_history(answer: object) -> dict[date, float | None]:
    """One fund's flows in USD by day; ``None`` where it has not reported yet."""
    days: dict[date, float | None] = {}
    for row in _data(answer):
        day = iso_day(dig(row, "date"), "a row's date")
        flow = optional_number(dig(row, "net_inflow"), f"net_inflow on {day}")
        days[day] = flow if flow is not None else days.get(day)
    return days


def join(histories: Mapping[str, Mapping[date, float | None]], totals: Mapping[date, float]) -> FlowTable:
    """Make one table of the funds' histories and of the printed totals."""
    days = sorted({day for history in histories.values() for day in history})
    return table_of(partial(_row, day, histories, totals) for day in days)


def _row(day: date, histories: Mapping[str, Mapping[date, float | None]], totals: Mapping[date, float]) -> FlowRow:
    funds = {ticker: history.get(day) for ticker, history in histories.items()}
    printed = totals.get(day)
    return FlowRow(day, funds, printed, tolerance=max(2e6, 0.02 * abs(printed or 0)))


def _data(answer: object) -> Sequence[Json]:
    code = str(dig(answer, "code"))
    if code != "0":
        detail = f"error {code} ({dig(answer, 'message')!r:.120})"
        raise BadAnswer(f"it answers with {detail}", _FAULTS.get(code, Fault.CHANGED))
    return [mapping(row, "a row") for row in sequence(dig(answer, "data"), "data")]
