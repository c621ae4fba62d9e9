"""Every source at one scripted server: each below its own name, answering for the time that it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.clock import SteppingClock
from adapters.feeds.daily_bars import Bar
from adapters.http import HttpClient
from bot.feeding.settings import SOURCES, FeedSettings
from rules.calendars.sessions import Calendars
from tests.adapters.feeds import calendar_pages, crypto_pages, flow_pages
from tests.fakes import yahoo
from tests.fakes.http_server import FakeHttp, Reply, Request, not_found, ok_json, ok_text

CALENDARS = Calendars()
STREAMS = ("yahoo_stream", "coinbase")
HTTP_SOURCES = tuple(name for name in SOURCES if name not in STREAMS)
UNIVERSE = """
version: 1
groups:
  - {kind: equity, currency: USD, calendar: XNYS, instruments: [{symbol: AMZN, name: Amazon, tags: [coverage]}]}
  - {kind: equity, currency: HKD, calendar: XHKG, instruments: [{symbol: 0700.HK, name: Tencent}]}
  - {kind: index, currency: HKD, calendar: XHKG, instruments: [{symbol: HSTECH.HK, name: Hang Seng Tech}]}
  - {kind: crypto, currency: USD, calendar: 24/7, instruments: [{symbol: BTC-USD, name: Bitcoin, aliases: [BTC]}]}
"""


def client_of(server: FakeHttp, now: datetime, timeout_s: float = 10.0) -> HttpClient:
    """A client whose clock stands at ``now``, and for which every source is at ``server``."""
    base_urls = dict.fromkeys(SOURCES, server.base_url)
    return HttpClient(SteppingClock(now), base_urls=base_urls, timeout_s=timeout_s)


class FakeSources:
    """All sources; one with ``trouble`` answers with that alone."""

    def __init__(self, server: FakeHttp, now: Callable[[], datetime]) -> None:
        self.trouble: dict[str, Reply] = {}
        self._server = server
        self._now = now
        server.route("*", self._answer)

    @property
    def settings(self) -> Mapping[str, FeedSettings]:
        """The ``feeds:`` section that points every source here, and leaves the streams out."""
        here = {name: FeedSettings(base_url=f"{self._server.base_url}/{name}") for name in HTTP_SOURCES}
        return here | {name: FeedSettings(enabled=False) for name in STREAMS}

    def asked(self) -> Counter[str]:
        """How many requests each source has had."""
        return Counter(request.path.split("/")[1] for request in self._server.requests)

    def _answer(self, request: Request) -> Reply:
        _, source, *rest = request.path.split("/", 2)
        path, now = "/" + "".join(rest), self._now()
        if source in self.trouble:
            return self.trouble[source]
        found = next((body for end, body in _DOCUMENTS[source](now).items() if path.endswith(end)), None)
        return not_found() if found is None else ok_text(found) if isinstance(found, str) else ok_json(found)


Documents = Mapping[str, Any]
"""Answers by the end of their path: text as a page, all else as JSON."""


def _pages_of_flows(now: datetime) -> Documents:
    page = flow_pages.farside_page(flow_pages.farside_rows(_week(now)) + flow_pages.FOOTER)
    return dict.fromkeys(("/btc/", "/eth/", "/sol/"), page)


def _tftc(now: datetime) -> Documents:
    week = _week(now)
    return {"/data.json": {**flow_pages.tftc_table(week), "updatedThrough": max(week)}}


def _sosovalue(now: datetime) -> Documents:
    week, funds = _week(now), ("IBIT", "FBTC", "GBTC", "BTC")
    histories = {
        f"/{fund}/history": flow_pages.soso(
            [{"date": day, "ticker": fund, "net_inflow": flows[fund] * 1e6} for day, flows in week.items()]
        )
        for fund in funds
    }
    return {
        "/etfs": flow_pages.soso([{"ticker": fund} for fund in funds]),
        "/summary-history": flow_pages.soso([]),
        **histories,
    }


def _coinmarketcap(now: datetime) -> Documents:
    market = crypto_pages.cmc_market()
    market["data"]["last_updated"] = now.isoformat()
    return {
        "/quotes/latest": market,
        "/fear-and-greed/latest": crypto_pages.cmc_fear(),
        "/historical": crypto_pages.cmc_fear_history({f"{now - timedelta(days=1):%Y-%m-%d}": 39}),
    }


def _coingecko(now: datetime) -> Documents:
    world = crypto_pages.coingecko_global()
    world["data"]["updated_at"] = int(now.timestamp())
    return {"/global": world}


def _sec(now: datetime) -> Documents:
    quarter = ("2026-01-01", "2026-03-31")
    report = ("0001018724-26-000100", "10-Q", "2026-05-01", "2026-03-31", "amzn-20260331.htm")
    income = calendar_pages.sec_fact(*quarter, 5e9, "2026-05-01")
    return {
        "/companyfacts/CIK0001018724.json": calendar_pages.company_facts({"NetIncomeLoss": [income]}),
        "/submissions/CIK0001018724.json": calendar_pages.submissions([report]),
        "_htm.xml": calendar_pages.instance([(*quarter, _AWS, 33e9)]),
    }


def _yahoo(now: datetime) -> Documents:
    ahead = now + timedelta(days=10)
    row = ("AMZN", "Amazon", f"{ahead:%Y-%m-%dT20:00:00.000Z}", "AMC")
    return {
        "/finance/quote": yahoo.quotes({"AMZN": 2.4e12}, quoted_at=now),
        "/finance/visualization": calendar_pages.yahoo_calendar([row]),
        "/quoteSummary/0700.HK": calendar_pages.yahoo_company([int(ahead.timestamp())], estimate=False),
        "/timeseries/AMZN": calendar_pages.yahoo_series({"quarterlyTotalRevenue": {"2026-03-31": 60e9}}),
        **{f"/chart/{symbol}": _chart(symbol, now) for symbol in ("AMZN", "0700.HK", "HSTECH.HK", "BTC-USD")},
    }


_DOCUMENTS: Mapping[str, Callable[[datetime], Documents]] = {
    "yahoo": _yahoo,
    "theblock": lambda now: {".json": flow_pages.theblock_chart(_week(now))},
    "tftc": _tftc,
    "farside": _pages_of_flows,
    "bitbo": lambda now: {"/etf-flows/": flow_pages.bitbo_page(_week(now))},
    "cmc": lambda now: {"/chart": flow_pages.cmc_chart(_week(now))},
    "sosovalue": _sosovalue,
    "coinmarketcap": _coinmarketcap,
    "coingecko": _coingecko,
    "alternative_me": lambda now: {"/fng/": crypto_pages.alternative_me([(f"{now:%Y-%m-%d}", 47)])},
    "nasdaq": lambda now: {"/earnings": calendar_pages.nasdaq_day("", [calendar_pages.nasdaq_row("AMZN")])},
    "sec": _sec,
    "tencent": lambda now: {"/get": {"code": 0, "msg": "", "data": {"hkHSTECH": {"day": _rows(now)}}}},
    "eastmoney": lambda now: {"/get": {"rc": 0, "data": {"klines": [",".join(row) for row in _rows(now)]}}},
}
_AWS = {"us-gaap:StatementBusinessSegmentsAxis": "amzn:AmazonWebServicesSegmentMember"}


def _week(now: datetime) -> Mapping[str, Mapping[str, float]]:
    """Flows of the last finished sessions."""
    calendar = CALENDARS.get("XNYS")
    last = calendar.session_of(now)
    last = last if calendar.close(last) + timedelta(hours=8) < now else calendar.previous(last)
    days = [calendar.previous(last, back) if back else last for back in (4, 3, 2, 1, 0)]
    return {f"{day}": {"IBIT": 100.0, "FBTC": -20.0, "GBTC": 0.0, "BTC": 5.0} for day in days}


def _rows(now: datetime) -> list[list[str]]:
    bars = _bars("XHKG", now)
    return [
        [f"{bar.day}", *(f"{price:.2f}" for price in (bar.open, bar.close, bar.high, bar.low)), "0"] for bar in bars
    ]


def _bars(calendar_name: str, now: datetime) -> list[Bar]:
    calendar = CALENDARS.get(calendar_name)
    last = calendar.session_of(now)
    days = [calendar.previous(last, back) if back else last for back in range(24, -1, -1)]
    return [Bar(day, 100.0 + n, 102.0 + n, 99.0 + n, 101.0 + n, 1000.0) for n, day in enumerate(days)]


def _chart(symbol: str, now: datetime) -> dict[str, Any]:
    hong_kong, crypto = symbol.endswith(".HK"), symbol.endswith("-USD")
    calendar = "XHKG" if hong_kong else "24/7" if crypto else "XNYS"
    bars = _bars(calendar, now)[-2 if symbol == "HSTECH.HK" else 0 :]  # of which Yahoo has no history
    quoted_at = min(now, CALENDARS.get(calendar).close(bars[-1].day) + timedelta(minutes=10 * hong_kong))
    tz = "Asia/Hong_Kong" if hong_kong else "UTC" if crypto else "America/New_York"
    return yahoo.chart(symbol, bars, quoted_at=quoted_at.astimezone(UTC), tz=tz)
