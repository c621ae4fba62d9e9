"""The recorded week, put together: a stepping clock, a recorded feed, a store of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from adapters.clock import SteppingClock, SystemClock
from adapters.message import Message
from adapters.store.embedded import open_store
from adapters.store.port import Commit, Store
from bot import logs
from bot.alerts.notices import Notice, addressed
from bot.app.delivery import build_dispatcher, build_pictures
from bot.app.desk import open_desk
from bot.app.notifiers import build_notifiers, check_reachable, check_read
from bot.demo import replay
from bot.digest import Digest, build
from bot.digest.chat import message as digest_message
from bot.digest.html import render
from bot.failures import Failure
from bot.files import ensure_writable, private_folder, write_whole
from bot.market.view import MarketView
from bot.pipeline import Pipeline
from bot.reference.imported import digest_data
from bot.reference.recording import FRIDAY, recording
from bot.routing.dispatch import LANGS
from bot.sending.courier import always
from bot.sending.sender import Sender
from bot.settings import Settings
from rules.model import Lang

CONSOLE = "console:"
_PATIENCE = timedelta(minutes=2)


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
    ensure_writable(out)
    week = recording(desk.universe)
    clock = SteppingClock(week.start)
    reader = settings.reader.reader(lang)
    async with AsyncExitStack() as stack:
        home = stack.enter_context(private_folder(settings.home, "demo-"))
        store = await stack.enter_async_context(open_store(None, home))
        notifiers = await build_notifiers(stack, settings, clock)
        check_reachable(destinations, settings, notifiers)
        sender = Sender(name="demo", store=store, notifiers=notifiers, reader_at=always(reader), clock=SystemClock())
        market = MarketView(desk.universe, desk.calendars)
        dispatcher = build_dispatcher(settings, market, store, destinations, reader)
        pipeline = Pipeline(
            engine=desk.engine, universe=desk.universe, store=store, dispatcher=dispatcher, market=market
        )
        await pipeline.start(week.history, week.start)
        pictures = build_pictures(home, store, market, reader, clock)

        async def deliver() -> None:
            await sender.drain()
            if await pictures.draw():
                await sender.drain()
            check_read(notifiers)

        notices = await replay(
            week.observations, until=week.end, pipeline=pipeline, deliver=deliver, clock=clock, on_step=on_step
        )
        clock.step_to(week.end)
        digest = build(digest_data(week), FRIDAY, desk.universe)
        messages = {each: digest_message(digest, each) for each in LANGS}
        await store.states.commit(
            Commit(alerts={}, outbox=addressed(f"digest:{FRIDAY}", messages, week.end, destinations))
        )
        page = write_whole(out / f"digest-{FRIDAY}-{reader.lang}.html", render(digest, reader))
        await _deliver_the_rest(store, sender)
    return Demo(tuple(notices), digest, messages, week.end, page)


async def _deliver_the_rest(store: Store, sender: Sender) -> None:
    """Send what the services' limits held back; raise ``Failure`` for what can't be delivered."""
    clock = SystemClock()
    deadline = clock.now() + _PATIENCE
    await sender.drain()
    while (due := await store.outbox.next_due()) and clock.now() < deadline:
        await clock.sleep_until(min(due, deadline))
        await sender.drain()
    if dead := await store.outbox.dead(1):
        where, why = dead[0].entry.destination, dead[0].why.partition(": ")[2] or dead[0].why
        service = where.partition(":")[0] if where.startswith(("telegram:", "slack:")) else "others"
        raise Failure("not_delivered", destination=where, why=why.removeprefix(f"{where}: "), service=service)
    if waiting := await store.outbox.waiting():
        said = ", ".join(f"{destination} ×{count}" for destination, count in waiting.items())
        raise Failure("not_delivered_yet", seconds=_PATIENCE.seconds, waiting=said)
