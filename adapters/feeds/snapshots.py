"""Own daily snapshots of a feed that only knows the present, so that a change never mixes two providers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from adapters.feeds.answer import BadAnswer, Json, iso_instant, mapping, number, sequence
from adapters.feeds.port import Fault, Feed, FeedProblem, Fetched
from adapters.feeds.utc_day import end_of
from adapters.store.port import Documents, StoreUnavailable
from rules.model import Observation, Status

COLLECTION = "daily_snapshots"
_TOLD_AGAIN = 8
"""Days that every fetch tells: a week back and its base."""
_FIRM_WITHIN = timedelta(hours=3)


class DailySnapshots:
    """A feed whose running figures are kept: the last one of each UTC day becomes that day's figure.

    Past days are told whether or not the source answers: they are no answer of its, so its silence is all of it.

    ``name`` tells the snapshots of one provider from another's. A day whose last snapshot was taken more than three
    hours before its end is provisional: it was kept, but it is no closing figure.
    """

    def __init__(self, *, name: str, feed: Feed, documents: Documents) -> None:
        self._name = name
        self._feed = feed
        self._documents = documents

    async def fetch(self, now: datetime) -> Fetched:
        """Ask the feed, keep what it told of the running day, and tell the days that have ended."""
        fetched = await self._feed.fetch(now)
        past: list[Observation] = []
        problems: list[FeedProblem] = []
        try:
            await self._keep(fetched.observations, now)
            for back in range(_TOLD_AGAIN, 0, -1):
                day = now.astimezone(UTC).date() - timedelta(days=back)
                past += _closing(day, await self._read(day), now)
        except (StoreUnavailable, BadAnswer) as error:
            problems.append(FeedProblem(self._name, Fault.INCOMPLETE, f"its daily snapshots: {error}"))
        told = fetched.problems if fetched.observations else [replace(each, subject="") for each in fetched.problems]
        return Fetched((*past, *fetched.observations), fetched.events, (*told, *problems), fetched.answered)

    async def _keep(self, told: Iterable[Observation], now: datetime) -> None:
        day = now.astimezone(UTC).date()
        running = [each for each in told if each.value is not None and each.at.date() == day]
        if running:
            figures = {each.series: [each.at.isoformat(), each.value, each.source] for each in running}
            kept = {**await self._read(day), **figures}
            await self._documents.put(COLLECTION, self._key(day), json.dumps(kept, sort_keys=True))

    async def _read(self, day: date) -> Json:
        found = await self._documents.get(COLLECTION, self._key(day))
        try:
            return mapping(json.loads(found or "{}"), "a snapshot")
        except ValueError as error:
            raise BadAnswer(f"the one of {day} is unreadable ({error})") from error

    def _key(self, day: date) -> str:
        return f"{self._name}:{day}"


def _closing(day: date, kept: Json, now: datetime) -> Iterator[Observation]:
    """The figures of ``day`` at its end, as firm as they are close to it."""
    for series, entry in kept.items():
        parts = sequence(entry, f"the snapshot of {series} on {day}")
        if len(parts) != 3:
            raise BadAnswer(f"the snapshot of {series} on {day} has {len(parts)} parts; wanted time, value and source")
        taken, value, source = parts
        firm = end_of(day) - iso_instant(taken, f"the time of {series} on {day}") <= _FIRM_WITHIN
        status = Status.FINAL if firm else Status.PROVISIONAL
        yield Observation(series, end_of(day), now, number(value, f"{series} on {day}"), status, str(source))
