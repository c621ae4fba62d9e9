"""The morning brief: once a working day, at the desk's own time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from adapters.store.port import AlertStates, Commit, Documents
from bot.alerts.incidents import INCIDENTS
from bot.alerts.notices import addressed
from bot.digest.brief import daily
from bot.digest.data import DigestData
from bot.digest.layout import Layout
from bot.rulebook.personal_rules import is_personal
from rules.calendars.sessions import Calendars
from rules.model import Localized, Transition, TransitionKind
from rules.universe import Universe

COLLECTION, LAST = "briefs", "last"
LATEST = timedelta(hours=4)
"""A brief that is later than this is left out: the morning is over."""
_TRANSITIONS = TypeAdapter(list[Transition])


class MorningBrief:
    """Says when the brief is due, and commits it with the note that it went out. ``at`` is on the clocks of ``tz``."""

    def __init__(
        self,
        *,
        documents: Documents,
        states: AlertStates,
        universe: Universe,
        calendars: Calendars,
        layout: Layout,
        to: Sequence[str],
        at: time,
        tz: str,
    ) -> None:
        self._documents = documents
        self._states = states
        self._universe = universe
        self._calendars = calendars
        self._layout = layout
        self._to = to
        self._at = at
        self._zone = ZoneInfo(tz)

    async def due(self, now: datetime) -> date | None:
        """The day whose brief is to be sent at ``now``; ``None`` when there is none to send."""
        today = now.astimezone(self._zone).date()
        start = datetime.combine(today, self._at, self._zone)
        if not self._to or today.weekday() >= 5 or not start <= now < start + LATEST:
            return None
        stored = await self._documents.get(COLLECTION, LAST)
        return None if stored and date.fromisoformat(json.loads(stored)) >= today else today

    async def send(self, data: DigestData, day: date, now: datetime) -> None:
        """Commit the brief of ``day`` for each destination; to send the same day twice is to send it once."""
        since = now - timedelta(days=3 if day.weekday() == 0 else 1)
        brief = daily(
            data,
            self._universe,
            today=day,
            alerts=await self._fired(since),
            layout=self._layout,
            calendars=self._calendars,
        )
        sent = {(COLLECTION, LAST): json.dumps(day.isoformat())}
        outbox = addressed(f"brief:{day}", brief.messages, now, self._to)
        await self._states.commit(Commit(alerts={}, outbox=outbox, documents=sent))

    async def _fired(self, since: datetime) -> list[Localized]:
        """The titles of the desk's alerts that fired after ``since``, oldest first; nobody's own are among them."""
        stored = await self._documents.all(INCIDENTS)
        found = [each for text in stored.values() for each in _TRANSITIONS.validate_json(text)]
        fired = [
            each
            for each in found
            if each.kind is TransitionKind.FIRED and each.at > since and not is_personal(each.rule)
        ]
        return [each.title for each in sorted(fired, key=lambda item: item.at)]
