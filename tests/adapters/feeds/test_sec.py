"""Filings: companyfacts made quarterly, segments out of instances, and who asks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.clock import SteppingClock
from adapters.feeds import sec, xbrl
from adapters.feeds.answer import BadAnswer
from adapters.feeds.cool_downs import StoredCoolDowns
from adapters.feeds.fundamentals import Fundamentals
from adapters.feeds.port import Fault, Fetched
from adapters.feeds.sec import SecFundamentals
from adapters.feeds.sec_api import SecApi, concepts_in, parse_filings
from adapters.feeds.sec_segments import SecSegments
from adapters.feeds.yahoo import YahooDesk, YahooOptions
from adapters.feeds.yahoo_fundamentals import YahooFundamentals, parse
from adapters.http import HttpClient
from adapters.paces import Pace
from tests.adapters.feeds.calendar_pages import company_facts, instance, sec_fact, submissions, yahoo_series
from tests.fakes.documents import MemoryDocuments
from tests.fakes.http_server import FakeHttp, failing, ok_json, ok_text
from tests.fakes.sources import client_of

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
REVENUE = "RevenueFromContractWithCustomerExcludingAssessedTax"
CONTACT = "Example Research desk@example.com"
AWS = "amzn:AmazonWebServicesSegmentMember"
SEGMENT = "us-gaap:StatementBusinessSegmentsAxis"


@pytest.fixture
async def http(http_server: FakeHttp) -> AsyncIterator[HttpClient]:
    """A client whose clock stands at NOW, with every source at the scripted server."""
    async with client_of(http_server, NOW) as client:
        yield client


def api(http: HttpClient, contact: str = CONTACT) -> SecApi:
    """The SEC at the local server."""
    return SecApi(http=http, contact=contact)


def amazon(**concepts: list[dict[str, Any]]) -> str:
    """Amazon's facts as text."""
    return json.dumps(company_facts(concepts))


def newest(fields: Mapping[str, Mapping[date, Any]], field: str) -> dict[str, float]:
    """The newest version of each quarter of ``field``."""
    return {end.isoformat(): quarter.versions[-1].value for end, quarter in fields[field].items()}


YEAR = [
    sec_fact("2024-01-01", "2024-03-31", 13_945e6, "2024-05-01"),
    sec_fact("2024-01-01", "2024-06-30", 30_338e6, "2024-08-02"),
    sec_fact("2024-01-01", "2024-09-30", 51_616e6, "2024-11-01"),
    sec_fact("2024-01-01", "2024-12-31", 77_789e6, "2025-02-07", "10-K"),
]


def test_capital_expenditure_by_quarter():
    """Year-to-date payments become quarters, the fourth from the annual report."""
    fields = sec.parse(amazon(PaymentsToAcquireProductiveAssets=YEAR), "AMZN")
    assert {
        "2024-03-31": 13_945e6,
        "2024-06-30": 16_393e6,
        "2024-09-30": 21_278e6,
        "2024-12-31": 26_173e6,
    } == newest(fields, "capex")


def test_a_company_may_prefer_another_concept():
    """Alphabet's revenue is ``Revenues``; what it calls contract revenue leaves hedging out."""
    own = [sec_fact("2024-07-01", "2024-09-30", 88_268e6, "2024-10-30")]
    other = [sec_fact("2024-07-01", "2024-09-30", 88_500e6, "2024-10-30")]
    text = amazon(Revenues=own, **{REVENUE: other})
    assert {"2024-09-30": 88_268e6} == newest(sec.parse(text, "GOOGL"), "revenue")
    assert {"2024-09-30": 88_500e6} == newest(sec.parse(text, "AMZN"), "revenue")


def test_gross_profit_is_computed_where_it_is_not_filed():
    """Amazon files its cost of sales alone."""
    revenue = [sec_fact("2024-07-01", "2024-09-30", 158_877e6, "2024-11-01")]
    cost = [sec_fact("2024-07-01", "2024-09-30", 80_977e6, "2024-11-01")]
    fields = sec.parse(amazon(CostOfGoodsAndServicesSold=cost, **{REVENUE: revenue}), "AMZN")
    assert {"2024-09-30": 77_900e6} == newest(fields, "gross_profit")
    assert "cost_of_revenue" not in fields


def test_balances_and_other_forms_are_left_out():
    """A figure of one day, and one of a registration statement, are no quarters."""
    facts = [
        {"end": "2024-09-30", "val": 1, "form": "10-Q", "filed": "2024-11-01"},
        sec_fact("2024-07-01", "2024-09-30", 5.0, "2024-11-05", "S-4"),
        sec_fact("2024-07-01", "2024-09-30", 7.0, "2024-11-01"),
    ]
    assert {"2024-09-30": 7.0} == newest(sec.parse(amazon(NetIncomeLoss=facts), "AMZN"), "net_income")


def test_only_the_wanted_concepts_are_parsed():
    """Damage elsewhere in the eight megabytes doesn't matter; damage in a concept does."""
    text = amazon(NetIncomeLoss=YEAR, Other=YEAR)
    broken = text.replace('"Other": {', '"Other": {{{')
    assert ["NetIncomeLoss"] == list(concepts_in(broken, ("NetIncomeLoss", "Missing")))
    with pytest.raises(BadAnswer, match="breaks off in Other"):
        concepts_in(broken, ("Other",))


@pytest.mark.parametrize(
    ("text", "said", "fault"),
    [
        ('{"facts": {"ifrs-full": {}}}', "no figures under US accounting rules", Fault.INCOMPLETE),
        ('{"facts": {"us-gaap": {}}}', "none of the figures of AMZN by quarter", Fault.INCOMPLETE),
        ("<html>", "no JSON object with facts", Fault.CHANGED),
    ],
)
def test_what_companyfacts_may_lack(text: str, said: str, fault: Fault):
    """A foreign company, an empty one, and something else altogether."""
    with pytest.raises(BadAnswer, match=said) as caught:
        sec.parse(text, "AMZN")
    assert fault is caught.value.fault


async def test_figures_are_known_since_their_filing(http: HttpClient, http_server: FakeHttp):
    """Every version of a quarter is told with the day from which it was public; later filings are not yet known."""
    facts = [*YEAR, sec_fact("2024-01-01", "2024-03-31", 14_000e6, "2025-02-07", "10-K")]
    facts.append(sec_fact("2024-01-01", "2024-03-31", 99e9, "2025-05-01"))
    http_server.route("/api/xbrl/companyfacts/CIK0001018724.json", ok_text(amazon(NetIncomeLoss=facts)))
    fetched = await SecFundamentals(api=api(http), symbols=("AMZN",)).fetch(NOW)
    first = [each for each in fetched.observations if each.at.date() == date(2024, 3, 31)]
    assert [
        (datetime(2024, 5, 1, 23, 59, 59, tzinfo=UTC), 13_945e6),
        (datetime(2025, 2, 7, 23, 59, 59, tzinfo=UTC), 14_000e6),
    ] == [(each.known_at, each.value) for each in first]
    assert {"fundamentals.AMZN.net_income"} == {each.series for each in fetched.observations}


async def test_a_concept_that_went_away_is_told(http: HttpClient, http_server: FakeHttp):
    """A field that lacks the newest quarter is a gap with a name."""
    http_server.route(
        "/api/xbrl/companyfacts/CIK0001018724.json",
        ok_text(
            amazon(
                NetIncomeLoss=YEAR, GrossProfit=YEAR[:2], **{REVENUE: YEAR, "PaymentsToAcquireProductiveAssets": YEAR}
            )
        ),
    )
    fetched = await SecFundamentals(api=api(http), symbols=("AMZN",)).fetch(NOW)
    assert ["fundamentals.AMZN.gross_profit"] == [problem.subject for problem in fetched.problems]


async def test_who_asks_is_said(http: HttpClient, http_server: FakeHttp):
    """The contact is the User-Agent of every request."""
    http_server.route(
        "/files/company_tickers.json", ok_json({"0": {"cik_str": 104169, "ticker": "WMT", "title": "Walmart"}})
    )
    http_server.route("/api/xbrl/companyfacts/CIK0000104169.json", ok_text(amazon(NetIncomeLoss=YEAR)))
    await SecFundamentals(api=api(http), symbols=("WMT",)).fetch(NOW)
    assert [CONTACT, CONTACT] == [request.headers["user-agent"] for request in http_server.requests]


@pytest.mark.parametrize("contact", ["", "Example Research", "me@", "@example.com"])
async def test_without_a_contact_nobody_is_asked(http: HttpClient, http_server: FakeHttp, contact: str):
    """The message names the setting and gives an example."""
    for kind in (SecFundamentals, SecSegments):
        fetched = await kind(api=api(http, contact), symbols=("AMZN",)).fetch(NOW)
        assert [Fault.UNAUTHORIZED] == [problem.fault for problem in fetched.problems]
        assert fetched.problems[0].message.startswith(f"sec_contact is {contact!r}")
        assert "desk@example.com" in fetched.problems[0].message
    assert [] == http_server.requests


async def test_an_unknown_company_is_told(http: HttpClient, http_server: FakeHttp):
    """The list of companies is asked once, whatever the number of unknown symbols."""
    http_server.route("/files/company_tickers.json", ok_json({}))
    fetched = await SecFundamentals(api=api(http), symbols=("XXXX", "YYYY")).fetch(NOW)
    assert ["no company is registered as XXXX", "no company is registered as YYYY"] == [
        problem.message for problem in fetched.problems
    ]
    assert ["/files/company_tickers.json"] == http_server.paths()


@pytest.mark.parametrize(("status", "asked"), [(403, 1), (500, 9), (404, 5)])
async def test_a_source_that_refuses_is_left_alone(http: HttpClient, http_server: FakeHttp, status: int, asked: int):
    """One refusal ends the fetch, three silences (each tried three times) do, a missing company doesn't."""
    http_server.route("*", failing(status))
    symbols = ("AAPL", "AMZN", "GOOGL", "META", "MSFT")
    await SecFundamentals(api=api(http), symbols=symbols).fetch(NOW)
    assert asked == len(http_server.requests)


def test_filings_are_reports_newest_first():
    """Other forms and amendments are left out; the instance lies beside the main document."""
    rows = [
        ("0001018724-24-000083", "10-Q", "2024-05-01", "2024-03-31", "amzn-20240331.htm"),
        ("0001018724-24-000160", "8-K", "2024-10-31", "2024-10-31", "amzn-20241031.htm"),
        ("0001018724-24-000161", "10-Q", "2024-11-01", "2024-09-30", "amzn-20240930.htm"),
    ]
    filings = parse_filings(submissions(rows), 1018724)
    assert ["2024-09-30", "2024-03-31"] == [filing.period_end.isoformat() for filing in filings]
    assert "/Archives/edgar/data/1018724/000101872424000161/amzn-20240930_htm.xml" == filings[0].instance_path


def segment_values(text: str) -> list[float]:
    """What the instance says of AWS."""
    return [fact.value for fact in xbrl.segment_facts(text, "AmazonWebServicesSegmentMember", (REVENUE,))]


def test_a_segment_is_not_counted_twice():
    """AWS appears by segment and again by product: the first is the segment's figure, the sum would be twice it."""
    text = instance(
        [
            ("2024-07-01", "2024-09-30", {SEGMENT: AWS}, 27_452e6),
            ("2024-07-01", "2024-09-30", {"srt:ProductOrServiceAxis": "amzn:AmazonWebServicesMember"}, 27_452e6),
            ("2024-07-01", "2024-09-30", {SEGMENT: AWS, "srt:StatementGeographicalAxis": "country:US"}, 20_000e6),
            ("2024-07-01", "2024-09-30", {SEGMENT: "amzn:NorthAmericaSegmentMember"}, 95_537e6),
            ("2024-07-01", "2024-09-30", {}, 158_877e6),
        ]
    )
    assert [27_452e6] == segment_values(text)


def test_an_operating_segment_before_eliminations_is_the_segment():
    """Alphabet qualifies its segments so."""
    operating = {"srt:ConsolidationItemsAxis": "us-gaap:OperatingSegmentsMember"}
    eliminated = {"srt:ConsolidationItemsAxis": "us-gaap:IntersegmentEliminationMember"}
    text = instance(
        [
            ("2024-07-01", "2024-09-30", {SEGMENT: AWS, **operating}, 11_353e6),
            ("2024-07-01", "2024-09-30", {SEGMENT: AWS, **eliminated}, -100e6),
        ]
    )
    assert [11_353e6] == segment_values(text)


def test_a_repeated_fact_is_one_and_a_contradiction_is_none():
    """Tables of a filing repeat figures; two different ones for one period can't both be right."""
    fact = ("2024-07-01", "2024-09-30", {SEGMENT: AWS}, 27_452e6)
    assert [27_452e6] == segment_values(instance([fact, fact]))
    with pytest.raises(BadAnswer, match="has 27,452,000,000 and 1,000 for 2024-07-01 to 2024-09-30"):
        segment_values(instance([fact, (*fact[:3], 1000.0)]))


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (instance([], prolog=BOMB), "declares a document type"),
        (instance([], prolog=OUTSIDE), "declares a document type"),
        ("<html></html>", "begins with 'html'; wanted xbrl"),
        (instance([])[:-20], "is not XML"),
        ("", "is not XML"),
    ],
)
def test_an_instance_from_outside_is_not_trusted(text: str, said: str):
    """Entities, other documents and damage are refused."""
    with pytest.raises(BadAnswer, match=said):
        segment_values(text)


REPORTS = [
    ("0001018724-25-000004", "10-K", "2025-02-07", "2024-12-31", "k.htm"),
    ("0001018724-24-000161", "10-Q", "2024-11-01", "2024-09-30", "q3.htm"),
]
ANNUAL = [
    ("2024-01-01", "2024-12-31", {SEGMENT: AWS}, 107_556e6),
    ("2023-01-01", "2023-12-31", {SEGMENT: AWS}, 90_757e6),
]
THIRD = [
    ("2024-07-01", "2024-09-30", {SEGMENT: AWS}, 27_452e6),
    ("2023-07-01", "2023-09-30", {SEGMENT: AWS}, 23_059e6),
    ("2024-01-01", "2024-09-30", {SEGMENT: AWS}, 78_770e6),
]


def report_routes(server: FakeHttp) -> None:
    """Amazon's two newest reports."""
    server.route("/submissions/CIK0001018724.json", ok_json(submissions(REPORTS)))
    server.route("/Archives/edgar/data/1018724/000101872425000004/k_htm.xml", ok_text(instance(ANNUAL)))
    server.route("/Archives/edgar/data/1018724/000101872424000161/q3_htm.xml", ok_text(instance(THIRD)))


def by_quarter(fetched: Fetched) -> dict[str, float | None]:
    """Values by quarter."""
    return {each.at.date().isoformat(): each.value for each in fetched.observations}


async def test_cloud_revenue_by_quarter(http: HttpClient, http_server: FakeHttp):
    """The quarter, the one a year before, and the fourth quarter as the year less nine months."""
    report_routes(http_server)
    fetched = await SecSegments(api=api(http), symbols=("AMZN", "META")).fetch(NOW)
    assert () == fetched.problems
    assert {"2023-09-30": 23_059e6, "2024-09-30": 27_452e6, "2024-12-31": 28_786e6} == by_quarter(fetched)
    assert {"fundamentals.AMZN.segment_aws"} == {each.series for each in fetched.observations}


async def test_a_report_is_read_once(http: HttpClient, http_server: FakeHttp):
    """A second fetch asks for the list of filings only."""
    report_routes(http_server)
    feed = SecSegments(api=api(http), symbols=("AMZN",))
    assert await feed.fetch(NOW) == await feed.fetch(NOW)
    assert 4 == len(http_server.requests)


async def test_one_unreadable_report_costs_its_quarters(http: HttpClient, http_server: FakeHttp):
    """The others are told beside the problem."""
    report_routes(http_server)
    http_server.route("/Archives/edgar/data/1018724/000101872425000004/k_htm.xml", failing(404))
    fetched = await SecSegments(api=api(http), symbols=("AMZN",)).fetch(NOW)
    assert {"2023-09-30": 23_059e6, "2024-09-30": 27_452e6} == by_quarter(fetched)
    assert [Fault.CHANGED] == [problem.fault for problem in fetched.problems]


async def test_a_renamed_segment_is_told(http: HttpClient, http_server: FakeHttp):
    """A report without the segment says so, with the report's name."""
    report_routes(http_server)
    renamed = instance([("2024-07-01", "2024-09-30", {SEGMENT: "amzn:CloudSegmentMember"}, 1e9)])
    http_server.route("/Archives/edgar/data/1018724/000101872424000161/q3_htm.xml", ok_text(renamed))
    fetched = await SecSegments(api=api(http), symbols=("AMZN",)).fetch(NOW)
    assert "the 10-Q of 2024-09-30 (0001018724-24-000161) has no revenue of AmazonWeb" in fetched.problems[0].message


SERIES = {
    "quarterlyTotalRevenue": {"2024-07-28": 30_040e6, "2024-10-27": 35_082e6},
    "quarterlyCostOfRevenue": {"2024-10-27": 8_926e6},
    "quarterlyCapitalExpenditure": {"2024-10-27": -813e6},
}


def test_yahoos_quarters_are_calendar_quarters():
    """Fiscal ends move to the calendar quarter; capital expenditure is positive; gross profit is computed."""
    assert {
        "revenue": {date(2024, 6, 30): 30_040e6, date(2024, 9, 30): 35_082e6},
        "net_income": {},
        "gross_profit": {date(2024, 9, 30): 26_156e6},
        "capex": {date(2024, 9, 30): 813e6},
    } == parse(yahoo_series(SERIES), "NVDA")


def test_another_currency_is_not_called_dollars():
    """Tencent reports in renminbi."""
    with pytest.raises(BadAnswer, match=r"0700\.HK's quarterlyTotalRevenue is in CNY; wanted USD"):
        parse(yahoo_series(SERIES, "CNY"), "0700.HK")


async def test_the_fallback_is_asked_for_what_is_missing(http: HttpClient, http_server: FakeHttp, tmp_path: Path):
    """A company whose filings gave revenue is not asked for again; the other comes from Yahoo and says so."""
    http_server.route("/api/xbrl/companyfacts/CIK0001018724.json", ok_text(amazon(**{REVENUE: YEAR})))
    http_server.route("/api/xbrl/companyfacts/CIK0001045810.json", failing(404))
    http_server.route("/ws/fundamentals-timeseries/v1/finance/timeseries/NVDA", ok_json(yahoo_series(SERIES)))
    options = YahooOptions(base_url=http_server.base_url, cache_dir=tmp_path, pace=Pace(0))
    desk = YahooDesk(SteppingClock(NOW), StoredCoolDowns(MemoryDocuments()), options)
    symbols = ("AMZN", "NVDA")
    filings = SecFundamentals(api=api(http), symbols=symbols)
    feed = Fundamentals(symbols=symbols, filings=[filings], fallback=YahooFundamentals(desk=desk))
    fetched = await feed.fetch(NOW)
    desk.close()
    assert {("fundamentals.AMZN.revenue", "sec"), ("fundamentals.NVDA.revenue", "yahoo")} == {
        (each.series, each.source) for each in fetched.observations if each.series.endswith("revenue")
    }
    assert not any("AMZN" in path for path in http_server.paths())
