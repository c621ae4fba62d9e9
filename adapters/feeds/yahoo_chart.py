"""One symbol's chart from Yahoo, requested here and read by yfinance: blocking, run in threads.

yfinance parses and cleans the chart (time zones, live rows, splits). The request is made without it: exactly one for a
chart, with no cookie dance before it and no retry under another cookie after a refusal, which would turn one 429 into a
burst. So requests can run side by side while charts are read one at a time, which keeps the event loop free.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pandas as pd
from curl_cffi.requests.exceptions import RequestException
from yfinance.exceptions import YFException
from yfinance.scrapers.history import PriceHistory

from adapters.clock import Clock
from adapters.feeds.daily_bars import Bar, Chart, Quote, Split
from adapters.feeds.port import Fault
from adapters.feeds.yahoo_session import NAME, YahooSession
from adapters.http import Answer, HttpFailure, Source, read_json, refusal

SOURCE = Source(name=NAME, base_url="https://query2.finance.yahoo.com")
_NO_SESSION = object()
_COLUMNS = ("Open", "High", "Low", "Close", "Volume")


@dataclass(frozen=True, slots=True)
class Reply:
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

    def chart(self, symbol: str, period: str, interval: str) -> Reply:
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
        return Reply(symbol, interval, period, answer.text(), read_json(SOURCE, answer))

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


def daily(reply: Reply, tz: str) -> Chart:
    """The daily bars of a reply, in split-adjusted prices without dividends; ``tz`` is the exchange's zone.

    Takes some ten milliseconds of pandas. Raises :class:`HttpFailure` where the reply isn't a chart with prices.
    """
    frame, meta = _history(reply, tz)
    bars = tuple(bar for _, bar in _rows(frame))
    if all(bar.close is None for bar in bars):
        message = f"{reply.symbol}: a chart without a single price"
        raise HttpFailure(message, source=NAME, fault=Fault.INCOMPLETE)
    return Chart(reply.symbol, bars, _quote(meta), _splits(frame))


def intraday(reply: Reply, tz: str) -> tuple[tuple[datetime, Bar], ...]:
    """The shorter bars of a reply, each with its start in UTC. Raises :class:`HttpFailure`."""
    frame, _ = _history(reply, tz)
    return tuple((start.tz_convert(UTC).to_pydatetime(), bar) for start, bar in _rows(frame))


class _Given:
    """Stands in for yfinance's request layer: the reply is there already."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def get(self, **_: object) -> Reply:
        """The reply, whatever is asked."""
        return self._reply

    cache_get = get


def _history(reply: Reply, tz: str) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    history = PriceHistory(_Given(reply), reply.symbol, tz, session=_NO_SESSION)
    try:
        frame = history.history(
            period=reply.period, interval=reply.interval, auto_adjust=False, actions=reply.interval == "1d"
        )
    except YFException as error:
        raise HttpFailure(str(error).lstrip("$"), source=NAME, fault=Fault.INCOMPLETE) from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        message = f"{reply.symbol}: not a chart in the known form ({type(error).__name__}: {error})"
        raise HttpFailure(message, source=NAME, fault=Fault.CHANGED) from None
    return frame, history._history_metadata or {}  # noqa: SLF001 - the public reader asks for another chart first


def _rows(frame: pd.DataFrame) -> Iterator[tuple[pd.Timestamp, Bar]]:
    opens, highs, lows, closes, volumes = (frame[name].to_numpy(dtype=float).tolist() for name in _COLUMNS)
    for index, start in enumerate(pd.DatetimeIndex(frame.index)):
        first, high, low, close = (_known(column[index]) for column in (opens, highs, lows, closes))
        yield start, Bar(start.date(), first, high, low, close, _volume(_known(volumes[index])))


def _known(figure: float) -> float | None:
    return figure if math.isfinite(figure) else None


def _volume(figure: float | None) -> float | None:
    """A missing volume becomes 0 in yfinance, and Yahoo sends 0 for most indices; neither is a volume."""
    return figure or None


def _quote(meta: Mapping[str, Any]) -> Quote | None:
    at, price = meta.get("regularMarketTime"), meta.get("regularMarketPrice")
    if at is None or not isinstance(price, int | float) or not math.isfinite(price):
        return None
    struck = (
        datetime.fromtimestamp(at, UTC) if isinstance(at, int) else pd.Timestamp(at).tz_convert(UTC).to_pydatetime()
    )
    high, low, volume = (
        meta.get(name) for name in ("regularMarketDayHigh", "regularMarketDayLow", "regularMarketVolume")
    )
    return Quote(struck, float(price), _number(high), _number(low), _volume(_number(volume)))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _splits(frame: pd.DataFrame) -> tuple[Split, ...]:
    if "Stock Splits" not in frame:
        return ()
    declared = frame["Stock Splits"]
    ratios = declared.to_numpy(dtype=float).tolist()
    days = pd.DatetimeIndex(frame.index)
    return tuple(Split(day.date(), ratio) for day, ratio in zip(days, ratios, strict=True) if ratio not in {0.0, 1.0})
