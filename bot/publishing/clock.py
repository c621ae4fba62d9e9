"""The desk's publications on the clock: the weekly digest from draft to publication, and the morning brief."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from adapters.clock import Clock
from adapters.store.port import StoreUnavailable
from bot.digest.data import DigestData
from bot.digest.flow import Outcome, Publisher
from bot.publishing.morning import MorningBrief
from rules.problems import ProblemsFound

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=20)
TICK_EVERY = timedelta(minutes=2)
"""How often the digest is looked at: a draft with open figures is compared with everything that is known by then."""


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
        self._ticked: datetime | None = None

    async def run(self) -> None:
        """Look at the clock until cancelled. A file that can't be read holds the digest back, not the rest."""
        while True:
            try:
                await self.step(self._clock.now())
            except StoreUnavailable as error:
                log.warning("store_unavailable", role="publishing", error=str(error))
            except (OSError, ValueError, ProblemsFound) as error:
                log.warning("digest_held_back", error=str(error))
            await self._clock.sleep_until(self._clock.now() + LOOK_EVERY)

    async def step(self, now: datetime) -> Outcome:
        """Do what is due at ``now``."""
        day = None if self._brief is None else await self._brief.due(now)
        if self._brief is not None and day is not None:
            await self._brief.send(await self._data(now), day, now)
            log.info("brief_committed", day=day.isoformat())
        if self._ticked is not None and now - self._ticked < TICK_EVERY:
            return Outcome.NOT_DUE
        self._ticked = now
        outcome = await self._publisher.tick(self._data, now)
        if outcome is not Outcome.NOT_DUE:
            log.info("digest_step", outcome=outcome.value)
        return outcome
