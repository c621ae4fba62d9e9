"""The recorded week, replayed through the production pipeline on a stepping clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from adapters.clock import SteppingClock
from bot.delivery import Sender
from bot.notices import Notice
from bot.pipeline import Pipeline
from rules.model import Observation


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of the replay: the instant, how much is known by then, and what was told."""

    at: datetime
    observations: int
    notices: tuple[Notice, ...]


async def replay(
    observations: Sequence[Observation],
    *,
    until: datetime,
    pipeline: Pipeline,
    sender: Sender,
    clock: SteppingClock,
    on_step: Callable[[datetime, int], None] = lambda at, known: None,
) -> AsyncIterator[Moment]:
    """Feed ``observations`` (sorted by ``known_at``) at their own moments, delivering whatever is told at once."""
    known = 0
    for at, arrived in _moments(observations):
        while (wakeup := pipeline.next_wakeup) and wakeup < at:
            yield await _step(wakeup, (), known, pipeline, sender, clock)
        known += len(arrived)
        on_step(at, known)
        yield await _step(at, arrived, known, pipeline, sender, clock)
    while (wakeup := pipeline.next_wakeup) and wakeup <= until:
        yield await _step(wakeup, (), known, pipeline, sender, clock)


def _moments(observations: Sequence[Observation]) -> Iterator[tuple[datetime, list[Observation]]]:
    for at, arrived in groupby(observations, key=lambda item: item.known_at):
        yield at, list(arrived)


async def _step(
    at: datetime,
    arrived: Sequence[Observation],
    known: int,
    pipeline: Pipeline,
    sender: Sender,
    clock: SteppingClock,
) -> Moment:
    clock.step_to(at)
    if arrived:
        await pipeline.record(arrived)
    notices = await pipeline.turn(clock.now())
    await sender.drain(clock.now())
    return Moment(at, known, tuple(notices))
