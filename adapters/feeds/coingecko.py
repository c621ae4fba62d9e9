"""CoinGecko's API: the crypto market in one figure, second to CoinMarketCap's and never mixed with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from pydantic import SecretStr

from adapters.feeds.answer import dig, instant, noting, positive
from adapters.feeds.port import FeedProblem, Fetched
from adapters.http import HttpClient, Source
from adapters.paces import Pace
from rules.model import Observation, Status

NAME = "coingecko"
SOURCE = Source(name=NAME, base_url="https://api.coingecko.com/api/v3", pace=Pace(0.5))
"""The free Demo plan allows 30 requests a minute; without a key the limit is shared by address and unknown."""
PATH = "/global"


class CoinGecko:
    """Total market capitalisation and volume (USD) and the dominance of bitcoin (percent), as of now."""

    def __init__(self, *, http: HttpClient, key: SecretStr | None = None) -> None:
        self._http = http
        self._source = replace(SOURCE, secret_headers={"x-cg-demo-api-key": key} if key else {})

    async def fetch(self, now: datetime) -> Fetched:
        """Ask once; the figures are those of the running day, so they are partial."""
        problems: list[FeedProblem] = []
        told: tuple[Observation, ...] = ()
        with noting(problems, NAME, f"crypto.{NAME}.market_cap"):
            told = tuple(parse(await self._http.get_json(self._source, PATH), now))
        return Fetched(told, problems=tuple(problems))


def parse(answer: object, now: datetime) -> Iterator[Observation]:
    """Read the global figures."""
    data = dig(answer, "data")
    at = min(instant(dig(data, "updated_at"), "updated_at"), now)
    figures = {
        "market_cap": positive(dig(data, "total_market_cap.usd"), "total_market_cap.usd"),
        "volume": positive(dig(data, "total_volume.usd"), "total_volume.usd"),
        "btc_dominance": positive(dig(data, "market_cap_percentage.btc"), "market_cap_percentage.btc"),
    }
    for name, value in figures.items():
        yield Observation(f"crypto.{NAME}.{name}", at, now, value, Status.PARTIAL, NAME)
