"""Histories from Yahoo's charts, read by yfinance: blocking, run in a thread.

yfinance cleans a chart (time zones, live rows, splits) in some ten milliseconds of pandas. It gets the reply that is
there already: left to itself it would add cookie requests, and retry a refusal under another cookie, which turns one
429 into a burst.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from yfinance.exceptions import YFException
from yfinance.scrapers.history import PriceHistory

from adapters.feeds.daily_bars import Bar, Chart, Split
from adapters.feeds.port import Fault
from adapters.feeds.yahoo_requests import ChartReply, not_a_chart, number, price, quote_of, volume, without_prices
from adapters.feeds.yahoo_session import NAME
from adapters.http import HttpFailure

_NO_SESSION = object()
_COLUMNS = ("Open", "High", "Low", "Close", "Volume")


def daily(reply: ChartReply, tz: str) -> Chart:
    """The daily bars of a reply, in split-adjusted prices without dividends; ``tz`` is the exchange's zone.

    Takes some ten milliseconds of pandas. Raises :class:`HttpFailure` where the reply isn't a chart with prices.
    """
    frame, meta = _history(reply, tz)
    try:
        chart = Chart(reply.symbol, tuple(bar for _, bar in _rows(frame)), quote_of(meta), _splits(frame))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise not_a_chart(reply, error) from None
    if all(bar.close is None for bar in chart.bars):
        raise without_prices(reply.symbol)
    return chart


def intraday(reply: ChartReply, tz: str) -> tuple[tuple[datetime, Bar], ...]:
    """The shorter bars of a reply, each with its start in UTC. Raises :class:`HttpFailure`."""
    frame, _ = _history(reply, tz)
    return tuple((start.tz_convert(UTC).to_pydatetime(), bar) for start, bar in _rows(frame))


class _Given:
    """Stands in for yfinance's request layer: the reply is there already."""

    def __init__(self, reply: ChartReply) -> None:
        self._reply = reply

    def get(self, **_: object) -> ChartReply:
        """The reply, whatever is asked."""
        return self._reply

    cache_get = get


def _history(reply: ChartReply, tz: str) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    history = PriceHistory(_Given(reply), reply.symbol, tz, session=_NO_SESSION)
    try:
        frame = history.history(
            period=reply.period, interval=reply.interval, auto_adjust=False, actions=reply.interval == "1d"
        )
    except YFException as error:
        if not isinstance(reply.document, dict) or "chart" not in reply.document:
            raise not_a_chart(reply, error) from None
        raise HttpFailure(str(error).lstrip("$"), source=NAME, fault=Fault.INCOMPLETE) from None
    except Exception as error:  # what pandas and yfinance raise on nonsense can be anything
        raise not_a_chart(reply, error) from None
    return frame, history._history_metadata or {}  # noqa: SLF001 - the public reader asks for another chart first


def _rows(frame: pd.DataFrame) -> Iterator[tuple[pd.Timestamp, Bar]]:
    opens, highs, lows, closes, volumes = (frame[name].to_numpy(dtype=float).tolist() for name in _COLUMNS)
    for index, start in enumerate(pd.DatetimeIndex(frame.index)):
        first, high, low, close = (price(column[index]) for column in (opens, highs, lows, closes))
        yield start, Bar(start.date(), first, high, low, close, volume(number(volumes[index])))


def _splits(frame: pd.DataFrame) -> tuple[Split, ...]:
    if "Stock Splits" not in frame:
        return ()
    ratios = frame["Stock Splits"].to_numpy(dtype=float).tolist()
    days = pd.DatetimeIndex(frame.index)
    return tuple(Split(day.date(), ratio) for day, ratio in zip(days, ratios, strict=True) if ratio not in {0.0, 1.0})
