"""The morning brief goes out once a working day, in the morning of the desk."""

from datetime import UTC, date, datetime, time

import pytest

from adapters.store.redis import RedisStore
from bot.digest.layout_file import shipped_layout
from bot.publishing.morning import MorningBrief
from bot.reference.imported import digest_data
from bot.reference.recording import recording
from rules.calendars.sessions import Calendars
from rules.loading.universe_file import load_universe

UNIVERSE = load_universe(None)


def brief(store: RedisStore) -> MorningBrief:
    """Eight o'clock in Shanghai, which is midnight UTC."""
    return MorningBrief(
        documents=store.documents,
        states=store.states,
        universe=UNIVERSE,
        calendars=Calendars(),
        layout=shipped_layout(),
        to=["console:"],
        at=time(8),
        tz="Asia/Shanghai",
    )


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2024, 10, 31, 23, 59, tzinfo=UTC), None),  # before eight
        (datetime(2024, 11, 1, 0, 0, tzinfo=UTC), date(2024, 11, 1)),
        (datetime(2024, 11, 1, 3, 59, tzinfo=UTC), date(2024, 11, 1)),  # a late start still tells
        (datetime(2024, 11, 1, 4, 0, tzinfo=UTC), None),  # noon is no morning
        (datetime(2024, 11, 2, 0, 0, tzinfo=UTC), None),  # Saturday
    ],
)
async def test_it_is_due_in_the_morning_of_a_working_day(store: RedisStore, now: datetime, day: date | None) -> None:
    """Times are on the desk's clocks."""
    assert await brief(store).due(now) == day


async def test_it_goes_out_once_a_day(store: RedisStore) -> None:
    """After a brief was committed none is due, and committing it again adds no message."""
    now = datetime(2024, 11, 1, 0, 5, tzinfo=UTC)
    data = digest_data(recording(UNIVERSE))
    for _ in range(2):
        await brief(store).send(data, date(2024, 11, 1), now)
    assert (await brief(store).due(now), await store.outbox.waiting()) == (None, {"console:": 1})
