"""CoinMarketCap's web chart of spot ETF flows: totals only, JSON in USD, no key, unofficial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from adapters.feeds.answer import BadAnswer, dig, instant, maybe, number, optional_number, sequence
from adapters.feeds.flow_day import FlowDays, ask_each, is_session, new_york, of_total, told
from adapters.feeds.port import Fault, Fetched
from adapters.http import HttpClient, Source

NAME = "cmc"
BASE_URL = "https://api.coinmarketcap.com"
PATH = "/data-api/v3/etf/overview/netflow/chart"
CATEGORIES: Mapping[str, str] = {"BTC": "btc", "ETH": "eth", "SOL": "sol"}
_USD_ID = "2781"


class CmcFlows:
    """Total flows from CoinMarketCap's chart of the last 30 days."""

    name = NAME

    def __init__(
        self,
        *,
        http: HttpClient,
        base_url: str = BASE_URL,
        assets: Sequence[str] = ("BTC", "ETH", "SOL"),
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
        self._assets = tuple(asset for asset in assets if asset in CATEGORIES)

    async def days(self, now: datetime) -> FlowDays:
        """Ask for each asset's chart; faults come back as problems."""

        async def ask(asset: str) -> FlowDays:
            totals = parse(await self._http.get_json(self._source, PATH, parameters(asset)))
            return FlowDays(
                tuple(
                    of_total(asset, day, total, NAME, now)
                    for day, total in sorted(totals.items())
                    if is_session(day) and new_york().close(day) <= now
                )
            )

        return await ask_each(NAME, self._assets, ask)

    async def fetch(self, now: datetime) -> Fetched:
        """The same as observations."""
        return told(await self.days(now), now)


def parameters(asset: str) -> Mapping[str, str]:
    """The query for the last 30 days of ``asset``, one point a day (a longer range is monthly)."""
    return {"category": CATEGORIES[asset], "range": "30d", "convertId": _USD_ID}


def parse(answer: object) -> dict[date, float | None]:
    """Read the answer: the total of each day in USD. An error inside an HTTP 200 raises ``BadAnswer``."""
    code = str(dig(answer, "status.error_code"))
    if code != "0":
        message = maybe(dig(answer, "status"), "error_message")
        raise BadAnswer(f"it answers with error {code} ({message!r:.80})", Fault.UNREACHABLE)
    if (step := maybe(dig(answer, "data"), "aggregation")) not in (None, "daily"):
        raise BadAnswer(f"its points are {step!r:.30}; wanted one a day")
    points = sequence(dig(answer, "data.points"), "data.points")
    if not points:
        raise BadAnswer("its list of points is empty")
    return dict(_point(point) for point in points)


def _point(point: object) -> tuple[date, float | None]:
    day = instant(number(dig(point, "timestamp"), "a point's timestamp"), "a point's timestamp", per_second=1000).date()
    return day, optional_number(dig(point, "value"), f"the total on {day}")
