"""The commands, put together over what the store knows, or over the recorded week."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.clock import Clock, SteppingClock, SystemClock
from adapters.feeds.health import COLLECTION as HEALTH
from adapters.feeds.health import HealthBook
from adapters.store.embedded import open_store
from adapters.store.port import Store
from bot.app.desk import rule_paths
from bot.app.ground import own_home
from bot.app.sending import build_caretaker
from bot.app.weekly import build_publisher
from bot.charts.gallery import Gallery
from bot.commands.context import Desk
from bot.commands.handler import Commands
from bot.digest.data import DigestData
from bot.digest.desk import DigestDesk
from bot.digest.stored import stored_data
from bot.feeding.archive import Archive
from bot.feeding.intake import stored_events
from bot.market.view import MarketView
from bot.operations.maintainers import Maintainers
from bot.operations.start_files import StartFiles
from bot.readers import Profiles
from bot.rulebook.rulebook import RuleBook
from bot.settings import Settings
from rules.calendars.sessions import Calendars
from rules.loading.universe_file import load_universe
from rules.model import CalendarEvent, Observation
from rules.spec import RuleSpec
from rules.universe import Kind, Universe

if TYPE_CHECKING:
    from bot.reference.recording import Recording

KnownAt = Callable[[datetime], Awaitable[DigestData]]
"""What a digest reads, as known at an instant."""


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to answer from: a clock, a store, what it knows, and the digest's view of that."""

    clock: Clock
    store: Store
    figures: Callable[[], AsyncIterator[Sequence[Observation]]]
    """In portions."""
    events: Callable[[], Awaitable[Sequence[CalendarEvent]]]
    data: KnownAt


async def open_known(stack: AsyncExitStack, settings: Settings, universe: Universe, *, reference: bool) -> Known:
    """The configured store; with ``reference`` the recorded week at its end, on an empty store of its own."""
    if reference:
        from bot.reference.recording import recording  # noqa: PLC0415 - a week's tables, for this alone

        home = await stack.enter_async_context(own_home(settings.home, "reference-"))
        store = await stack.enter_async_context(open_store(None, home))
        return known_of_week(recording(universe), store)
    store = await stack.enter_async_context(open_store(settings.secrets.redis_url, settings.home))
    return known_of_store(store, SystemClock(), universe)


def known_of_store(store: Store, clock: Clock, universe: Universe) -> Known:
    """Everything that ``store`` keeps."""
    whole_bars = frozenset(item.symbol for item in universe.instruments if item.kind is Kind.CRYPTO)

    async def data(now: datetime) -> DigestData:
        return await stored_data(store.bars, store.documents, now, whole_bars=whole_bars)

    async def events() -> Sequence[CalendarEvent]:
        return await stored_events(store.documents)

    return Known(clock, store, Archive(store.bars, store.documents).read, events, data)


def known_of_week(week: Recording, store: Store) -> Known:
    """The recorded week at its end."""

    async def figures() -> AsyncIterator[Sequence[Observation]]:
        yield (*week.history, *week.observations)

    async def events() -> Sequence[CalendarEvent]:
        return week.events

    from bot.reference.imported import digest_data  # noqa: PLC0415

    async def data(now: datetime) -> DigestData:  # noqa: ARG001 - the recording ends when it ends
        return digest_data(week)

    return Known(SteppingClock(week.end), store, figures, events, data)


def build_commands(
    settings: Settings,
    *,
    market: MarketView,
    store: Store,
    clock: Clock,
    rulebook: RuleBook,
    data: KnownAt,
) -> Commands:
    """The commands over a view of the market that somebody else keeps up to date."""
    universe, calendars = market.universe, market.calendars
    publisher = build_publisher(settings, universe, calendars, store)
    return Commands(
        Desk(
            universe=universe,
            calendars=calendars,
            market=market,
            documents=store.documents,
            limits=store.rate_limits,
            profiles=Profiles(store.documents, settings.reader.reader()),
            access=settings.access,
            clock=clock,
            rulebook=rulebook,
            deliveries=store.outbox,
            owners=build_caretaker(settings, store, clock),
            weekly=DigestDesk(publisher, data, settings.home / "digests" / "asked", store.outbox),
            pictures=Gallery(settings.home / "pictures"),
            read_at_start=StartFiles(settings.read_at_start),
            maintainers=Maintainers(store.states, store.rate_limits, settings.access.admins),
        )
    )


async def _nothing_runs(rules: Sequence[RuleSpec]) -> None:
    """At the terminal there is no engine whose rules could be replaced."""


async def open_commands(stack: AsyncExitStack, settings: Settings, *, reference: bool) -> tuple[Commands, Clock]:
    """The commands over what is known now, and the clock that they go by, open until ``stack`` closes them."""
    universe = load_universe(settings.universe)
    known = await open_known(stack, settings, universe, reference=reference)
    market = MarketView(universe, Calendars())
    async for portion in known.figures():
        market.apply(portion)
    market.apply_events(await known.events())
    market.apply_health(HealthBook(await known.store.documents.all(HEALTH)).sources)
    rulebook = RuleBook(rule_paths(settings), universe, _nothing_runs)
    commands = build_commands(
        settings, market=market, store=known.store, clock=known.clock, rulebook=rulebook, data=known.data
    )
    return commands, known.clock
