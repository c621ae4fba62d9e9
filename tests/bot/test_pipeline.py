import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from adapters.message import Reader
from adapters.store.port import StoreUnavailable
from adapters.store.redis import RedisStore
from bot.alerts.incidents import INCIDENTS
from bot.feeding.archive import Archive
from bot.market.view import MarketView
from bot.pipeline import Pipeline
from bot.readers import Profiles
from bot.routing.dispatch import Dispatcher
from bot.routing.settings import RoutingSettings
from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.model import Observation
from rules.spec import Expression, RuleSpec
from rules.universe import Instrument, Kind, Universe

START = datetime(2024, 10, 28, 12, 0, tzinfo=UTC)
BTC = Instrument("BTC-USD", {"en": "Bitcoin", "zh": "比特币"}, Kind.CRYPTO, "USD", "24/7", aliases=("BTC",))
RULE = RuleSpec(
    id="btc-high",
    title={"en": "Bitcoin above 70k", "zh": "比特币高于 7 万"},
    when=Expression("BTC > 70_000"),
    say={"en": "BTC {BTC:,.0f}", "zh": "比特币 {BTC:,.0f}"},
)
CALENDARS = Calendars()


def pipeline_on(store: RedisStore, *destinations: str) -> Pipeline:
    universe = Universe([BTC])
    return Pipeline(
        engine=Engine([RULE], universe, CALENDARS),
        universe=universe,
        store=store,
        dispatcher=dispatcher_to(store, universe, *destinations),
        market=MarketView(universe, CALENDARS),
    )


def dispatcher_to(store: RedisStore, universe: Universe, *destinations: str) -> Dispatcher:
    settings = RoutingSettings()
    return Dispatcher(
        router=settings.router(destinations, universe),
        settings=settings,
        documents=store.documents,
        profiles=Profiles(store.documents, Reader()),
        universe=universe,
    )


def tick(minute: int, price: float) -> Observation:
    at = START + timedelta(minutes=minute)
    return Observation("prices.BTC-USD.close", at, at, price, source="test")


async def fed(pipeline: Pipeline, *ticks: Observation) -> list[str]:
    told: list[str] = []
    for each in ticks:
        await pipeline.record([each])
        told += [f"{notice.rule} {notice.kind}" for notice in await pipeline.turn(each.known_at)]
    return told


async def test_a_condition_that_stays_true_is_told_once_and_its_end_once(store: RedisStore) -> None:
    """Two prices above the level are one alert; the one below it resolves it."""
    pipeline = pipeline_on(store)
    await pipeline.start((), START)
    told = await fed(pipeline, tick(1, 69_000), tick(2, 71_000), tick(3, 72_000), tick(4, 69_500))
    assert told == ["btc-high fired", "btc-high resolved"]


async def test_a_restart_repeats_nothing_and_loses_nothing(store: RedisStore) -> None:
    """A pipeline that takes over between two turns neither fires again nor forgets to resolve."""
    first = pipeline_on(store)
    await first.start((), START)
    assert await fed(first, tick(1, 71_000)) == ["btc-high fired"]
    second = pipeline_on(store)
    await second.start([tick(1, 71_000)], START + timedelta(minutes=1))
    assert await fed(second, tick(2, 72_000), tick(3, 69_000)) == ["btc-high resolved"]


async def test_what_was_on_the_tape_before_a_crash_is_evaluated_after_it(store: RedisStore) -> None:
    """An observation that was recorded but not evaluated is evaluated by the next pipeline."""
    first = pipeline_on(store)
    await first.start((), START)
    await first.record([tick(1, 71_000)])
    second = pipeline_on(store)
    await second.start((), START)
    assert [notice.kind for notice in await second.turn(START + timedelta(minutes=1))] == ["fired"]


async def test_what_came_with_a_later_time_than_the_turns_is_decided_in_that_turn(store: RedisStore) -> None:
    """A turn that passes observations on the tape has evaluated them, each, so that a crash after it loses none."""
    pipeline = pipeline_on(store)
    await pipeline.start((), START)
    await pipeline.record([tick(1, 71_000), tick(2, 69_000)])
    told = await pipeline.turn(START)
    assert [("fired", START), ("resolved", START)] == [(notice.kind, notice.at) for notice in told]


async def test_a_notice_is_enqueued_with_the_state_that_it_tells(store: RedisStore) -> None:
    """After a turn each destination's lane holds the notice, and the incident is stored under its number."""
    pipeline = pipeline_on(store, "console:", "telegram:-1")
    await pipeline.start((), START)
    await fed(pipeline, tick(1, 71_000))
    assert await store.outbox.waiting() == {"console:": 1, "telegram:-1": 1}
    stored = json.loads(await store.documents.get(INCIDENTS, "A-1001") or "[]")
    assert [(each["rule"], each["kind"], each["value"]) for each in stored] == [("btc-high", "fired", 71_000.0)]


async def test_an_alert_keeps_its_number_over_its_life_and_over_restarts(store: RedisStore) -> None:
    """Fired and resolved are one incident, also when another process resolves it."""
    first = pipeline_on(store)
    await first.start((), START)
    await fed(first, tick(1, 71_000))
    second = pipeline_on(store)
    await second.start([tick(1, 71_000)], START + timedelta(minutes=1))
    await second.record([tick(2, 69_000)])
    (resolved,) = await second.turn(START + timedelta(minutes=2))
    assert [incident.number for incident in resolved.incidents] == ["A-1001"]
    stored = json.loads(await store.documents.get(INCIDENTS, "A-1001") or "[]")
    assert [each["kind"] for each in stored] == ["fired", "resolved"]


class _Unwritable:
    """A store whose commits fail until it is mended."""

    def __init__(self, store: RedisStore) -> None:
        self._store, self.broken = store, True
        self.tape, self.documents, self.outbox = store.tape, store.documents, store.outbox
        self.bars = store.bars
        self.leases, self.rate_limits, self.states = store.leases, store.rate_limits, self

    async def commit(self, commit: object) -> None:
        if self.broken:
            raise StoreUnavailable("the disk is full")
        await self._store.states.commit(commit)  # type: ignore[arg-type]

    async def cursor(self) -> str:
        return await self._store.states.cursor()

    async def alerts(self) -> dict[str, str]:
        return dict(await self._store.states.alerts())


async def test_a_turn_that_could_not_be_committed_is_taken_again_whole(store: RedisStore) -> None:
    """A failed commit changes nothing: the next turn decides the same, under the same number."""
    failing = _Unwritable(store)
    pipeline = pipeline_on(failing, "console:")  # type: ignore[arg-type]
    await pipeline.start((), START)
    with pytest.raises(StoreUnavailable):
        await fed(pipeline, tick(1, 71_000))
    assert await store.outbox.waiting() == {}
    failing.broken = False
    notices: Sequence[object] = await pipeline.turn(START + timedelta(minutes=2))
    assert len(notices) == 1
    assert await store.documents.get(INCIDENTS, "A-1001") is not None


async def test_each_firing_has_a_number_of_its_own(store: RedisStore) -> None:
    """The same rule firing again later is another incident, also after a restart."""
    first = pipeline_on(store)
    await first.start((), START)
    await fed(first, tick(1, 71_000), tick(2, 69_000))
    second = pipeline_on(store)
    await second.start([tick(2, 69_000)], START + timedelta(minutes=2))
    await second.record([tick(3, 71_500)])
    (fired,) = await second.turn(START + timedelta(minutes=3))
    assert [incident.number for incident in fired.incidents] == ["A-1002"]


FALL = RuleSpec(
    id="btc-low",
    title={"en": "Bitcoin below 60k", "zh": "比特币低于 6 万"},
    when=Expression("BTC < 60_000"),
    say={"en": "BTC {BTC:,.0f}", "zh": "比特币 {BTC:,.0f}"},
)


async def test_new_rules_are_used_from_the_next_turn_and_old_ones_keep_their_state(store: RedisStore) -> None:
    """What fired isn't told again, what is new fires, and what ended is resolved, across a reload."""
    pipeline, universe = pipeline_on(store), Universe([BTC])
    archive = Archive(store.bars, store.documents)
    await pipeline.start((), START)
    assert await fed(pipeline, tick(1, 71_000)) == ["btc-high fired"]
    await pipeline.use(Engine([RULE, FALL], universe, CALENDARS), archive)
    assert await fed(pipeline, tick(2, 72_000)) == []
    assert sorted(await fed(pipeline, tick(3, 59_000))) == ["btc-high resolved", "btc-low fired"]


async def test_a_rule_that_is_gone_tells_nothing_any_more(store: RedisStore) -> None:
    """Not even that its alert is over: nobody watches it now."""
    pipeline = pipeline_on(store)
    await pipeline.start((), START)
    await fed(pipeline, tick(1, 71_000))
    await pipeline.use(Engine([FALL], Universe([BTC]), CALENDARS), Archive(store.bars, store.documents))
    told = await fed(pipeline, tick(2, 69_000))
    assert "btc-high resolved" not in told
