"""The desk's publications on the clock: the weekly digest from draft to publication, and the morning brief."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from adapters.clock import Clock
from adapters.store.port import StoreUnavailable
from bot.digest.data import DigestData
from bot.digest.flow import Due, Outcome, Publisher
from bot.morning import MorningBrief

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=20)
DRAFT_AGAIN_AFTER = timedelta(minutes=30)
"""How often a draft is compared with what is known by then; one that says the same is not sent again."""


class Publishing:
    """Does what is due. One process at a time runs it; after a crash it does what was left undone."""

    def __init__(
        self,
        *,
        publisher: Publisher,
        brief: MorningBrief | None,
        data: Callable[[datetime], Awaitable[DigestData]],
        clock: Clock,
    ) -> None:
        self._publisher = publisher
        self._brief = brief
        self._data = data
        self._clock = clock
        self._tried: tuple[Due, datetime] | None = None

    async def run(self) -> None:
        """Look at the clock until cancelled. A file that can't be read holds the digest back, not the rest."""
        while True:
            try:
                await self.step(self._clock.now())
            except StoreUnavailable as error:
                log.warning("store_unavailable", role="publishing", error=str(error))
            except (OSError, ValueError) as error:
                log.warning("digest_held_back", error=str(error))
            await self._clock.sleep_until(self._clock.now() + LOOK_EVERY)

    async def step(self, now: datetime) -> Outcome:
        """Do what is due at ``now``."""
        day = None if self._brief is None else await self._brief.due(now)
        if self._brief is not None and day is not None:
            await self._brief.send(await self._data(now), day, now)
            log.info("brief_committed", day=day.isoformat())
        due = await self._publisher.due(now)
        if due is None or self._waits(due, now):
            return Outcome.NOT_DUE
        self._tried = (due, now)
        outcome = await self._publisher.tick(await self._data(now), now)
        log.info("digest_step", day=due.day.isoformat(), outcome=outcome.value)
        return outcome

    def _waits(self, due: Due, now: datetime) -> bool:
        """Whether the same was tried a moment ago, and nothing can have come of it."""
        return self._tried is not None and self._tried[0] == due and now - self._tried[1] < DRAFT_AGAIN_AFTER
