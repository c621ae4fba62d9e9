"""From incidents to outbox entries: the router, what people set in chat, and the words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.message import Message, Text
from adapters.store.port import Documents, LogLine, OutboxEntry
from bot.alert_pictures import orders_for
from bot.evidence import Evidence
from bot.incidents import history
from bot.lane import Delivery
from bot.messages import compose
from bot.notices import Incident
from bot.payload import pack
from bot.readers import Profiles
from bot.routing import Routed, Router
from bot.routing_settings import RoutingSettings, read_quiet_hours
from bot.routing_state import Document, RoutingState, load
from bot.stages.base import Manners
from bot.subscriptions import silences, subscriptions
from bot.summaries import KINDS, summarize
from rules.model import Lang, TransitionKind
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
        outbox = [entry for delivery in routed.deliveries for entry in await self._entries(delivery, now)]
        documents = {**routed.documents, **orders_for(routed.deliveries)}
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

    async def _entries(self, delivery: Delivery, now: datetime) -> list[OutboxEntry]:
        """The message, and before it the mark on the one that it ends."""
        payload = pack(self._words(delivery), silent=delivery.silent, follows=delivery.follows)
        entry = OutboxEntry(delivery.key, delivery.destination, payload, now)
        marked = await self._marked(delivery.incidents[0]) if delivery.ends_it else None
        if marked is None:
            return [entry]
        mark = pack(marked, silent=True, edits=delivery.follows, mark=True)
        return [OutboxEntry(f"{delivery.key}:mark", delivery.destination, mark, now), entry]

    async def _marked(self, closing: Incident) -> Mapping[Lang, Message] | None:
        """The words in which the alert was told, marked as over; ``None`` where they are not known."""
        told = await history(closing.number, self._documents)
        opening = next((each for each in reversed(told) if each.kind is TransitionKind.FIRED), None)
        if opening is None:
            return None
        incident = Incident(closing.number, opening)
        return {lang: self._mark(incident, KINDS[closing.transition.kind][lang], lang) for lang in LANGS}

    def _mark(self, incident: Incident, mark: str, lang: Lang) -> Message:
        message = compose([incident], lang, self._universe)
        return replace(message, title=(*message.title, Text(mark, "italic")), buttons=())

    def _words(self, delivery: Delivery) -> Mapping[Lang, Message]:
        if delivery.summary:
            return {lang: summarize(delivery.incidents, delivery.reason, lang) for lang in LANGS}
        return {lang: compose(delivery.incidents, lang, self._universe, self._evidence) for lang in LANGS}
