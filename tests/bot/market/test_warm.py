"""A view of the market that stays warm: what is kept, then whatever comes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.clock import SteppingClock
from adapters.feeds.port import SourceHealth
from adapters.store.redis import RedisStore
from bot.feeding.archive import Archive
from bot.feeding.intake import EVENTS, event_key, written_event
from bot.market.view import MarketView
from bot.market.warm import LOOK_EVERY, Follower
from rules.calendars.sessions import Calendars
from rules.model import CalendarEvent, Observation, Status
from rules.universe import Instrument, Kind, Universe

NOW = datetime(2024, 11, 1, 15, 0, tzinfo=UTC)
CALENDARS = Calendars()
BTC = Instrument("BTC-USD", {"en": "Bitcoin", "zh": "比特币"}, Kind.CRYPTO, "USD", "24/7")
SERIES = "prices.BTC-USD.close"
FRIDAY, NEXT = date(2024, 11, 1), date(2024, 11, 8)
FOMC = CalendarEvent(
    kind="event",
    key="fomc",
    start="2024-11-07",
    end="2024-11-07",
    title={"en": "FOMC", "zh": "美联储议息"},
    known_at=NOW,
)


def tick(minutes: float, price: float) -> Observation:
    """A price of the running day."""
    at = NOW + timedelta(minutes=minutes)
    return Observation(SERIES, at, at, price, Status.PARTIAL, "Coinbase")


@pytest.fixture
def clock() -> SteppingClock:
    """Friday afternoon."""
    return SteppingClock(NOW)


@pytest.fixture
def healths() -> list[SourceHealth]:
    """How the sources do; tests change it."""
    return []


@pytest.fixture
async def view(store: RedisStore) -> MarketView:
    """An empty view."""
    return MarketView(Universe([BTC]), CALENDARS)


@pytest.fixture
def follower(store: RedisStore, view: MarketView, clock: SteppingClock, healths: list[SourceHealth]) -> Follower:
    """What keeps it warm."""

    async def health() -> list[SourceHealth]:
        return healths

    archive = Archive(store.bars, store.documents)
    return Follower(view, archive=archive, tape=store.tape, documents=store.documents, health=health, clock=clock)


def last(view: MarketView) -> float | None:
    """The newest price."""
    found = view.latest(SERIES)
    return found.value if found else None


async def test_a_newcomer_knows_what_is_kept_and_what_runs(
    store: RedisStore, view: MarketView, follower: Follower
) -> None:
    """The archive's sessions, and the tape's last hour on top."""
    day = NOW - timedelta(days=1)
    close = day.replace(hour=23, minute=59, second=59)
    kept = Observation(SERIES, close, close, 70_215.0, Status.FINAL, "Yahoo")
    await Archive(store.bars, store.documents).keep([kept])
    await store.tape.append([tick(-90, 68_000.0), tick(-30, 69_000.0)])
    await follower.load()
    assert (69_000.0, 70_215.0) == (last(view), view.history(SERIES)[0].value)


async def test_it_takes_in_what_comes_once(store: RedisStore, view: MarketView, follower: Follower) -> None:
    """Each step goes on where the last one ended."""
    await follower.load()
    await store.tape.append([tick(1, 69_100.0), tick(2, 69_200.0)])
    await follower.step(0.0)
    assert last(view) == 69_200.0
    await follower.step(0.0)
    await store.tape.append([tick(3, 69_300.0)])
    await follower.step(0.0)
    assert last(view) == 69_300.0


async def test_it_looks_for_events_and_health_every_few_seconds(
    store: RedisStore, view: MarketView, follower: Follower, clock: SteppingClock, healths: list[SourceHealth]
) -> None:
    """What another process stored appears, what was taken back goes; not before it is time to look."""
    await follower.load()
    await store.documents.put(EVENTS, event_key(FOMC), written_event(FOMC))
    healths.append(SourceHealth(source="farside", degraded_since=NOW))
    await follower.step(0.0)
    assert ("farside" in view.health, view.events(FRIDAY, NEXT)) == (False, ())
    await clock.sleep_until(NOW + LOOK_EVERY)
    await follower.step(0.0)
    assert (view.health["farside"].degraded_since, view.events(FRIDAY, NEXT)) == (NOW, (FOMC,))
    await store.documents.put(EVENTS, event_key(FOMC), None)
    await clock.sleep_until(NOW + 2 * LOOK_EVERY)
    await follower.step(0.0)
    assert view.events(FRIDAY, NEXT) == ()
