"""The feeds and streams by name. A new source is one file in ``adapters/feeds`` and one line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from adapters.clock import Clock
from adapters.feeds.bitbo import Bitbo
from adapters.feeds.cmc_flows import CmcFlows
from adapters.feeds.coingecko import CoinGecko
from adapters.feeds.coinmarketcap import CoinMarketCap, CoinMarketCapFear
from adapters.feeds.cool_downs import StoredCoolDowns
from adapters.feeds.daily_csv import DailyCsv
from adapters.feeds.earnings import Earnings
from adapters.feeds.earnings_file import EarningsFile
from adapters.feeds.earnings_nasdaq import NasdaqEarnings
from adapters.feeds.earnings_yahoo import YahooCompanyDates, YahooEarnings
from adapters.feeds.etf_flows import EtfFlows
from adapters.feeds.events import BUNDLED, Events
from adapters.feeds.farside import Farside
from adapters.feeds.fear_greed import AlternativeMe
from adapters.feeds.flow_day import FlowSource
from adapters.feeds.flows_csv import FlowsCsv
from adapters.feeds.fundamentals import Fundamentals
from adapters.feeds.hk_index import HkIndexHistory
from adapters.feeds.ics import Ics
from adapters.feeds.news import OnlyNews
from adapters.feeds.port import Feed, Stream
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
from adapters.feeds.tftc import Tftc
from adapters.feeds.theblock import TheBlock
from adapters.feeds.together import Together
from adapters.feeds.yahoo import DEFAULT_PACE, YahooDesk, YahooOptions, YahooPrices
from adapters.feeds.yahoo_fundamentals import YahooFundamentals
from adapters.http import HttpClient
from adapters.store.port import Store
from bot.app.plugins import FEEDS, BuildFeed, plugins
from bot.archive import Archive
from bot.backfilling import Backfilled
from bot.feed_settings import FeedSettings
from bot.settings import Settings
from rules.calendars import Calendars
from rules.universe import Instrument, Kind, Universe

STREAMS = ("coinbase", "yahoo_stream")


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
        configured = self.settings.feeds.get(source)
        return configured.base_url if configured and configured.base_url else default


async def open_sources(  # noqa: PLR0917 - a composition root hands over what it made
    stack: AsyncExitStack, settings: Settings, universe: Universe, calendars: Calendars, clock: Clock, store: Store
) -> Sources:
    """Open what the feeds share."""
    cool_downs = StoredCoolDowns(store.documents)
    base_urls = {name: feed.base_url for name, feed in settings.feeds.items() if feed.base_url}
    http = await stack.enter_async_context(HttpClient(clock, base_urls=base_urls, cool_downs=cool_downs))
    options = yahoo_options(settings.feeds.get("yahoo", FeedSettings()), settings.home)
    yahoo = YahooDesk(clock, cool_downs, options)
    stack.callback(yahoo.close)
    return Sources(settings, universe, calendars, clock, store, http, yahoo)


def yahoo_options(configured: FeedSettings, home: Path) -> YahooOptions:
    """How Yahoo is asked; a server in Yahoo's place is not spared unless the settings say so."""
    pace = 0.0 if configured.base_url else DEFAULT_PACE
    return YahooOptions(
        base_url=configured.base_url,
        cache_dir=home / "yfinance",
        requests_per_s=pace if configured.requests_per_s is None else configured.requests_per_s,
    )


def build_feeds(sources: Sources) -> dict[str, Feed]:
    """Every feed that the settings don't switch off, by the name that ``tapewatch fetch`` knows it under."""
    feeds = {
        **_price_feeds(sources),
        "etf_flows": OnlyNews(feed=flow_feed(sources)),
        "crypto": OnlyNews(feed=_crypto(sources)),
        "fear_greed": OnlyNews(feed=_fear_greed(sources)),
        "earnings": _earnings(sources),
        "events": _events(sources),
        "fundamentals": OnlyNews(feed=_fundamentals(sources)),
    }
    added: dict[str, BuildFeed] = plugins(FEEDS, feeds)
    feeds |= {name: OnlyNews(feed=build(sources.http)) for name, build in added.items()}
    return {name: feed for name, feed in feeds.items() if _enabled(sources, name.partition(".")[0])}


def flow_feed(sources: Sources, only: str | None = None) -> EtfFlows:
    """The flows of spot ETFs, from every source in the order of preference, or from ``only`` one of them."""
    http, secrets = sources.http, sources.settings.secrets
    keyless: list[FlowSource] = [TheBlock(http=http), Tftc(http=http), Farside(http=http), Bitbo(http=http)]
    keyless.append(CmcFlows(http=http))
    keyed: list[FlowSource] = [SoSoValue(http=http, key=secrets.sosovalue_api_key)]
    own = sources.settings.files.flows
    imported: list[FlowSource] = [FlowsCsv(path=own)] if own else []
    chain = [*(keyed if secrets.sosovalue_api_key or only else []), *keyless, *imported]
    return EtfFlows(sources=[source for source in chain if _enabled(sources, source.name)], only=only)


def with_history(sources: Sources, feeds: Mapping[str, Feed], archive: Archive) -> dict[str, Feed]:
    """The feeds, those of prices with a long history that is fetched before they are first asked."""
    found = dict(feeds)
    for name, feed in feeds.items():
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
    if _enabled(sources, "coinbase"):
        coinbase = CoinbaseWire(sources.base_url("coinbase", COINBASE))
        streams["coinbase"] = PriceStream(coinbase, crypto, sources.calendars, sources.clock)
    if _enabled(sources, "yahoo_stream"):
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


def _enabled(sources: Sources, name: str) -> bool:
    configured = sources.settings.feeds.get(name)
    return configured is None or configured.enabled


def _priced(universe: Universe) -> Sequence[Instrument]:
    return [item for item in universe.instruments if item.priced and item.kind is not Kind.FUND]


def _price_feeds(sources: Sources) -> dict[str, Feed]:
    """One feed a calendar, so that each market is asked in its own time."""
    by_calendar: dict[str, list[Instrument]] = {}
    for item in _priced(sources.universe):
        by_calendar.setdefault(item.calendar, []).append(item)
    return {
        f"prices.{calendar}": Prices(
            YahooPrices(sources.yahoo, members, sources.calendars),
            HkIndexHistory(sources.http, sources.calendars),
            [item.symbol for item in members],
        )
        for calendar, members in by_calendar.items()
    }


def _crypto(sources: Sources) -> Feed:
    http, secrets, documents = sources.http, sources.settings.secrets, sources.store.documents
    providers: dict[str, Feed] = {
        "coinmarketcap": CoinMarketCap(http=http, key=secrets.cmc_api_key),
        "coingecko": CoinGecko(http=http, key=secrets.coingecko_api_key),
    }
    feeds: list[Feed] = [
        DailySnapshots(name=name, feed=feed, documents=documents)
        for name, feed in providers.items()
        if _enabled(sources, name)
    ]
    if own := sources.settings.files.crypto:
        feeds.append(DailyCsv(path=own, prefix="crypto.coinmarketcap"))
    return Together(feeds=feeds)


def _events(sources: Sources) -> Feed:
    """The bundled calendar and the desk's own."""
    files, zone = sources.settings.files, sources.settings.reader.reader().tz
    events = Events(paths=(BUNDLED, *files.events))
    return Together(feeds=[events, *(Ics(path=path, zone=zone) for path in files.calendars)])


def _fear_greed(sources: Sources) -> Feed:
    http = sources.http
    return Together(
        feeds=[CoinMarketCapFear(http=http, key=sources.settings.secrets.cmc_api_key), AlternativeMe(http=http)]
    )


def _earnings(sources: Sources) -> Feed:
    equities = [item for item in _priced(sources.universe) if item.kind is Kind.EQUITY]
    american = [item.symbol for item in equities if item.calendar == "XNYS"]
    elsewhere = [item.symbol for item in equities if item.calendar != "XNYS"]
    own = sources.settings.files.earnings
    files = [EarningsFile(paths=own, known=sources.universe.by_symbol)] if own else []
    return Earnings(
        sources=[
            *files,
            YahooEarnings(desk=sources.yahoo, symbols=american),
            NasdaqEarnings(http=sources.http, symbols=american),
            YahooCompanyDates(desk=sources.yahoo, symbols=elsewhere),
        ],
        documents=sources.store.documents,
    )


def _fundamentals(sources: Sources) -> Feed:
    symbols = [item.symbol for item in sources.universe.tagged("coverage") if item.calendar == "XNYS"]
    api = SecApi(http=sources.http, contact=sources.settings.sec_contact)
    filings: list[Feed] = [SecFundamentals(api=api, symbols=symbols)]
    filings.append(SecSegments(api=api, symbols=[symbol for symbol in symbols if symbol in SEGMENTS]))
    return Fundamentals(symbols=symbols, filings=filings, fallback=YahooFundamentals(desk=sources.yahoo))
