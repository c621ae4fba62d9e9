"""The recorded week, replayed through the production pipeline on a stepping clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from adapters.clock import SteppingClock
from bot.alerts.notices import Notice
from bot.pipeline import Pipeline
from rules.model import Observation

OnStep = Callable[[datetime, int], None]
"""Told the instant, and how many observations are known by then."""


async def replay(
    observations: Sequence[Observation],
    *,
    until: datetime,
    pipeline: Pipeline,
    deliver: Callable[[], Awaitable[object]],
    clock: SteppingClock,
    on_step: OnStep,
) -> list[Notice]:
    """Feed ``observations`` (sorted by ``known_at``) at their own moments and ``deliver`` what is told at once."""

    async def step(at: datetime, arrived: Sequence[Observation]) -> None:
        clock.step_to(at)
        await pipeline.record(arrived)
        told.extend(await pipeline.turn(clock.now()))
        await deliver()

    told: list[Notice] = []
    known = 0
    for at, group in groupby(observations, key=lambda item: item.known_at):
        await _strike_until(at, pipeline, step)
        arrived = list(group)
        known += len(arrived)
        on_step(at, known)
        await step(at, arrived)
    await _strike_until(until, pipeline, step)
    return told


async def _strike_until(until: datetime, pipeline: Pipeline, step: Any) -> None:
    """Let the rules' own clocks strike, each at its own instant, before ``until``."""
    while (wakeup := pipeline.next_wakeup) is not None and wakeup < until:
        await step(wakeup, ())
