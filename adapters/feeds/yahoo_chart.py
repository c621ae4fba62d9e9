"""One symbol's chart from Yahoo through yfinance: blocking, run in a thread.

yfinance parses and cleans the chart (time zones, live rows, splits). The request itself is made here: exactly one for a
chart, with no cookie dance before it and no retry under another cookie after a refusal, which would turn one 429 into a
burst.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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
_COLUMNS = ("Open", "High", "Low", "Close", "Volume")


@dataclass(frozen=True, slots=True)
class _Reply:
    """What yfinance reads of a response."""

    text: str
    document: Any

    def json(self) -> Any:
        """The parsed body."""
        return self.document


class ChartRequests:
    """Stands in for yfinance's own request layer: what ``PriceHistory`` asks for a chart."""

    def __init__(self, session: YahooSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    def get(self, url: str, params: Mapping[str, Any] | None = None, timeout: float = 15.0) -> _Reply:
        """GET once; raise :class:`HttpFailure` for everything but a chart."""
        try:
            response = self._session.get(url, params=dict(params or {}), timeout=timeout)
        except RequestException as error:
            message = f"{url}: {type(error).__name__} before the answer was complete"
            raise HttpFailure(message, source=NAME, fault=Fault.UNREACHABLE) from None
        headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
        answer = Answer(url, response.status_code, headers, response.content)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer)
        return _Reply(answer.text(), read_json(SOURCE, answer))

    cache_get = get

    def _refusal(self, answer: Answer) -> HttpFailure:
        reason = _reason(answer.text())
        if answer.status in {400, 404, 422} and reason:
            return HttpFailure(reason, source=NAME, fault=Fault.INCOMPLETE, status=answer.status)
        return refusal(SOURCE, answer, self._clock.now())


def _reason(body: str) -> str:
    """Yahoo's own words in an error, or ``""``."""
    try:
        return str(json.loads(body)["chart"]["error"]["description"])
    except (ValueError, KeyError, TypeError):
        return ""


class YahooCharts:
    """Charts of single symbols; every method blocks for one request and may be called from several threads."""

    def __init__(self, session: YahooSession, clock: Clock, timeout_s: float = 15.0) -> None:
        self.session = self._session = session
        self._requests = ChartRequests(session, clock)
        self._timeout_s = timeout_s

    def daily(self, symbol: str, period: str, tz: str) -> Chart:
        """The daily bars of ``period`` (``1mo``), in split-adjusted prices without dividends.

        Raises :class:`HttpFailure`, with fault ``INCOMPLETE`` for a symbol that Yahoo has nothing of.
        """
        frame, meta = self._history(symbol, period, "1d", tz)
        bars = tuple(bar for _, bar in _rows(frame))
        if all(bar.close is None for bar in bars):
            message = f"{symbol}: a chart without a single price"
            raise HttpFailure(message, source=NAME, fault=Fault.INCOMPLETE)
        return Chart(symbol, bars, _quote(meta), _splits(frame))

    def intraday(self, symbol: str, period: str, interval: str, tz: str) -> tuple[tuple[datetime, Bar], ...]:
        """Bars of ``interval`` (``5m``), each with its start in UTC. Raises :class:`HttpFailure`."""
        frame, _ = self._history(symbol, period, interval, tz)
        return tuple((start.tz_convert(UTC).to_pydatetime(), bar) for start, bar in _rows(frame))

    def _history(self, symbol: str, period: str, interval: str, tz: str) -> tuple[pd.DataFrame, Mapping[str, Any]]:
        history = PriceHistory(self._requests, symbol, tz, session=self._session)
        try:
            frame = history.history(
                period=period,
                interval=interval,
                auto_adjust=False,
                actions=interval == "1d",
                timeout=self._timeout_s,
            )
        except HttpFailure as failure:
            raise _about(symbol, failure) from None
        except YFException as error:
            raise HttpFailure(str(error).lstrip("$"), source=NAME, fault=Fault.INCOMPLETE) from None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            message = f"{symbol}: not a chart in the known form ({type(error).__name__}: {error})"
            raise HttpFailure(message, source=NAME, fault=Fault.CHANGED) from None
        return frame, dict(history.get_history_metadata().items() if interval != "1d" else _meta(history))


def _meta(history: PriceHistory) -> Mapping[str, Any]:
    return history._history_metadata or {}  # noqa: SLF001 - the public reader asks for another chart first


def _about(symbol: str, failure: HttpFailure) -> HttpFailure:
    message = str(failure) if symbol in str(failure) else f"{symbol}: {failure}"
    return type(failure)(
        message, source=NAME, fault=failure.fault, status=failure.status, retry_at=failure.retry_at, body=failure.body
    )


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
