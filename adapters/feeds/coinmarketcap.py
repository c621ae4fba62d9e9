"""CoinMarketCap's official API: the crypto market in one figure, and its fear and greed index.

Without a key the public endpoints are asked (no published limit, prototype grade), with one the same paths of the
keyed API. An error may come inside an HTTP 200.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pydantic import SecretStr

from adapters.feeds.answer import BadAnswer, dig, instant, iso_instant, mapping, noting, number, positive, sequence
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.utc_day import of_day
from adapters.http import HttpClient, Source
from adapters.paces import Pace
from rules.model import Observation, Status

NAME = "coinmarketcap"
KEYLESS_URL = "https://pro-api.coinmarketcap.com/public-api"
KEYED_URL = "https://pro-api.coinmarketcap.com"
MARKET_PATH = "/v1/global-metrics/quotes/latest"
FEAR_PATH = "/v3/fear-and-greed/latest"
FEAR_HISTORY_PATH = "/v3/fear-and-greed/historical"
_DAYS = 10
_REFUSED = {"1001", "1002", "1003", "1004", "1005", "1006", "1007"}
_TOO_MANY = {"1008", "1009", "1010", "1011"}


def source_with(key: SecretStr | None) -> Source:
    """How CoinMarketCap is reached. The Basic plan allows thirty requests a minute, the public endpoints don't say."""
    return Source(
        name=NAME,
        base_url=KEYED_URL if key else KEYLESS_URL,
        headers={"Accept": "application/json"},
        secret_headers={"X-CMC_PRO_API_KEY": key} if key else {},
        pace=Pace(0.5, burst=4),
    )


class CoinMarketCap:
    """Total market capitalisation and volume (USD, adjusted) and the dominance of bitcoin (percent), as of now."""

    def __init__(self, *, http: HttpClient, key: SecretStr | None = None) -> None:
        self._http = http
        self._source = source_with(key)

    async def fetch(self, now: datetime) -> Fetched:
        """Ask once; the figures are those of the running day, so they are partial."""
        problems: list[FeedProblem] = []
        told: tuple[Observation, ...] = ()
        with noting(problems, NAME, f"crypto.{NAME}.market_cap"):
            told = tuple(parse_market(await self._http.get_json(self._source, MARKET_PATH, {"convert": "USD"}), now))
        return Fetched(told, problems=tuple(problems))


class CoinMarketCapFear:
    """CoinMarketCap's fear and greed index: now, and the last days at their end."""

    def __init__(self, *, http: HttpClient, key: SecretStr | None = None) -> None:
        self._http = http
        self._source = source_with(key)

    async def fetch(self, now: datetime) -> Fetched:
        """Ask for the past days and for the present value."""
        problems: list[FeedProblem] = []
        told: list[Observation] = []
        with noting(problems, NAME, f"fear_greed.{NAME}.value"):
            query = {"start": 1, "limit": _DAYS}
            told += parse_fear_history(await self._http.get_json(self._source, FEAR_HISTORY_PATH, query), now)
        with noting(problems, NAME, f"fear_greed.{NAME}.value"):
            told.append(parse_fear(await self._http.get_json(self._source, FEAR_PATH), now))
        return Fetched(tuple(told), problems=tuple(problems))


def parse_market(answer: object, now: datetime) -> Iterator[Observation]:
    """Read the latest global metrics; ``_reported`` figures, several times larger, are not used."""
    data = _data(answer)
    quote = dig(data, "quote.USD")
    updated = data.get("last_updated") or dig(answer, "status.timestamp")
    at = min(iso_instant(updated, "last_updated"), now)
    figures = {
        "market_cap": positive(dig(quote, "total_market_cap"), "total_market_cap"),
        "volume": positive(dig(quote, "total_volume_24h"), "total_volume_24h"),
        "btc_dominance": positive(dig(data, "btc_dominance"), "btc_dominance"),
    }
    for name, value in figures.items():
        yield Observation(f"crypto.{NAME}.{name}", at, now, value, Status.PARTIAL, NAME)


def parse_fear(answer: object, now: datetime) -> Observation:
    """Read the present value, 0 to 100."""
    data = _data(answer)
    at = min(iso_instant(dig(data, "update_time"), "update_time"), now)
    return Observation(f"fear_greed.{NAME}.value", at, now, index(dig(data, "value")), Status.PARTIAL, NAME)


def parse_fear_history(answer: object, now: datetime) -> list[Observation]:
    """Read the values of past days, in any order; the running day is left to :func:`parse_fear`."""
    _check(answer)
    told = {}
    for row in sequence(dig(answer, "data"), "data"):
        stamp = dig(row, "timestamp")
        at = instant(stamp, "timestamp") if str(stamp).isdigit() else iso_instant(stamp, "timestamp")
        told[at.date()] = of_day(f"fear_greed.{NAME}.value", at, now, index(dig(row, "value")), NAME)
    return [told[day] for day in sorted(told) if day < now.date()]


def index(value: object) -> float:
    """A fear and greed value, or ``BadAnswer`` outside of 0 to 100."""
    found = number(value, "the index")
    if not 0 <= found <= 100:
        raise BadAnswer(f"the index is {found:g}; wanted 0 to 100")
    return found


def _data(answer: object) -> dict[str, object]:
    _check(answer)
    return dict(mapping(dig(answer, "data"), "data"))


def _check(answer: object) -> None:
    code = str(dig(answer, "status.error_code"))
    if code == "0":
        return
    message = f"it answers with error {code} ({dig(answer, 'status').get('error_message')!r:.120})"
    fault = Fault.UNAUTHORIZED if code in _REFUSED else Fault.RATE_LIMITED if code in _TOO_MANY else Fault.UNREACHABLE
    raise BadAnswer(message, fault)
