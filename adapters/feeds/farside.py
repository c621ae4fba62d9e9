"""Farside Investors' tables of spot ETF flows: HTML, US$ millions to one decimal, no key, often behind a challenge."""

from __future__ import annotations

from datetime import date, datetime

from adapters.feeds.flow_day import FlowDays
from adapters.feeds.flow_html import parse
from adapters.feeds.flow_rows import to_days
from adapters.feeds.flow_site import FlowSite
from adapters.http import Source

NAME = "farside"
SOURCE = Source(name=NAME, base_url="https://farside.co.uk", headers={"Accept": "text/html"})
PAGES = {"BTC": "/btc/", "ETH": "/eth/", "SOL": "/sol/"}


def read(asset: str, page: str, since: date, now: datetime) -> FlowDays:  # noqa: ARG001 - the page is short
    """The days on the page: the last weeks."""
    return to_days(asset, NAME, parse(page), now)


SITE = FlowSite(source=SOURCE, requests={asset: (path, {}) for asset, path in PAGES.items()}, read=read, page=True)
