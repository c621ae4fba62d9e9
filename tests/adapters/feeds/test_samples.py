"""An extra check against captured answers of the sources, in the folder that ``TAPEWATCH_SAMPLES`` names, if any."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.clock import SteppingClock
from adapters.feeds import (
    cmc_flows,
    coingecko,
    coinmarketcap,
    earnings_nasdaq,
    fear_greed,
    flow_html,
    sosovalue,
    tftc,
    theblock,
    xbrl,
)
from adapters.feeds.answer import BadAnswer
from adapters.feeds.flow_rows import to_days
from adapters.feeds.hk_index import HkIndexHistory
from adapters.feeds.streams import Tick
from adapters.feeds.streams_coinbase import CoinbaseWire
from adapters.feeds.streams_yahoo import YahooWire
from adapters.http import HttpClient
from rules.calendars.sessions import Calendars
from rules.model import Status
from tests.fakes.http_server import FakeHttp, not_found, ok_text

FOLDER = os.environ.get("TAPEWATCH_SAMPLES", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="TAPEWATCH_SAMPLES names no folder")
NOW = datetime(2026, 10, 1, tzinfo=UTC)


def sample(beginning: str) -> str:
    """The text of the sample whose name begins so."""
    [path] = Path(FOLDER).glob(f"{beginning}*")
    return path.read_text(encoding="utf-8")


def document(beginning: str) -> Any:
    """The same as JSON."""
    return json.loads(sample(beginning))


def test_farside_and_sosovalue_agree():
    """A saved page's days are complete but the newest; its totals match the other source's to US$ 0.2 m."""
    answer = to_days("BTC", "farside", flow_html.parse(sample("farside_btc")), datetime(2026, 7, 24, 12, tzinfo=UTC))
    assert () == answer.problems
    assert [Status.FINAL] * 13 + [Status.PENDING] == [day.status for day in answer.days]
    assert -95.3e6 == answer.days[3].total
    theirs = sosovalue.parse_summary(document("sosovalue_summary"))
    gaps = [abs(day.total - theirs[day.day]) for day in answer.days if day.total is not None and day.day in theirs]
    assert all(gap < 0.2e6 for gap in gaps)


def test_the_others_are_readable():
    """Each sample has what its parser wants."""
    assert theblock.parse(document("theblock")).rows
    assert tftc.parse(document("tftc")).totals
    assert sosovalue.parse_history(document("sosovalue_fund"))
    assert list(coinmarketcap.parse_market(document("cmc_keyless_global"), NOW))
    assert coinmarketcap.parse_fear(document("cmc_keyless_fear"), NOW).value is not None
    assert list(coingecko.parse(document("coingecko_global"), NOW))
    assert fear_greed.parse(document("alternative_me"), NOW)
    nasdaq = document("nasdaq_calendar")
    assert list(earnings_nasdaq.parse(nasdaq, datetime(2026, 7, 17, tzinfo=UTC).date()))


def test_aws_revenue_is_read_from_an_instance():
    """27,452 million in the third quarter of 2024."""
    facts = xbrl.segment_facts(
        sample("amzn_10q"), "AmazonWebServicesSegmentMember", ("RevenueFromContractWithCustomerExcludingAssessedTax",)
    )
    assert [27_452e6] == [fact.value for fact in facts]


def test_coinmarketcaps_chart_is_taken_by_the_day_alone():
    """The sample is monthly, which is refused; its points are read as they stand."""
    chart = document("cmc_data_api_etf")
    with pytest.raises(BadAnswer, match="monthly"):
        cmc_flows.parse(chart)
    chart["data"]["aggregation"] = "daily"
    assert [6036200000, 4459333000] == [*cmc_flows.parse(chart).values()]


async def test_tencents_rows_are_closes(http_server: FakeHttp):
    """Those of 9 and 10 July 2026."""
    http_server.route("/appstock/*", ok_text(sample("tencent")))
    http_server.route("*", not_found())
    async with HttpClient(
        SteppingClock(NOW), base_urls=dict.fromkeys(("tencent", "eastmoney"), http_server.base_url)
    ) as http:
        fetched = await HkIndexHistory(http, Calendars()).fetch(datetime(2026, 7, 10, 8, 30, tzinfo=UTC))
    assert [4700.0, 4721.66] == [item.value for item in fetched.observations if item.series.endswith(".close")]


def test_the_streams_frames_are_ticks():
    """Bitcoin at Coinbase in 2020 and at Yahoo in 2025."""
    at = datetime(2020, 2, 1, 1, 40, 16, 253563, tzinfo=UTC)
    assert [Tick("BTC-USD", 9380.55, at)] == [*CoinbaseWire().ticks(sample("coinbase"))]
    told = document("yahoo_streamer")
    (tick,) = YahooWire().ticks(json.dumps(told["frame"]))
    assert ("BTC-USD", told["decoded"]["time"]) == (tick.symbol, str(round(tick.at.timestamp() * 1000)))
    assert told["decoded"]["price"] == pytest.approx(tick.price)
