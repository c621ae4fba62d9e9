"""A recording of a run, read back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.clock import SteppingClock
from adapters.feeds.port import Fetched
from adapters.feeds.recorded import append, path_of
from adapters.store.redis import RedisStore
from bot.app.recordings import RecordingArchive, playback
from bot.failures import Failure
from bot.feeding.archive import Archive
from bot.feeding.jobs import price_jobs, table
from rules.calendars.sessions import Calendars
from rules.model import Observation

NOW = datetime(2026, 7, 17, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CALENDARS = Calendars()


def test_a_job_is_due_when_it_was(tmp_path: Path) -> None:
    """From a second before the first turn to the last; a job without a recording doesn't run."""
    for minutes in (3, 8):
        append(path_of(tmp_path, "prices.XNYS"), NOW + minutes * MINUTE, Fetched())
    append(path_of(tmp_path, "coinbase"), NOW + 1 * MINUTE, Fetched())
    played = playback(tmp_path)
    assert (NOW + MINUTE - timedelta(seconds=1), NOW + 8 * MINUTE) == (played.start, played.end)
    (job,) = played.jobs([*price_jobs(["XNYS", "XHKG"]), *table([], {"events": None})])
    due = job.next(played.start, CALENDARS)
    assert ("prices.XNYS", NOW + 3 * MINUTE, NOW + 8 * MINUTE) == (job.name, due, job.next(due, CALENDARS))


def test_a_folder_without_a_recording_is_told(tmp_path: Path) -> None:
    """With what was wanted."""
    with pytest.raises(Failure, match="holds no recording; wanted a folder that --record wrote"):
        playback(tmp_path)


async def test_the_history_is_part_of_it(tmp_path: Path, store: RedisStore) -> None:
    """What the archive had when the recording began, and what it was given on the way."""
    old, new = (Observation("prices.NVDA.close", NOW - n * 1440 * MINUTE, NOW, 100.0 + n) for n in (2, 1))
    await Archive(store.bars, store.documents).keep([old])
    archive = RecordingArchive(store.bars, store.documents, tmp_path, SteppingClock(NOW))
    await archive.begin()
    await archive.keep([new])
    append(path_of(tmp_path, "events"), NOW, Fetched())
    found = await playback(tmp_path).history()
    assert [(old.at, 102.0), (new.at, 101.0)] == [(item.at, item.value) for item in found]
