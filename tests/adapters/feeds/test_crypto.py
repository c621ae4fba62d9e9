"""The crypto overview: providers kept apart, days told at their end, snapshots of what only knows the present."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.feeds import coinmarketcap, fear_greed
from adapters.feeds.answer import BadAnswer
from adapters.feeds.coingecko import CoinGecko
from adapters.feeds.coinmarketcap import KEYED_URL, KEYLESS_URL, CoinMarketCap, CoinMarketCapFear
from adapters.feeds.daily_csv import DailyCsv
from adapters.feeds.fear_greed import AlternativeMe
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.snapshots import DailySnapshots
from adapters.feeds.together import Together
from adapters.http import HttpClient
from rules.model import Observation, Status
from tests.adapters.feeds.crypto_pages import (
    alternative_me,
    cmc,
    cmc_fear,
    cmc_fear_history,
    cmc_market,
    coingecko_global,
)
from tests.fakes.documents import MemoryDocuments
from tests.fakes.http_server import FakeHttp, ok_json
from tests.fakes.sources import client_of

NOW = datetime(2026, 7, 24, 12, tzinfo=UTC)


@pytest.fixture
async def http(http_server: FakeHttp) -> AsyncIterator[HttpClient]:
    """A client whose clock stands at NOW, with every source at the scripted server."""
    async with client_of(http_server, NOW) as client:
        yield client


def told(fetched: Fetched) -> list[tuple[str, str, float | None, str]]:
    """Series, time, value and status of each figure."""
    return [(o.series, f"{o.at:%m-%d %H:%M:%S}", o.value, str(o.status)) for o in fetched.observations]


async def test_coinmarketcap_without_a_key(http: HttpClient, http_server: FakeHttp):
    """The adjusted figures, as of the provider's own time, still running."""
    http_server.route(coinmarketcap.MARKET_PATH, ok_json(cmc_market()))
    fetched = await CoinMarketCap(http=http).fetch(NOW)
    assert [
        ("crypto.coinmarketcap.market_cap", "07-24 11:50:00", 2.78e12, "partial"),
        ("crypto.coinmarketcap.volume", "07-24 11:50:00", 70.4e9, "partial"),
        ("crypto.coinmarketcap.btc_dominance", "07-24 11:50:00", 58.6, "partial"),
    ] == told(fetched)
    assert "x-cmc_pro_api_key" not in http_server.requests[0].headers


async def test_coinmarketcap_with_a_key(http: HttpClient, http_server: FakeHttp):
    """The key travels in its header, and the keyed address is another one."""
    http_server.route(coinmarketcap.MARKET_PATH, ok_json(cmc_market()))
    await CoinMarketCap(http=http, key=SecretStr("k")).fetch(NOW)
    assert "k" == http_server.requests[0].headers["x-cmc_pro_api_key"]
    assert f"{KEYED_URL}/public-api" == KEYLESS_URL


@pytest.mark.parametrize(
    ("code", "fault"),
    [(1001, Fault.UNAUTHORIZED), ("1006", Fault.UNAUTHORIZED), (1011, Fault.RATE_LIMITED), ("500", Fault.UNREACHABLE)],
)
async def test_coinmarketcap_errors_inside_a_200(
    http: HttpClient, http_server: FakeHttp, code: int | str, fault: Fault
):
    """The code in the body, a number or a text, says what is wrong."""
    http_server.route(coinmarketcap.MARKET_PATH, ok_json(cmc(None, code, "no")))
    fetched = await CoinMarketCap(http=http).fetch(NOW)
    assert [(fault, f"it answers with error {code} ('no')")] == [(p.fault, p.message) for p in fetched.problems]


async def test_a_zero_code_may_be_a_text(http: HttpClient, http_server: FakeHttp):
    """Some routes write the code of success as "0"."""
    answer = cmc_market()
    answer["status"]["error_code"] = "0"
    http_server.route(coinmarketcap.MARKET_PATH, ok_json(answer))
    assert () == (await CoinMarketCap(http=http).fetch(NOW)).problems


async def test_coingecko_is_another_series(http: HttpClient, http_server: FakeHttp):
    """Its totals differ by several percent, so nothing may take them for CoinMarketCap's."""
    http_server.route("/global", ok_json(coingecko_global()))
    fetched = await CoinGecko(http=http).fetch(NOW)
    assert [
        ("crypto.coingecko.market_cap", "07-24 11:58:00", 2.85e12, "partial"),
        ("crypto.coingecko.volume", "07-24 11:58:00", 99e9, "partial"),
        ("crypto.coingecko.btc_dominance", "07-24 11:58:00", 57.1, "partial"),
    ] == told(fetched)


async def test_fear_and_greed_of_coinmarketcap(http: HttpClient, http_server: FakeHttp):
    """Past days stand at their end and are final; the present value is running."""
    history = cmc_fear_history({"2026-07-22": 38, "2026-07-23": 39, "2026-07-24": 40})
    http_server.route(coinmarketcap.FEAR_HISTORY_PATH, ok_json(history))
    http_server.route(coinmarketcap.FEAR_PATH, ok_json(cmc_fear(41)))
    fetched = await CoinMarketCapFear(http=http).fetch(NOW)
    assert [
        ("fear_greed.coinmarketcap.value", "07-22 23:59:59", 38.0, "final"),
        ("fear_greed.coinmarketcap.value", "07-23 23:59:59", 39.0, "final"),
        ("fear_greed.coinmarketcap.value", "07-24 11:45:00", 41.0, "partial"),
    ] == told(fetched)


async def test_fear_and_greed_of_alternative_me(http: HttpClient, http_server: FakeHttp):
    """One value a UTC day, numbers as text, newest first."""
    http_server.route("/fng/", ok_json(alternative_me([("2026-07-24", 47), ("2026-07-23", 33)])))
    fetched = await AlternativeMe(http=http).fetch(NOW)
    assert [
        ("fear_greed.alternative_me.value", "07-23 23:59:59", 33.0, "final"),
        ("fear_greed.alternative_me.value", "07-24 00:00:00", 47.0, "partial"),
    ] == told(fetched)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"data": [], "metadata": {"error": "Rate limit"}}, "the error 'Rate limit'"),
        ({"data": [], "metadata": {"error": None}}, "its list of values is empty"),
        (alternative_me([("2026-07-24", 101)]), "the index is 101; wanted 0 to 100"),
    ],
)
def test_what_alternative_me_may_say_instead(answer: object, said: str):
    """An error inside HTTP 200, an empty list and a value out of range are told."""
    with pytest.raises(BadAnswer, match=said):
        fear_greed.parse(answer, NOW)


class Present:
    """A feed that knows the present only."""

    def __init__(self, value: float | None = 1.0) -> None:
        self.value = value

    async def fetch(self, now: datetime) -> Fetched:
        """The value, a minute old."""
        at = now - timedelta(minutes=1)
        return Fetched((Observation("crypto.x.market_cap", at, now, self.value, Status.PARTIAL, "x"),))


async def test_the_last_snapshot_of_a_day_is_its_figure():
    """The day's last value is told the next day, at the day's end, known since now."""
    documents = MemoryDocuments()
    feed = Present()
    snapshots = DailySnapshots(name="x", feed=feed, documents=documents)
    for hour, value in ((1, 10.0), (23, 20.0)):
        feed.value = value
        await snapshots.fetch(datetime(2026, 7, 23, hour, 30, tzinfo=UTC))
    feed.value = 30.0
    assert [
        ("crypto.x.market_cap", "07-23 23:59:59", 20.0, "final"),
        ("crypto.x.market_cap", "07-24 11:59:00", 30.0, "partial"),
    ] == told(await snapshots.fetch(NOW))


async def test_a_snapshot_long_before_the_end_is_provisional():
    """A process that was down in the evening has no closing figure."""
    snapshots = DailySnapshots(name="x", feed=Present(), documents=MemoryDocuments())
    await snapshots.fetch(datetime(2026, 7, 23, 9, tzinfo=UTC))
    assert ("crypto.x.market_cap", "07-23 23:59:59", 1.0, "provisional") == told(await snapshots.fetch(NOW))[0]


async def test_a_silent_source_is_not_excused_by_its_snapshots():
    """Days that were kept are no answer: its trouble is of the whole source."""
    documents, trouble = MemoryDocuments(), FeedProblem("x", Fault.UNREACHABLE, "no answer", "crypto.x.market_cap")

    class Silent:
        async def fetch(self, now: datetime) -> Fetched:
            return Fetched(problems=(trouble,))

    await DailySnapshots(name="x", feed=Present(), documents=documents).fetch(NOW - timedelta(days=1))
    fetched = await DailySnapshots(name="x", feed=Silent(), documents=documents).fetch(NOW)
    assert (1, [""]) == (len(fetched.observations), [problem.subject for problem in fetched.problems])


async def test_snapshots_of_two_providers_are_kept_apart():
    """Each has its own day."""
    documents = MemoryDocuments()
    for name in ("x", "y"):
        await DailySnapshots(name=name, feed=Present(), documents=documents).fetch(NOW)
    assert [("daily_snapshots", "x:2026-07-24"), ("daily_snapshots", "y:2026-07-24")] == list(documents.documents)


@pytest.mark.parametrize("document", ["{", "[]", '{"crypto.x.market_cap": 5}', '{"crypto.x.market_cap": [1, 2]}'])
async def test_an_unreadable_snapshot_is_told_and_the_present_kept(document: str):
    """What the store holds may be damaged; the running figures don't depend on it."""
    documents = MemoryDocuments()
    await documents.put("daily_snapshots", "x:2026-07-23", document)
    fetched = await DailySnapshots(name="x", feed=Present(), documents=documents).fetch(NOW)
    assert [Fault.INCOMPLETE] == [problem.fault for problem in fetched.problems]
    assert ("crypto.x.market_cap", "07-24 11:59:00", 1.0, "partial") == told(fetched)[-1]


async def test_a_store_that_is_away_costs_the_past_only():
    """The running figures are told and the trouble is named."""
    documents = MemoryDocuments()
    documents.away = True
    fetched = await DailySnapshots(name="x", feed=Present(), documents=documents).fetch(NOW)
    assert ["its daily snapshots: the store can't be reached"] == [problem.message for problem in fetched.problems]
    assert 1 == len(fetched.observations)


async def test_feeds_together_tell_everything():
    """What one misses doesn't touch the other."""

    class Failing:
        async def fetch(self, now: datetime) -> Fetched:
            return Fetched(problems=(FeedProblem("y", Fault.BLOCKED, "refused"),))

    fetched = await Together(feeds=[Failing(), Present()]).fetch(NOW)
    assert (1, ["refused"]) == (len(fetched.observations), [problem.message for problem in fetched.problems])


async def test_a_csv_file_fills_the_past(tmp_path: Path):
    """Each column is a series of the file's provider; empty cells and the future are left out."""
    path = tmp_path / "crypto.csv"
    path.write_text("date,market_cap,volume\n2024-11-01,2.33e12,92.79e9\n2024-10-25,2.32e12,\n2099-01-01,1,1\n")
    fetched = await DailyCsv(path=path, prefix="crypto.coinmarketcap").fetch(NOW)
    assert [
        ("crypto.coinmarketcap.market_cap", "11-01 23:59:59", 2.33e12, "final"),
        ("crypto.coinmarketcap.volume", "11-01 23:59:59", 92.79e9, "final"),
        ("crypto.coinmarketcap.market_cap", "10-25 23:59:59", 2.32e12, "final"),
    ] == told(fetched)
    assert () == fetched.problems


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "c.csv:1: the header is ''"),
        ("date\n", "c.csv:1: the header is 'date'"),
        ("date,Market Cap\n", "c.csv:1: the header is 'date,Market Cap'"),
        ("date,value\n2024-11-01,1,2\n", "c.csv:2: 3 cells; the header has 2"),
        ("date,value\n2024-11-01,1\n1 Nov 2024,2\n", "c.csv:3: the date is '1 Nov 2024'"),
        ("date,value\n2024-11-01,59%\n", "c.csv:2: value is '59%'; wanted a number"),
    ],
)
async def test_mistakes_in_a_csv_file_are_located(tmp_path: Path, text: str, said: str):
    """File, line, value, and what is wanted."""
    path = tmp_path / "c.csv"
    path.write_text(text)
    fetched = await DailyCsv(path=path, prefix="fear_greed.coinmarketcap").fetch(NOW)
    assert said in fetched.problems[0].message
