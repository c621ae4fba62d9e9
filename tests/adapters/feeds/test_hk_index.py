"""Hong Kong's index history from Tencent and Eastmoney, and how it completes Yahoo's."""

from collections.abc import AsyncIterator, Container, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from adapters.clock import SteppingClock
from adapters.feeds.hk_index import HkIndexHistory
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.prices import Prices
from adapters.http import HttpClient
from rules.calendars.sessions import Calendars
from rules.model import Observation, Status
from tests.fakes.http_server import FakeHttp, Reply, challenge, failing, ok_json, ok_text, rate_limited

NOW = datetime(2026, 7, 10, 8, 30, tzinfo=UTC)
CALENDARS = Calendars()
ROWS = [
    ["2026-07-08", "4690.10", "4695.00", "4722.30", "4668.40", "0"],
    ["2026-07-09", "4690.10", "4700.00", "4722.30", "4668.40", "0"],
    ["2026-07-10", "4705.00", "4721.66", "4740.00", "4690.00", "0"],
]
TENCENT, EASTMONEY = "/appstock/app/hkfqkline/get", "/api/qt/stock/kline/get"


def tencent(rows: list[list[str]] = ROWS) -> Reply:
    """Tencent's answer."""
    return ok_json({"code": 0, "msg": "", "data": {"hkHSTECH": {"day": rows}}})


def eastmoney(rows: list[list[str]] = ROWS) -> Reply:
    """Eastmoney's answer."""
    return ok_json({"rc": 0, "data": {"code": "HSTECH", "klines": [",".join(row) for row in rows]}})


@pytest.fixture
async def history(http_server: FakeHttp) -> AsyncIterator[HkIndexHistory]:
    """The feed, with both sources pointed at the scripted server."""
    bases = {"tencent": http_server.base_url, "eastmoney": http_server.base_url}
    async with HttpClient(SteppingClock(NOW), base_urls=bases) as http:
        yield HkIndexHistory(http, CALENDARS)


def closes(fetched: Fetched) -> list[tuple[date, float | None, str]]:
    """Each close as (day, value, source)."""
    return [(o.at.date(), o.value, o.source) for o in fetched.observations if o.series.endswith(".close")]


async def test_tencents_rows(history: HkIndexHistory, http_server: FakeHttp) -> None:
    """Rows are date, open, close, high, low: closes land at Hong Kong's close, a zero volume is none."""
    http_server.route(TENCENT, tencent())
    fetched = await history.fetch(NOW)
    assert closes(fetched)[-1] == (date(2026, 7, 10), 4721.66, "tencent")
    last = {o.series: o.value for o in fetched.observations if o.at == datetime(2026, 7, 10, 8, 0, tzinfo=UTC)}
    assert last == {
        "prices.HSTECH.HK.open": 4705.0,
        "prices.HSTECH.HK.high": 4740.0,
        "prices.HSTECH.HK.low": 4690.0,
        "prices.HSTECH.HK.close": 4721.66,
    }
    assert http_server.requests[0].query["param"] == "hkHSTECH,day,,,320,qfq"


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (challenge(), "blocked"),
        (failing(502), "unreachable"),
        (rate_limited("60"), "rate_limited"),
        (ok_text("<html></html>"), "changed"),
        (ok_json({"code": -1, "msg": "param error"}), "changed"),  # an error inside 200
        (ok_json({"code": 0, "data": []}), "changed"),
        (tencent([["2026-07-10", "4705", "4740", "4721", "4690", "0"]]), "changed"),  # columns swapped: high < close
        (tencent([["10.07.2026", "1", "1", "1", "1", "0"]]), "changed"),
        (tencent([]), "changed"),
    ],
)
async def test_the_second_source_steps_in(
    history: HkIndexHistory, http_server: FakeHttp, reply: Reply, fault: str
) -> None:
    """When Tencent fails, or its columns make no sense, Eastmoney is asked and the failure is told."""
    http_server.route(TENCENT, reply)
    http_server.route(EASTMONEY, eastmoney())
    fetched = await history.fetch(NOW)
    assert [source for _, _, source in closes(fetched)] == ["eastmoney"] * 3
    assert [(p.source, p.fault, p.subject) for p in fetched.problems] == [("tencent", fault, "HSTECH.HK")]


async def test_duplicates_and_disorder(history: HkIndexHistory, http_server: FakeHttp) -> None:
    """Reordered and repeated rows come out in order, once."""
    http_server.route(TENCENT, tencent([ROWS[2], ROWS[0], ROWS[1], ROWS[2]]))
    assert [day.day for day, _, _ in closes(await history.fetch(NOW))] == [8, 9, 10]


async def test_the_running_session_is_left_out(history: HkIndexHistory, http_server: FakeHttp) -> None:
    """Before the session is over its row is not used: nobody says how old the price is."""
    http_server.route(TENCENT, tencent())
    fetched = await history.fetch(datetime(2026, 7, 10, 6, 0, tzinfo=UTC))
    assert [day.day for day, _, _ in closes(fetched)] == [8, 9]


class Scripted:
    """A Yahoo that answers from a list."""

    def __init__(self, *answers: Fetched) -> None:
        self.answers = list(answers)

    async def fetch(self, now: datetime) -> Fetched:
        """The next answer."""
        return self.answers.pop(0)

    async def backfill(self, now: datetime, symbols: Container[str]) -> Fetched:
        """The next answer."""
        return self.answers.pop(0)

    def remember(self, observations: Iterable[Observation]) -> None:
        """Nothing."""

    def last_close(self, symbol: str) -> float | None:
        """Nothing."""
        return None


def yahoo_close(day: int, value: float, **more: Any) -> Observation:
    """Yahoo's close of a day in July."""
    at = datetime(2026, 7, day, 8, 0, tzinfo=UTC)
    return Observation("prices.HSTECH.HK.close", at, NOW, value, source="yahoo", **more)


async def test_a_short_history_is_completed_once(history: HkIndexHistory, http_server: FakeHttp) -> None:
    """What Yahoo lacks is filled in at the first fetch; Yahoo's own sessions stay; later fetches don't ask again."""
    http_server.route(TENCENT, tencent())
    yahoo = Scripted(Fetched((yahoo_close(10, 4721.7),)), Fetched((yahoo_close(10, 4721.8),)), Fetched())
    feed = Prices(yahoo, history, ["HSTECH.HK", "NVDA"])
    first = await feed.fetch(NOW)
    assert sorted(closes(first)) == [
        (date(2026, 7, 8), 4695.0, "tencent"),
        (date(2026, 7, 9), 4700.0, "tencent"),
        (date(2026, 7, 10), 4721.7, "yahoo"),
    ]
    assert closes(await feed.fetch(NOW)) == [(date(2026, 7, 10), 4721.8, "yahoo")]
    assert closes(await feed.fetch(NOW)) == []
    assert len(http_server.requests) == 1


async def test_a_failing_yahoo_is_stood_in_for(history: HkIndexHistory, http_server: FakeHttp) -> None:
    """When Yahoo fails after it has answered, only newer sessions are taken from the other source, and once."""
    http_server.route(TENCENT, tencent())
    many = tuple(yahoo_close(day, 4000.0 + day, status=Status.FINAL) for day in range(1, 10))
    down = Fetched(problems=(FeedProblem("yahoo", Fault.RATE_LIMITED, "later"),))
    feed = Prices(Scripted(Fetched(many), down, down), history, ["HSTECH.HK"])
    await feed.fetch(NOW)
    assert closes(await feed.fetch(NOW)) == [(date(2026, 7, 10), 4721.66, "tencent")]
    assert closes(await feed.fetch(NOW)) == []


async def test_a_source_that_failed_is_asked_again_within_the_hour(
    history: HkIndexHistory, http_server: FakeHttp
) -> None:
    """Though nobody needs it: else its recovery would never be noticed. The other one's figures are taken."""
    http_server.route(TENCENT, failing(404), tencent())
    http_server.route(EASTMONEY, eastmoney())
    feed = Prices(Scripted(Fetched(), *[Fetched((yahoo_close(10, 4721.7),))] * 3), history, ["HSTECH.HK"])
    assert ("eastmoney",) == (await feed.fetch(NOW)).answered
    assert () == (await feed.fetch(NOW + timedelta(minutes=59))).answered
    assert ("tencent",) == (await feed.fetch(NOW + timedelta(minutes=60))).answered
    assert [TENCENT, EASTMONEY, TENCENT] == http_server.paths()
    assert () == (await feed.fetch(NOW + timedelta(hours=3))).answered


async def test_without_the_index_nobody_is_asked(history: HkIndexHistory, http_server: FakeHttp) -> None:
    """A universe without Hong Kong's indices costs no request."""
    assert await Prices(Scripted(Fetched()), history, ["NVDA"]).fetch(NOW) == Fetched()
    assert http_server.requests == []
