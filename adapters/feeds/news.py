"""What a feed tells for the first time: sources give whole tables, the tape wants what is new in them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from adapters.feeds.port import Feed, Fetched, source_names
from rules.model import Observation, Status


class _Told(NamedTuple):
    value: float | None
    status: Status
    source: str


class OnlyNews:
    """Passes on the figures of ``feed`` that are new, or that differ from what it told before for the same time.

    A restatement that the feed tells beside the first version stays told. The first fetch of a process tells
    everything; events and problems are always passed on.
    """

    def __init__(self, *, feed: Feed) -> None:
        self._feed = feed
        self._told: dict[tuple[str, datetime], frozenset[_Told]] = {}

    async def fetch(self, now: datetime) -> Fetched:
        """Ask the feed and leave out what it told before."""
        fetched = await self._feed.fetch(now)
        news = await asyncio.to_thread(self._news, fetched.observations)
        answered = (name for each in fetched.observations for name in source_names(each.source))
        return replace(fetched, observations=news, answered=tuple(dict.fromkeys((*fetched.answered, *answered))))

    def _news(self, observations: Sequence[Observation]) -> tuple[Observation, ...]:
        told: dict[tuple[str, datetime], set[_Told]] = {}
        news: list[Observation] = []
        for each in observations:
            place, said = (each.series, each.at), _Told(each.value, each.status, each.source)
            told.setdefault(place, set()).add(said)
            if said not in self._told.get(place, ()):
                news.append(each)
        self._told.update({place: frozenset(said) for place, said in told.items()})
        return tuple(news)
