"""How often rules fired in the last year, as somebody who subscribes wants to know: tried once a day, for everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.market.view import MarketView
from bot.rulebook.rehearsal import Rehearsal, Rehearser
from rules.calendars.sessions import Calendars
from rules.spec import RuleSpec
from rules.universe import Universe

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class _Tried:
    spec: RuleSpec
    market: MarketView
    day: date
    rehearsal: Rehearsal


class Expectations:
    """The rehearsals of the day. A rule that was edited, or a market that is another one, is tried anew."""

    def __init__(self) -> None:
        self._tried: dict[str, _Tried] = {}
        self._turn = asyncio.Lock()

    async def of(
        self, specs: Sequence[RuleSpec], market: MarketView, universe: Universe, calendars: Calendars, now: datetime
    ) -> Sequence[Rehearsal]:
        """The rehearsals of ``specs`` over the year before ``now``; one asker at a time computes, beside the loop."""
        day = now.date()

        def work(missing: Sequence[RuleSpec]) -> list[_Tried]:
            rehearser = Rehearser(market, universe, calendars)
            return [_Tried(spec, market, day, rehearser.rehearse(spec, now - YEAR, now)) for spec in missing]

        async with self._turn:
            missing = [spec for spec in specs if not self._knows(spec, market, day)]
            for found in await asyncio.to_thread(work, missing) if missing else []:
                self._tried[found.spec.id] = found
            return [self._tried[spec.id].rehearsal for spec in specs]

    def _knows(self, spec: RuleSpec, market: MarketView, day: date) -> bool:
        known = self._tried.get(spec.id)
        return known is not None and known.spec is spec and known.market is market and known.day == day
