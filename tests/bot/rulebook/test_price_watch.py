"""Price alerts from chat to outbox: stored, taken up, struck, told to their owner alone, across restarts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.store.redis import RedisStore
from bot.pipeline import Pipeline
from bot.rulebook import personal, price_watch
from bot.rulebook.personal import PersonalAlert
from rules.language.scope import Scope
from rules.model import Observation, Status
from rules.universe import Universe
from tests.bot.test_pipeline import BTC, CALENDARS, START, pipeline_on

UNIVERSE = Universe([BTC])


def alert(when: str, owner: str = "telegram:7", **more: object) -> PersonalAlert:
    key = personal.alert_id(owner, when, repeats=False)
    made = PersonalAlert(
        id=key,
        owner=owner,
        owner_name="Li",
        typed=when,
        when=when,
        created_at=START,
        expires_at=START + timedelta(days=90),
        price=personal.waits_for(key, when, Scope(UNIVERSE)),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def tick(minute: float, price: float) -> Observation:
    moment = START + timedelta(minutes=minute)
    return Observation("prices.BTC-USD.close", moment, moment, price, Status.PARTIAL, "test")


async def fed(pipeline: Pipeline, *ticks: Observation) -> list[tuple[str, str, float | None]]:
    """Ticks, then turns until nothing is left to tell."""
    told = []
    for each in ticks:
        await pipeline.record([each])
        for _ in range(3):
            for notice in await pipeline.turn(each.known_at):
                first = notice.incidents[0].transition
                told.append((first.rule, notice.kind, first.value))
    return told


@pytest.mark.parametrize(
    ("when", "prices", "value"),
    [
        ("BTC > 60000", (59_000, 60_000, 60_001), 60_001.0),
        ("BTC >= 60000", (59_000, 60_000), 60_000.0),
        ("BTC < 50k", (59_000, 49_000), 49_000.0),
        ("crosses(BTC, 60k)", (61_000, 60_000, 59_500), 59_500.0),
        ("crosses_up(BTC, 60k)", (61_000, 59_000, 62_000), 62_000.0),
        ("crosses_down(BTC, 60k)", (59_000, 61_000, 58_000), 58_000.0),
    ],
)
async def test_an_alert_is_told_once_and_to_its_owner_alone(
    store: RedisStore, when: str, prices: tuple[float, ...], value: float
) -> None:
    """By the notice of its rule, with the price that struck it."""
    pipeline = pipeline_on(store, "console:")
    await pipeline.start((), START)
    made = alert(when)
    await personal.keep(store.documents, made)
    told = await fed(pipeline, *(tick(minute, price) for minute, price in enumerate((*prices, prices[0], prices[-1]))))
    assert [(made.rule_id, "fired", value)] == told
    assert {"telegram:7": 1} == await store.outbox.waiting()
    assert [] == list(await personal.of(store.documents, "telegram:7"))


async def test_a_restart_loses_no_alert_and_tells_none_twice(store: RedisStore) -> None:
    """Between taking up and striking, and between striking and telling."""
    first = pipeline_on(store)
    await first.start((), START)
    made = [alert("BTC > 60000"), alert("BTC > 60000", owner="telegram:8"), alert("BTC > 65000")]
    for each in made:
        await personal.keep(store.documents, each)
    await first.turn(START)
    second = pipeline_on(store)
    await second.start((), START)
    await second.record([tick(1, 61_000)])
    await second.turn(START + timedelta(minutes=1))
    third = pipeline_on(store)
    await third.start((), START)
    told = await fed(third, tick(2, 60_500))
    assert {(each.rule_id, "fired", 61_000.0) for each in made[:2]} == set(told)
    fourth = pipeline_on(store)
    await fourth.start((), START)
    assert [(made[2].rule_id, "fired", 66_000.0)] == await fed(fourth, tick(3, 66_000))
    assert {} == dict(await store.documents.all(price_watch.STRUCK))


async def test_what_was_ended_or_has_expired_tells_nothing(store: RedisStore) -> None:
    """And an alert that was asked for again is told again."""
    pipeline = pipeline_on(store)
    await pipeline.start((), START)
    ended, old = alert("BTC > 60000"), alert("BTC > 60001", expires_at=START)
    for each in (ended, old):
        await personal.keep(store.documents, each)
    await pipeline.turn(START)
    await personal.forget(store.documents, ended.id)
    assert [] == await fed(pipeline, tick(1, 61_000))
    await personal.keep(store.documents, replace(ended, created_at=START + timedelta(minutes=1)))
    assert [(ended.rule_id, "fired", 61_500.0)] == await fed(pipeline, tick(2, 61_500))


async def test_what_has_expired_leaves_the_index(store: RedisStore) -> None:
    """The day after its last one, with all that is kept of it; what was asked for anew meanwhile stays."""
    pipeline = pipeline_on(store)
    await pipeline.start((), START)
    soon = START + timedelta(hours=1)
    old, renewed, later = (
        alert("BTC > 60000", expires_at=soon),
        alert("BTC > 61000", expires_at=soon),
        alert("BTC > 62k"),
    )
    for each in (old, renewed, later, replace(renewed, expires_at=later.expires_at)):
        await personal.keep(store.documents, each)
    await pipeline.turn(START)
    assert 0 == await personal.forget_expired(store.documents, START)
    assert 3 == len(await personal.of(store.documents, "telegram:7"))
    tomorrow = START + timedelta(days=2)
    assert 1 == await personal.forget_expired(store.documents, tomorrow)
    await pipeline.turn(tomorrow)
    assert {renewed.id, later.id} == {each.id for each in await personal.of(store.documents, "telegram:7")}
    waiting = await price_watch.PriceWatch(store.documents, UNIVERSE, CALENDARS).load()
    assert {personal.number_of(each.id) for each in (renewed, later)} == set(waiting.ids())
    assert 0 == await personal.forget_expired(store.documents, tomorrow)


async def test_many_are_told_in_batches(store: RedisStore) -> None:
    """What one price strikes is committed at once; the telling follows, turn by turn."""
    pipeline = pipeline_on(store)
    await pipeline.start((), START)
    made = [alert(f"BTC > {60_000 + number}", owner=f"telegram:{number}") for number in range(250)]
    for each in made:
        await personal.keep(store.documents, each)
    await pipeline.record([tick(0, 50_000)])
    await pipeline.turn(START)
    await pipeline.record([tick(1, 70_000)])
    counts = [len(await pipeline.turn(START + timedelta(minutes=1 + turn))) for turn in range(4)]
    assert [0, 200, 50, 0] == counts


async def test_a_person_sees_only_their_own(store: RedisStore) -> None:
    """Price alerts beside those that are rules."""
    mine, others = alert("BTC > 60000"), alert("BTC > 60000", owner="telegram:8")
    ruled = replace(alert("ret(BTC, 1d) > 5%"), id="P-1")
    for each in (mine, others, ruled):
        await personal.keep(store.documents, each)
    assert sorted(["P-1", mine.id]) == [each.id for each in await personal.of(store.documents, "telegram:7")]
    assert [ruled.rule_id] == [spec.id for spec in await personal.living(store.documents, UNIVERSE, CALENDARS, START)]
