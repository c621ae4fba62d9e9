"""What is old goes, what is needed stays."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from adapters.clock import SteppingClock
from adapters.store.port import Commit, LogLine
from bot.operations.housekeeping import tidy
from bot.operations.retention import RetentionSettings
from rules.model import Observation

NOW = datetime(2024, 11, 10, tzinfo=UTC)


async def test_old_observations_and_log_lines_are_forgotten(store):
    """Beyond the retention they go; an observation that was not evaluated stays."""
    days = [NOW - timedelta(days=age) for age in (5, 4, 1)]
    positions = [await store.tape.append([Observation("a.b.c", at, at, 1.0)]) for at in days]
    lines = [LogLine(f"n{at.day}", "console:", at, "suppressed_silence", "") for at in days]
    await store.states.commit(Commit(cursor=positions[0], alerts={}, decisions=lines))
    await tidy(store, RetentionSettings(tape="2d", log="3d"), SteppingClock(NOW))
    assert days[1:] == [item.at for _, item in await store.tape.read("0", 10)]
    assert ["n9"] == [line.key for line in await store.outbox.log()]


def test_a_retention_that_is_no_duration_is_refused():
    """With what is wanted."""
    with pytest.raises(ValidationError, match="wanted a number and s, m, h or d"):
        RetentionSettings(tape="long")
