"""Farside Investors' tables of spot ETF flows: HTML, US$ millions to one decimal, no key, often behind a challenge."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.feeds.flow_day import FlowDays, ask_each, told
from adapters.feeds.flow_html import parse
from adapters.feeds.flow_rows import to_days
from adapters.feeds.port import Fetched
from adapters.http import HttpClient, Source

NAME = "farside"
BASE_URL = "https://farside.co.uk"
PAGES: Mapping[str, str] = {"BTC": "/btc/", "ETH": "/eth/", "SOL": "/sol/"}
HISTORY_PAGES: Mapping[str, str] = {
    "BTC": "/bitcoin-etf-flow-all-data/",
    "ETH": "/ethereum-etf-flow-all-data/",
}


class Farside:
    """Flows per fund from Farside's pages of the last weeks, or of all days with ``history``."""

    name = NAME

    def __init__(
        self,
        *,
        http: HttpClient,
        base_url: str = BASE_URL,
        assets: Sequence[str] = ("BTC", "ETH", "SOL"),
        timeout_s: float = 20.0,
        history: bool = False,
    ) -> None:
        self._http = http
        self._source = Source(
            name=NAME, base_url=base_url, headers={"Accept": "text/html"}, min_interval_s=1.0, timeout_s=timeout_s
        )
        self._pages = HISTORY_PAGES if history else PAGES
        self._assets = tuple(asset for asset in assets if asset in self._pages)

    async def days(self, now: datetime) -> FlowDays:
        """Ask for each asset's page; faults come back as problems."""

        async def ask(asset: str) -> FlowDays:
            page = await self._http.get_text(self._source, self._pages[asset])
            return await asyncio.to_thread(lambda: to_days(asset, NAME, parse(page), now))

        return await ask_each(NAME, self._assets, ask)

    async def fetch(self, now: datetime) -> Fetched:
        """The same as observations."""
        return told(await self.days(now), now)
