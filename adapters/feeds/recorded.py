"""Recording what feeds and streams bring, and playing it back: ``DIR/NAME.jsonl``, one turn a line.

A name's characters that a file can't have are percent-encoded: ``prices.24%2F7.jsonl``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote

from pydantic import TypeAdapter, ValidationError

from adapters.clock import Clock
from adapters.feeds.port import Fault, Feed, FeedProblem, Fetched, Stream, join

_TURN = TypeAdapter(tuple[datetime, Fetched])
_PLAIN = " ^="


class RecordingFeed:
    """Passes ``feed`` through and writes down each answer, problems included."""

    def __init__(self, feed: Feed, directory: Path, name: str) -> None:
        self._feed = feed
        self._path = path_of(directory, name)

    async def fetch(self, now: datetime) -> Fetched:
        """Ask the feed, write, answer."""
        fetched = await self._feed.fetch(now)
        await asyncio.to_thread(append, self._path, now, fetched)
        return fetched


class RecordingStream:
    """Passes ``stream`` through and writes down each turn with the time at which it was read."""

    def __init__(self, stream: Stream, directory: Path, name: str, clock: Clock) -> None:
        self._stream = stream
        self._path = path_of(directory, name)
        self._clock = clock

    async def __aiter__(self) -> AsyncIterator[Fetched]:
        """Yield what the stream yields."""
        async for fetched in self._stream:
            await asyncio.to_thread(append, self._path, self._clock.now(), fetched)
            yield fetched


class RecordedFeed:
    """Plays a recording back: a fetch at ``now`` brings every turn recorded since the last fetch, up to ``now``."""

    def __init__(self, directory: Path, name: str) -> None:
        self._name = name
        self._turns = _turns(path_of(directory, name), name)
        self._next: tuple[datetime, Fetched] | None = None

    async def fetch(self, now: datetime) -> Fetched:
        """What became known up to ``now``, as it was recorded: times, sources and problems unchanged."""
        parts: list[Fetched] = []
        while True:
            self._next = self._next or next(self._turns, None)
            if self._next is None or self._next[0] > now:
                return join(parts)
            parts.append(self._next[1])
            self._next = None


class RecordedStream:
    """Plays a recorded stream back on ``clock``: each turn when its time has come, then it ends."""

    def __init__(self, directory: Path, name: str, clock: Clock) -> None:
        self._turns = _turns(path_of(directory, name), name)
        self._clock = clock

    async def __aiter__(self) -> AsyncIterator[Fetched]:
        """Yield the turns in order."""
        for at, fetched in self._turns:
            await self._clock.sleep_until(at)
            yield fetched


def recorded_names(directory: Path) -> list[str]:
    """What ``directory`` has a recording of."""
    return sorted(unquote(path.stem) for path in directory.glob("*.jsonl"))


def recorded_times(directory: Path, name: str) -> list[datetime]:
    """When each turn of ``name`` was written, in the order of the file; a line that can't be read has none."""
    with path_of(directory, name).open("rb") as file:
        return [at for line in file if (at := _time(line)) is not None]


def path_of(directory: Path, name: str) -> Path:
    """The file of ``name``."""
    return directory / f"{quote(name, safe=_PLAIN)}.jsonl"


def append(path: Path, now: datetime, fetched: Fetched) -> None:
    """Write a turn at the end of ``path``; blocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(_TURN.dump_json((now, fetched)) + b"\n")


def _time(line: bytes) -> datetime | None:
    """The time that a line begins with: ``["2026-07-17T20:00:00Z",``."""
    try:
        return datetime.fromisoformat(line.split(b'"', 2)[1].decode())
    except (ValueError, IndexError):
        return None


def _turns(path: Path, name: str) -> Iterator[tuple[datetime, Fetched]]:
    """The turns in the file, read as they are needed. A line that can't be read becomes a problem in the next turn."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    damaged: list[FeedProblem] = []
    with file:
        for number, line in enumerate(file, start=1):
            try:
                at, fetched = _TURN.validate_json(line)
            except ValidationError as error:
                reason = json.dumps(error.errors(include_url=False)[0]["msg"])
                message = f"{path.name}:{number}: not a recorded turn ({reason}); left out"
                damaged.append(FeedProblem(name, Fault.CHANGED, message))
                continue
            yield at, join([Fetched(problems=tuple(damaged)), fetched])
            damaged.clear()
