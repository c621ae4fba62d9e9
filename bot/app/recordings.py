"""A recording of a run: the history that it began with, from when to when it goes, and what was asked when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.clock import Clock
from adapters.feeds.port import Fetched
from adapters.feeds.recorded import RecordedFeed, append, path_of, recorded_names, recorded_times
from adapters.store.port import Documents, PriceHistory
from bot.failures import Failure
from bot.feeding.archive import Archive
from bot.feeding.jobs import At, Job
from rules.model import Observation

HISTORY = "history"
"""The recording of what the archive had or was given, which is no feed's news."""
_BEFORE = timedelta(seconds=1)
_LATE = timedelta(hours=1)
_ALWAYS = datetime.max.replace(tzinfo=UTC)


class RecordingArchive(Archive):
    """An archive that writes down what it is given: the long history that a first start fetches."""

    def __init__(self, bars: PriceHistory, documents: Documents, folder: Path, clock: Clock) -> None:
        super().__init__(bars, documents)
        self._path = path_of(folder, HISTORY)
        self._clock = clock

    async def begin(self) -> None:
        """Write down what is kept already."""
        await self._write(await self.load())

    async def keep(self, observations: Iterable[Observation]) -> None:
        """Write, then keep."""
        given = tuple(observations)
        await self._write(given)
        await super().keep(given)

    async def _write(self, observations: Sequence[Observation]) -> None:
        await asyncio.to_thread(append, self._path, self._clock.now(), Fetched(tuple(observations)))


@dataclass(frozen=True, slots=True)
class Playback:
    """A recording that is played back: ``names`` are its feeds and streams, ``start`` is just before its first turn."""

    folder: Path
    names: tuple[str, ...]
    start: datetime
    end: datetime

    async def history(self) -> Sequence[Observation]:
        """What the archive had."""
        return (await RecordedFeed(self.folder, HISTORY).fetch(_ALWAYS)).observations

    def jobs(self, table: Iterable[Job]) -> list[Job]:
        """The jobs of ``table`` whose feeds were recorded, due when they were."""
        return [
            replace(job, when=(self._when(job.feed),), max_lateness=_LATE, catch_up=True, at_start=False)
            for job in table
            if job.feed in self.names
        ]

    def _when(self, feed: str) -> At:
        return At(tuple(sorted(recorded_times(self.folder, feed))))


def playback(folder: Path) -> Playback:
    """The recording in ``folder``; raise :class:`Failure` when there is none."""
    names = [name for name in recorded_names(folder) if name != HISTORY]
    times = [at for name in names for at in recorded_times(folder, name)]
    if not times:
        raise Failure("no_recording", folder=folder)
    return Playback(folder, tuple(names), min(times) - _BEFORE, max(times))
