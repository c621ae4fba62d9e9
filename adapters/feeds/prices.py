"""The prices feed: Yahoo, and where it has too little of a Hong Kong index, that index's other sources."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from adapters.feeds.hk_index import KNOWN, HkIndexHistory
from adapters.feeds.port import Fault, Feed, Fetched, join
from rules.model import Observation, Status

_LITTLE = 8
_NO_DATA = {Fault.INCOMPLETE, Fault.UNREACHABLE, Fault.RATE_LIMITED, Fault.BLOCKED, Fault.CHANGED, Fault.UNAUTHORIZED}


class DailyPrices(Feed, Protocol):
    """A feed of daily bars with a memory, as :class:`adapters.feeds.yahoo.YahooPrices` is."""

    def remember(self, observations: Iterable[Observation]) -> None:
        """Take finished bars of an earlier process as given."""
        ...

    def last_close(self, symbol: str) -> float | None:
        """The close of the last finished session."""
        ...

    async def backfill(self, now: datetime, symbols: Container[str]) -> Fetched:
        """The long history of those of ``symbols`` that were not remembered."""
        ...


class Prices:
    """Yahoo's bars; a symbol in :data:`KNOWN` of which Yahoo has little history, or nothing now, is completed.

    Yahoo's own figures win where both have a session, so that a change is measured within one source.
    """

    def __init__(self, yahoo: DailyPrices, hk_index: HkIndexHistory, symbols: Iterable[str]) -> None:
        self._yahoo = yahoo
        self._hk_index = hk_index
        self._watched = tuple(symbol for symbol in KNOWN if symbol in set(symbols))
        self._known_to: dict[str, datetime] = {}

    def remember(self, observations: Sequence[Observation]) -> None:
        """Take finished bars of an earlier process as given."""
        self._yahoo.remember(observations)
        for symbol in self._watched:
            known = [o.at for o in observations if o.series == f"prices.{symbol}.close"]
            if len(known) >= _LITTLE:
                self._known_to[symbol] = max(known)

    def last_close(self, symbol: str) -> float | None:
        """The close of the last finished session that Yahoo gave, in today's shares."""
        return self._yahoo.last_close(symbol)

    async def backfill(self, now: datetime, symbols: Container[str]) -> Fetched:
        """The long history of those of ``symbols`` that were not remembered, finished sessions only."""
        watched = [symbol for symbol in self._watched if symbol in symbols]
        return await self._completed(await self._yahoo.backfill(now, symbols), watched, now)

    async def fetch(self, now: datetime) -> Fetched:
        """Ask Yahoo, then complete what is short."""
        return await self._completed(await self._yahoo.fetch(now), self._watched, now)

    async def _completed(self, got: Fetched, watched: Iterable[str], now: datetime) -> Fetched:
        parts = [got]
        for symbol in watched:
            closes = _closes(symbol, got)
            failed = any(p.fault in _NO_DATA and p.subject in {symbol, ""} for p in got.problems)
            little = symbol not in self._known_to and len(closes) < _LITTLE
            if failed or little or self._hk_index.unwell(now):
                other = await self._hk_index.history(symbol, now)
                parts.append(self._news(symbol, other, got))
                closes += _closes(symbol, other)
            if closes:
                self._known_to[symbol] = max([o.at for o in closes if o.status is not Status.PARTIAL], default=now)
        return join(parts)

    def _news(self, symbol: str, other: Fetched, got: Fetched) -> Fetched:
        have = {(o.series, o.at) for o in got.observations if o.value is not None}
        since = self._known_to.get(symbol)
        news = (o for o in other.observations if (o.series, o.at) not in have and (since is None or o.at > since))
        return replace(other, observations=tuple(news))


def _closes(symbol: str, fetched: Fetched) -> list[Observation]:
    return [o for o in fetched.observations if o.series == f"prices.{symbol}.close" and o.value is not None]
