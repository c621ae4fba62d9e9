"""Turns: spread over time, shared by processes, kept to while the store is away."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from adapters.clock import SteppingClock
from adapters.paces import OwnPaces, Pace, Paces, StoredPaces
from adapters.store.embedded import open_throwaway_store
from adapters.store.port import StoreUnavailable

NOW = datetime(2026, 7, 17, 12, 0, tzinfo=UTC)


class Away:
    """Rate limits of a store that can't be reached."""

    async def take(self, buckets: Mapping[str, tuple[float, float]], now: datetime, *, within_s: float = 0.0) -> float:
        raise StoreUnavailable("away")

    async def block(self, bucket: str, until: datetime) -> None:
        raise StoreUnavailable("away")


async def waited(paces: Paces, clock: SteppingClock, pace: Pace, turns: int) -> float:
    """Seconds until the last of ``turns``."""
    for _ in range(turns):
        await paces.turn("src", pace)
    return (clock.now() - NOW).total_seconds()


PACES: list[tuple[Pace, int, float]] = [
    (Pace(2.0), 10, 4.5),
    (Pace(2.0, burst=4), 10, 3.0),
    (Pace(2.0, burst=60), 10, 0.0),
    (Pace(1 / 6.5), 6, 32.5),
    (Pace(0.0), 1000, 0.0),  # never waits
]


@pytest.mark.parametrize(("pace", "turns", "seconds"), PACES)
@pytest.mark.parametrize("made", [OwnPaces, lambda clock: StoredPaces(Away(), clock)], ids=["own", "store away"])
async def test_a_process_keeps_to_the_pace(
    made: Callable[[SteppingClock], Paces], pace: Pace, turns: int, seconds: float
) -> None:
    """A burst at once, then one after the other; also while the store can't be reached."""
    clock = SteppingClock(NOW)
    assert seconds == await waited(made(clock), clock, pace, turns)


async def test_processes_share_a_pace() -> None:
    """Ten turns of two processes take as long as ten of one; another source has turns of its own."""
    clock = SteppingClock(NOW)
    async with open_throwaway_store() as store:
        one, other = (StoredPaces(store.rate_limits, clock) for _ in range(2))
        for _ in range(5):
            await one.turn("src", Pace(2.0))
            await other.turn("src", Pace(2.0))
        assert pytest.approx(4.5, abs=0.001) == (clock.now() - NOW).total_seconds()
        await one.turn("another", Pace(2.0))
        assert pytest.approx(4.5, abs=0.001) == (clock.now() - NOW).total_seconds()


async def test_a_turn_that_is_hours_away_is_waited_for() -> None:
    """One request an hour and a half: the second one comes then, not before."""
    clock = SteppingClock(NOW)
    async with open_throwaway_store() as store:
        assert pytest.approx(5400, abs=1) == await waited(
            StoredPaces(store.rate_limits, clock), clock, Pace(1 / 5400), 2
        )
