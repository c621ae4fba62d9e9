"""Daily history of Hong Kong's indices where Yahoo has none: Tencent, then Eastmoney. Keyless and unofficial."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from adapters.feeds.daily_bars import Bar, Chart, read
from adapters.feeds.port import Fault, FeedProblem, Fetched, join
from adapters.http import HttpClient, HttpFailure, Params, Source
from rules.calendars.sessions import Calendars
from rules.model import Observation, Status

TENCENT = Source(name="tencent", base_url="https://web.ifzq.gtimg.cn")
EASTMONEY = Source(name="eastmoney", base_url="https://push2his.eastmoney.com")
_CALENDAR = "XHKG"
_SESSIONS = 320
_ASKED_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Codes:
    """What the two sources call an index."""

    tencent: str
    eastmoney: str


KNOWN: Mapping[str, Codes] = {
    "HSTECH.HK": Codes("hkHSTECH", "124.HSTECH"),
    "^HSI": Codes("hkHSI", "100.HSI"),
}
"""The indices that have a fallback, by Yahoo's symbol."""


class HkIndexHistory:
    """Finished sessions of the indices in :data:`KNOWN` as ``prices.SYMBOL.FIELD``; the first of ``sources`` wins.

    The running session is left out: neither source says how old its last price is. One that failed is asked beside the
    other until it answers, so that its recovery is noticed.
    """

    def __init__(
        self,
        http: HttpClient,
        calendars: Calendars,
        sources: Sequence[Source] = (TENCENT, EASTMONEY),
        symbols: Iterable[str] = ("HSTECH.HK",),
    ) -> None:
        self._http = http
        self._calendars = calendars
        asks = {TENCENT.name: self._tencent, EASTMONEY.name: self._eastmoney}
        self._failed_at: dict[str, datetime] = {}
        self._asks = {source.name: asks[source.name] for source in sources}
        self._symbols = tuple(symbol for symbol in symbols if symbol in KNOWN)

    async def fetch(self, now: datetime) -> Fetched:
        """Ask for every symbol."""
        return join([await self.history(symbol, now) for symbol in self._symbols])

    async def history(self, symbol: str, now: datetime) -> Fetched:
        """The bars of one symbol; ``now`` tells its finished sessions from the running one."""
        problems: list[FeedProblem] = []
        answers: dict[str, Sequence[Bar]] = {}
        for source, ask in self._asks.items():
            if answers and source not in self._failed_at:
                continue
            try:
                answers[source] = await ask(KNOWN[symbol])
                self._failed_at.pop(source, None)
            except HttpFailure as failure:
                problems.append(failure.problem(symbol))
                self._failed_at[source] = now
        told = [self._observations(symbol, bars, now, source) for source, bars in answers.items()]
        return Fetched(told[0] if told else (), problems=tuple(problems), answered=tuple(answers))

    def unwell(self, now: datetime) -> bool:
        """Whether a source failed an hour ago or more, and hasn't been asked since."""
        return any(now - failed_at >= _ASKED_AGAIN for failed_at in self._failed_at.values())

    def _observations(self, symbol: str, bars: Sequence[Bar], now: datetime, source: str) -> tuple[Observation, ...]:
        reading = read(Chart(symbol, tuple(bars)), self._calendars.get(_CALENDAR), now)
        over = [session for session in reading.sessions if session.status is not Status.PARTIAL]
        return tuple(item for session in over for item in session.observations(symbol, now, source))

    async def _tencent(self, codes: Codes) -> Sequence[Bar]:
        params = {"param": f"{codes.tencent},day,,,{_SESSIONS},qfq"}
        document = await self._http.get_json(TENCENT, "/appstock/app/hkfqkline/get", params)
        return _parsed(TENCENT, document, lambda: _tencent_rows(document, codes.tencent))

    async def _eastmoney(self, codes: Codes) -> Sequence[Bar]:
        params: Params = {
            "secid": codes.eastmoney,
            "klt": 101,
            "fqt": 0,
            "fields1": "f1,f2,f3",
            "fields2": "f51,f52,f53,f54,f55,f56",
            "beg": 0,
            "end": 20500101,
            "lmt": _SESSIONS,
        }
        document = await self._http.get_json(EASTMONEY, "/api/qt/stock/kline/get", params)
        return _parsed(EASTMONEY, document, lambda: [line.split(",") for line in document["data"]["klines"]])


def _tencent_rows(document: Any, code: str) -> list[Sequence[str]]:
    if document["code"] != 0:
        raise ValueError(f"code {document['code']}: {document.get('msg')}")
    days = document["data"][code]
    rows: list[Sequence[str]] = days.get("day") or days["qfqday"]
    return rows


def _parsed(source: Source, document: Any, rows: Callable[[], Sequence[Sequence[str]]]) -> Sequence[Bar]:
    """Bars of rows ``date, open, close, high, low, volume``: the two sources agree in this order."""
    try:
        bars = {bar.day: bar for bar in map(_bar, rows())}
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        message = f"{source.name}: not the known form ({type(error).__name__}: {error}): {str(document)[:120]}"
        raise HttpFailure(message, source=source.name, fault=Fault.CHANGED) from None
    if not bars:
        raise HttpFailure(f"{source.name}: no bars", source=source.name, fault=Fault.INCOMPLETE)
    return [bars[day] for day in sorted(bars)]


def _bar(row: Sequence[str]) -> Bar:
    first, close, high, low = (float(cell) for cell in row[1:5])
    if not low <= min(first, close) <= max(first, close) <= high or not math.isfinite(high) or low <= 0:
        raise ValueError(f"{row[0]}: open {first}, close {close}, high {high}, low {low} can't be a session's figures")
    volume = float(row[5]) if len(row) > 5 else 0.0
    return Bar(date.fromisoformat(row[0]), first, high, low, close, volume or None)
