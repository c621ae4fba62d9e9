"""The commands, put together over what the store knows, or over the recorded week."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from adapters.clock import Clock, SteppingClock, SystemClock
from adapters.feeds.health import COLLECTION as HEALTH
from adapters.feeds.health import HealthBook
from adapters.store.embedded import open_store
from adapters.store.port import Store
from bot.app.desk import rule_paths
from bot.archive import Archive
from bot.commands.context import Desk
from bot.commands.handler import Commands
from bot.commands.weekly import DigestDesk
from bot.digest.data import DigestData
from bot.digest.stored import stored_data
from bot.files import private_folder
from bot.intake import stored_events
from bot.market import MarketView
from bot.readers import Profiles
from bot.reference.imported import digest_data
from bot.reference.recording import recording
from bot.rulebook import RuleBook
from bot.settings import Settings
from rules.calendars import Calendars
from rules.model import CalendarEvent, Observation
from rules.spec import RuleSpec
from rules.universe import Universe
from rules.universe_file import load_universe


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to answer from: a clock, a store, the figures and events, and the digest's view of them."""

    clock: Clock
    store: Store
    observations: Sequence[Observation]
    events: Sequence[CalendarEvent]
    data: DigestData


async def open_known(stack: AsyncExitStack, settings: Settings, universe: Universe, *, reference: bool) -> Known:
    """The configured store; with ``reference`` the recorded week at its end, on an empty store of its own."""
    if reference:
        week = recording(universe)
        home = stack.enter_context(private_folder(settings.home, "reference-"))
        store = await stack.enter_async_context(open_store(None, home))
        return Known(
            SteppingClock(week.end), store, (*week.history, *week.observations), week.events, digest_data(week)
        )
    clock = SystemClock()
    store = await stack.enter_async_context(open_store(settings.secrets.redis_url, settings.home))
    data = await stored_data(store.bars, store.documents, clock.now())
    observations = await Archive(store.bars, store.documents).load()
    return Known(clock, store, observations, await stored_events(store.documents), data)


async def build_commands(settings: Settings, universe: Universe, known: Known) -> Commands:
    """The commands over ``known``."""
    calendars = Calendars()
    market = MarketView(universe, calendars)
    market.apply(known.observations)
    market.apply_events(known.events)
    market.apply_health(HealthBook(await known.store.documents.all(HEALTH)).sources)

    async def data(_now: datetime) -> DigestData:
        return known.data

    return Commands(
        Desk(
            universe=universe,
            calendars=calendars,
            market=market,
            documents=known.store.documents,
            limits=known.store.rate_limits,
            profiles=Profiles(known.store.documents, settings.reader.reader()),
            access=settings.access,
            clock=known.clock,
            rulebook=RuleBook(rule_paths(settings), universe, _nothing_runs),
            deliveries=known.store.outbox,
            weekly=DigestDesk(data, universe, calendars),
            pictures=settings.home / "pictures",
        )
    )


async def _nothing_runs(rules: Sequence[RuleSpec]) -> None:
    """At the terminal there is no engine whose rules could be replaced."""


async def open_commands(stack: AsyncExitStack, settings: Settings, *, reference: bool) -> tuple[Commands, Clock]:
    """The commands and the clock that they go by, open until ``stack`` closes them."""
    universe = load_universe(settings.universe)
    known = await open_known(stack, settings, universe, reference=reference)
    return await build_commands(settings, universe, known), known.clock
