"""Every feed that asks over HTTP, with a good answer for each of its requests: what the contract suite runs over."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.feeds import bitbo, cmc_flows, farside, tftc, theblock
from adapters.feeds.coingecko import CoinGecko
from adapters.feeds.coinmarketcap import CoinMarketCap, CoinMarketCapFear
from adapters.feeds.cool_downs import StoredCoolDowns
from adapters.feeds.earnings_nasdaq import NasdaqEarnings
from adapters.feeds.earnings_yahoo import YahooCompanyDates, YahooEarnings
from adapters.feeds.fear_greed import AlternativeMe
from adapters.feeds.flow_site import SiteFlows
from adapters.feeds.port import Feed
from adapters.feeds.sec import SecFundamentals
from adapters.feeds.sec_api import SecApi
from adapters.feeds.sec_segments import SecSegments
from adapters.feeds.sosovalue import SoSoValue
from adapters.feeds.yahoo import YahooDesk, YahooOptions, YahooPrices
from adapters.feeds.yahoo_caps import YahooCaps
from adapters.feeds.yahoo_fundamentals import YahooFundamentals
from adapters.http import HttpClient
from adapters.paces import Pace
from rules.calendars.sessions import Calendars
from rules.universe import Instrument, Kind
from tests.adapters.feeds import calendar_pages, crypto_pages, flow_pages
from tests.fakes import yahoo as yahoo_chart
from tests.fakes.documents import MemoryDocuments
from tests.fakes.http_server import Reply, ok_json, ok_text

NOW = datetime(2026, 7, 24, 12, tzinfo=UTC)
KEY = SecretStr("k3y-that-nobody-may-see")
CONTACT = "Example Research desk@example.com"


@dataclass
class World:
    """What a feed is built with: the client, the server's address and a folder for caches."""

    http: HttpClient
    url: str
    folder: Path
    timeout_s: float = 10.0
    desks: list[YahooDesk] = field(default_factory=list)

    def desk(self) -> YahooDesk:
        """A desk for the Yahoo feeds that asks the local server without pausing."""
        options = YahooOptions(base_url=self.url, cache_dir=self.folder, pace=Pace(0), timeout_s=self.timeout_s)
        self.desks.append(YahooDesk(SteppingClock(NOW), StoredCoolDowns(MemoryDocuments()), options))
        return self.desks[-1]

    def sec(self) -> SecApi:
        """The SEC at the local server."""
        return SecApi(http=self.http, contact=CONTACT)


@dataclass(frozen=True)
class Case:
    """A feed; ``answers`` are its good ones by path (text stays text, all else is JSON).

    ``rows`` names, by path, the list (dotted) whose order and repetitions must not matter.
    """

    name: str
    build: Callable[[World], Feed]
    answers: Mapping[str, Any]
    rows: Mapping[str, str] = field(default_factory=dict)

    def replies(self, change: Callable[[str, Any], Any] = lambda path, answer: answer) -> dict[str, Reply]:
        """The good answers, each passed through ``change`` first."""
        return {path: as_reply(change(path, answer)) for path, answer in self.answers.items()}


def as_reply(answer: Any) -> Reply:
    """Text as a page, anything else as JSON."""
    return ok_text(answer) if isinstance(answer, str) else ok_json(answer)


def _web(kind: Callable[..., Feed], **options: Any) -> Callable[[World], Feed]:
    return lambda world: kind(http=world.http, **options)


YTD = [
    calendar_pages.sec_fact("2026-01-01", "2026-03-31", 100e9, "2026-04-30"),
    calendar_pages.sec_fact("2026-01-01", "2026-06-30", 230e9, "2026-07-23"),
]
SEC_CONCEPTS = (
    "RevenueFromContractWithCustomerExcludingAssessedTax",
    "NetIncomeLoss",
    "GrossProfit",
    "PaymentsToAcquireProductiveAssets",
)
FILING = ("0001018724-26-000100", "10-Q", "2026-07-23", "2026-06-30", "amzn-20260630.htm")
AWS = {"us-gaap:StatementBusinessSegmentsAxis": "amzn:AmazonWebServicesSegmentMember"}
QUARTER = calendar_pages.instance([("2026-04-01", "2026-06-30", AWS, 33e9), ("2025-04-01", "2025-06-30", AWS, 28e9)])

WEEK = yahoo_chart.bars(date(2026, 7, 20), [170.0, 171.5, 172.0, 169.25])
NVDA = Instrument("NVDA", {"en": "Nvidia", "zh": "英伟达"}, Kind.EQUITY, "USD", "XNYS")

CASES = [
    Case(
        "yahoo prices",
        lambda world: YahooPrices(world.desk(), (NVDA,), Calendars()),
        {"/v8/finance/chart/NVDA": yahoo_chart.chart("NVDA", WEEK, quoted_at=datetime(2026, 7, 23, 20, tzinfo=UTC))},
    ),
    Case(
        "farside",
        _web(SiteFlows, site=farside.SITE, assets=("BTC",)),
        {"/btc/": flow_pages.farside_page(flow_pages.farside_rows())},
    ),
    Case("bitbo", _web(SiteFlows, site=bitbo.SITE), {"/treasuries/etf-flows/": flow_pages.bitbo_page()}),
    Case(
        "theblock",
        _web(SiteFlows, site=theblock.SITE, assets=("ETH",)),
        {"/dashboard/markets_structuredproducts_ethspotetfflows_daily_other.json": flow_pages.theblock_chart()},
        {"/dashboard/markets_structuredproducts_ethspotetfflows_daily_other.json": "Series.IBIT.Data"},
    ),
    Case(
        "tftc",
        _web(SiteFlows, site=tftc.SITE),
        {"/bitcoin-etf-flows/data.json": flow_pages.tftc_table()},
        {"/bitcoin-etf-flows/data.json": "days"},
    ),
    Case(
        "cmc flows",
        _web(SiteFlows, site=cmc_flows.SITE, assets=("SOL",)),
        {"/data-api/v3/etf/overview/netflow/chart": flow_pages.cmc_chart()},
        {"/data-api/v3/etf/overview/netflow/chart": "data.points"},
    ),
    Case(
        "sosovalue",
        _web(SoSoValue, key=KEY, assets=("BTC",)),
        {
            "/openapi/v1/etfs": flow_pages.soso([{"ticker": "IBIT"}, {"ticker": "FBTC"}]),
            "/openapi/v1/etfs/summary-history": flow_pages.soso([]),
            "/openapi/v1/etfs/IBIT/history": flow_pages.soso_history("IBIT"),
            "/openapi/v1/etfs/FBTC/history": flow_pages.soso_history("FBTC"),
        },
        {"/openapi/v1/etfs/IBIT/history": "data"},
    ),
    Case(
        "coinmarketcap", _web(CoinMarketCap, key=KEY), {"/v1/global-metrics/quotes/latest": crypto_pages.cmc_market()}
    ),
    Case(
        "coinmarketcap fear",
        _web(CoinMarketCapFear),
        {
            "/v3/fear-and-greed/latest": crypto_pages.cmc_fear(),
            "/v3/fear-and-greed/historical": crypto_pages.cmc_fear_history({"2026-07-22": 38, "2026-07-23": 39}),
        },
        {"/v3/fear-and-greed/historical": "data"},
    ),
    Case("coingecko", _web(CoinGecko, key=KEY), {"/global": crypto_pages.coingecko_global()}),
    Case(
        "alternative.me",
        _web(AlternativeMe),
        {"/fng/": crypto_pages.alternative_me([("2026-07-24", 47), ("2026-07-23", 33)])},
        {"/fng/": "data"},
    ),
    Case(
        "nasdaq",
        _web(NasdaqEarnings, days=1),
        {
            "/api/calendar/earnings": calendar_pages.nasdaq_day(
                "Fri, Jul 24, 2026", [calendar_pages.nasdaq_row("AMZN"), calendar_pages.nasdaq_row("MSFT")]
            )
        },
        {"/api/calendar/earnings": "data.rows"},
    ),
    Case(
        "yahoo caps",
        lambda world: YahooCaps(desk=world.desk(), instruments=(NVDA,), calendars=Calendars()),
        {"/v7/finance/quote": yahoo_chart.quotes({"NVDA": 4.2e12}, quoted_at=datetime(2026, 7, 23, 20, tzinfo=UTC))},
        {"/v7/finance/quote": "quoteResponse.result"},
    ),
    Case(
        "yahoo earnings",
        lambda world: YahooEarnings(desk=world.desk()),
        {
            "/v1/finance/visualization": calendar_pages.yahoo_calendar(
                [
                    ("AMZN", "Amazon", "2026-07-30T20:00:00.000Z", "AMC"),
                    ("MSFT", "Microsoft", "2026-07-28T20:00:00.000Z", "AMC"),
                ]
            )
        },
        {"/v1/finance/visualization": "finance.result.0.documents.0.rows"},
    ),
    Case(
        "yahoo company dates",
        lambda world: YahooCompanyDates(desk=world.desk(), symbols=("0700.HK",)),
        {"/v10/finance/quoteSummary/0700.HK": calendar_pages.yahoo_company([1_786_608_000], estimate=False)},
        {"/v10/finance/quoteSummary/0700.HK": "quoteSummary.result.0.calendarEvents.earnings.earningsDate"},
    ),
    Case(
        "yahoo fundamentals",
        lambda world: YahooFundamentals(desk=world.desk(), symbols=("NVDA",)),
        {
            "/ws/fundamentals-timeseries/v1/finance/timeseries/NVDA": calendar_pages.yahoo_series(
                {"quarterlyTotalRevenue": {"2026-01-31": 60e9, "2026-04-30": 70e9}}
            )
        },
        {"/ws/fundamentals-timeseries/v1/finance/timeseries/NVDA": "timeseries.result"},
    ),
    Case(
        "sec",
        lambda world: SecFundamentals(api=world.sec(), symbols=("AMZN",)),
        {"/api/xbrl/companyfacts/CIK0001018724.json": calendar_pages.company_facts(dict.fromkeys(SEC_CONCEPTS, YTD))},
        {"/api/xbrl/companyfacts/CIK0001018724.json": "facts.us-gaap.NetIncomeLoss.units.USD"},
    ),
    Case(
        "sec segments",
        lambda world: SecSegments(api=world.sec(), symbols=("AMZN",)),
        {
            "/submissions/CIK0001018724.json": calendar_pages.submissions([FILING]),
            "/Archives/edgar/data/1018724/000101872426000100/amzn-20260630_htm.xml": QUARTER,
        },
    ),
]


def with_rows_shuffled(answer: Any, path: str) -> Any:
    """``answer`` with the list at ``path`` reversed and then given once more."""
    changed = json.loads(json.dumps(answer))
    *parents, last = path.split(".")
    holder = changed
    for key in parents:
        holder = holder[int(key)] if isinstance(holder, list) else holder[key]
    holder[last] = [*reversed(holder[last]), *holder[last]]
    return changed
