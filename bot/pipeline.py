"""The one path: tape → engine → notices → outbox, each turn committed whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter

from adapters.store.port import Commit, Cursor, Store
from bot.messages import compose
from bot.notices import TOLD, Incident, Notice, addressed, group
from rules.engine import AlertRecord, Engine, State
from rules.model import Lang, Observation, Transition
from rules.universe import Universe

LANGS: tuple[Lang, ...] = ("en", "zh")
NUMBERS, INCIDENTS = "alert_numbers", "incidents"
FIRST_NUMBER = 1000

_TRANSITIONS = TypeAdapter(list[Transition])


class Pipeline:
    """Evaluates what the tape brings and commits, in one transaction, what follows from it.

    One pipeline at a time works on a store (it holds the ``engine`` lease).
    """

    def __init__(
        self,
        *,
        engine: Engine,
        universe: Universe,
        store: Store,
        destinations: Sequence[str],
    ) -> None:
        self._engine = engine
        self._universe = universe
        self._tape, self._states, self._documents = store.tape, store.states, store.documents
        self._destinations = destinations
        self._state: State
        self._cursor: Cursor = "0"
        self._numbers: dict[str, str] = {}

    async def start(self, history: Sequence[Observation], now: datetime) -> None:
        """Take up the work where the store says it was left, over ``history`` that is not evaluated again."""
        records = {key: AlertRecord.from_json(text) for key, text in (await self._states.alerts()).items()}
        self._state = self._engine.seed(self._engine.initial_state(now, records), history)
        self._cursor = await self._states.cursor()
        self._numbers = {key: json.loads(text) for key, text in (await self._documents.all(NUMBERS)).items()}

    async def record(self, observations: Sequence[Observation]) -> None:
        """Put ``observations`` on the tape."""
        await self._tape.append(observations)

    @property
    def next_wakeup(self) -> datetime | None:
        """When a rule's own clock strikes next."""
        return self._engine.next_wakeup(self._state)

    async def wait(self, timeout_s: float) -> None:
        """Return when something new is on the tape, after ``timeout_s`` at the latest."""
        await self._tape.read(self._cursor, 1, wait_s=timeout_s)

    async def turn(self, now: datetime, most: int = 10_000) -> Sequence[Notice]:
        """Evaluate what the tape brought since the last turn, up to ``now``; return the notices that it committed."""
        entries = await self._tape.read(self._cursor, most)
        before = self._state
        state, transitions = self._engine.advance(before, [observation for _, observation in entries], now)
        cursor = entries[-1][0] if entries else self._cursor
        new_numbers: dict[str, str] = {}
        incidents = [Incident(self._number(item.alert, new_numbers), item) for item in transitions]
        documents: dict[tuple[str, str], str | None] = {
            (NUMBERS, alert): json.dumps(number) for alert, number in new_numbers.items()
        }
        notices = [self._word(members) for members in group(item for item in incidents if item.transition.kind in TOLD)]
        await self._remember(incidents, documents)
        await self._states.commit(
            Commit(
                cursor=cursor,
                alerts={
                    key: record.to_json() if record else None for key, record in state.changed_since(before).items()
                },
                outbox=[
                    entry
                    for notice in notices
                    for entry in addressed(notice.key, notice.messages, notice.at, self._destinations)
                ],
                documents=documents,
            )
        )
        self._state, self._cursor = state, cursor
        self._numbers |= new_numbers
        return notices

    def _number(self, alert: str, new: dict[str, str]) -> str:
        known = self._numbers.get(alert) or new.get(alert)
        return known or new.setdefault(alert, f"A-{FIRST_NUMBER + len(self._numbers) + len(new) + 1}")

    async def _remember(self, incidents: Sequence[Incident], documents: dict[tuple[str, str], str | None]) -> None:
        by_number: dict[str, list[Transition]] = {}
        for incident in incidents:
            by_number.setdefault(incident.number, []).append(incident.transition)
        for number, transitions in by_number.items():
            text = await self._documents.get(INCIDENTS, number)
            earlier = _TRANSITIONS.validate_json(text) if text else []
            documents[INCIDENTS, number] = _TRANSITIONS.dump_json([*earlier, *transitions]).decode()

    def _word(self, members: tuple[Incident, ...]) -> Notice:
        first = members[0].transition
        return Notice(
            key=f"{members[0].number}:{first.kind}:{first.at.isoformat()}",
            kind=first.kind.value,
            rule=first.rule,
            at=first.at,
            incidents=members,
            messages={lang: compose(members, lang, self._universe) for lang in LANGS},
        )
