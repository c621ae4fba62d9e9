"""The feeds and streams by name. A new source is one file in ``adapters/feeds`` and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from adapters.clock import Clock
from adapters.feeds import bitbo, cmc_flows, farside, tftc, theblock
from adapters.feeds.coingecko import CoinGecko
from adapters.feeds.coinmarketcap import CoinMarketCap, CoinMarketCapFear
from adapters.feeds.cool_downs import StoredCoolDowns
from adapters.feeds.daily_csv import DailyCsv
from adapters.feeds.earnings import Earnings
from adapters.feeds.earnings_date import EarningsSource
from adapters.feeds.earnings_file import EarningsFile
from adapters.feeds.earnings_nasdaq import NasdaqEarnings
from adapters.feeds.earnings_yahoo import YahooCompanyDates, YahooEarnings
from adapters.feeds.etf_flows import EtfFlows
from adapters.feeds.events import BUNDLED, Events
from adapters.feeds.fear_greed import AlternativeMe
from adapters.feeds.flow_day import FlowSource
from adapters.feeds.flow_site import SiteFlows
from adapters.feeds.flows_csv import FlowsCsv
from adapters.feeds.fundamentals import Fundamentals
from adapters.feeds.hk_index import EASTMONEY, TENCENT, HkIndexHistory
from adapters.feeds.ics import Ics
from adapters.feeds.news import OnlyNews
from adapters.feeds.port import Feed, FeedProblem, Stream
from adapters.feeds.prices import Prices
from adapters.feeds.recorded import RecordedFeed, RecordedStream, RecordingFeed, RecordingStream
from adapters.feeds.sec import SecFundamentals
from adapters.feeds.sec_api import SecApi
from adapters.feeds.sec_segments import SEGMENTS, SecSegments
from adapters.feeds.snapshots import DailySnapshots
from adapters.feeds.sosovalue import SoSoValue
from adapters.feeds.streams import PriceStream
from adapters.feeds.streams_coinbase import URL as COINBASE
from adapters.feeds.streams_coinbase import CoinbaseWire
from adapters.feeds.streams_yahoo import URL as YAHOO
from adapters.feeds.streams_yahoo import YahooWire
from adapters.feeds.together import Together
from adapters.feeds.yahoo import PACE, YahooDesk, YahooOptions, YahooPrices
from adapters.feeds.yahoo_caps import YahooCaps
from adapters.feeds.yahoo_fundamentals import YahooFundamentals
from adapters.http import HttpClient
from adapters.paces import StoredPaces
from adapters.store.port import Store
from bot.app.plugins import FEEDS, BuildFeed, plugins
from bot.feeding.archive import Archive
from bot.feeding.backfilling import Backfilled, PastApart
from bot.feeding.settings import FeedSettings
from bot.settings import Settings
from rules.calendars.sessions import Calendars
from rules.universe import Instrument, Kind, Universe

STREAMS = ("coinbase", "yahoo_stream")
_TOLD_LATE, _FILED_LATE = timedelta(days=10), timedelta(days=120)
"""After which a figure that is heard of for the first time is history: flows are late for days, filings for months."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What every feed is made of."""

    settings: Settings
    universe: Universe
    calendars: Calendars
    clock: Clock
    store: Store
    http: HttpClient
    yahoo: YahooDesk

    def base_url(self, source: str, default: str = "") -> str:
        """The configured address of ``source``."""
        return self._settings(source).base_url or default

    def enabled(self, *names: str) -> bool:
        """Whether the settings leave out none of ``names``."""
        return all(self._settings(name).enabled for name in names)

    def _settings(self, name: str) -> FeedSettings:
        return self.settings.feeds.get(name, FeedSettings())


async def open_sources(  # noqa: PLR0917 - a composition root hands over what it made
    stack: AsyncExitStack, settings: Settings, universe: Universe, calendars: Calendars, clock: Clock, store: Store
) -> Sources:
    """Open what the feeds share."""
    cool_downs, paces = StoredCoolDowns(store.documents), StoredPaces(store.rate_limits, clock)
    base_urls = {name: feed.base_url for name, feed in settings.feeds.items() if feed.base_url}
    per_s = requests_per_s(settings.feeds)
    client = HttpClient(clock, base_urls=base_urls, per_s=per_s, cool_downs=cool_downs, paces=paces)
    http = await stack.enter_async_context(client)
    options = YahooOptions(
        base_url=base_urls.get("yahoo", ""),
        cache_dir=settings.home / "yfinance",
        pace=replace(PACE, per_s=per_s.get("yahoo", PACE.per_s)),
    )
    yahoo = YahooDesk(clock, cool_downs, options, paces)
    stack.callback(yahoo.close)
    return Sources(settings, universe, calendars, clock, store, http, yahoo)


def requests_per_s(feeds: Mapping[str, FeedSettings]) -> dict[str, float]:
    """How fast sources are asked that aren't asked at their own pace.

    A server in a source's place is not spared unless the settings say so.
    """
    said = {name: feed.requests_per_s for name, feed in feeds.items() if feed.requests_per_s is not None}
    return {name: 0.0 for name, feed in feeds.items() if feed.base_url} | said


def build_feeds(sources: Sources) -> dict[str, Feed]:
    """Every feed that the settings don't switch off, by the name that ``tapewatch fetch`` knows it under."""
    feeds = {
        **_price_feeds(sources),
        **_market_caps(sources),
        "etf_flows": OnlyNews(feed=flow_feed(sources)),
        "crypto": OnlyNews(feed=_crypto(sources)),
        "fear_greed": OnlyNews(feed=_fear_greed(sources)),
        "earnings": _earnings(sources),
        "events": _events(sources),
        "fundamentals": OnlyNews(feed=_fundamentals(sources)),
    }
    added: dict[str, BuildFeed] = plugins(FEEDS, feeds)
    feeds |= {name: OnlyNews(feed=build(sources.http)) for name, build in added.items()}
    return {name: feed for name, feed in feeds.items() if sources.enabled(name.partition(".")[0])}


def flow_feed(sources: Sources, only: str | None = None) -> EtfFlows:
    """The flows of spot ETFs, from every source in the order of preference, or from ``only`` one of them."""
    http, key, own = sources.http, sources.settings.secrets.sosovalue_api_key, sources.settings.files.flows
    keyed: list[FlowSource] = [SoSoValue(http=http, key=key)] if key or only else []
    sites = (theblock.SITE, tftc.SITE, farside.SITE, bitbo.SITE, cmc_flows.SITE)
    chain = [*keyed, *(SiteFlows(http=http, site=site) for site in sites)]
    imported: list[FlowSource] = [FlowsCsv(path=own)] if own else []
    return EtfFlows(sources=[*filter(lambda source: sources.enabled(source.name), chain), *imported], only=only)


def with_history(sources: Sources, feeds: Mapping[str, Feed], archive: Archive) -> dict[str, Feed]:
    """The feeds over what the archive knows: prices with a long history, others without their long past."""
    found = dict(feeds)
    for name, feed in feeds.items():
        if isinstance(feed, OnlyNews):
            past = _FILED_LATE if name == "fundamentals" else _TOLD_LATE
            found[name] = PastApart(name, feed, archive, sources.store.documents, past)
        if isinstance(feed, Prices):
            calendar = name.partition(".")[2]
            symbols = [item.symbol for item in _priced(sources.universe) if item.calendar == calendar]
            found[name] = Backfilled(name, feed, symbols, archive, sources.store.documents)
    return found


def build_streams(sources: Sources, feeds: Mapping[str, Feed]) -> dict[str, Stream]:
    """Live prices: bitcoin and ether from Coinbase, everything else from Yahoo.

    The last closes that the price ``feeds`` know let a price that looks like a split be held back.
    """
    prices = [feed for feed in feeds.values() if isinstance(feed, Prices)]

    def last_close(symbol: str) -> float | None:
        return next((close for feed in prices if (close := feed.last_close(symbol)) is not None), None)

    crypto = [item for item in sources.universe.instruments if item.kind is Kind.CRYPTO]
    others = [item for item in _priced(sources.universe) if item.kind is not Kind.CRYPTO]
    streams: dict[str, Stream] = {}
    if sources.enabled("coinbase"):
        coinbase = CoinbaseWire(sources.base_url("coinbase", COINBASE))
        streams["coinbase"] = PriceStream(coinbase, crypto, sources.calendars, sources.clock)
    if sources.enabled("yahoo_stream"):
        yahoo = YahooWire(sources.base_url("yahoo_stream", YAHOO))
        streams["yahoo_stream"] = PriceStream(yahoo, others, sources.calendars, sources.clock, last_close=last_close)
    return streams


def recording_feeds(feeds: Mapping[str, Feed], folder: Path) -> dict[str, Feed]:
    """The feeds, each answer of which is written down in ``folder`` as well."""
    return {name: RecordingFeed(feed, folder, name) for name, feed in feeds.items()}


def recording_streams(streams: Mapping[str, Stream], folder: Path, clock: Clock) -> dict[str, Stream]:
    """The streams, each turn of which is written down in ``folder`` as well."""
    return {name: RecordingStream(stream, folder, name, clock) for name, stream in streams.items()}


def recorded_feeds(names: Iterable[str], folder: Path) -> dict[str, Feed]:
    """Those of ``names`` that are feeds, each answering from its recording in ``folder``."""
    return {name: RecordedFeed(folder, name) for name in names if name not in STREAMS}


def recorded_streams(names: Iterable[str], folder: Path, clock: Clock) -> dict[str, Stream]:
    """Those of ``names`` that are streams, each told anew when its time comes on ``clock``."""
    return {name: RecordedStream(folder, name, clock) for name in names if name in STREAMS}


def _priced(universe: Universe) -> Sequence[Instrument]:
    return [item for item in universe.instruments if item.priced and item.kind is not Kind.FUND]


def _price_feeds(sources: Sources) -> dict[str, Feed]:
    """One feed a calendar, so that each market is asked in its own time."""
    if not sources.enabled("yahoo"):
        return {}
    by_calendar: dict[str, list[Instrument]] = {}
    for item in _priced(sources.universe):
        by_calendar.setdefault(item.calendar, []).append(item)
    others = [source for source in (TENCENT, EASTMONEY) if sources.enabled(source.name)]
    return {
        f"prices.{calendar}": Prices(
            YahooPrices(sources.yahoo, members, sources.calendars),
            HkIndexHistory(sources.http, sources.calendars, others),
            [item.symbol for item in members],
        )
        for calendar, members in by_calendar.items()
    }


def _market_caps(sources: Sources) -> dict[str, Feed]:
    if not sources.enabled("yahoo"):
        return {}
    companies = [item for item in _priced(sources.universe) if item.kind is Kind.EQUITY]
    return {"market_caps": YahooCaps(desk=sources.yahoo, instruments=companies, calendars=sources.calendars)}


def _together(sources: Sources, made: Mapping[str, Callable[[], Feed]], *own: Feed) -> Feed:
    """The feeds of the sources that aren't left out, and the desk's own."""
    return Together(feeds=[*(make() for name, make in made.items() if sources.enabled(name)), *own])


def _crypto(sources: Sources) -> Feed:
    http, secrets, documents = sources.http, sources.settings.secrets, sources.store.documents

    def kept(name: str, feed: Feed) -> Feed:
        return DailySnapshots(name=name, feed=feed, documents=documents)

    made: dict[str, Callable[[], Feed]] = {
        "coinmarketcap": lambda: kept("coinmarketcap", CoinMarketCap(http=http, key=secrets.cmc_api_key)),
        "coingecko": lambda: kept("coingecko", CoinGecko(http=http, key=secrets.coingecko_api_key)),
    }
    own = sources.settings.files.crypto
    return _together(sources, made, *([DailyCsv(path=own, prefix="crypto.coinmarketcap")] if own else []))


def _fear_greed(sources: Sources) -> Feed:
    http, key = sources.http, sources.settings.secrets.cmc_api_key
    made: dict[str, Callable[[], Feed]] = {
        "coinmarketcap": lambda: CoinMarketCapFear(http=http, key=key),
        "alternative_me": lambda: AlternativeMe(http=http),
    }
    return _together(sources, made)


def _events(sources: Sources) -> Feed:
    """The bundled calendar and the desk's own."""
    files, zone = sources.settings.files, sources.settings.reader.reader().tz
    events = Events(paths=(BUNDLED, *files.events))
    return Together(feeds=[events, *(Ics(path=path, zone=zone) for path in files.calendars)])


def _earnings(sources: Sources) -> Feed:
    equities = [item for item in _priced(sources.universe) if item.kind is Kind.EQUITY]
    american = [item.symbol for item in equities if item.calendar == "XNYS"]
    elsewhere = [item.symbol for item in equities if item.calendar != "XNYS"]
    own = sources.settings.files.earnings
    files = [EarningsFile(paths=own, known=sources.universe.by_symbol)] if own else []
    calendars: list[EarningsSource] = [
        YahooEarnings(desk=sources.yahoo, symbols=american),
        NasdaqEarnings(http=sources.http, symbols=american),
        YahooCompanyDates(desk=sources.yahoo, symbols=elsewhere),
    ]
    asked = [source for source in calendars if sources.enabled(source.name)]
    return Earnings(sources=[*files, *asked], documents=sources.store.documents)


def _fundamentals(sources: Sources) -> Feed:
    symbols = [item.symbol for item in sources.universe.tagged("coverage") if item.calendar == "XNYS"]
    api = SecApi(http=sources.http, contact=sources.settings.sec_contact)
    filings: list[Feed] = [
        SecFundamentals(api=api, symbols=symbols),
        SecSegments(api=api, symbols=[symbol for symbol in symbols if symbol in SEGMENTS]),
    ]
    fallback = YahooFundamentals(desk=sources.yahoo) if sources.enabled("yahoo") else None
    asked = sources.enabled("sec") and sources.settings.sec_contact
    return Fundamentals(symbols=symbols, filings=filings if asked else [], fallback=fallback)


def no_filings(sources: Sources) -> FeedProblem | None:
    """Why the SEC isn't asked, where that is for want of a contact: no failure of a source, but good to know."""
    return SecApi(http=sources.http, contact=sources.settings.sec_contact).missing_contact()
