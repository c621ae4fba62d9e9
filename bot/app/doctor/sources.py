"""The sources of data: does each answer at its configured address, and what has the running bot met there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median

from adapters.clock import Clock
from adapters.feeds import (
    bitbo,
    cmc_flows,
    coingecko,
    coinmarketcap,
    earnings_nasdaq,
    farside,
    fear_greed,
    hk_index,
    sec_api,
    sosovalue,
    streams_coinbase,
    streams_yahoo,
    tftc,
    theblock,
    yahoo_requests,
)
from adapters.reach import Reached, Unreachable, reach
from bot.feeding.settings import FeedSettings
from bot.operations.findings import Finding, ok, problem, warning
from bot.settings import Settings

_REFUSALS = frozenset({401, 403, 407, 451})
_DRIFT = timedelta(seconds=30)
"""Beyond this, ticks of exchanges lie in the future and signatures of services expire."""
_TELLS_SECONDS = timedelta(seconds=2)

ADDRESSES: Mapping[str, str] = {
    "yahoo": yahoo_requests.SOURCE.base_url,
    "yahoo_stream": streams_yahoo.URL,
    "coinbase": streams_coinbase.URL,
    "tencent": hk_index.TENCENT.base_url,
    "eastmoney": hk_index.EASTMONEY.base_url,
    "sosovalue": sosovalue.SOURCE.base_url,
    "theblock": theblock.SOURCE.base_url,
    "tftc": tftc.SOURCE.base_url,
    "farside": farside.SOURCE.base_url,
    "bitbo": bitbo.SOURCE.base_url,
    "cmc": cmc_flows.SOURCE.base_url,
    "coinmarketcap": coinmarketcap.KEYLESS_URL,
    "coingecko": coingecko.SOURCE.base_url,
    "alternative_me": fear_greed.SOURCE.base_url,
    "nasdaq": earnings_nasdaq.SOURCE.base_url,
    "sec": sec_api.DATA_URL,
}
"""Where each source is asked unless the settings say otherwise."""

FEEDS: Mapping[str, Sequence[str]] = {
    "prices": ("yahoo",),
    "streams": ("coinbase", "yahoo_stream"),
    "etf_flows": ("sosovalue", "theblock", "tftc", "farside", "bitbo", "cmc"),
    "crypto": ("coinmarketcap", "coingecko"),
    "fear_greed": ("coinmarketcap", "alternative_me"),
    "earnings": ("yahoo", "nasdaq"),
    "fundamentals": ("sec", "yahoo"),
}
"""The sources of each feed: one that answers is enough."""

Answers = Mapping[str, Reached | Unreachable]


async def look(settings: Settings, clock: Clock) -> Sequence[Finding]:
    """Ask every source that is used, all at once."""
    addresses = {name: _address(settings, name) for name in _used(settings)}
    found = await asyncio.gather(*(_asked(address) for address in addresses.values()))
    answers = dict(zip(addresses, found, strict=True))
    return [*judged(answers, _feeds(settings)), *_contact(settings), _clock(answers, clock.now())]


def _used(settings: Settings) -> list[str]:
    """The sources that are asked: switched on, with a key where they need one."""
    keyed = {"sosovalue": settings.secrets.sosovalue_api_key, "sec": settings.sec_contact}
    enabled = {name: settings.feeds.get(name, FeedSettings()).enabled for name in ADDRESSES}
    return [name for name in ADDRESSES if enabled[name] and keyed.get(name, True)]


def _feeds(settings: Settings) -> Mapping[str, Sequence[str]]:
    return {feed: names for feed, names in FEEDS.items() if settings.feeds.get(feed, FeedSettings()).enabled}


def _address(settings: Settings, name: str) -> str:
    configured = settings.feeds.get(name)
    return configured.base_url if configured and configured.base_url else ADDRESSES[name]


async def _asked(address: str) -> Reached | Unreachable:
    try:
        return await reach(address)
    except Unreachable as error:
        return error


def judged(answers: Answers, feeds: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """A line for each source, and a problem for each feed that is left without any."""
    for name, answer in answers.items():
        if isinstance(answer, Unreachable):
            yield warning(name, "source_away", why=answer, name=name)
        elif answer.status in _REFUSALS and name != "sec":  # which wants a path that exists
            yield warning(name, "source_refuses", status=answer.status, name=name)
        else:
            yield ok(name, "source", status=answer.status)
    for feed, names in feeds.items():
        asked = [name for name in names if name in answers]
        if asked and all(isinstance(answers[name], Unreachable) for name in asked):
            yield problem(feed, "feed_dark", names=", ".join(asked))


def _contact(settings: Settings) -> Iterable[Finding]:
    return [] if settings.sec_contact else [warning("sec", "sec_contact")]


def _clock(answers: Answers, now: datetime) -> Finding:
    dates = [answer.date for answer in answers.values() if isinstance(answer, Reached) and answer.date]
    if not dates:
        return ok("clock", "clock_unknown")
    off = timedelta(seconds=abs(median((now - date).total_seconds() for date in dates)))
    if off > _DRIFT:
        return problem("clock", "clock_off", off=off)
    return ok("clock", "clock", count=len(dates), off=max(off, _TELLS_SECONDS))
