"""Bitbo's table of bitcoin ETF flows: HTML, newest day first, US$ millions to one decimal, no key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.feeds.flow_day import FlowDays, ask_each, told
from adapters.feeds.flow_html import parse
from adapters.feeds.flow_rows import to_days
from adapters.feeds.port import Fetched
from adapters.http import HttpClient, Source

NAME = "bitbo"
BASE_URL = "https://bitbo.io"
PAGES: Mapping[str, str] = {"BTC": "/treasuries/etf-flows/"}


class Bitbo:
    """Flows per fund from Bitbo's page; bitcoin only."""

    name = NAME

    def __init__(
        self, *, http: HttpClient, base_url: str = BASE_URL, assets: Sequence[str] = ("BTC",), timeout_s: float = 20.0
    ) -> None:
        self._http = http
        self._source = Source(name=NAME, base_url=base_url, headers={"Accept": "text/html"}, timeout_s=timeout_s)
        self._assets = tuple(asset for asset in assets if asset in PAGES)

    async def days(self, now: datetime) -> FlowDays:
        """Ask for the page; faults come back as problems."""

        async def ask(asset: str) -> FlowDays:
            page = await self._http.get_text(self._source, PAGES[asset])
            return await asyncio.to_thread(lambda: to_days(asset, NAME, parse(page), now))

        return await ask_each(NAME, self._assets, ask)

    async def fetch(self, now: datetime) -> Fetched:
        """The same as observations."""
        return told(await self.days(now), now)
