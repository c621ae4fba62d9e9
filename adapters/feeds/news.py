"""What a feed tells for the first time: sources give whole tables, the tape wants what is new in them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from adapters.feeds.port import Feed, Fetched, source_names
from rules.model import Observation, Status


class _Told(NamedTuple):
    value: float | None
    status: Status
    source: str


Place = tuple[str, datetime]
"""A series, and the time that a figure of it stands for."""


class OnlyNews:
    """Passes on the figures of ``feed`` that are new, or that differ from what it told before for the same time.

    A restatement that the feed tells beside the first version stays told. The first fetch of a process tells
    everything that it was not given to :meth:`remember`; events and problems are always passed on.
    """

    def __init__(self, *, feed: Feed) -> None:
        self._feed = feed
        self._told: dict[Place, frozenset[_Told]] = {}
        self._remembered: dict[Place, _Told] = {}

    def remember(self, observations: Iterable[Observation]) -> None:
        """Take figures of an earlier process, the newest version of each, as told."""
        self._remembered |= {(each.series, each.at): _said(each) for each in observations}

    async def fetch(self, now: datetime) -> Fetched:
        """Ask the feed and leave out what it told before."""
        fetched = await self._feed.fetch(now)
        news = await asyncio.to_thread(self._news, fetched.observations)
        sources = dict.fromkeys(each.source for each in fetched.observations)
        answered = (name for source in sources for name in source_names(source))
        return replace(fetched, observations=news, answered=tuple(dict.fromkeys((*fetched.answered, *answered))))

    def _news(self, observations: Sequence[Observation]) -> tuple[Observation, ...]:
        versions: dict[Place, list[_Told]] = {}
        for each in observations:
            versions.setdefault((each.series, each.at), []).append(_said(each))
        for place, said in versions.items():
            if said[-1] == self._remembered.pop(place, None):
                self._told[place] = frozenset(said)
        news = [each for each in observations if _said(each) not in self._told.get((each.series, each.at), ())]
        self._told.update({place: frozenset(said) for place, said in versions.items()})
        return tuple(news)


def _said(observation: Observation) -> _Told:
    return _Told(observation.value, observation.status, observation.source)
