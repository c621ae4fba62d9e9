"""``tapewatch replay`` over stores that the pipeline filled: nothing differs unless something was changed."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.clock import SteppingClock
from adapters.store.embedded import open_store
from adapters.store.redis import RedisStore
from bot.alerts.incidents import INCIDENTS
from bot.app.delivery import build_dispatcher
from bot.app.desk import open_desk
from bot.app.replay import Replayed, replay
from bot.failures import Failure
from bot.feeding.archive import Archive
from bot.feeding.intake import handing_in
from bot.market.view import MarketView
from bot.operations.housekeeping import tidy
from bot.operations.retention import RetentionSettings
from bot.pipeline import Pipeline
from bot.rulebook.files import _broken, _transition
from bot.rulebook.personal import PersonalAlert, alert_id, keep, waits_for
from bot.settings import Settings
from rules.language.scope import Scope
from rules.model import Observation, Reason, Status
from rules.problems import Problem

START = datetime(2024, 10, 28, 12, tzinfo=UTC)
PACK = """version: 1
rules:
  - id: level
    title: Level
    when: BTC > {}
  - id: hourly
    title: By the clock
    when: BTC > 70_000
    every: 1h
    once_per: day
"""
PRICES = (69_000.0, 71_000.0, 72_000.0, 69_500.0, 71_200.0)


class Desk:
    """A desk whose pack can be edited, over a store in ``home`` that the pipeline works on."""

    def __init__(self, home: Path) -> None:
        self.pack = home / "own.yaml"
        self.settings = Settings(home=home, rules=(self.pack,), builtin_rules=False)
        self.edit(70_000)

    def edit(self, threshold: int) -> None:
        self.pack.write_text(PACK.format(threshold))

    async def pipeline(self, store: RedisStore, now: datetime) -> Pipeline:
        """The engine as it starts on what is kept."""
        desk = open_desk(self.settings)
        market = MarketView(desk.universe, desk.calendars)
        dispatcher = build_dispatcher(self.settings, market, store, ["telegram:1"], self.settings.reader.reader())
        made = Pipeline(
            engine=desk.engine, universe=desk.universe, store=store, dispatcher=dispatcher, market=market
        )  # fmt: skip
        await made.start((), now, Archive(store.bars, store.documents))
        return made

    async def live(self, prices: Sequence[float] = PRICES, *, restart_after: int = 99) -> None:
        """A price every half hour, each evaluated a little after it became known; perhaps with a restart between."""
        async with open_store(None, self.settings.home) as store:
            pipeline = await self.pipeline(store, START)
            for number, price in enumerate(prices, start=1):
                at = START + number * timedelta(minutes=30)
                await pipeline.record([Observation("prices.BTC-USD.close", at, at, price, Status.PARTIAL, "test")])
                await pipeline.turn(at + timedelta(milliseconds=40))
                if number == restart_after:
                    pipeline = await self.pipeline(store, at + timedelta(seconds=20))

    async def replay(self, start: datetime | None = None, end: datetime | None = None) -> Replayed:
        return await replay(self.settings, start, end, reference=False)


def minutes(count: int) -> datetime:
    return START + timedelta(minutes=count)


def told(found: Replayed) -> list[str]:
    """Verdict, rule, kind and reason of each difference."""
    return [f"{each.verdict} {each.transition.rule} {each.transition.kind} {each.why}" for each in found.differences]


@pytest.mark.parametrize("restart_after", [99, 2, 3])
async def test_nothing_differs_when_nothing_was_changed(tmp_path: Path, restart_after: int) -> None:
    """Fires and resolves, by figures and by the clock, also over a restart; what other roles said isn't compared."""
    desk = Desk(tmp_path)
    await desk.live(restart_after=restart_after)
    async with open_store(None, tmp_path) as store:
        mistakes = _broken([Problem("own.yaml", 1, 1, "version", "a pack starts with `version: 1`")])
        handed = handing_in([_transition("now", minutes(160), Reason.DATA_MISSING, mistakes)])
        for (collection, key), text in handed.items():
            await store.documents.put(collection, key, text)
        await (await desk.pipeline(store, minutes(160))).turn(minutes(161))
    found = await desk.replay()
    assert told(found) == []
    assert (found.recorded, found.replayed, found.same, found.observations) == (5, 5, 5, 5)
    assert (found.start, found.end) == (START, minutes(161))


async def test_only_the_span_that_was_asked_for_is_compared(tmp_path: Path) -> None:
    """It is evaluated from the snapshot before it on, so that what fired earlier isn't fired again."""
    desk = Desk(tmp_path)
    await desk.live()
    found = await desk.replay(minutes(100), minutes(130))
    assert (found.same, found.observations, told(found)) == (2, 1, [])
    for minute in (0, 60, 120, 150):
        assert told(await desk.replay(minutes(minute))) == []


async def test_an_edited_rule_shows_what_it_changes(tmp_path: Path) -> None:
    """The first fire comes later, or never: each difference with both versions, and where the alert was sent."""
    desk = Desk(tmp_path)
    await desk.live()
    desk.edit(71_500)
    found = await desk.replay()
    assert told(found) == [
        "missing level fired changed",  # at 71,000
        "extra level fired changed",  # at 72,000
        "different level resolved changed",  # at 69,500, below another threshold
        "missing level fired changed",  # at 71,200
    ]
    assert (found.same, found.numbers[0], found.numbers[1]) == (2, "A-1001", "")
    assert found.differences[0].reason("en").startswith("the rule has changed since: version ")


async def test_a_figure_that_is_gone_from_the_tape_is_named(tmp_path: Path) -> None:
    """What it decided can't be decided again."""
    desk = Desk(tmp_path)
    await desk.live()
    async with open_store(None, tmp_path) as store:
        (position, _), *_ = await store.tape.read((await store.tape.read("0", 1))[0][0], 1)
        await store._link.call("XDEL", "tw1:tape", position)
    found = await desk.replay()
    assert told(found)[0] == "missing level fired trimmed"
    assert "2024-10-28 13:00:00 UTC" in found.differences[0].reason("en")


async def test_another_value_is_told_with_both(tmp_path: Path) -> None:
    """The record says 71,001 where the tape has 71,000."""
    desk = Desk(tmp_path)
    await desk.live()
    async with open_store(None, tmp_path) as store:
        steps = json.loads(await store.documents.get(INCIDENTS, "A-1001") or "")
        steps[0]["value"] = 71_001.0
        steps[0]["trace"]["lines"][0]["value"] = "71001.0"
        await store.documents.put(INCIDENTS, "A-1001", json.dumps(steps))
    found = await desk.replay()
    (one,) = found.differences
    assert one.recorded is not None
    assert one.replayed is not None
    assert (told(found), one.recorded.value, one.replayed.value) == (
        ["different level fired figures"],
        71_001.0,
        71_000.0,
    )
    assert "71001.0 → " in one.reason("en")


async def test_rules_that_came_or_went_are_named(tmp_path: Path) -> None:
    """They are no mystery."""
    desk = Desk(tmp_path)
    await desk.live()
    desk.pack.write_text("version: 1\nrules:\n  - id: other\n    title: Other\n    when: BTC > 71_900\n")
    found = await desk.replay()
    assert sorted(set(told(found))) == [
        "extra other fired new", "extra other resolved new",
        "missing hourly fired gone", "missing hourly resolved gone",
        "missing level fired gone", "missing level resolved gone",
    ]  # fmt: skip


async def test_a_personal_alert_that_came_meanwhile_is_left_out_and_named(tmp_path: Path) -> None:
    """It did not run when the span began; one that did is replayed."""
    desk = Desk(tmp_path)
    made = {
        name: PersonalAlert(
            id=name, owner="telegram:1", owner_name="Li", typed="BTC > 99", when="BTC > 99", created_at=created,
            expires_at=minutes(9_000),
        )
        for name, created in (("P-OLD", minutes(-60)), ("P-NEW", minutes(60)))
    }  # fmt: skip
    await desk.live()
    async with open_store(None, tmp_path) as store:
        for alert in made.values():
            await keep(store.documents, alert)
    found = await desk.replay()
    assert (list(found.left_out), told(found)) == (["my-p-new"], ["extra my-p-old fired new"])


async def test_price_alerts_are_counted_and_not_replayed(tmp_path: Path) -> None:
    """The index that they waited in is not recorded; what was told is no difference."""
    desk = Desk(tmp_path)
    world = open_desk(desk.settings)
    key = alert_id("telegram:1", "BTC > 71500", repeats=False)
    price = waits_for(key, "BTC > 71500", Scope(world.universe))
    made = PersonalAlert(
        id=key, owner="telegram:1", owner_name="Li", typed="BTC > 71500", when="BTC > 71500", created_at=START,
        expires_at=minutes(9_000), price=price,
    )  # fmt: skip
    async with open_store(None, tmp_path) as store:
        await keep(store.documents, made)
    await desk.live()
    found = await desk.replay()
    assert (1, [], []) == (found.price_alerts, list(found.left_out), told(found))
    assert 0 == (await desk.replay(end=minutes(60))).price_alerts


async def test_the_record_reaches_back_as_far_as_the_tape(tmp_path: Path) -> None:
    """What is forgotten with the tape is said, not replayed wrongly; an empty store has nothing to replay."""
    desk = Desk(tmp_path)
    with pytest.raises(Failure, match="nothing was recorded yet"):
        await desk.replay()
    await desk.live(PRICES * 12)
    async with open_store(None, tmp_path) as store:
        await tidy(store, RetentionSettings(tape=timedelta(hours=20)), SteppingClock(minutes(30 * 60)))
    with pytest.raises(Failure, match=r"the record reaches back to 2024-10-29 0\d:\d\d:\d\d UTC"):
        await desk.replay(START)
    found = await desk.replay()
    assert (told(found), found.same > 10) == ([], True)


async def test_the_recorded_week_replays_without_a_difference(tmp_path: Path) -> None:
    """All shipped rules over everything that the week brought."""
    found = await replay(Settings(home=tmp_path), None, None, reference=True)
    assert (told(found), found.same, list(tmp_path.iterdir())) == ([], 13, [])
    midnight = datetime(2024, 10, 30, tzinfo=UTC)
    found = await replay(Settings(home=tmp_path), midnight, midnight + timedelta(days=1), reference=True)
    assert (told(found), found.same) == ([], 1)
