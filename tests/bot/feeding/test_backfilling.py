"""The long history: fetched before the feed, kept out of the tape, told to a pipeline that runs."""

from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from adapters.feeds.news import OnlyNews
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.store.port import StoreUnavailable
from adapters.store.redis import RedisStore
from bot.feeding.archive import Archive
from bot.feeding.backfilling import Backfilled, LateHistory, PastApart
from bot.market.view import MarketView
from bot.pipeline import Pipeline
from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.model import Observation
from rules.spec import Expression, RuleSpec
from rules.universe import Universe
from tests.bot.test_pipeline import BTC, dispatcher_to

NOW = datetime(2024, 10, 28, 12, tzinfo=UTC)
DOWN = FeedProblem("yahoo", Fault.UNREACHABLE, "no answer")
LONG = [
    Observation("prices.BTC-USD.close", NOW.replace(hour=23, minute=59, second=59) - timedelta(days=n), NOW, 50_000.0)
    for n in range(1, 41)
]
NEWS = Observation("prices.BTC-USD.close", NOW, NOW, 70_000.0)


class Prices:
    """A feed whose history comes in the given attempts; what it was told and asked is written down."""

    def __init__(self, *attempts: Fetched) -> None:
        self.attempts = list(attempts)
        self.did: list[str] = []
        self.remembered: list[Observation] = []

    def remember(self, observations: Sequence[Observation]) -> None:
        self.did.append("remember")
        self.remembered += observations

    async def backfill(self, now: datetime, symbols: Container[str]) -> Fetched:
        self.did.append("backfill")
        return self.attempts.pop(0)

    async def fetch(self, now: datetime) -> Fetched:
        self.did.append("fetch")
        return Fetched((NEWS,))


@pytest.fixture
def archive(store: RedisStore) -> Archive:
    return Archive(store.bars, store.documents)


def feed_of(prices: Prices, store: RedisStore, archive: Archive) -> Backfilled:
    return Backfilled("prices.24/7", prices, ["BTC-USD"], archive, store.documents)


def values(observations: Sequence[Observation]) -> set[tuple[datetime, float | None]]:
    return {(item.at, item.value) for item in observations}


async def test_history_comes_first_and_is_no_news(store: RedisStore, archive: Archive) -> None:
    """What is kept is remembered, what lacks is fetched and kept; the fetch tells what is new alone, once and again."""
    await archive.keep(LONG[:2])
    prices = Prices(Fetched(tuple(LONG[2:])))
    feed = feed_of(prices, store, archive)
    assert [Fetched((NEWS,))] * 2 == [await feed.fetch(NOW), await feed.fetch(NOW)]
    assert ["remember", "backfill", "remember", "fetch", "fetch"] == prices.did
    assert values(LONG) == values(prices.remembered) == values(await archive.load())


async def test_a_source_that_is_away_is_told_and_tried_again(store: RedisStore, archive: Archive) -> None:
    """No second request follows a refusal; the next fetch asks for the history again, and what came is kept."""
    prices = Prices(Fetched(problems=(DOWN,)), Fetched(tuple(LONG[:20]), problems=(DOWN,)), Fetched(tuple(LONG[20:])))
    feed = feed_of(prices, store, archive)
    assert [(DOWN,), (DOWN,), ()] == [(await feed.fetch(NOW)).problems for _ in range(3)]
    assert (1, values(LONG)) == (prices.did.count("fetch"), values(await archive.load()))


async def test_a_symbol_without_history_delays_nothing(store: RedisStore, archive: Archive) -> None:
    """A failure of one symbol isn't one of the source."""
    lacking = FeedProblem("yahoo", Fault.INCOMPLETE, "NEW: no data", "NEW")
    prices = Prices(Fetched(tuple(LONG), problems=(lacking,)))
    assert Fetched((NEWS,)) == await feed_of(prices, store, archive).fetch(NOW)


class Flows:
    """A source that gives its whole table at every fetch."""

    def __init__(self, *tables: Sequence[Observation]) -> None:
        self.tables = list(tables)

    async def fetch(self, now: datetime) -> Fetched:
        return Fetched(tuple(self.tables.pop(0)))


def flow(days_ago: int, value: float) -> Observation:
    at = NOW.replace(hour=20) - timedelta(days=days_ago)
    return Observation("etf_flows.BTC.total", at, NOW, value, source="theblock")


def apart(store: RedisStore, archive: Archive, *tables: Sequence[Observation]) -> PastApart:
    return PastApart("etf_flows", OnlyNews(feed=Flows(*tables)), archive, store.documents, timedelta(days=10))


async def test_the_long_past_of_flows_is_no_news(store: RedisStore, archive: Archive) -> None:
    """Of a table of years only the last days are told; the rest is kept, and told to who runs already."""
    table = [flow(days, float(days)) for days in (400, 30, 5, 1)]
    early = LateHistory(archive, store.documents, NOW - timedelta(minutes=10))
    assert tuple(table[2:]) == (await apart(store, archive, table).fetch(NOW)).observations
    assert values(table[:2]) == values(await archive.load()) == values(await early.take())


async def test_a_new_process_tells_flows_only_if_they_changed(store: RedisStore, archive: Archive) -> None:
    """What the archive has is not told again; an old figure that is corrected is news."""
    await archive.keep([flow(days, float(days)) for days in (400, 30, 5, 1)])
    corrected = [flow(400, 400.0), flow(30, 31.0), flow(5, 5.0), flow(1, 1.0), flow(0, 7.0)]
    fetched = await apart(store, archive, corrected).fetch(NOW)
    assert (corrected[1], corrected[4]) == fetched.observations
    assert ("theblock",) == fetched.answered


async def test_a_store_that_is_away_loses_no_past(store: RedisStore, archive: Archive) -> None:
    """What could not be kept is kept, and the news told, by the next fetch."""

    class Away(Archive):
        left = 1

        async def keep(self, observations: Iterable[Observation]) -> None:
            self.left -= 1
            if self.left == 0:
                raise StoreUnavailable("away")
            await super().keep(observations)

    table = [flow(400, 400.0), flow(1, 1.0)]
    feed = apart(store, Away(store.bars, store.documents), table, table)
    with pytest.raises(StoreUnavailable):
        await feed.fetch(NOW)
    assert (table[1],) == (await feed.fetch(NOW)).observations
    assert values(table[:1]) == values(await archive.load())


async def test_who_started_earlier_is_told_what_came_later_once(store: RedisStore, archive: Archive) -> None:
    """Of two readers, the one that started before the history came gets it, the one that started after has it."""
    early, late = (LateHistory(archive, store.documents, NOW + timedelta(minutes=n)) for n in (-10, 10))
    assert [] == await early.take()
    await feed_of(Prices(Fetched(tuple(LONG))), store, archive).fetch(NOW)
    assert values(LONG) == values(await early.take())
    assert ([], []) == (await early.take(), await late.take())


async def test_a_running_engine_evaluates_over_history_that_came_late(store: RedisStore, archive: Archive) -> None:
    """A rule over thirty days, unknown on an empty archive, fires at the first price after the history."""
    rule = RuleSpec(
        id="over-average",
        title={"en": "BTC above its average", "zh": "比特币高于均线"},
        when=Expression("BTC > 1.3 * sma(BTC, 30d)"),
        say={"en": "BTC {BTC:,.0f}", "zh": "比特币 {BTC:,.0f}"},
    )
    universe, calendars = Universe([BTC]), Calendars()
    market = MarketView(universe, calendars)
    pipeline = Pipeline(
        engine=Engine([rule], universe, calendars),
        universe=universe,
        store=store,
        dispatcher=dispatcher_to(store, universe),
        market=market,
    )
    await pipeline.start(await archive.load(), NOW)
    await pipeline.record([NEWS])
    assert [] == list(await pipeline.turn(NOW))
    await feed_of(Prices(Fetched(tuple(LONG))), store, archive).fetch(NOW)
    await pipeline.record([Observation("prices.BTC-USD.close", NOW, NOW + timedelta(minutes=5), 70_100.0)])
    (notice,) = await pipeline.turn(NOW + timedelta(minutes=5))
    assert "over-average" == notice.rule
    assert 50_000.0 == getattr(market.on("prices.BTC-USD.close", LONG[-1].at.date()), "value", None)
