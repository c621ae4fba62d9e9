"""From incidents to outbox entries: the router, what people set in chat, and the words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.message import Message
from adapters.store.port import Documents, LogLine, OutboxEntry
from bot.alerts.edits import Edit
from bot.alerts.evidence import Evidence
from bot.alerts.faces import Beside, face, shown_beside, shown_documents, standing
from bot.alerts.incidents import history
from bot.alerts.messages import compose
from bot.alerts.notices import Incident
from bot.alerts.pictures import orders_for
from bot.alerts.summaries import summarize
from bot.readers import Profiles
from bot.routing.lane import Delivery, opens
from bot.routing.router import Routed, Router
from bot.routing.settings import RoutingSettings, read_quiet_hours
from bot.routing.stages.base import Manners
from bot.routing.state import Document, RoutingState, load
from bot.routing.subscriptions import silences, subscriptions
from bot.sending.payload import pack
from rules.model import Lang, Transition
from rules.universe import Universe

LANGS: tuple[Lang, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What a turn sends and remembers; to be committed with the alert state, then settled."""

    outbox: Sequence[OutboxEntry] = ()
    decisions: Sequence[LogLine] = ()
    documents: Mapping[Document, str | None] | None = None
    routed: Routed | None = None


class Dispatcher:
    """Decides by the routes and by what people set in chat, and words what is sent."""

    def __init__(
        self,
        *,
        router: Router,
        settings: RoutingSettings,
        documents: Documents,
        profiles: Profiles,
        universe: Universe,
        evidence: Evidence | None = None,
    ) -> None:
        self._evidence = evidence
        self._router = router
        self._settings = settings
        self._documents = documents
        self._profiles = profiles
        self._universe = universe
        self._state = RoutingState()

    async def start(self, now: datetime) -> None:
        """Take up what was last committed."""
        self._state = await load(self._documents, now)

    @property
    def next_due(self) -> datetime | None:
        """When something that was held back is due."""
        return self._state.next_due

    async def dispatch(self, incidents: Sequence[Incident], now: datetime) -> Dispatched:
        """Route ``incidents``, and what is due at ``now``. Nothing is remembered before :meth:`settle`."""
        due = self._state.next_due
        if not incidents and (due is None or due > now):
            return Dispatched()
        routed = self._router.step(
            self._state,
            incidents,
            now,
            subscriptions=await subscriptions(self._documents).all(),
            silences=await silences(self._documents).all(),
            manners_at=await self._manners(),
        )
        beside = self._beside(routed.deliveries)
        outbox = [self._entry(delivery, beside, now) for delivery in routed.deliveries]
        for edit in routed.edits:
            outbox += await self._edited(edit, incidents, now)
        documents = {**routed.documents, **orders_for(routed.deliveries), **shown_documents(beside)}
        return Dispatched(outbox, routed.decisions, documents, routed)

    def settle(self, dispatched: Dispatched) -> None:
        """The turn was committed: go on from there."""
        if dispatched.routed is not None:
            self._state = dispatched.routed.state

    async def _manners(self) -> Callable[[str], Manners]:
        chosen = await self._profiles.all()

        def at(destination: str) -> Manners:
            profile = chosen.get(destination)
            own = self._settings.destinations.get(destination)
            quiet = own.quiet if own and own.quiet else self._settings.quiet
            if profile and profile.quiet is not None:
                quiet = read_quiet_hours(profile.quiet)
            budget = own.budget if own and own.budget else self._settings.budget
            tz = (profile.tz if profile else None) or self._profiles.default.tz
            return Manners(quiet=quiet, budget=budget, tz=tz)

        return at

    def _beside(self, deliveries: Sequence[Delivery]) -> Mapping[str, Beside]:
        """What is to stand beside each alert that is told alone, by number: found once, wherever it is told."""
        if self._evidence is None:
            return {}
        alone = {
            each.incidents[0].number: each.incidents
            for each in deliveries
            if not each.summary and len(each.incidents) == 1 and opens(each.incidents[0].transition)
        }
        return {
            number: {lang: self._evidence.beside(incidents, lang) for lang in LANGS}
            for number, incidents in alone.items()
        }

    def _entry(self, delivery: Delivery, beside: Mapping[str, Beside], now: datetime) -> OutboxEntry:
        payload = pack(self._words(delivery, beside), silent=delivery.silent, follows=delivery.follows)
        return OutboxEntry(delivery.key, delivery.destination, payload, now)

    def _words(self, delivery: Delivery, beside: Mapping[str, Beside]) -> Mapping[Lang, Message]:
        incidents = delivery.incidents
        if delivery.summary:
            return {lang: summarize(incidents, delivery.reason, lang) for lang in LANGS}
        first = incidents[0]
        alone = len(incidents) == 1 and opens(first.transition)
        found: Beside = beside.get(first.number, {}) if alone else {}
        return {lang: compose(incidents, lang, self._universe, found.get(lang, ())) for lang in LANGS}

    async def _edited(self, edit: Edit, incidents: Sequence[Incident], now: datetime) -> list[OutboxEntry]:
        """The entry that brings a message up to date; none where it isn't known what the message told."""
        found = [standing(number, await self._history(number, incidents)) for number in edit.numbers]
        standings = [each for each in found if each is not None]
        if not standings:
            return []
        beside = await shown_beside(edit.numbers[0], self._documents) if len(edit.numbers) == 1 else {}
        messages = {lang: face(standings, lang, self._universe, beside.get(lang, ())) for lang in LANGS}
        payload = pack(messages, silent=True, edits=edit.notice, mark=not edit.needed)
        return [OutboxEntry(edit.key, edit.destination, payload, now)]

    async def _history(self, number: str, incidents: Sequence[Incident]) -> Sequence[Transition]:
        """What became of an incident, with what this turn adds and commits only later."""
        now = [each.transition for each in incidents if each.number == number]
        return [*await history(number, self._documents), *now]
