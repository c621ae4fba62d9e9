"""From feeds into the store: figures on the tape and into the archive, dated events, and news of a source's health."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import structlog
from pydantic import TypeAdapter

from adapters.feeds.port import Fault, FeedProblem, Fetched, Noted
from adapters.store.port import Commit, Documents, Store
from bot.alerts.scrubbing import scrubbed
from bot.feeding.archive import Archive
from rules.model import CalendarEvent, SeriesName, Transition

log = structlog.get_logger()

EVENTS, HANDED_IN = "calendar_events", "handed_in"
"""``HANDED_IN`` holds transitions of other roles until the pipeline tells them: it alone numbers and routes."""

_EVENT = TypeAdapter(CalendarEvent)
_TRANSITION = TypeAdapter(Transition)


class Intake:
    """Takes what feeds and streams bring. Everything but the tape is one commit; to take the same twice is harmless."""

    def __init__(self, store: Store, archive: Archive) -> None:
        self._store = store
        self._archive = archive
        self._told: set[tuple[str, str]] = set()

    async def take(self, fetched: Fetched, noted: Noted) -> None:
        """Keep everything; raise ``StoreUnavailable`` when the store can't."""
        self._log(fetched.problems)
        documents: dict[tuple[str, str], str | None] = dict(noted.documents)
        documents |= {(EVENTS, event_key(item)): written_event(item) for item in fetched.events}
        documents |= handing_in(noted.transitions)
        if documents:
            await self._store.states.commit(Commit(alerts={}, documents=documents))
        if fetched.observations:
            for symbol in _rescaled(fetched):
                await self._archive.forget(symbol)
            await self._archive.keep(fetched.observations)
            await self._store.tape.append(fetched.observations)

    def _log(self, problems: Iterable[FeedProblem]) -> None:
        """Each kind of trouble of a source is logged once, until another kind takes its place."""
        seen = {(problem.source, problem.fault.value): problem for problem in problems}
        for key, problem in seen.items():
            if key not in self._told:
                log.warning("source_problem", source=problem.source, fault=problem.fault.value, message=problem.message)
        sources = {source for source, _ in seen}
        self._told = {key for key in self._told if key[0] not in sources} | set(seen)


async def stored_events(documents: Documents) -> list[CalendarEvent]:
    """Every dated event that is kept."""
    return [read_event(text) for text in (await documents.all(EVENTS)).values()]


def written_event(event: CalendarEvent) -> str:
    """The document of a dated event."""
    return _EVENT.dump_json(event).decode()


def read_event(text: str) -> CalendarEvent:
    """A dated event as it is kept."""
    return _EVENT.validate_json(text)


def handing_in(transitions: Iterable[Transition]) -> dict[tuple[str, str], str]:
    """The documents by which another role hands ``transitions`` in, to be told by the pipeline."""
    whole = map(scrubbed, transitions)
    return {(HANDED_IN, _handed_key(item)): _TRANSITION.dump_json(item).decode() for item in whole}


async def handed_in(documents: Documents) -> tuple[Sequence[Transition], dict[tuple[str, str], str | None]]:
    """The transitions that other roles handed in, oldest first, and the documents whose removal takes them out."""
    found = await documents.all(HANDED_IN)
    transitions = sorted((_TRANSITION.validate_json(text) for text in found.values()), key=lambda item: item.at)
    return transitions, {(HANDED_IN, key): None for key in found}


def _rescaled(fetched: Fetched) -> set[str]:
    """The symbols whose bars were given anew because a split rescaled all of them."""
    revised = {problem.subject for problem in fetched.problems if problem.fault is Fault.REVISED}
    if not revised:
        return set()
    names = (SeriesName.parse(item.series) for item in fetched.observations)
    return {name.key for name in names if name.feed == "prices" and name.key in revised}


def event_key(event: CalendarEvent) -> str:
    """The key of a kept event: a company has one next report; other events are told apart by their day."""
    return f"earnings:{event.key}" if event.kind == "earnings" else f"event:{event.key}:{event.start}"


def _handed_key(transition: Transition) -> str:
    return json.dumps([transition.alert, transition.kind, transition.at.isoformat()])
