"""The ``engine`` role, put together: one process at a time evaluates, over rules that may change while it does."""

from __future__ import annotations

import asyncio

import structlog

from bot import roles
from bot.app.delivery import build_dispatcher, build_pictures
from bot.app.world import World, lead
from bot.feeding.archive import Archive
from bot.market.view import MarketView
from bot.pipeline import Pipeline
from bot.rulebook.files import RuleFiles
from rules.engine import Engine

log = structlog.get_logger()


async def run_engine(world: World) -> None:
    """Stand by until the lease is free, then evaluate."""
    await lead(world.store, "engine", lambda: _evaluate(world))


async def _evaluate(world: World) -> None:
    store, clock, running = world.store, world.known.clock, world.running
    archive = Archive(store.bars, store.documents)
    market = MarketView(world.universe, world.calendars)
    dispatcher = build_dispatcher(world.settings, market, store, world.destinations, world.settings.reader.reader())
    files = RuleFiles(world.rulebook, store.documents, store.states, clock)
    # Whoever stood by for long has old rules in hand.
    await files.take_up(clock.now())
    await running.look()
    runs = running.revision
    pipeline = Pipeline(
        engine=await _engine(world), universe=world.universe, store=store, dispatcher=dispatcher, market=market
    )
    await pipeline.start((), clock.now(), archive)

    async def renew() -> None:
        nonlocal runs
        if running.revision != runs:
            newest = running.revision
            engine = await _engine(world)
            await pipeline.use(engine, archive)
            runs = newest
            log.info("rules_taken_up", rules=len(engine.programs))

    pictures = build_pictures(world.settings.home, store, market, world.settings.reader.reader(), clock)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pictures.run(), name="pictures")
        tasks.create_task(files.run(), name="rule files")
        await roles.engine(pipeline, clock, renew)


async def _engine(world: World) -> Engine:
    universe, calendars = world.universe, world.calendars
    specs = await world.running.specs(universe, calendars, world.known.clock.now())
    return await asyncio.to_thread(Engine, specs, universe, calendars)
