"""Bitbo's table of bitcoin ETF flows: HTML, newest day first, US$ millions to one decimal, no key."""

from __future__ import annotations

from datetime import date, datetime

from adapters.feeds.flow_day import FlowDays
from adapters.feeds.flow_html import parse
from adapters.feeds.flow_rows import to_days
from adapters.feeds.flow_site import FlowSite
from adapters.http import Source

NAME = "bitbo"
SOURCE = Source(name=NAME, base_url="https://bitbo.io", headers={"Accept": "text/html"})


def read(asset: str, page: str, since: date, now: datetime) -> FlowDays:  # noqa: ARG001 - the page is short
    """The days on the page."""
    return to_days(asset, NAME, parse(page), now)


SITE = FlowSite(source=SOURCE, requests={"BTC": ("/treasuries/etf-flows/", {})}, read=read, page=True)
