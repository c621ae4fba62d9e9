"""Answers of Yahoo's chart service, in its form, for the scripted HTTP server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adapters.feeds.daily_bars import Bar
from tests.fakes.http_server import Reply, Request, ok_json

OPENS = {"America/New_York": time(9, 30), "Asia/Hong_Kong": time(9, 30), "UTC": time(0)}


def bars(first: date, closes: Sequence[float | None]) -> list[Bar]:
    """One bar for each close on consecutive weekdays from ``first``; ``None`` leaves the whole row empty."""
    days = [day for day in (first + timedelta(days=n) for n in range(3 * len(closes))) if day.weekday() < 5]
    return [
        Bar(day, close, close * 1.01, close * 0.99, close, 1000.0) if close else Bar(day, None, None, None, None, None)
        for day, close in zip(days, closes, strict=False)
    ]


def chart(
    symbol: str,
    rows: Sequence[Bar],
    *,
    quoted_at: datetime,
    price: float | None = None,
    tz: str = "America/New_York",
    splits: Mapping[date, float] | None = None,
    kind: str = "EQUITY",
) -> dict[str, Any]:
    """A daily chart as ``/v8/finance/chart/SYMBOL?interval=1d`` answers."""
    zone = ZoneInfo(tz)

    def stamp(day: date) -> int:
        return int(datetime.combine(day, OPENS[tz], zone).timestamp())

    last = rows[-1] if rows else None
    meta = {
        "currency": "USD",
        "symbol": symbol,
        "exchangeTimezoneName": tz,
        "instrumentType": kind,
        "firstTradeDate": 0,
        "regularMarketTime": int(quoted_at.timestamp()),
        "regularMarketPrice": price if price is not None else (last.close if last else None),
        "regularMarketDayHigh": None,
        "regularMarketDayLow": None,
        "regularMarketVolume": 0,
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "1mo",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "max"],
    }
    result: dict[str, Any] = {
        "meta": meta,
        "timestamp": [stamp(bar.day) for bar in rows],
        "indicators": {
            "quote": [
                {name: [getattr(bar, name) for bar in rows] for name in ("open", "high", "low", "close", "volume")}
            ],
            "adjclose": [{"adjclose": [bar.close and bar.close * 0.9 for bar in rows]}],
        },
    }
    if splits:
        result["events"] = {
            "splits": {
                str(stamp(day)): {
                    "date": stamp(day),
                    "numerator": ratio,
                    "denominator": 1.0,
                    "splitRatio": f"{ratio:g}:1",
                }
                for day, ratio in splits.items()
            }
        }
    return {"chart": {"result": [result], "error": None}}


def hourly(symbol: str, day: date, closes: Sequence[float], tz: str = "America/New_York") -> dict[str, Any]:
    """An intraday chart of one session with hourly bars."""
    start = datetime.combine(day, OPENS[tz], ZoneInfo(tz))
    stamps = [int((start + timedelta(hours=n)).timestamp()) for n in range(len(closes))]
    document = chart(symbol, [], quoted_at=start.astimezone(UTC), price=closes[-1], tz=tz)
    result = document["chart"]["result"][0]
    result["meta"]["tradingPeriods"] = [
        [{"timezone": "X", "start": stamps[0], "end": stamps[0] + 6 * 3600 + 1800, "gmtoffset": 0}]
    ]
    result["timestamp"] = stamps
    quote = {name: list(closes) for name in ("open", "high", "low", "close")}
    result["indicators"] = {"quote": [{**quote, "volume": [10] * len(closes)}]}
    return document


def quotes(caps: Mapping[str, float | None], *, quoted_at: datetime, currency: str = "USD") -> dict[str, Any]:
    """Market capitalisations as ``/v7/finance/quote`` answers."""
    common = {"currency": currency, "regularMarketTime": int(quoted_at.timestamp())}
    rows = [{"symbol": symbol, **common} | ({} if cap is None else {"marketCap": cap}) for symbol, cap in caps.items()]
    return {"quoteResponse": {"result": rows, "error": None}}


def unknown_symbol() -> Reply:
    """What Yahoo says of a symbol that it doesn't know."""
    error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
    return ok_json({"chart": {"result": None, "error": error}}, status=404)


def by_interval(daily: Reply | Callable[[Request], Reply], intraday: Reply) -> Callable[[Request], Reply]:
    """A script that answers a daily request and an intraday one differently."""

    def answer(request: Request) -> Reply:
        if request.query["interval"] != "1d":
            return intraday
        return daily if isinstance(daily, Reply) else daily(request)

    return answer
