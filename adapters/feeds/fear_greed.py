"""alternative.me's fear and greed index.

It publishes one value a UTC day, without a key; it asks to be named as the source. CoinMarketCap's own
index is in :mod:`adapters.feeds.coinmarketcap`. The two are different measures: neither stands in for the other.
"""

from __future__ import annotations

from datetime import datetime

from adapters.feeds.answer import BadAnswer, dig, instant, maybe, noting, sequence
from adapters.feeds.coinmarketcap import index
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.utc_day import of_day
from adapters.http import HttpClient, Source
from rules.model import Observation

NAME = "alternative_me"
SOURCE = Source(name=NAME, base_url="https://api.alternative.me")
PATH = "/fng/"
_DAYS = 10


class AlternativeMe:
    """alternative.me's index: the running day, and the last days at their end."""

    def __init__(self, *, http: HttpClient) -> None:
        self._http = http

    async def fetch(self, now: datetime) -> Fetched:
        """Ask once."""
        problems: list[FeedProblem] = []
        told: list[Observation] = []
        with noting(problems, NAME, f"fear_greed.{NAME}.value"):
            told += parse(await self._http.get_json(SOURCE, PATH, {"limit": _DAYS, "format": "json"}), now)
        return Fetched(tuple(told), problems=tuple(problems))


def parse(answer: object, now: datetime) -> list[Observation]:
    """Read the daily values, given newest first with numbers as text, and return them oldest first."""
    if (error := maybe(dig(answer, "metadata"), "error")) is not None:
        raise BadAnswer(f"it answers with the error {error!r:.120}", Fault.UNREACHABLE)
    told = {}
    for row in sequence(dig(answer, "data"), "data"):
        at = instant(dig(row, "timestamp"), "timestamp")
        told[at.date()] = of_day(f"fear_greed.{NAME}.value", at, now, index(dig(row, "value")), NAME)
    if not told:
        raise BadAnswer("its list of values is empty")
    return [told[day] for day in sorted(told) if day <= now.date()]
