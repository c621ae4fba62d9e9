"""The recorded week, put together: a stepping clock, a recorded feed, a store of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adapters.clock import SteppingClock, SystemClock
from adapters.message import Message
from adapters.notifiers.console import ConsoleNotifier
from adapters.notifiers.port import Notifier
from adapters.store.embedded import open_store
from adapters.store.port import Commit
from bot import logs
from bot.app.delivery import build_dispatcher
from bot.app.desk import open_desk
from bot.delivery import Sender, always
from bot.demo import replay
from bot.digest import Digest, build
from bot.digest.chat import message as digest_message
from bot.digest.html import render
from bot.dispatch import LANGS
from bot.files import private_folder, write_whole
from bot.notices import Notice, addressed
from bot.pipeline import Pipeline
from bot.reference.imported import digest_data
from bot.reference.recording import FRIDAY, recording
from bot.settings import Settings
from rules.model import Lang

CONSOLE = "console:"


@dataclass(frozen=True, slots=True)
class Demo:
    """What the recorded week brought: every notice, and the digest with its page."""

    notices: tuple[Notice, ...]
    digest: Digest
    digest_messages: Mapping[Lang, Message]
    digest_at: datetime
    page: Path


async def run_demo(
    settings: Settings,
    *,
    out: Path,
    destinations: Sequence[str],
    lang: Lang | None,
    on_step: Callable[[datetime, int], None],
) -> Demo:
    """Replay the recorded week on a stepping clock and a store of its own, and publish its digest to ``out``."""
    logs.configure(level="warning")
    desk = open_desk(settings)
    week = recording(desk.universe)
    clock = SteppingClock(week.start)
    reader = settings.reader.reader(lang)
    notifiers: dict[str, Notifier] = {"console": ConsoleNotifier(clock)}
    async with AsyncExitStack() as stack:
        home = stack.enter_context(private_folder(settings.home, "demo-"))
        store = await stack.enter_async_context(open_store(None, home))
        sender = Sender(name="demo", store=store, notifiers=notifiers, reader_at=always(reader), clock=SystemClock())
        dispatcher = build_dispatcher(settings, desk.universe, store, destinations, reader)
        pipeline = Pipeline(engine=desk.engine, universe=desk.universe, store=store, dispatcher=dispatcher)
        await pipeline.start(week.history, week.start)
        notices = await replay(
            week.observations, until=week.end, pipeline=pipeline, sender=sender, clock=clock, on_step=on_step
        )
        clock.step_to(week.end)
        digest = build(digest_data(week), FRIDAY, desk.universe)
        messages = {each: digest_message(digest, each) for each in LANGS}
        await store.states.commit(
            Commit(alerts={}, outbox=addressed(f"digest:{FRIDAY}", messages, week.end, destinations))
        )
        page = write_whole(out / f"digest-{FRIDAY}-{reader.lang}.html", render(digest, reader))
        await sender.drain()
    return Demo(tuple(notices), digest, messages, week.end, page)
