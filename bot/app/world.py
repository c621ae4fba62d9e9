"""What every role of a process shares: clock, store and rules; live, the recorded week at its end, or a recording."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from adapters.clock import ShiftedClock, SteppingClock
from adapters.feeds.port import Fetched, Noted
from adapters.process import this_process
from adapters.store.embedded import open_store, open_throwaway_store
from adapters.store.port import Documents, Store
from bot import roles
from bot.app.answers import Known, known_of_store, known_of_week
from bot.app.delivery import build_dispatcher
from bot.app.desk import rule_paths
from bot.app.ground import HOST, Ground, own_home
from bot.app.recordings import Playback
from bot.feeding.archive import Archive
from bot.feeding.intake import Intake
from bot.locale import Saying
from bot.market.view import MarketView
from bot.pipeline import Pipeline
from bot.rulebook.changes import FILES, announce
from bot.rulebook.rulebook import RuleBook, mark_of
from bot.rulebook.running import RunningRules
from bot.settings import Settings
from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.loading.universe_file import load_universe
from rules.problems import ProblemsFound
from rules.spec import RuleSpec
from rules.universe import Universe


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The parts by which a process knows where and when it is."""

    settings: Settings
    universe: Universe
    calendars: Calendars
    known: Known
    rulebook: RuleBook
    running: RunningRules
    destinations: Sequence[str]
    reference: bool
    played: Playback | None
    """The recording that is played back."""
    place: Saying | str
    """Where the store is, for people."""

    @property
    def store(self) -> Store:
        """The store that all of it is in."""
        return self.known.store


async def open_world(
    stack: AsyncExitStack,
    settings: Settings,
    destinations: Sequence[str],
    *,
    reference: bool,
    played: Playback | None = None,
    dry_run: bool = False,
    ground: Ground = HOST,
) -> World:
    """Open it until ``stack`` closes it; raise ``ProblemsFound`` with every mistake in universe and rules.

    A dry run works on a copy of what the store remembers, so that nothing of it counts as evaluated or sent.
    """
    universe, calendars = load_universe(settings.universe), Calendars()
    announcer = _Announcer()
    rulebook = RuleBook(rule_paths(settings), universe, announcer.changed)
    if not rulebook.current.ok:
        raise ProblemsFound(rulebook.current.errors)
    place: Saying | None = None
    if reference or played:
        home = await stack.enter_async_context(own_home(settings.home, "reference-" if reference else "replay-"))
        settings = settings.model_copy(update={"home": home})
        store: Store = await stack.enter_async_context(open_store(None, home))
    elif dry_run:
        store, place = await stack.enter_async_context(_copied(settings))
        home = await stack.enter_async_context(own_home(settings.home, "dry-run-"))
        settings = settings.model_copy(update={"home": home})
    else:
        store = await stack.enter_async_context(ground.open_store(settings.secrets.redis_url, settings.home))
    if reference:
        known = await _replayed(settings, rulebook, universe, calendars, store, destinations)
    elif played:
        await Archive(store.bars, store.documents).keep(await played.history())
        known = known_of_store(store, ShiftedClock(played.start), universe)
    else:
        known = known_of_store(store, ground.clock, universe)
    announcer.documents = store.documents
    return World(
        settings=settings,
        universe=universe,
        calendars=calendars,
        known=known,
        rulebook=rulebook,
        running=RunningRules(rulebook, store.documents),
        destinations=destinations,
        reference=reference,
        played=played,
        place=place or store.place,
    )


@asynccontextmanager
async def _copied(settings: Settings) -> AsyncIterator[tuple[Store, Saying]]:
    """A store of its own that remembers what the real one does, and what it is for people."""
    async with open_throwaway_store() as store:
        async with open_store(settings.secrets.redis_url, settings.home) as real:
            await real.copy_to(store)
            place = Saying("run.copy", {"place": real.place})
        yield store, place


async def _replayed(  # noqa: PLR0917 - a composition root hands over what it made
    settings: Settings,
    rulebook: RuleBook,
    universe: Universe,
    calendars: Calendars,
    store: Store,
    destinations: Sequence[str],
) -> Known:
    """Live through the recorded week, so that its alerts are in ``store`` and on their way; the time is its end."""
    from bot.demo import replay  # noqa: PLC0415 - a week's tables, for this alone
    from bot.reference.recording import recording  # noqa: PLC0415

    week = recording(universe)
    market = MarketView(universe, calendars)
    pipeline = Pipeline(
        engine=Engine(rulebook.rules, universe, calendars),
        universe=universe,
        store=store,
        dispatcher=build_dispatcher(settings, market, store, destinations, settings.reader.reader()),
        market=market,
    )
    await pipeline.start(week.history, week.start)
    await replay(
        week.observations,
        until=week.end,
        pipeline=pipeline,
        deliver=_later,
        clock=SteppingClock(week.start),
        on_step=lambda *_: None,
    )
    archive = Archive(store.bars, store.documents)
    await archive.keep((*week.history, *week.observations))
    await Intake(store, archive).take(Fetched(events=week.events), Noted())
    return replace(known_of_week(week, store), clock=ShiftedClock(week.end))


async def _later() -> None:
    """What the week told waits in the outbox for the sender."""


class _Announcer:
    """Tells every process of a reload, as soon as there is a store to tell it by."""

    def __init__(self) -> None:
        self.documents: Documents | None = None

    async def changed(self, rules: Sequence[RuleSpec]) -> None:
        """The files that were just read are to run."""
        if self.documents is not None:
            await announce(self.documents, FILES, mark_of(rules))


async def lead(store: Store, role: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do ``work`` while this process alone has ``role`` among all that share ``store``."""
    await roles.lead(store.leases, role, this_process(), work)
