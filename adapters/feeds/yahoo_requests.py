"""Yahoo's charts as they come over the wire: one request a chart, and the running session read from it at once.

A poll while a market is open needs the newest price, not a cleaned history. It is read here straight from the document
in a fraction of a millisecond; yfinance, which takes some ten, reads the histories (``yahoo_chart``). Both see the same
figures.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from curl_cffi.requests.exceptions import RequestException

from adapters.clock import Clock
from adapters.feeds.daily_bars import Bar, Chart, Quote, Split
from adapters.feeds.port import Fault
from adapters.feeds.yahoo_session import NAME, YahooSession
from adapters.http import Answer, HttpFailure, Source, read_json, refusal

SOURCE = Source(name=NAME, base_url="https://query2.finance.yahoo.com")
_NO_PRICE, _NO_VOLUME = 1e12, 1e15
_FIELDS = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class ChartReply:
    """A chart document as it came, with what yfinance reads of a response."""

    symbol: str
    interval: str
    period: str
    text: str
    document: Any

    def json(self) -> Any:
        """The parsed body."""
        return self.document


class ChartRequests:
    """The requests; every method blocks and may be called from several threads at once."""

    def __init__(self, session: YahooSession, clock: Clock, timeout_s: float = 15.0) -> None:
        self._session = session
        self._clock = clock
        self._timeout_s = timeout_s

    def chart(self, symbol: str, period: str, interval: str) -> ChartReply:
        """GET one chart, once; raise :class:`HttpFailure`, with fault ``INCOMPLETE`` for a symbol without data."""
        url = f"{SOURCE.base_url}/v8/finance/chart/{quote(symbol, safe='^=.-')}"
        params = {"range": period, "interval": interval, "includePrePost": "false", "events": "div,splits"}
        try:
            response = self._session.get(url, params=params, timeout=self._timeout_s)
        except RequestException as error:
            message = f"{symbol}: {type(error).__name__} before the answer was complete"
            raise HttpFailure(message, source=NAME, fault=Fault.UNREACHABLE) from None
        headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
        answer = Answer(url, response.status_code, headers, response.content)
        if not 200 <= answer.status < 300:
            raise self._refusal(symbol, answer)
        return ChartReply(symbol, interval, period, answer.text(), read_json(SOURCE, answer))

    def _refusal(self, symbol: str, answer: Answer) -> HttpFailure:
        reason = _reason(answer.text())
        if answer.status in {400, 404, 422} and reason:
            return HttpFailure(f"{symbol}: {reason}", source=NAME, fault=Fault.INCOMPLETE, status=answer.status)
        return refusal(SOURCE, answer, self._clock.now())


def _reason(body: str) -> str:
    """Yahoo's own words in an error, or ``""``."""
    try:
        return str(json.loads(body)["chart"]["error"]["description"])
    except (ValueError, KeyError, TypeError):
        return ""


def daily(reply: ChartReply, tz: str) -> Chart:
    """The daily bars of a reply in split-adjusted prices, rows as Yahoo sent them; ``tz`` is the exchange's zone.

    Raises :class:`HttpFailure` where the reply isn't a chart with prices.
    """
    try:
        return _daily(reply, ZoneInfo(tz))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise not_a_chart(reply, error) from None


def not_a_chart(reply: ChartReply, error: Exception) -> HttpFailure:
    """The failure that a reply of an unknown form is; Yahoo's own words where it explains itself."""
    reason = _reason(reply.text)
    if reason:
        return HttpFailure(f"{reply.symbol}: {reason}", source=NAME, fault=Fault.INCOMPLETE)
    message = f"{reply.symbol}: not a chart in the known form ({type(error).__name__}: {error})"
    return HttpFailure(message, source=NAME, fault=Fault.CHANGED)


def without_prices(symbol: str) -> HttpFailure:
    """The failure that a chart of empty rows is."""
    return HttpFailure(f"{symbol}: a chart without a single price", source=NAME, fault=Fault.INCOMPLETE)


def _daily(reply: ChartReply, zone: ZoneInfo) -> Chart:
    result = reply.document["chart"]["result"][0]
    quotes = result["indicators"]["quote"][0]
    columns = [quotes[name] for name in _FIELDS]
    rows = zip(result["timestamp"], *columns, quotes["volume"], strict=True)
    bars = tuple(
        Bar(_day(stamp, zone), *map(price, prices), volume(number(traded)))  # type: ignore[call-arg]
        for stamp, *prices, traded in sorted(rows, key=lambda row: row[0])
    )
    if all(bar.close is None for bar in bars):
        raise without_prices(reply.symbol)
    declared = result.get("events", {}).get("splits", {}).values()
    splits = tuple(Split(_day(item["date"], zone), item["numerator"] / item["denominator"]) for item in declared)
    return Chart(reply.symbol, bars, quote_of(result["meta"]), splits)


def _day(stamp: int, zone: ZoneInfo) -> Any:
    """The session that a row stands for. Around a change of clocks Yahoo's midnight may be an hour or two early."""
    local = datetime.fromtimestamp(stamp, zone)
    early = local.minute == 0 and local.hour >= 22
    return (local + timedelta(hours=2)).date() if early else local.date()


def quote_of(meta: Mapping[str, Any]) -> Quote | None:
    """The latest price in a chart's ``meta``, with its own time; ``None`` where either is missing."""
    at, last = meta.get("regularMarketTime"), price(meta.get("regularMarketPrice"))
    if at is None or last is None:
        return None
    struck = datetime.fromtimestamp(at, UTC) if isinstance(at, int) else at.to_pydatetime().astimezone(UTC)
    high, low = (price(meta.get(name)) for name in ("regularMarketDayHigh", "regularMarketDayLow"))
    return Quote(struck, last, high, low, volume(number(meta.get("regularMarketVolume"))))


def price(value: object) -> float | None:
    """``value`` as a price, ``None`` where it can't be one: nothing costs nothing, or more than a trillion."""
    found = number(value)
    return found if found is not None and 0 < found < _NO_PRICE else None


def number(value: object) -> float | None:
    """``value`` as a finite float, ``None`` where it is none."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None  # type: ignore[arg-type]


def volume(figure: float | None) -> float | None:
    """A volume of 0, or less, is none: yfinance makes it of a missing one, and Yahoo sends it for most indices."""
    return figure if figure is not None and 0 < figure < _NO_VOLUME else None
