"""The rules that are to run: those of the files as last reloaded, and everybody's own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from adapters.store.port import Documents, StoreUnavailable
from bot.rulebook import personal
from bot.rulebook.changes import FILES, announced
from bot.rulebook.rulebook import RuleBook, mark_of
from rules.calendars.sessions import Calendars
from rules.spec import RuleSpec
from rules.universe import Universe

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class RunningRules:
    """Follows what others announce: ``/reload`` in any process, and alerts that people add and end."""

    def __init__(self, rulebook: RuleBook, documents: Documents) -> None:
        self._rulebook = rulebook
        self._documents = documents
        self._seen: Mapping[str, str] | None = None
        self.revision = 0
        """Counts the changes: whoever runs rules compares it with the one that it runs."""

    async def run(self) -> None:
        """Look every second until cancelled."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("store_unavailable", role="rules", error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Take up what was announced since the last look; files that were reloaded elsewhere are read again.

        What this process reloaded itself it has: its files may have been edited since, unchecked.
        """
        marks = await announced(self._documents)
        if marks == self._seen:
            return
        files = marks.get(FILES)
        if self._seen is not None and files != self._seen.get(FILES) and files != mark_of(self._rulebook.rules):
            await self._reread()
        self._seen = marks
        self.revision += 1

    async def _reread(self) -> None:
        loaded = await asyncio.to_thread(self._rulebook.read)
        if loaded.ok:
            self._rulebook.current = loaded
        else:
            log.error("rules_not_reloaded", mistakes=[str(problem) for problem in loaded.errors])

    async def specs(self, universe: Universe, calendars: Calendars, now: datetime) -> Sequence[RuleSpec]:
        """The rules of the files, and the personal ones that have not expired at ``now`` and compile."""
        return [*self._rulebook.rules, *await personal.living(self._documents, universe, calendars, now)]
