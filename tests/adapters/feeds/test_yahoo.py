"""Yahoo's prices against a real local server that answers, and misbehaves, like Yahoo's chart service."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from adapters.clock import SteppingClock
from adapters.feeds import yahoo_chart, yahoo_requests
from adapters.feeds.cool_downs import StoredCoolDowns
from adapters.feeds.daily_bars import Bar
from adapters.feeds.port import Fetched
from adapters.feeds.yahoo import YahooDesk, YahooOptions, YahooPrices
from adapters.feeds.yahoo_requests import ChartReply
from adapters.paces import Pace
from rules.calendars.sessions import Calendars
from rules.universe import Instrument, Kind
from tests.fakes.documents import MemoryDocuments
from tests.fakes.http_server import (
    FakeHttp,
    Reply,
    challenge,
    dripping,
    failing,
    gzipped,
    ok_json,
    ok_text,
    rate_limited,
    reset,
    truncated,
)
from tests.fakes.yahoo import bars, by_interval, chart, hourly, unknown_symbol

CALENDARS = Calendars()
MONDAY = date(2026, 7, 13)
CLOSE_FRIDAY = datetime(2026, 7, 17, 20, 0, tzinfo=UTC)
AFTER = CLOSE_FRIDAY + timedelta(minutes=20)
NVDA = Instrument("NVDA", {"en": "Nvidia", "zh": "英伟达"}, Kind.EQUITY, "USD", "XNYS")
WEEK = bars(MONDAY, [100.0, 101.0, 102.0, 103.0, 104.0])


def instrument(symbol: str, calendar: str = "XNYS", kind: Kind = Kind.EQUITY) -> Instrument:
    """An instrument with nothing but what matters here."""
    return replace(NVDA, symbol=symbol, calendar=calendar, kind=kind)


Build = Callable[..., YahooPrices]


@pytest.fixture
async def build(http_server: FakeHttp, tmp_path: Path) -> AsyncIterator[Build]:
    """Builds the feed, pointed at the scripted server, for the instruments given."""
    desks: list[YahooDesk] = []

    def make(*instruments: Instrument, documents: MemoryDocuments | None = None, **options: object) -> YahooPrices:
        settings = YahooOptions(base_url=http_server.base_url, cache_dir=tmp_path, pace=Pace(0), timeout_s=5.0)
        clock = SteppingClock(AFTER)
        cool_downs = StoredCoolDowns(documents or MemoryDocuments())
        desks.append(YahooDesk(clock, cool_downs, replace(settings, **options)))  # type: ignore[arg-type]
        return YahooPrices(desks[-1], instruments or (NVDA,), CALENDARS)

    yield make
    for desk in desks:
        desk.close()


def closes(fetched: Fetched, symbol: str = "NVDA") -> list[tuple[str, float | None, str]]:
    """The closes of ``symbol`` as (instant, value, status)."""
    wanted = f"prices.{symbol}.close"
    return [(f"{o.at:%m-%d %H:%M}", o.value, str(o.status)) for o in fetched.observations if o.series == wanted]


def faults(fetched: Fetched) -> list[tuple[str, str]]:
    """Each problem as (subject, fault)."""
    return [(problem.subject, str(problem.fault)) for problem in fetched.problems]


async def test_a_week_of_closes(build: Build, http_server: FakeHttp) -> None:
    """Closes are split-adjusted but not dividend-adjusted, stand at their session's close, and cost one request."""
    http_server.route("/v8/finance/chart/NVDA", ok_json(chart("NVDA", WEEK, quoted_at=CLOSE_FRIDAY)))
    fetched = await build().fetch(AFTER)
    assert closes(fetched) == [
        ("07-13 20:00", 100.0, "final"),
        ("07-14 20:00", 101.0, "final"),
        ("07-15 20:00", 102.0, "final"),
        ("07-16 20:00", 103.0, "final"),
        ("07-17 20:00", 104.0, "final"),
    ]
    assert {o.series.rpartition(".")[2] for o in fetched.observations} == {"open", "high", "low", "close", "volume"}
    assert fetched.problems == ()
    assert http_server.paths() == ["/v8/finance/chart/NVDA"]


async def test_only_news_is_told_again(build: Build, http_server: FakeHttp) -> None:
    """A second fetch brings what changed since the first: here one revised close, nothing else."""
    revised = [*WEEK[:-1], replace(WEEK[-1], close=104.5)]
    http_server.route(
        "/v8/finance/chart/NVDA",
        ok_json(chart("NVDA", WEEK, quoted_at=CLOSE_FRIDAY)),
        ok_json(chart("NVDA", WEEK, quoted_at=CLOSE_FRIDAY)),
        ok_json(chart("NVDA", revised, quoted_at=CLOSE_FRIDAY)),
    )
    feed = build()
    await feed.fetch(AFTER)
    assert (await feed.fetch(AFTER)).observations == ()
    assert closes(await feed.fetch(AFTER)) == [("07-17 20:00", 104.5, "final")]


async def test_the_running_session_keeps_its_own_time(build: Build, http_server: FakeHttp) -> None:
    """While the market is open the last row is partial and carries the (delayed) quote's time, not the fetch's."""
    quoted = datetime(2026, 7, 17, 17, 45, tzinfo=UTC)
    http_server.route("/v8/finance/chart/NVDA", ok_json(chart("NVDA", WEEK, quoted_at=quoted)))
    fetched = await build().fetch(quoted + timedelta(minutes=16))
    assert closes(fetched)[-1] == ("07-17 17:45", 104.0, "partial")


async def test_markets_mix(build: Build, http_server: FakeHttp) -> None:
    """New York, Hong Kong and bitcoin each keep their own sessions: no holes from the others' holidays."""
    weekend = [Bar(date(2026, 7, 11) + timedelta(days=n), 1.0, 1.0, 1.0, 60_000.0 + n, 5.0) for n in range(7)]
    noon = datetime(2026, 7, 17, 12, 0, tzinfo=UTC)
    http_server.route("*/NVDA", ok_json(chart("NVDA", WEEK[:4], quoted_at=CLOSE_FRIDAY - timedelta(days=1))))
    hong_kong = chart("0700.HK", WEEK, quoted_at=datetime(2026, 7, 17, 8, 8, tzinfo=UTC), tz="Asia/Hong_Kong")
    http_server.route("*/0700.HK", ok_json(hong_kong))
    http_server.route("*/BTC-USD", ok_json(chart("BTC-USD", weekend, quoted_at=noon, tz="UTC", kind="CRYPTOCURRENCY")))
    symbols = (NVDA, instrument("0700.HK", "XHKG"), instrument("BTC-USD", "24/7", Kind.CRYPTO))
    fetched = await build(*symbols).fetch(noon)
    assert fetched.problems == ()
    assert closes(fetched, "NVDA")[-1] == ("07-16 20:00", 103.0, "final")
    assert closes(fetched, "0700.HK")[-1] == ("07-17 08:00", 104.0, "final")
    assert closes(fetched, "BTC-USD")[-2:] == [("07-16 23:59", 60_005.0, "final"), ("07-17 12:00", 60_006.0, "partial")]


async def test_hong_kongs_closing_auction_is_awaited(build: Build, http_server: FakeHttp) -> None:
    """A quote from before the end of the closing auction doesn't make the day's close final."""
    before_auction = datetime(2026, 7, 17, 8, 1, tzinfo=UTC)
    document = chart("0700.HK", WEEK, quoted_at=before_auction, tz="Asia/Hong_Kong")
    http_server.route("*/0700.HK", ok_json(document))
    feed = build(instrument("0700.HK", "XHKG"))
    assert closes(await feed.fetch(before_auction + timedelta(minutes=16)), "0700.HK")[-1][2] == "partial"


async def test_an_empty_chart_is_a_failure_with_its_cause(build: Build, http_server: FakeHttp) -> None:
    """Symbols without data are told one by one, each with Yahoo's reason; the others are not touched."""
    http_server.route("*/NVDA", ok_json(chart("NVDA", WEEK, quoted_at=CLOSE_FRIDAY)))
    http_server.route("*/^HSTECH", unknown_symbol())
    http_server.route("*/HOLLOW", ok_json(chart("HOLLOW", bars(MONDAY, [None] * 5), quoted_at=CLOSE_FRIDAY)))
    fetched = await build(NVDA, instrument("^HSTECH"), instrument("HOLLOW")).fetch(AFTER)
    assert len(closes(fetched)) == 5
    assert faults(fetched) == [("^HSTECH", "incomplete"), ("HOLLOW", "incomplete")]
    assert "symbol may be delisted" in fetched.problems[0].message
    assert len(http_server.requests) == 3  # none is asked twice


@pytest.mark.parametrize(
    ("reply", "fault", "requests"),
    [
        (challenge(), "blocked", 1),
        (challenge(200), "blocked", 1),
        (failing(500), "unreachable", 2),
        (reset(), "unreachable", 2),
        (truncated(ok_json({"chart": "x" * 500})), "unreachable", 2),
        (ok_text("<html><body>Will be right back</body></html>"), "changed", 1),
        (ok_json({"finance": {"result": None}}), "changed", 1),
        (ok_json({"chart": {"result": [{"meta": {}, "indicators": {"quote": [{}]}}], "error": None}}), "incomplete", 1),
        (ok_json({"chart": {"result": [{"indicators": {"quote": [{"open": [1]}]}}], "error": None}}), "changed", 1),
        (ok_json({"chart": {"result": None, "error": {"code": "x", "description": "No"}}}), "incomplete", 1),
        (Reply(401, b'{"finance": {"error": {"description": "Invalid Crumb"}}}'), "unauthorized", 1),
    ],
)
async def test_each_failure_has_its_type(
    build: Build, http_server: FakeHttp, reply: Reply, fault: str, requests: int
) -> None:
    """Whatever Yahoo answers in place of a chart becomes one typed problem, never an exception or a made-up figure."""
    http_server.route("*", reply)
    fetched = await build().fetch(AFTER)
    assert ([problem.fault for problem in fetched.problems], fetched.observations) == ([fault], ())
    assert len(http_server.requests) == requests


async def test_a_slow_drip_ends(build: Build, http_server: FakeHttp) -> None:
    """A chart that trickles for ever ends at the time-out."""
    http_server.route("*", dripping(ok_json({})))
    fetched = await build(timeout_s=0.1).fetch(AFTER)
    assert faults(fetched) == [("NVDA", "unreachable")]


async def test_an_answer_is_bounded(build: Build, http_server: FakeHttp) -> None:
    """A body of more than sixteen megabytes is refused."""
    http_server.route("*", Reply(200, b" " * (17 * 1024 * 1024)))
    fetched = await build().fetch(AFTER)
    assert faults(fetched) == [("NVDA", "unreachable")]


async def test_a_compressed_chart(build: Build, http_server: FakeHttp) -> None:
    """A gzip body is understood."""
    http_server.route("*/NVDA", gzipped(ok_json(chart("NVDA", WEEK, quoted_at=CLOSE_FRIDAY))))
    assert len(closes(await build().fetch(AFTER))) == 5


async def test_one_429_silences_every_process(build: Build, http_server: FakeHttp) -> None:
    """The first 429 ends the run, is told once, and holds for other processes and later fetches until its time."""
    documents = MemoryDocuments()
    symbols = [instrument(f"S{n:02}") for n in range(50)]
    http_server.route("*", rate_limited())
    fetched = await build(*symbols, documents=documents).fetch(AFTER)
    assert faults(fetched) == [("", "rate_limited")]
    assert fetched.problems[0].retry_at == AFTER + timedelta(minutes=30)
    asked = len(http_server.requests)
    assert asked <= 4  # what was under way at once
    other = build(*symbols, documents=documents)
    assert faults(await other.fetch(AFTER + timedelta(minutes=29))) == [("", "rate_limited")]
    assert len(http_server.requests) == asked
    http_server.route("*", ok_json(chart("S", WEEK, quoted_at=CLOSE_FRIDAY)))
    assert (await other.fetch(AFTER + timedelta(minutes=30))).problems == ()


async def test_a_dead_source_is_not_asked_for_every_symbol(build: Build, http_server: FakeHttp) -> None:
    """After a few failures in a row the run ends, with one problem for all."""
    http_server.route("*", failing(503))
    fetched = await build(*(instrument(f"S{n:02}") for n in range(100))).fetch(AFTER)
    assert faults(fetched) == [("", "unreachable")]
    assert len(http_server.requests) < 25


async def test_a_missing_session_is_completed(build: Build, http_server: FakeHttp) -> None:
    """A session that the daily chart lacks is put together from hourly bars, as provisional."""
    holed = [*WEEK[:3], Bar(WEEK[3].day, None, None, None, None, None), WEEK[4]]
    script = by_interval(
        ok_json(chart("NVDA", holed, quoted_at=CLOSE_FRIDAY)),
        ok_json(hourly("NVDA", WEEK[3].day, [102.0, 106.0, 101.0, 103.5])),
    )
    http_server.route("*/NVDA", script)
    feed = build()
    fetched = await feed.fetch(AFTER)
    assert closes(fetched)[3] == ("07-16 20:00", 103.5, "provisional")
    day = {o.series: o.value for o in fetched.observations if o.at.day == 16}
    assert (day["prices.NVDA.open"], day["prices.NVDA.high"], day["prices.NVDA.low"]) == (102.0, 106.0, 101.0)
    assert fetched.problems == ()
    asked = len(http_server.requests)
    assert await feed.fetch(AFTER) == Fetched()
    assert len(http_server.requests) == asked + 1  # the hole stays filled: no hourly chart again


async def test_a_missing_session_is_marked(build: Build, http_server: FakeHttp) -> None:
    """What can't be completed is a pending close without a value, and a problem, not the day before's figure."""
    holed = [*WEEK[:3], replace(WEEK[3], close=None), WEEK[4]]
    script = by_interval(ok_json(chart("NVDA", holed, quoted_at=CLOSE_FRIDAY)), failing(500))
    http_server.route("*/NVDA", script)
    feed = build()
    fetched = await feed.fetch(AFTER)
    assert ("07-16 20:00", None, "pending") in closes(fetched)
    assert faults(fetched) == [("NVDA", "incomplete")]
    again = await feed.fetch(AFTER)
    assert (again.observations, faults(again)) == ((), [("NVDA", "incomplete")])  # marked once, open until it comes
    http_server.route("*/NVDA", ok_json(chart("NVDA", WEEK, quoted_at=CLOSE_FRIDAY)))
    assert closes(await feed.fetch(AFTER)) == [("07-16 20:00", 103.0, "final")]


async def test_the_last_session_comes_from_the_quote(build: Build, http_server: FakeHttp) -> None:
    """When the finished session's row is absent the quote of that session stands in, as provisional."""
    http_server.route("*/NVDA", ok_json(chart("NVDA", WEEK[:4], quoted_at=CLOSE_FRIDAY, price=104.25)))
    assert closes(await build().fetch(AFTER))[-1] == ("07-17 20:00", 104.25, "provisional")


async def test_a_day_that_all_of_a_market_lack(build: Build, http_server: FakeHttp) -> None:
    """A closure that no calendar knows is one problem, not one a symbol, and costs no further requests."""
    holed = [*WEEK[:2], *WEEK[3:]]
    http_server.route("*", ok_json(chart("X", holed, quoted_at=CLOSE_FRIDAY)))
    fetched = await build(*(instrument(f"S{n}") for n in range(5))).fetch(AFTER)
    assert faults(fetched) == [("XNYS:2026-07-15", "incomplete")]
    assert len(http_server.requests) == 5


async def test_a_bar_on_a_holiday_is_left_out(build: Build, http_server: FakeHttp) -> None:
    """A row on a day that is no session is reported and not used."""
    week = bars(date(2026, 6, 30), [100.0, 101.0, 102.0, 102.0, 103.0])  # 3 July is closed
    http_server.route("*", ok_json(chart("NVDA", week, quoted_at=datetime(2026, 7, 6, 20, 0, tzinfo=UTC))))
    fetched = await build().fetch(datetime(2026, 7, 6, 20, 20, tzinfo=UTC))
    assert "2026-07-03" in fetched.problems[0].message
    assert [at for at, _, _ in closes(fetched)] == ["06-30 20:00", "07-01 20:00", "07-02 20:00", "07-06 20:00"]


async def test_an_early_close_is_known(build: Build, http_server: FakeHttp) -> None:
    """On a half day the close stands at the early close."""
    day = Bar(date(2026, 11, 27), 1.0, 1.0, 1.0, 104.0, 10.0)
    early = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
    http_server.route("*", ok_json(chart("NVDA", [day], quoted_at=early)))
    assert closes(await build().fetch(early + timedelta(minutes=16))) == [("11-27 18:00", 104.0, "final")]


@pytest.mark.parametrize("rescaled_by_yahoo", [True, False])
async def test_a_split_is_no_move(build: Build, http_server: FakeHttp, *, rescaled_by_yahoo: bool) -> None:
    """After a 10:1 split the whole history comes anew in new shares, whether Yahoo has rescaled it or not."""
    old, new = WEEK[:4], replace(WEEK[4], open=10.3, high=10.5, low=10.2, close=10.4)
    history = [bar.rescaled(10.0) for bar in old] if rescaled_by_yahoo else old
    before = ok_json(chart("NVDA", old, quoted_at=CLOSE_FRIDAY - timedelta(days=1)))
    after = ok_json(chart("NVDA", [*history, new], quoted_at=CLOSE_FRIDAY, splits={new.day: 10.0}))
    http_server.route("*/NVDA", before, after)
    feed = build()
    await feed.fetch(AFTER - timedelta(days=1))
    fetched = await feed.fetch(AFTER)
    assert [value for _, value, _ in closes(fetched)] == pytest.approx([10.0, 10.1, 10.2, 10.3, 10.4])
    assert faults(fetched) == [("NVDA", "revised")]
    assert [request.query["range"] for request in http_server.requests] == ["1mo", "1mo", "2y"]
    assert (await feed.fetch(AFTER)).problems == ()  # told once


async def test_a_rescaling_without_a_word(build: Build, http_server: FakeHttp) -> None:
    """When every close differs by one factor from what was given, that is a split, declared or not."""
    halves = [bar.rescaled(2.0) for bar in WEEK]
    http_server.route(
        "*/NVDA",
        ok_json(chart("NVDA", WEEK[:4], quoted_at=CLOSE_FRIDAY - timedelta(days=1))),
        ok_json(chart("NVDA", halves, quoted_at=CLOSE_FRIDAY)),
    )
    feed = build()
    await feed.fetch(AFTER - timedelta(days=1))
    fetched = await feed.fetch(AFTER)
    assert [value for _, value, _ in closes(fetched)] == [50.0, 50.5, 51.0, 51.5, 52.0]
    assert faults(fetched) == [("NVDA", "revised")]


async def test_an_undeclared_jump_is_held_back(build: Build, http_server: FakeHttp) -> None:
    """A running price at a tenth of yesterday's close is not told until the session is over or a split is declared."""
    quoted = datetime(2026, 7, 17, 14, 0, tzinfo=UTC)
    jump = replace(WEEK[4], close=10.3)
    http_server.route("*/NVDA", ok_json(chart("NVDA", [*WEEK[:4], jump], quoted_at=quoted)))
    fetched = await build().fetch(quoted)
    assert closes(fetched)[-1] == ("07-16 20:00", 103.0, "final")
    assert faults(fetched) == [("NVDA", "disagreement")]


async def test_crypto_may_halve(build: Build, http_server: FakeHttp) -> None:
    """Bitcoin has no splits: half the price is news at once."""
    noon = datetime(2026, 7, 17, 12, 0, tzinfo=UTC)
    days = [Bar(date(2026, 7, 16), 1.0, 1.0, 1.0, 60_000.0, 5.0), Bar(date(2026, 7, 17), 1.0, 1.0, 1.0, 30_000.0, 5.0)]
    http_server.route("*", ok_json(chart("BTC-USD", days, quoted_at=noon, tz="UTC")))
    fetched = await build(instrument("BTC-USD", "24/7", Kind.CRYPTO)).fetch(noon)
    assert closes(fetched, "BTC-USD")[-1] == ("07-17 12:00", 30_000.0, "partial")


async def test_rows_in_any_order(build: Build, http_server: FakeHttp) -> None:
    """Duplicate and reordered rows change nothing."""
    shuffled = [WEEK[2], WEEK[0], WEEK[4], WEEK[1], WEEK[3], WEEK[1]]
    http_server.route("*", ok_json(chart("NVDA", shuffled, quoted_at=CLOSE_FRIDAY)))
    assert [value for _, value, _ in closes(await build().fetch(AFTER))] == [100.0, 101.0, 102.0, 103.0, 104.0]


async def test_an_index_without_volume(build: Build, http_server: FakeHttp) -> None:
    """A volume of zero is none: unknown is not zero."""
    silent = [replace(bar, volume=0.0) for bar in WEEK]
    http_server.route("*", ok_json(chart("^HSI", silent, quoted_at=CLOSE_FRIDAY, kind="INDEX")))
    fetched = await build(instrument("^HSI", kind=Kind.INDEX)).fetch(AFTER)
    assert [o for o in fetched.observations if o.series.endswith(".volume")] == []


@pytest.mark.parametrize(("burst", "seconds"), [(1, 4.5), (4, 3.0), (60, 0.0)])
async def test_requests_keep_their_pace(build: Build, http_server: FakeHttp, burst: int, seconds: float) -> None:
    """A few requests may go out at once; beyond that they wait their turn on the clock."""
    http_server.route("*", ok_json(chart("X", WEEK, quoted_at=CLOSE_FRIDAY)))
    feed = build(*(instrument(f"S{n}") for n in range(10)), pace=Pace(2.0, burst), concurrency=1)
    await feed.fetch(AFTER)
    assert feed._desk.clock.now() - AFTER == timedelta(seconds=seconds)


async def test_a_poll_while_the_market_is_open(build: Build, http_server: FakeHttp) -> None:
    """After the history was read a poll looks at the last sessions only, and tells just what moved."""
    first = datetime(2026, 7, 17, 17, 45, tzinfo=UTC)
    moved = [*WEEK[:4], replace(WEEK[4], close=104.9)]
    http_server.route(
        "*/NVDA",
        ok_json(chart("NVDA", WEEK, quoted_at=first)),
        ok_json(chart("NVDA", moved, quoted_at=first + timedelta(minutes=5))),
        ok_json(chart("NVDA", moved, quoted_at=CLOSE_FRIDAY)),
    )
    feed = build()
    await feed.fetch(first)
    assert closes(await feed.fetch(first + timedelta(minutes=5))) == [("07-17 17:50", 104.9, "partial")]
    assert closes(await feed.fetch(AFTER)) == [("07-17 20:00", 104.9, "final")]
    assert [request.query["range"] for request in http_server.requests] == ["1mo", "5d", "1mo"]


async def test_a_restart_tells_only_news(build: Build, http_server: FakeHttp) -> None:
    """What an earlier process gave is remembered from the archive: the next one tells the new session alone."""
    http_server.route("*/NVDA", ok_json(chart("NVDA", WEEK, quoted_at=CLOSE_FRIDAY)))
    archived = (await build().fetch(AFTER)).observations
    feed = build()
    feed.remember([o for o in archived if o.at < CLOSE_FRIDAY])
    assert feed.last_close("NVDA") == 103.0
    assert closes(await feed.fetch(AFTER)) == [("07-17 20:00", 104.0, "final")]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_split_while_nobody_looked(build: Build, http_server: FakeHttp, *, declared: bool) -> None:
    """A split between two runs is seen against the archive, told once, and not again at the next start."""
    new = [bar.rescaled(10.0) for bar in WEEK]
    splits = {WEEK[4].day: 10.0} if declared else None
    http_server.route(
        "*/NVDA",
        ok_json(chart("NVDA", WEEK[:4], quoted_at=CLOSE_FRIDAY - timedelta(days=1))),
        ok_json(chart("NVDA", new, quoted_at=CLOSE_FRIDAY, splits=splits)),
    )
    archived = (await build().fetch(AFTER - timedelta(days=1))).observations
    feed = build()
    feed.remember(archived)
    fetched = await feed.fetch(AFTER)
    assert [value for _, value, _ in closes(fetched)] == pytest.approx([10.0, 10.1, 10.2, 10.3, 10.4])
    assert faults(fetched) == [("NVDA", "revised")]
    third = build()
    third.remember(fetched.observations)
    assert await third.fetch(AFTER) == Fetched()


async def test_the_first_start_fills_the_archive(build: Build, http_server: FakeHttp) -> None:
    """A backfill brings the long history of what isn't known, finished sessions only; the fetch after it tells news."""
    quoted = datetime(2026, 7, 17, 17, 45, tzinfo=UTC)
    http_server.route("*/NVDA", ok_json(chart("NVDA", WEEK, quoted_at=quoted)))
    feed = build()
    assert [status for _, _, status in closes(await feed.backfill(quoted, {"NVDA"}))] == ["final"] * 4
    assert closes(await feed.fetch(quoted)) == [("07-17 17:45", 104.0, "partial")]
    assert [request.query["range"] for request in http_server.requests] == ["2y", "5d"]


CHARTS = {
    "a week": chart("X", WEEK, quoted_at=CLOSE_FRIDAY),
    "holes": chart("X", [WEEK[0], replace(WEEK[1], close=None), replace(WEEK[2], open=None), WEEK[3]], quoted_at=AFTER),
    "an empty row": chart("X", [*WEEK[:2], Bar(WEEK[2].day, *[None] * 5), *WEEK[3:]], quoted_at=CLOSE_FRIDAY),
    "disorder": chart("X", [WEEK[3], WEEK[0], WEEK[2], WEEK[1], WEEK[4]], quoted_at=CLOSE_FRIDAY),
    "splits": chart("X", WEEK, quoted_at=CLOSE_FRIDAY, splits={WEEK[2].day: 10.0, WEEK[3].day: 0.5}),
    "no volume": chart("X", [replace(bar, volume=None) for bar in WEEK], quoted_at=CLOSE_FRIDAY),
    "Hong Kong": chart("X", WEEK, quoted_at=CLOSE_FRIDAY, tz="Asia/Hong_Kong"),
    "UTC days": chart("X", WEEK, quoted_at=CLOSE_FRIDAY, tz="UTC"),
    "clocks put forward": chart("X", bars(date(2026, 3, 5), [1.0, 2.0, 3.0]), quoted_at=CLOSE_FRIDAY, tz="UTC"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_both_readers_see_the_same(name: str) -> None:
    """What a poll reads by itself is what yfinance makes of the same chart: days, prices, volumes, splits, quote."""
    document = CHARTS[name]
    reply = ChartReply("X", "1d", "1mo", json.dumps(document), document)
    tz = document["chart"]["result"][0]["meta"]["exchangeTimezoneName"]
    ours, theirs = (
        yahoo_requests.daily(reply, tz),
        yahoo_chart.daily(replace(reply, document=json.loads(reply.text)), tz),
    )
    assert [bar for bar in ours.bars if bar.close] == [bar for bar in theirs.bars if bar.close]
    assert (ours.quote, ours.splits) == (theirs.quote, theirs.splits)


def test_a_midnight_that_is_an_hour_early() -> None:
    """A row stamped 23:00 of the evening before, as Yahoo does around a change of clocks, is the next day's."""
    document = chart("X", WEEK, quoted_at=CLOSE_FRIDAY, tz="UTC")
    result = document["chart"]["result"][0]
    result["timestamp"] = [stamp - 3600 for stamp in result["timestamp"]]
    reply = ChartReply("X", "1d", "1mo", json.dumps(document), document)
    theirs = yahoo_chart.daily(replace(reply, document=json.loads(reply.text)), "UTC")
    assert [bar.day for bar in yahoo_requests.daily(reply, "UTC").bars] == [bar.day for bar in WEEK]
    assert [bar.day for bar in theirs.bars] == [bar.day for bar in WEEK]
