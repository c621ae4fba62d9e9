"""CoinMarketCap's web chart of spot ETF flows: totals only, JSON in USD, no key, unofficial."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from adapters.feeds.answer import BadAnswer, dig, instant, maybe, number, optional_number, sequence
from adapters.feeds.flow_day import FlowDays, is_session, new_york, of_total
from adapters.feeds.flow_site import FlowSite
from adapters.feeds.port import Fault
from adapters.http import Source

NAME = "cmc"
SOURCE = Source(name=NAME, base_url="https://api.coinmarketcap.com", headers={"Accept": "application/json"})
PATH = "/data-api/v3/etf/overview/netflow/chart"
CATEGORIES: Mapping[str, str] = {"BTC": "btc", "ETH": "eth", "SOL": "sol"}
_USD_ID = "2781"


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


def read(asset: str, answer: object, since: date, now: datetime) -> FlowDays:  # noqa: ARG001 - the chart is short
    """The sessions of the chart that have closed."""
    totals = sorted(parse(answer).items())
    closed = ((day, total) for day, total in totals if is_session(day) and new_york().close(day) <= now)
    return FlowDays(tuple(of_total(asset, day, total, NAME, now) for day, total in closed))


def parameters(category: str) -> Mapping[str, str]:
    """The query for the last 30 days, one point a day (a longer range is monthly)."""
    return {"category": category, "range": "30d", "convertId": _USD_ID}


SITE = FlowSite(
    source=SOURCE, requests={asset: (PATH, parameters(name)) for asset, name in CATEGORIES.items()}, read=read
)
