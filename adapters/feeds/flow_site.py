"""A source of ETF flows that gives one document an asset: where it is and how it is read make it a feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from adapters.feeds.flow_day import FlowDays, ask_each, told
from adapters.feeds.port import Fetched
from adapters.http import HttpClient, Params, Source

_READER = ThreadPoolExecutor(1, thread_name_prefix="flows read")
"""Years of rows are read off the event loop, one table at a time: more threads would keep it waiting longer."""
_LAST_WEEKS = timedelta(weeks=9)
"""How far a table that was read whole is read again: corrections come within days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSite:
    """What is asked for each asset, and how the answer is read.

    ``requests`` maps an asset to path and query. ``read`` takes the asset, the answer (JSON parsed, or the text with
    ``page``), the first day that is wanted and the present; it may raise ``BadAnswer``, and runs in a thread.
    """

    source: Source
    requests: Mapping[str, tuple[str, Params]]
    read: Callable[[str, Any, date, datetime], FlowDays]
    page: bool = False


class SiteFlows:
    """The flows of ``assets`` (all that the site has, without it). Years are told once, then the last weeks."""

    def __init__(self, *, http: HttpClient, site: FlowSite, assets: Collection[str] = ()) -> None:
        self._http = http
        self._site = site
        self._assets = [asset for asset in site.requests if not assets or asset in assets]
        self._told: set[str] = set()

    @property
    def name(self) -> str:
        """What the source is called."""
        return self._site.source.name

    async def days(self, now: datetime) -> FlowDays:
        """Ask for each asset; faults come back as problems."""

        async def ask(asset: str) -> FlowDays:
            get = self._http.get_text if self._site.page else self._http.get_json
            answer = await get(self._site.source, *self._site.requests[asset])
            since = now.date() - _LAST_WEEKS if asset in self._told else date.min
            found = await asyncio.get_running_loop().run_in_executor(
                _READER, self._site.read, asset, answer, since, now
            )
            self._told.add(asset)
            return found

        return await ask_each(self.name, self._assets, ask)

    async def fetch(self, now: datetime) -> Fetched:
        """The same as observations."""
        return told(await self.days(now), now)
