"""The running bot, put together: the roles that were asked for, over one world."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import structlog

from adapters.notifiers.port import Misconfigured, Notifier
from adapters.process import this_process
from bot.app.chat import PLATFORMS, build_front_end, lacking, open_application
from bot.app.engine import run_engine
from bot.app.ground import HOST, Ground
from bot.app.notifiers import build_notifiers, out_of_reach, schemes_of, until_unread
from bot.app.recordings import playback
from bot.app.sending import CONSOLE, Report, build_sender, on_terminal
from bot.app.world import World, lead, open_world
from bot.failures import Failure
from bot.locale import Saying
from bot.operations.housekeeping import keep_tidy
from bot.settings import Settings

log = structlog.get_logger()

ROLES = ("scheduler", "engine", "sender", "telegram", "slack", "web")

Work = Callable[[], Coroutine[Any, Any, None]]


async def run_bot(
    settings: Settings,
    named: Sequence[str],
    *,
    dry_run: bool,
    reference: bool = False,
    record: Path | None = None,
    replay: Path | None = None,
    report: Report,
    ready: Callable[[Sequence[str]], None] = lambda _work: None,
    ground: Ground = HOST,
) -> None:
    """Run the roles that are ``named`` until cancelled; without a name, all that the settings have tokens for.

    ``ready`` is called with what is about to work, when everything is open.

    With ``dry_run`` everything happens but sending, on a copy of the store that is forgotten at the end: alerts appear
    on the terminal, nobody is listened to, and a bot that runs on the store goes on undisturbed. What the
    feeds bring is written down in ``record``, or comes from ``replay``, where an earlier run wrote it down.
    """
    played = playback(replay) if replay else None
    chosen = named or [role for role in ROLES if role not in PLATFORMS or not lacking(settings, role)]
    listening = [role for role in chosen if role in PLATFORMS and not dry_run]
    destinations = [CONSOLE] if dry_run else list(settings.destinations)
    broken: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        world = await open_world(
            stack, settings, destinations, reference=reference, played=played, dry_run=dry_run, ground=ground
        )
        _describe(world, report, dry_run=dry_run)
        written_to = None if "sender" in chosen else listening
        notifiers = await build_notifiers(stack, settings, world.known.clock, written_to)
        for why in [] if dry_run else out_of_reach(settings, schemes_of(settings)):
            report("missing", why)
        work: dict[str, Work] = {}
        if "scheduler" in chosen:
            from bot.app.scheduling import build_scheduler  # noqa: PLC0415 - every source, for this role alone

            work["scheduler"] = await build_scheduler(stack, world, record)
        if "engine" in chosen:
            work["engine"] = lambda: run_engine(world)
            work["housekeeping"] = _housekeeping(world)
        if "sender" in chosen:
            work |= _sender(world, notifiers, dry_run=dry_run)
        if listening:
            work |= await _front_ends(world, listening, notifiers, broken, tolerant=not named)
        if "engine" in chosen or listening:
            work["rules"] = world.running.run
        if "web" in chosen:
            work["web"] = await _web(stack, world, broken, report, tolerant=not named)
        if not work:
            raise Failure("nothing_to_do", roles=", ".join(chosen))
        prompt()
        ready(list(work))
        async with asyncio.TaskGroup() as tasks:
            for name, role in work.items():
                tasks.create_task(role(), name=name)


def prompt() -> None:
    """Keep the event loop from waiting: for collections over what stays anyway, and for threads that read answers."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)  # a refresh of hundreds of symbols would else be walked through several times
    sys.setswitchinterval(0.001)


async def _front_ends(
    world: World,
    platforms: Sequence[str],
    notifiers: Mapping[str, Notifier],
    broken: dict[str, str],
    *,
    tolerant: bool,
) -> dict[str, Work]:
    application, follower = await open_application(world)

    def listening(platform: str) -> Work:
        front_end = build_front_end(world, platform, application, notifiers)

        async def listen() -> None:
            try:
                await front_end.run()
            except Misconfigured as error:
                if not tolerant:
                    raise
                # the alerts must go on, on whatever still works
                broken[platform] = str(error)
                log.warning("front_end_misconfigured", role=platform, error=str(error))

        return listen

    return {"market": follower.run, **{platform: listening(platform) for platform in platforms}}


def _sender(world: World, notifiers: Mapping[str, Notifier], *, dry_run: bool) -> dict[str, Work]:
    shown = on_terminal(notifiers) if dry_run else notifiers
    settings, clock = world.settings, world.known.clock
    work: dict[str, Work] = {"sender": build_sender(this_process(), settings, world.store, shown, clock).run}
    if dry_run:
        work["terminal"] = lambda: until_unread(notifiers)
    return work


def _housekeeping(world: World) -> Work:
    store, retention, clock = world.store, world.settings.retention, world.known.clock
    return lambda: lead(store, "housekeeping", lambda: keep_tidy(store, retention, clock))


async def _web(stack: AsyncExitStack, world: World, broken: dict[str, str], report: Report, *, tolerant: bool) -> Work:
    from adapters.web import served  # noqa: PLC0415 - a server, for this role alone
    from bot.app.probes import pages  # noqa: PLC0415

    host, port = world.settings.web.host, world.settings.web.port
    try:
        address = await stack.enter_async_context(served(host, port, pages(world.store, broken)))
    except OSError as error:
        taken = Failure("port_taken", host=host, port=port, why=error.strerror)
        if not tolerant:
            raise taken from error
        report("web", taken.saying)
    else:
        report("web", f"{address}/healthz /readyz /metrics")

    async def stay() -> None:
        await asyncio.Event().wait()

    return stay


def _describe(world: World, report: Report, *, dry_run: bool) -> None:
    report("store", world.place)
    rules, instruments = len(world.rulebook.rules), len(world.universe.instruments)
    report("rules", Saying("run.rules_over", {"rules": rules, "instruments": instruments}))
    if world.reference:
        report("market", Saying("run.reference", {"at": f"{world.known.clock.now():%Y-%m-%d %H:%M}"}))
    if played := world.played:
        span = {"start": f"{played.start:%Y-%m-%d %H:%M}", "end": f"{played.end:%Y-%m-%d %H:%M}"}
        report("market", Saying("run.recording", {"folder": played.folder, **span}))
    to = ", ".join(world.destinations)
    report("alerts", Saying("run.dry") if dry_run else to or Saying("run.nobody"))
    for key in missing(world.settings, dry_run=dry_run):
        report("missing", Saying(f"run.{key}"))


def missing(settings: Settings, *, dry_run: bool) -> Iterator[str]:
    """What isn't configured, and what is left out for it: the keys of its texts."""
    secrets, access = settings.secrets, settings.access
    if not dry_run and not settings.destinations:
        yield "no_destinations"
    if not secrets.telegram_token:
        yield "no_telegram"
    if not secrets.slack_bot_token:
        yield "no_slack"
    elif not secrets.slack_app_token:
        yield "deaf_slack"
    listens = any(not lacking(settings, platform) for platform in PLATFORMS)
    if listens and not (access.open or access.admins or access.analysts or access.viewers or access.chats):
        yield "no_access"
    if not secrets.sosovalue_api_key:
        yield "no_sosovalue"
    if not settings.sec_contact:
        yield "no_sec"
