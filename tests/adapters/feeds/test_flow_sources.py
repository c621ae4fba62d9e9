"""What each source of ETF flows does in its own way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.feeds import cmc_flows, farside, tftc, theblock
from adapters.feeds.answer import BadAnswer
from adapters.feeds.flow_day import FlowDay
from adapters.feeds.flow_html import parse
from adapters.feeds.flow_rows import to_days
from adapters.feeds.flow_site import SiteFlows
from adapters.feeds.flows_csv import FlowsCsv
from adapters.feeds.port import Fault
from adapters.feeds.sosovalue import SoSoValue
from adapters.http import HttpClient
from rules.model import Status
from tests.adapters.feeds.flow_pages import (
    NOW,
    WEEK,
    cmc_chart,
    farside_page,
    farside_rows,
    soso,
    soso_history,
    soso_summary,
    tftc_table,
    theblock_chart,
)
from tests.fakes.http_server import FakeHttp, Reply, challenge, failing, ok_json, ok_text
from tests.fakes.sources import client_of

KEY = SecretStr("demo-key")


@pytest.fixture
async def http(http_server: FakeHttp) -> AsyncIterator[HttpClient]:
    """A client whose clock stands at NOW, with every source at the scripted server."""
    async with client_of(http_server, NOW) as client:
        yield client


def by_date(days: tuple[FlowDay, ...]) -> dict[str, tuple[float | None, Status]]:
    """Total and status of each day by its date."""
    return {day.day.isoformat(): (day.total, day.status) for day in days}


WEEK_TOTALS = {"2026-07-20": 138.4e6, "2026-07-21": 203.2e6, "2026-07-22": 22.0e6}


def test_the_block_tells_the_same_week():
    """Series by fund become days by date."""
    days = to_days("BTC", "theblock", theblock.parse(theblock_chart()), NOW).days
    assert {day: (total, Status.FINAL) for day, total in WEEK_TOTALS.items()} == by_date(days)


def test_the_block_leaves_sums_out_and_reads_tickers_in_names():
    """A series ``Total`` is no fund; ``BlackRock (IBIT)`` is IBIT."""
    chart = theblock_chart()
    chart["Series"]["Total"] = chart["Series"]["IBIT"]
    chart["Series"]["BlackRock (IBIT)"] = chart["Series"].pop("IBIT")
    assert ["FBTC", "GBTC", "BTC", "IBIT"] == list(theblock.parse(chart).rows[0].funds)


def test_a_fund_that_the_block_does_not_have_yet_is_pending():
    """A newest point that only some funds have makes a partial day."""
    chart = theblock_chart()
    chart["Series"]["GBTC"]["Data"].pop()
    days = to_days("BTC", "theblock", theblock.parse(chart), NOW).days
    assert (60.3e6, Status.PARTIAL) == by_date(days)["2026-07-22"]


async def test_tftc_ignores_a_holiday_and_knows_totals_alone(http: HttpClient, http_server: FakeHttp):
    """A zero without funds on a holiday is a placeholder; a day with a total alone is told as such."""
    table = tftc_table()
    table["days"] += [
        {"date": "2026-07-03", "netFlowUsd": 0, "perEtfUsd": None},
        {"date": "2026-07-17", "netFlowUsd": 132_300_000.0, "totalNetAssetsUsd": 1e11},
    ]
    http_server.route("/bitcoin-etf-flows/data.json", ok_json(table))
    answer = await SiteFlows(http=http, site=tftc.SITE).days(NOW)
    totals = {"2026-07-17": 132.3e6, **WEEK_TOTALS}
    assert {day: (total, Status.FINAL) for day, total in totals.items()} == by_date(answer.days)
    assert {} == answer.days[0].funds


async def test_tftc_days_after_its_own_mark_are_provisional(http: HttpClient, http_server: FakeHttp):
    """``updatedThrough`` says how far TFTC vouches."""
    http_server.route("/bitcoin-etf-flows/data.json", ok_json({**tftc_table(), "updatedThrough": "2026-07-21"}))
    answer = await SiteFlows(http=http, site=tftc.SITE).days(NOW)
    assert (22.0e6, Status.PROVISIONAL) == by_date(answer.days)["2026-07-22"]


async def test_tftc_follows_its_redirect(http: HttpClient, http_server: FakeHttp):
    """The address without www redirects for good (308)."""
    http_server.route("/bitcoin-etf-flows/data.json", Reply(308, b"", {"Location": "/moved.json"}))
    http_server.route("/moved.json", ok_json(tftc_table()))
    assert 3 == len((await SiteFlows(http=http, site=tftc.SITE).days(NOW)).days)


def test_tftc_in_another_unit_is_refused():
    """Millions read as dollars would be wrong by six zeros."""
    with pytest.raises(BadAnswer, match="its units are 'USDm'; wanted 'USD'"):
        tftc.parse({**tftc_table(), "units": "USDm"})


async def test_coinmarketcap_knows_totals(http: HttpClient, http_server: FakeHttp):
    """The last 30 days of one asset, a zero on the newest day being pending."""
    chart = cmc_chart({**WEEK, "2026-07-23": {"IBIT": 0.0}})
    http_server.route(cmc_flows.PATH, ok_json(chart))
    answer = await SiteFlows(http=http, site=cmc_flows.SITE, assets=("ETH",)).days(NOW)
    totals = {day: (total, Status.FINAL) for day, total in WEEK_TOTALS.items()}
    assert {**totals, "2026-07-23": (None, Status.PENDING)} == by_date(answer.days)
    assert {"category": "eth", "range": "30d", "convertId": "2781"} == dict(http_server.requests[0].query)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": {"error_code": "500", "error_message": "The system is busy"}}, "error 500 ('The system is busy')"),
        ({**cmc_chart(), "data": {"points": [], "aggregation": "daily"}}, "its list of points is empty"),
        ({**cmc_chart(), "data": {"points": [], "aggregation": "monthly"}}, "its points are 'monthly'"),
    ],
)
def test_coinmarketcap_errors_inside_a_200(answer: object, said: str):
    """The status code says nothing; the body does."""
    with pytest.raises(BadAnswer) as caught:
        cmc_flows.parse(answer)
    assert said in str(caught.value)


def soso_routes(server: FakeHttp) -> None:
    """Two funds of bitcoin, the newest day pending."""
    server.route("/openapi/v1/etfs", ok_json(soso([{"ticker": name} for name in ("IBIT", "FBTC", "GBTC", "BTC")])))
    server.route("/openapi/v1/etfs/summary-history", ok_json(soso_summary()))
    for ticker in ("IBIT", "FBTC", "GBTC", "BTC"):
        server.route(f"/openapi/v1/etfs/{ticker}/history", ok_json(soso_history(ticker)))


async def test_sosovalue_asks_fund_by_fund_with_its_key(http: HttpClient, http_server: FakeHttp):
    """The key travels in a header; a pending day is unknown although the summary prints a zero."""
    soso_routes(http_server)
    answer = await SoSoValue(http=http, key=KEY, assets=("BTC",)).days(NOW)
    totals = {day: (total, Status.FINAL) for day, total in WEEK_TOTALS.items()}
    assert {**totals, "2026-07-23": (None, Status.PENDING)} == by_date(answer.days)
    assert {"demo-key"} == {request.headers["x-soso-api-key"] for request in http_server.requests}
    assert () == answer.problems


async def test_sosovalue_is_asked_below_its_limit(http_server: FakeHttp):
    """Ten requests a minute are allowed; six requests take half a minute."""
    soso_routes(http_server)
    clock = SteppingClock(NOW)
    async with HttpClient(clock, base_urls={"sosovalue": http_server.base_url}) as http:
        await SoSoValue(http=http, key=KEY, assets=("BTC",)).days(NOW)
    assert 32.5 == (clock.now() - NOW).total_seconds()


async def test_a_fund_that_sosovalue_does_not_give_makes_its_days_partial(http: HttpClient, http_server: FakeHttp):
    """A failed request for one fund is a hole in every day, not a smaller total."""
    soso_routes(http_server)
    http_server.route("/openapi/v1/etfs/GBTC/history", failing(404))
    answer = await SoSoValue(http=http, key=KEY, assets=("BTC",)).days(NOW)
    assert {Status.PARTIAL, Status.PENDING} == {day.status for day in answer.days}
    assert ["etf_flows.BTC.GBTC"] == [p.subject for p in answer.problems if p.fault is Fault.CHANGED]


@pytest.mark.parametrize(
    ("status", "body", "fault", "said"),
    [
        (401, {"code": 400101, "message": "API Key is invalid"}, Fault.UNAUTHORIZED, "API Key is invalid"),
        (403, {"code": 400301, "message": "exceeds 30 day limit"}, Fault.UNAUTHORIZED, "exceeds 30 day limit"),
        (429, {"code": 402901, "message": "Too many"}, Fault.RATE_LIMITED, "Too many"),
        (200, {"code": 400101, "message": "API Key is invalid"}, Fault.UNAUTHORIZED, "API Key is invalid"),
        (200, {"code": 1, "message": "oops"}, Fault.CHANGED, "error 1"),
    ],
)
async def test_sosovalue_says_why_it_refuses(
    http: HttpClient, http_server: FakeHttp, status: int, body: dict[str, object], fault: Fault, said: str
):
    """Its own code and words decide, whatever the HTTP status."""
    http_server.route("/openapi/v1/etfs", ok_json(body, status))
    answer = await SoSoValue(http=http, key=KEY, assets=("BTC",)).days(NOW)
    assert [fault] == [problem.fault for problem in answer.problems]
    assert said in answer.problems[0].message
    assert "demo-key" not in answer.problems[0].message


async def test_sosovalue_without_a_key_asks_nobody(http: HttpClient, http_server: FakeHttp):
    """It says which setting is missing."""
    answer = await SoSoValue(http=http, key=None).days(NOW)
    assert ["needs a key: set SOSOVALUE_API_KEY (the demo plan is free)"] == [p.message for p in answer.problems]
    assert [] == http_server.requests


async def test_farside_asks_for_every_asset(http: HttpClient, http_server: FakeHttp):
    """One page an asset; one that fails leaves the other."""
    http_server.route("/btc/", failing(404))
    http_server.route("/eth/", ok_text(farside_page(farside_rows())))
    http_server.route("/sol/", ok_text(farside_page(farside_rows())))
    answer = await SiteFlows(http=http, site=farside.SITE).days(NOW)
    assert {"ETH", "SOL"} == {day.asset for day in answer.days}
    assert ["etf_flows.BTC.total"] == [problem.subject for problem in answer.problems]


async def test_a_source_that_refuses_is_not_asked_again(http: HttpClient, http_server: FakeHttp):
    """A challenge on the first page would be met on the others too."""
    http_server.route("*", challenge())
    answer = await SiteFlows(http=http, site=farside.SITE).days(NOW)
    assert (["/btc/"], [Fault.BLOCKED]) == (http_server.paths(), [problem.fault for problem in answer.problems])


CSV = """\
date,IBIT,FBTC,GBTC,BTC,Total
fee_pct,0.25,0.25,1.50,0.15,
2024-10-31,318.8,-75.2,-31.1,0.0,212.5
2024-11-01,0.0,-25.6,(5.5),13.5,-17.6
2024-11-02,,,,,
"""


async def test_a_csv_file_gives_history(tmp_path: Path):
    """US$ millions by ticker; rows without a date, a weekend and an empty row are left out."""
    path = tmp_path / "btc.csv"
    path.write_text(CSV, encoding="utf-8-sig")
    answer = await FlowsCsv(path=path).days(datetime(2024, 11, 4, tzinfo=UTC))
    assert () == answer.problems
    assert [date(2024, 10, 31), date(2024, 11, 1)] == [day.day for day in answer.days]
    assert {"IBIT": 0.0, "FBTC": -25.6e6, "GBTC": -5.5e6, "BTC": 13.5e6} == answer.days[1].funds
    assert (-17.6e6, Status.FINAL) == (answer.days[1].total, answer.days[1].status)


async def test_a_csv_file_may_be_in_dollars(tmp_path: Path):
    """``unit: usd`` takes figures as they are."""
    path = tmp_path / "eth.csv"
    path.write_text("Date,ETHA,ETHE\n2024-11-01,1000000,-250000.5\n")
    answer = await FlowsCsv(path=path, asset="ETH", unit="usd").days(NOW)
    assert {"ETHA": 1_000_000.0, "ETHE": -250_000.5} == answer.days[0].funds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "btc.csv:1: the header is ''; wanted date, one column a ticker, and Total"),
        ("day,IBIT\n", "btc.csv:1: the header is 'day,IBIT'"),
        ("date,iShares Bitcoin\n", "btc.csv:1: the header is 'date,iShares Bitcoin'"),
        ("date,IBIT,IBIT\n", "btc.csv:1: the header is 'date,IBIT,IBIT'"),
        ("date,IBIT\n2024-11-01,1.0,2.0\n", "btc.csv:2: 3 cells; the header has 2"),
        ("date,IBIT\n2024-10-31,1.0\n2024-11-01,x\n", "btc.csv:3: IBIT is 'x'; wanted US$ millions"),
        ("date,IBIT\n2024-13-01,1.0\n", "btc.csv:2: the date is '2024-13-01'"),
    ],
)
async def test_mistakes_in_a_csv_file_are_located(tmp_path: Path, text: str, said: str):
    """File, line, value, and what is wanted."""
    path = tmp_path / "btc.csv"
    path.write_text(text)
    answer = await FlowsCsv(path=path).days(NOW)
    assert said in answer.problems[0].message


async def test_a_missing_csv_file_is_told(tmp_path: Path):
    """A path that leads nowhere is a problem, not an exception."""
    answer = await FlowsCsv(path=tmp_path / "none.csv").days(NOW)
    assert "none.csv can't be read" in answer.problems[0].message


async def test_a_long_table_is_told_whole_once(http: HttpClient, http_server: FakeHttp):
    """The first answer gives all the years, later ones the last weeks, without the funds that have gone."""
    chart = theblock_chart({"2024-01-11": {"OLD": 5.0, "IBIT": 111.7}, **WEEK})
    path = "/dashboard/markets_structuredproducts_btcspotetfflows_daily_other.json"
    http_server.route(path, ok_json(chart))
    feed = SiteFlows(http=http, site=theblock.SITE, assets=("BTC",))
    first, second = await feed.days(NOW), await feed.days(NOW)
    assert ["2024-01-11", *WEEK] == [day.day.isoformat() for day in first.days]
    assert list(WEEK) == [day.day.isoformat() for day in second.days]
    assert "OLD" not in second.days[-1].funds


def test_a_fund_that_has_gone_is_not_waited_for():
    """A column that is empty from top to bottom of a table of weeks makes no day partial."""
    days = [f"{day:02} Jul 2026" for day in (6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 20)]
    page = farside_page([(day, ["1.0", "-", "1.0"]) for day in days], tickers=("IBIT", "GONE"))
    answer = to_days("BTC", "farside", parse(page), NOW)
    assert {Status.FINAL} == {day.status for day in answer.days}
