"""The running bot, put together: the system's clock, the live feeds, the roles that were asked for."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from adapters.clock import Clock, SystemClock
from adapters.feeds.health import COLLECTION as HEALTH
from adapters.feeds.health import STREAM, HealthBook
from adapters.store.embedded import open_store
from adapters.store.port import Store
from bot import roles
from bot.alert_pictures import Pictures
from bot.app.delivery import CONSOLE, build_dispatcher, build_pictures, build_sender, on_terminal
from bot.app.desk import Desk, open_desk
from bot.app.feeds import (
    Sources,
    build_feeds,
    build_streams,
    open_sources,
    recording_feeds,
    recording_streams,
    with_history,
)
from bot.app.notifiers import build_notifiers
from bot.archive import Archive
from bot.dispatch import Dispatcher
from bot.housekeeping import RetentionSettings, keep_tidy
from bot.intake import Intake
from bot.jobs import table
from bot.market import MarketView
from bot.pipeline import Pipeline
from bot.scheduler import Scheduler
from bot.settings import Settings

ROLES = ("scheduler", "engine", "sender")

Report = Callable[[str, str], None]
"""Told, before the work begins, what there is and what is missing: a heading and a sentence."""
Work = Callable[[], Coroutine[Any, Any, None]]


async def run_bot(
    settings: Settings, chosen: Sequence[str], *, dry_run: bool, record: Path | None, report: Report
) -> None:
    """Run the roles until cancelled. With ``dry_run`` everything happens but sending: alerts appear on the terminal."""
    clock = SystemClock()
    desk = open_desk(settings)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.secrets.redis_url, settings.home))
        destinations = [CONSOLE] if dry_run else list(settings.destinations)
        _describe(settings, desk, store, destinations, report, dry_run=dry_run)
        work: dict[str, Work] = {}
        if "scheduler" in chosen:
            sources = await open_sources(stack, settings, desk.universe, desk.calendars, clock, store)
            work["scheduler"] = _scheduler(sources, record)
        if "engine" in chosen:
            market = MarketView(desk.universe, desk.calendars)
            dispatcher = build_dispatcher(settings, market, store, destinations, settings.reader.reader())
            pictures = build_pictures(settings.home, store, market, settings.reader.reader(), clock)
            work["engine"] = _engine(desk, clock, store, dispatcher, market, pictures)
            work["housekeeping"] = _housekeeping(store, settings.retention, clock)
        if "sender" in chosen:
            notifiers = await build_notifiers(stack, settings, clock)
            shown = on_terminal(notifiers) if dry_run else notifiers
            work["sender"] = build_sender(_owner(), store, shown, settings.reader.reader(), clock).run
        async with asyncio.TaskGroup() as tasks:
            for name, role in work.items():
                tasks.create_task(role(), name=name)


def _scheduler(sources: Sources, record: Path | None) -> Work:
    store, clock = sources.store, sources.clock
    feeds = build_feeds(sources)
    streams = build_streams(sources, feeds)
    archive = Archive(store.bars, store.documents)
    feeds = with_history(sources, feeds, archive)
    if record:
        feeds, streams = recording_feeds(feeds, record), recording_streams(streams, record, clock)

    async def work() -> None:
        stored = await store.documents.all(HEALTH)
        scheduler = Scheduler(
            jobs=table([item.calendar for item in sources.universe.instruments], feeds),
            feeds=feeds,
            streams=streams,
            sink=Intake(store, archive),
            health=HealthBook(stored),
            stream_health=HealthBook(stored, STREAM),
            documents=store.documents,
            calendars=sources.calendars,
            clock=clock,
        )
        await scheduler.run()

    return lambda: roles.lead(store.leases, "scheduler", _owner(), work)


def _engine(  # noqa: PLR0917 - a composition root hands over what it made
    desk: Desk, clock: Clock, store: Store, dispatcher: Dispatcher, market: MarketView, pictures: Pictures
) -> Work:
    async def work() -> None:
        pipeline = Pipeline(
            engine=desk.engine, universe=desk.universe, store=store, dispatcher=dispatcher, market=market
        )
        await pipeline.start(await Archive(store.bars, store.documents).load(), clock.now())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pictures.run(), name="pictures")
            await roles.engine(pipeline, clock)

    return lambda: roles.lead(store.leases, "engine", _owner(), work)


def _housekeeping(store: Store, retention: RetentionSettings, clock: Clock) -> Work:
    return lambda: roles.lead(store.leases, "housekeeping", _owner(), lambda: keep_tidy(store, retention, clock))


def _owner() -> str:
    """Names this process among those that share the store."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _describe(
    settings: Settings, desk: Desk, store: Store, destinations: Sequence[str], report: Report, *, dry_run: bool
) -> None:
    report("store", store.place)
    report("rules", f"{len(desk.engine.programs)} over {len(desk.universe.instruments)} instruments")
    report("alerts go to", "the terminal: this is a dry run, nothing is sent" if dry_run else ", ".join(destinations))
    for what, sentence in missing(settings, dry_run=dry_run):
        report(what, sentence)


def missing(settings: Settings, *, dry_run: bool) -> list[tuple[str, str]]:
    """What isn't configured, and what is left out for it."""
    secrets = settings.secrets
    lines = []
    if not dry_run and not settings.destinations:
        lines.append(("missing", "destinations: alerts are kept but sent nowhere; set TAPEWATCH_DESTINATIONS"))
    if not secrets.telegram_token:
        lines.append(("missing", "TELEGRAM_TOKEN: no Telegram (docs/connect-telegram.md)"))
    if not secrets.slack_bot_token:
        lines.append(("missing", "SLACK_BOT_TOKEN: no Slack (docs/connect-slack.md)"))
    if not secrets.sosovalue_api_key:
        lines.append(("missing", "SOSOVALUE_API_KEY: ETF flows come from the sources without a key"))
    if not settings.sec_contact:
        lines.append(("missing", "sec_contact: no SEC filings; Yahoo's statements stand in for them"))
    return lines
