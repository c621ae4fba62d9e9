"""The ``scheduler`` role, put together: it asks the sources and brings out the publications."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.feeds.health import COLLECTION as HEALTH
from adapters.feeds.health import STREAM, HealthBook
from adapters.feeds.port import Feed, Stream
from bot.app.feeds import (
    build_feeds,
    build_streams,
    open_sources,
    recorded_feeds,
    recorded_streams,
    recording_feeds,
    recording_streams,
    with_history,
)
from bot.app.recordings import RecordingArchive
from bot.app.weekly import build_brief, build_publisher
from bot.app.world import World, lead
from bot.feeding.archive import Archive
from bot.feeding.intake import Intake
from bot.feeding.jobs import Job, table
from bot.feeding.scheduler import Scheduler
from bot.publishing.clock import Publishing

Work = Callable[[], Coroutine[Any, Any, None]]


async def build_scheduler(stack: AsyncExitStack, world: World, record: Path | None) -> Work:
    """Asks the feeds and brings out the publications; over the recorded week there is nothing left to ask for."""
    store, settings, clock = world.store, world.settings, world.known.clock
    publishing = Publishing(
        publisher=build_publisher(settings, world.universe, world.calendars, store),
        brief=build_brief(settings, world.universe, world.calendars, store),
        data=world.known.data,
        clock=clock,
    )
    asked = None if world.reference else _recorded(world) if world.played else await _asked(stack, world, record)

    async def ask(asked: Asked) -> None:
        if asked.begin:
            await asked.begin()
        stored = await store.documents.all(HEALTH)
        scheduler = Scheduler(
            jobs=asked.jobs,
            feeds=asked.feeds,
            streams=asked.streams,
            sink=Intake(store, Archive(store.bars, store.documents)),
            health=HealthBook(stored),
            stream_health=HealthBook(stored, STREAM),
            documents=store.documents,
            calendars=world.calendars,
            clock=clock,
        )
        await scheduler.run()

    async def work() -> None:
        async with asyncio.TaskGroup() as tasks:
            if asked:
                tasks.create_task(ask(asked), name="feeds")
            tasks.create_task(publishing.run(), name="publishing")

    return lambda: lead(store, "scheduler", work)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who tells the scheduler, and when; ``begin`` comes first."""

    jobs: Sequence[Job]
    feeds: Mapping[str, Feed]
    streams: Mapping[str, Stream]
    begin: Callable[[], Awaitable[None]] | None = None


async def _asked(stack: AsyncExitStack, world: World, record: Path | None) -> Asked:
    """The sources; what they bring is written down in ``record``."""
    store, clock = world.store, world.known.clock
    sources = await open_sources(stack, world.settings, world.universe, world.calendars, clock, store)
    feeds = build_feeds(sources)
    streams = build_streams(sources, feeds)
    jobs = table(_markets(world), feeds)
    if not record:
        return Asked(jobs, with_history(sources, feeds, Archive(store.bars, store.documents)), streams)
    archive = RecordingArchive(store.bars, store.documents, record, clock)
    feeds = recording_feeds(with_history(sources, feeds, archive), record)
    return Asked(jobs, feeds, recording_streams(streams, record, clock), archive.begin)


def _recorded(world: World) -> Asked:
    """The recording that ``world`` plays back."""
    played = world.played
    assert played is not None, "ask for a recording where there is one"  # noqa: S101
    feeds = recorded_feeds(played.names, played.folder)
    streams = recorded_streams(played.names, played.folder, world.known.clock)
    return Asked(played.jobs(table(_markets(world), feeds)), feeds, streams)


def _markets(world: World) -> list[str]:
    return [item.calendar for item in world.universe.instruments]
