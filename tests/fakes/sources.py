"""Every source at one scripted server."""

from __future__ import annotations

from datetime import datetime

from adapters.clock import SteppingClock
from adapters.http import HttpClient
from bot.feed_settings import SOURCES
from tests.fakes.http_server import FakeHttp


def client_of(server: FakeHttp, now: datetime, timeout_s: float = 10.0) -> HttpClient:
    """A client whose clock stands at ``now``, and for which every source is at ``server``."""
    base_urls = dict.fromkeys(SOURCES, server.base_url)
    return HttpClient(SteppingClock(now), base_urls=base_urls, timeout_s=timeout_s)
