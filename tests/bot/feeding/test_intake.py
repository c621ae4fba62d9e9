"""From feeds into the store."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from adapters.feeds.port import Fault, FeedProblem, Fetched, Noted
from adapters.store.redis import RedisStore
from bot.feeding.archive import Archive
from bot.feeding.intake import Intake, handed_in, stored_events
from rules.model import CalendarEvent, Observation
from tests.bot.routing_kit import fired

DAY = datetime(2024, 6, 7, 20, tzinfo=UTC)


def close(symbol: str, days: int, value: float) -> Observation:
    at = DAY + timedelta(days=days)
    return Observation(f"prices.{symbol}.close", at, at, value, source="yahoo")


@pytest.fixture
def archive(store: RedisStore) -> Archive:
    return Archive(store.bars, store.documents)


@pytest.fixture
def intake(store: RedisStore, archive: Archive) -> Intake:
    return Intake(store, archive)


async def told(store: RedisStore) -> list[float | None]:
    return [seen.value for _, seen in await store.tape.read("0", 100)]


async def test_figures_go_onto_the_tape_and_into_the_archive(
    store: RedisStore, intake: Intake, archive: Archive
) -> None:
    """The engine hears of them, and a restart knows them."""
    await intake.take(Fetched((close("NVDA", 0, 1.0),)), Noted())
    assert ([1.0], [1.0]) == (await told(store), [item.value for item in await archive.load()])


async def test_a_split_replaces_the_whole_history(store: RedisStore, intake: Intake, archive: Archive) -> None:
    """No bar in old shares stays beside the new ones; other symbols keep theirs."""
    before = [close("NVDA", day, 1200.0) for day in range(-3, 1)]
    await intake.take(Fetched((*before, close("AMD", 0, 7.0))), Noted())
    split = FeedProblem("yahoo", Fault.REVISED, "NVDA: 10:1 split; history given anew", "NVDA")
    await intake.take(Fetched((close("NVDA", 0, 120.0), close("NVDA", 3, 121.0)), problems=(split,)), Noted())
    kept = {(item.series, item.value) for item in await archive.load()}
    assert {("prices.NVDA.close", 120.0), ("prices.NVDA.close", 121.0), ("prices.AMD.close", 7.0)} == kept


@pytest.mark.parametrize(
    "problem",
    [
        FeedProblem("yahoo", Fault.DISAGREEMENT, "looks like a split", "NVDA"),
        FeedProblem("yahoo", Fault.REVISED, "another symbol", "AMD"),
        FeedProblem("earnings", Fault.REVISED, "moved", "earnings.NVDA.date"),
    ],
    ids=["no split", "another symbol", "a date"],
)
async def test_nothing_else_makes_the_archive_forget(intake: Intake, archive: Archive, problem: FeedProblem) -> None:
    """A history is dropped only for a split of its own symbol, with new bars at hand."""
    await intake.take(Fetched((close("NVDA", -3, 1.0), close("AMD", -3, 2.0))), Noted())
    await intake.take(Fetched((close("NVDA", 0, 3.0),), problems=(problem,)), Noted())
    assert [1.0, 2.0, 3.0] == sorted(item.value or 0.0 for item in await archive.load())


async def test_events_and_transitions_are_committed(store: RedisStore, intake: Intake) -> None:
    """An event is kept under its company, a transition waits for the pipeline, a document stands where it belongs."""
    event = CalendarEvent("earnings", "NVDA", "2024-08-28", "2024-08-28", {"en": "Q2", "zh": "二季报"}, DAY)
    later = CalendarEvent("earnings", "NVDA", "2024-08-29", "2024-08-29", {"en": "Q2", "zh": "二季报"}, DAY)
    transition = fired("health:yahoo")
    await intake.take(Fetched(events=(event,)), Noted((transition,), {("jobs", "x"): json.dumps({"a": 1})}))
    await intake.take(Fetched(events=(later,)), Noted())
    assert [later] == await stored_events(store.documents)
    assert "health:yahoo" == (await handed_in(store.documents))[0][0].alert
    assert '{"a": 1}' == await store.documents.get("jobs", "x")


async def test_each_kind_of_trouble_is_logged_once(intake: Intake) -> None:
    """A source that fails the same way ten times is one line; failing otherwise is another."""
    down = Fetched(problems=(FeedProblem("yahoo", Fault.UNREACHABLE, "no answer"),))
    changed = Fetched(problems=(FeedProblem("yahoo", Fault.CHANGED, "no table"),))
    with capture_logs() as lines:
        for fetched in (down, down, changed, changed, down):
            await intake.take(fetched, Noted())
    assert ["unreachable", "changed", "unreachable"] == [line["fault"] for line in lines]
