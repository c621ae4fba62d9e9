"""Earnings dates: each calendar read in exchange time, two of them compared, moves noticed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adapters.clock import SteppingClock
from adapters.feeds import earnings_nasdaq
from adapters.feeds.answer import BadAnswer
from adapters.feeds.calendar_dates import HONG_KONG, NEW_YORK
from adapters.feeds.cool_downs import StoredCoolDowns
from adapters.feeds.earnings import Earnings, settle
from adapters.feeds.earnings_date import EarningsDate, EarningsDates, When
from adapters.feeds.earnings_nasdaq import NasdaqEarnings
from adapters.feeds.earnings_yahoo import YahooEarnings, parse_calendar, parse_company
from adapters.feeds.port import Fault, FeedProblem
from adapters.feeds.yahoo import YahooDesk, YahooOptions
from adapters.paces import Pace
from rules.model import Status
from tests.adapters.feeds.calendar_pages import nasdaq_day, nasdaq_row, yahoo_calendar, yahoo_company
from tests.fakes.documents import MemoryDocuments
from tests.fakes.http_server import FakeHttp, Request, challenge, ok_json
from tests.fakes.sources import client_of

NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)


@pytest.fixture(params=["America/New_York", "Asia/Hong_Kong", "UTC"])
def host_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """The zone that the host stands in."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


def found(
    source: str,
    day: str,
    *,
    when: When = "unknown",
    confirmed: bool | None = None,
    last: str = "",
    symbol: str = "NVDA",
) -> EarningsDate:
    """A date as ``source`` tells it."""
    first = date.fromisoformat(day)
    return EarningsDate(symbol, first, date.fromisoformat(last) if last else first, when, confirmed, source)


def test_nasdaq_tells_before_the_open_from_after_the_close():
    """The time of a report is a word; one that isn't supplied is unknown."""
    rows = [
        nasdaq_row("AAPL", "time-after-hours"),
        nasdaq_row("V", "time-pre-market"),
        nasdaq_row("HDB", "time-not-supplied"),
    ]
    parsed = earnings_nasdaq.parse(nasdaq_day("Thu, Oct 29, 2026", rows), date(2026, 10, 29))
    assert [("AAPL", "after_close"), ("V", "before_open"), ("HDB", "unknown")] == [(e.symbol, e.when) for e in parsed]


def test_a_day_without_reports_is_no_fault():
    """Nasdaq answers a real empty day with null."""
    assert [] == list(earnings_nasdaq.parse(nasdaq_day("Thu, Oct 29, 2026", None), date(2026, 10, 29)))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (nasdaq_day("Fri, Oct 30, 2026", []), "asked for 2026-10-29, it answers for 2026-10-30"),
        ({"data": None, "status": {"rCode": 400, "bCodeMessage": [{"code": 1}]}}, "it answers with code 400"),
        ({"data": {"rows": "none"}, "status": {"rCode": 200}}, "rows is text; wanted a list"),
        ({"data": {"rows": [{"ticker": "A"}]}, "status": {"rCode": 200}}, "'symbol' (of symbol) is missing"),
    ],
)
def test_nasdaq_may_answer_something_else(answer: object, said: str):
    """Another day, an error inside HTTP 200, and another form are told."""
    with pytest.raises(BadAnswer) as caught:
        list(earnings_nasdaq.parse(answer, date(2026, 10, 29)))
    assert said in str(caught.value)


async def test_nasdaq_is_asked_for_trading_days_only(http_server: FakeHttp):
    """Weekends cost no request, and only the companies that are followed are told."""

    def reply(request: Request):
        return ok_json(nasdaq_day("", [nasdaq_row("AAPL"), nasdaq_row("ZZZ")]))

    http_server.route("/api/calendar/earnings", reply)
    async with client_of(http_server, NOW) as http:
        feed = NasdaqEarnings(http=http, symbols={"AAPL"}, days=7)
        answer = await feed.dates(NOW)
    asked = [request.query["date"] for request in http_server.requests]
    assert ["2026-10-20", "2026-10-21", "2026-10-22", "2026-10-23", "2026-10-26"] == asked
    assert asked == [each.first.isoformat() for each in answer.dates]


async def test_a_refusal_ends_the_asking(http_server: FakeHttp):
    """Who is shown a challenge isn't helped by nineteen more."""
    http_server.route("/api/calendar/earnings", challenge())
    async with client_of(http_server, NOW) as http:
        answer = await NasdaqEarnings(http=http).dates(NOW)
    assert (1, [Fault.BLOCKED]) == (len(http_server.requests), [problem.fault for problem in answer.problems])


def test_yahoos_instants_become_days_of_new_york(host_zone: str):
    """Eight in the evening UTC is the afternoon in New York; midnight UTC is a day without a time."""
    page = parse_calendar(
        yahoo_calendar(
            [
                ("AAPL", "Apple", "2026-10-29T20:00:00.000Z", "AMC"),
                ("LATE", "Late", "2026-10-30T01:00:00.000Z", "AMC"),
                ("V", "Visa", "2026-10-27T10:30:00.000Z", "BMO"),
                ("DAY", "Day", "2026-10-28T00:00:00.000Z", "TAS"),
            ]
        )
    )
    assert [
        ("AAPL", "2026-10-29", "after_close"),
        ("LATE", "2026-10-29", "after_close"),
        ("V", "2026-10-27", "before_open"),
        ("DAY", "2026-10-28", "during"),
    ] == [(each.symbol, each.first.isoformat(), each.when) for each in page.dates]


def test_one_unreadable_row_costs_that_row():
    """The others of the page are told."""
    page = parse_calendar(yahoo_calendar([("A", "A", "soon", "AMC"), ("B", "B", "2026-10-29T20:00:00.000Z", "AMC")]))
    assert (["B"], 1, 2) == ([each.symbol for each in page.dates], len(page.problems), page.count)


def test_a_calendar_without_its_columns_is_refused():
    """A renamed column is a changed form."""
    answer = yahoo_calendar([])
    answer["finance"]["result"][0]["documents"][0]["columns"][0]["label"] = "Ticker"
    with pytest.raises(BadAnswer, match="no column Symbol; there are Ticker"):
        parse_calendar(answer)


def stamp(text: str) -> int:
    """Seconds since 1970 of an ISO time."""
    return int(datetime.fromisoformat(text).timestamp())


def test_a_hong_kong_report_is_dated_in_hong_kong(host_zone: str):
    """08:00 UTC on the 11th is the afternoon of the 11th there; 20:00 UTC is already the 12th."""
    for at, day in (("2026-11-11T08:00:00+00:00", "2026-11-11"), ("2026-11-11T20:00:00+00:00", "2026-11-12")):
        [told] = parse_company(yahoo_company([stamp(at)], estimate=False), "0700.HK", HONG_KONG)
        assert (day, True) == (told.first.isoformat(), told.confirmed)


@pytest.mark.parametrize(
    ("stamps", "estimate", "confirmed", "last"),
    [
        (["2026-10-28T20:00:00+00:00"], False, True, "2026-10-28"),
        (["2026-10-28T20:00:00+00:00"], True, False, "2026-10-28"),
        # no word about it
        (["2026-10-28T20:00:00+00:00"], None, None, "2026-10-28"),
        # a range is an estimate whatever is said
        (["2026-10-28T20:00:00+00:00", "2026-11-02T21:00:00+00:00"], False, False, "2026-11-02"),
    ],
)
def test_an_estimate_is_called_one(stamps: list[str], estimate: bool | None, confirmed: bool | None, last: str):
    """Yahoo's own flag is kept."""
    answer = yahoo_company([stamp(each) for each in stamps], estimate)
    [told] = parse_company(answer, "META", NEW_YORK)
    assert ("2026-10-28", last, confirmed) == (told.first.isoformat(), told.last.isoformat(), told.confirmed)


def test_a_company_without_a_date_is_no_fault():
    """Many Hong Kong companies have none."""
    assert [] == list(parse_company(yahoo_company([], None), "1810.HK", HONG_KONG))
    assert [] == list(parse_company({"quoteSummary": {"result": [{}], "error": None}}, "1810.HK", HONG_KONG))


@pytest.fixture
async def desk(http_server: FakeHttp, tmp_path: Path) -> AsyncIterator[YahooDesk]:
    """Yahoo at the local server."""
    options = YahooOptions(base_url=http_server.base_url, cache_dir=tmp_path, pace=Pace(0))
    made = YahooDesk(SteppingClock(NOW), StoredCoolDowns(MemoryDocuments()), options)
    yield made
    made.close()


async def test_yahoos_calendar_is_read_to_its_last_page(http_server: FakeHttp, desk: YahooDesk):
    """Pages of a hundred are asked for until one isn't full; all names, not the most active alone."""
    full = yahoo_calendar([(f"S{n}", "Some", "2026-10-29T20:00:00.000Z", "AMC") for n in range(100)])
    rest = yahoo_calendar([("LAST", "Last", "2026-10-29T20:00:00.000Z", "AMC")])
    http_server.route("/v1/finance/visualization", ok_json(full), ok_json(rest))
    answer = await YahooEarnings(desk=desk).dates(NOW)
    assert (101, "LAST") == (len(answer.dates), answer.dates[-1].symbol)
    bodies = [json.loads(request.body) for request in http_server.requests if request.method == "POST"]
    assert [0, 100] == [body["offset"] for body in bodies]
    assert ["EQ", "OR", "GTE", "LTE"] == [each["operator"] for each in bodies[0]["query"]["operands"]]


async def test_a_calendar_without_end_is_cut_off_and_told(http_server: FakeHttp, desk: YahooDesk):
    """What was read is kept."""
    full = yahoo_calendar([(f"S{n}", "Some", "2026-10-29T20:00:00.000Z", "AMC") for n in range(100)])
    http_server.route("/v1/finance/visualization", ok_json(full))
    answer = await YahooEarnings(desk=desk).dates(NOW)
    assert (100, ["more than 4000 reports; the smallest companies are left out"]) == (
        len(answer.dates),
        [problem.message for problem in answer.problems],
    )


SETTLED = [
    # two sources agree
    ([found("yahoo", "2026-11-18"), found("nasdaq", "2026-11-18")], "2026-11-18", Status.FINAL, "yahoo+nasdaq"),
    # one alone is expected
    ([found("yahoo", "2026-11-18")], "2026-11-18", Status.PROVISIONAL, "yahoo"),
    # unless it says so itself
    ([found("yahoo", "2026-11-18", confirmed=True)], "2026-11-18", Status.FINAL, "yahoo"),
    # an estimate that another source repeats is still one
    (
        [found("yahoo", "2026-11-18", confirmed=False), found("nasdaq", "2026-11-18")],
        "2026-11-18",
        Status.PROVISIONAL,
        "yahoo+nasdaq",
    ),
    # disagreement: the preferred source's
    ([found("yahoo", "2026-11-18"), found("nasdaq", "2026-11-19")], "2026-11-18", Status.PROVISIONAL, "yahoo"),
    # what one vouches for stands against estimates
    (
        [found("yahoo", "2026-11-18"), found("nasdaq", "2026-11-19", confirmed=True)],
        "2026-11-19",
        Status.FINAL,
        "nasdaq",
    ),
    # two that vouch for different dates
    (
        [found("yahoo", "2026-11-18", confirmed=True), found("nasdaq", "2026-11-19", confirmed=True)],
        "2026-11-18",
        Status.PROVISIONAL,
        "yahoo",
    ),
    # a later quarter of the same source is not this report
    (
        [found("yahoo", "2026-11-18"), found("yahoo", "2027-02-24"), found("nasdaq", "2026-11-18")],
        "2026-11-18",
        Status.FINAL,
        "yahoo+nasdaq",
    ),
    # a day within the other's range is the better figure
    (
        [found("yahoo", "2026-11-16", last="2026-11-20", confirmed=False), found("nasdaq", "2026-11-18")],
        "2026-11-18",
        Status.PROVISIONAL,
        "yahoo+nasdaq",
    ),
]


@pytest.mark.parametrize(("dates", "day", "status", "source"), SETTLED)
def test_a_report_is_settled(dates: list[EarningsDate], day: str, status: Status, source: str):
    """Confirmed needs two sources, or one that vouches; else it is expected."""
    event, _ = settle(dates, ["yahoo", "nasdaq"], NOW)
    assert (day, status, source) == (event.start, event.status, event.source)


def test_a_dispute_names_every_date():
    """The reader sees who says what."""
    _, problem = settle([found("yahoo", "2026-11-18"), found("nasdaq", "2026-11-19")], ["yahoo", "nasdaq"], NOW)
    expected = FeedProblem(
        "earnings",
        Fault.DISAGREEMENT,
        "NVDA: the next report is yahoo 2026-11-18, nasdaq 2026-11-19",
        "earnings.NVDA.date",
    )
    assert expected == problem


def test_the_session_comes_from_who_knows_it():
    """One source's silence doesn't hide the other's word; two words against each other are unknown."""
    one = found("yahoo", "2026-11-18", when="after_close")
    event, _ = settle([one, found("nasdaq", "2026-11-18")], ["yahoo", "nasdaq"], NOW)
    assert "after_close" == event.session
    event, _ = settle([one, found("nasdaq", "2026-11-18", when="before_open")], ["yahoo", "nasdaq"], NOW)
    assert "unknown" == event.session


class Told:
    """A calendar that answers what it holds."""

    def __init__(self, name: str, *dates: EarningsDate) -> None:
        self.name = name
        self.answer = EarningsDates(dates)

    async def dates(self, now: datetime) -> EarningsDates:
        """Its dates."""
        return self.answer


async def test_a_moved_date_is_told_once():
    """The move is a problem at the fetch that sees it; the figure says the new date from then on."""
    source = Told("yahoo", found("yahoo", "2026-11-18"))
    feed = Earnings(sources=[source], documents=MemoryDocuments())
    assert () == (await feed.fetch(NOW)).problems
    source.answer = EarningsDates((found("yahoo", "2026-11-19"),))
    moved = await feed.fetch(NOW)
    assert ["NVDA: the next report moved from 2026-11-18 to 2026-11-19"] == [p.message for p in moved.problems]
    assert [("earnings.NVDA.date", 20261119.0, Status.PROVISIONAL)] == [
        (each.series, each.value, each.status) for each in moved.observations
    ]
    assert () == (await feed.fetch(NOW)).problems


async def test_the_next_quarter_is_no_move():
    """Once a report has passed, the next one takes its place."""
    source = Told("yahoo", found("yahoo", "2026-11-18"), found("yahoo", "2027-02-24"))
    feed = Earnings(sources=[source], documents=MemoryDocuments())
    await feed.fetch(NOW)
    later = await feed.fetch(datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert ((), 20270224.0) == (later.problems, later.observations[0].value)


async def test_a_store_that_is_away_doesnt_hide_the_dates():
    """Whether one moved is then unknown, and said to be."""
    documents = MemoryDocuments()
    documents.away = True
    fetched = await Earnings(sources=[Told("yahoo", found("yahoo", "2026-11-18"))], documents=documents).fetch(NOW)
    assert ["whether dates moved is unknown: the store can't be reached"] == [p.message for p in fetched.problems]
    assert 1 == len(fetched.events)
