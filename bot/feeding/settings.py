"""The ``feeds:`` section: what may be set of each feed, and of each source behind it."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

FEEDS = ("prices", "market_caps", "etf_flows", "crypto", "fear_greed", "earnings", "events", "fundamentals")
"""What ``tapewatch fetch`` knows, and the job table asks."""
SOURCES = ("yahoo", "yahoo_stream", "coinbase", "tencent", "eastmoney", "sosovalue", "theblock", "tftc", "farside",
    "bitbo", "cmc", "coinmarketcap", "coingecko", "alternative_me", "nasdaq", "sec")  # fmt: skip
"""Who is asked; a feed has one or several."""
NAMES = (*FEEDS, *SOURCES)
_SCHEMES = {"http", "https", "ws", "wss"}


class FeedSettings(BaseModel):
    """One feed or source: ``base_url`` points it at another server, ``enabled: false`` leaves it out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    base_url: str = ""
    requests_per_s: float | None = Field(default=None, ge=0)
    """The steady pace; 0 never waits. Without it, the source's own limit, and none for a server in its place."""

    @field_validator("base_url")
    @classmethod
    def _address(cls, text: str) -> str:
        if text and (urlsplit(text).scheme not in _SCHEMES or not urlsplit(text).hostname):
            raise ValueError("not an address; wanted one such as http://127.0.0.1:9000")
        return text


def known(name: str) -> str:
    """``name`` if there is such a feed or source."""
    if name not in NAMES:
        raise ValueError(f"there is no feed or source {name!r}")
    return name
