"""Fundamentals from Yahoo: five quarters at most, for companies of which the SEC has nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from adapters.feeds.answer import BadAnswer, dig, gives_up, iso_day, maybe, noting, number, sequence
from adapters.feeds.earnings_yahoo import opened
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.quarters import calendar_quarter
from adapters.feeds.utc_day import end_of
from adapters.feeds.yahoo import NAME, YahooDesk
from rules.model import Observation, Status

if TYPE_CHECKING:
    from adapters.feeds.yahoo_api import YahooApi

PATH = "/ws/fundamentals-timeseries/v1/finance/timeseries/"
TYPES: Mapping[str, str] = MappingProxyType(
    {
        "quarterlyTotalRevenue": "revenue",
        "quarterlyNetIncome": "net_income",
        "quarterlyGrossProfit": "gross_profit",
        "quarterlyCostOfRevenue": "cost_of_revenue",
        "quarterlyCapitalExpenditure": "capex",
    }
)
_LOOK_BACK = timedelta(days=800)


class YahooFundamentals:
    """The quarters of ``symbols``, one request a company, known since they were fetched."""

    def __init__(self, *, desk: YahooDesk, symbols: Sequence[str] = ()) -> None:
        self._desk = desk
        self._symbols = tuple(symbols)

    async def fetch(self, now: datetime) -> Fetched:
        """Ask for every company."""
        return await self.of(self._symbols, now)

    async def of(self, symbols: Sequence[str], now: datetime) -> Fetched:
        """Ask for ``symbols``; a source that refuses is not asked for the next one."""
        if (cooling := await self._desk.cooling(now)) is not None:
            return Fetched(problems=(cooling,))
        api = await opened(self._desk)
        told: list[Observation] = []
        problems: list[FeedProblem] = []
        for symbol in symbols:
            with noting(problems, NAME, f"fundamentals.{symbol}"):
                told += observations(symbol, parse(await self._desk.ask(_request(api, symbol, now)), symbol), now)
            if gives_up(problems):
                break
        return Fetched(tuple(told), problems=tuple(problems))


def parse(answer: object, symbol: str) -> dict[str, dict[date, float]]:
    """Read the answer: each field's values in USD by calendar quarter end; capital expenditure as a positive figure."""
    if (error := maybe(dig(answer, "timeseries"), "error")) is not None:
        raise BadAnswer(f"{symbol}: it answers with the error {error!r:.160}", Fault.INCOMPLETE)
    fields: dict[str, dict[date, float]] = {field: {} for field in TYPES.values()}
    for result in sequence(dig(answer, "timeseries.result"), "timeseries.result"):
        for name, field in TYPES.items():
            for point in sequence(maybe(result, name) or [], name):
                if point is not None:
                    end, value = _point(point, f"{symbol}'s {name}")
                    fields[field][end] = abs(value) if field == "capex" else value
    costs = fields.pop("cost_of_revenue")
    computed = {end: fields["revenue"][end] - cost for end, cost in costs.items() if end in fields["revenue"]}
    fields["gross_profit"] = computed | fields["gross_profit"]
    if not any(fields.values()):
        raise BadAnswer(f"it has no quarter of {symbol}", Fault.INCOMPLETE)
    return fields


def observations(symbol: str, fields: Mapping[str, Mapping[date, float]], now: datetime) -> Iterator[Observation]:
    """Every quarter at the end of the calendar quarter."""
    for field, by_quarter in fields.items():
        for end, value in sorted(by_quarter.items()):
            yield Observation(f"fundamentals.{symbol}.{field}", end_of(end), now, value, Status.FINAL, NAME)


def _point(point: object, what: str) -> tuple[date, float]:
    currency = dig(point, "currencyCode")
    if currency != "USD":
        raise BadAnswer(f"{what} is in {currency}; wanted USD", Fault.INCOMPLETE)
    end = iso_day(dig(point, "asOfDate"), f"the end of {what}")
    return calendar_quarter(end - timedelta(days=90), end), number(dig(point, "reportedValue.raw"), what)


def _request(api: YahooApi, symbol: str, now: datetime) -> Callable[[], Any]:
    params = {
        "symbol": symbol,
        "type": ",".join(TYPES),
        "period1": int((now - _LOOK_BACK).timestamp()),
        "period2": int(now.timestamp()),
    }
    return lambda: api.get(PATH + symbol, params)
