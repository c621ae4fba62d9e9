"""Fundamentals of the coverage: filings first, Yahoo for companies of which the filings gave nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.feeds.port import Feed, Fetched, join
from adapters.feeds.yahoo_fundamentals import YahooFundamentals


class Fundamentals:
    """The quarters of ``symbols`` from ``filings`` (the SEC's feeds), and from ``fallback`` for those that lack."""

    def __init__(
        self, *, symbols: Sequence[str], filings: Sequence[Feed], fallback: YahooFundamentals | None = None
    ) -> None:
        self._symbols = tuple(symbols)
        self._filings = tuple(filings)
        self._fallback = fallback

    async def fetch(self, now: datetime) -> Fetched:
        """Ask the filings one after the other (they share one pace), then the fallback for what is missing."""
        parts = [await feed.fetch(now) for feed in self._filings]
        given = {each.series for part in parts for each in part.observations}
        lacking = [symbol for symbol in self._symbols if f"fundamentals.{symbol}.revenue" not in given]
        if lacking and self._fallback is not None:
            parts.append(await self._fallback.of(lacking, now))
        return join(parts)
