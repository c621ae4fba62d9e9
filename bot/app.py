"""The composition root: the only place that names concrete adapters and knows which way the product is run.

Straight-line by intent. What is opened is closed by the ``AsyncExitStack`` that it was opened on, in reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adapters.clock import SteppingClock
from adapters.message import Message
from adapters.notifiers.console import ConsoleNotifier
from adapters.notifiers.port import Notifier
from adapters.store.embedded import open_store
from adapters.store.port import Commit
from bot.delivery import Sender
from bot.demo import replay
from bot.digest import Digest, build
from bot.digest.chat import message as digest_message
from bot.digest.html import render
from bot.files import private_folder, write_whole
from bot.notices import Notice, addressed
from bot.pipeline import LANGS, Pipeline
from bot.reference.imported import digest_data
from bot.reference.recording import FRIDAY, recording
from bot.settings import Settings
from rules.calendars import Calendars
from rules.engine import Engine
from rules.loader import load_packs
from rules.model import Lang
from rules.problems import ProblemsFound
from rules.spec import RuleSpec
from rules.universe import Universe
from rules.universe_file import load_universe

BUILTIN_RULES = Path(__file__).parents[1] / "rules" / "packs"
CONSOLE = "console:"


def read_rules(settings: Settings, universe: Universe) -> Sequence[RuleSpec]:
    """The shipped packs and the user's; raise ``ProblemsFound`` with every mistake in them."""
    loaded = load_packs([*([BUILTIN_RULES] if settings.builtin_rules else []), *settings.rules], universe)
    if loaded.problems:
        raise ProblemsFound(loaded.problems)
    return loaded.rules


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
    universe = load_universe(settings.universe)
    engine = Engine(read_rules(settings, universe), universe, Calendars())
    week = recording(universe)
    clock = SteppingClock(week.start)
    reader = settings.reader.reader(lang)
    notifiers: dict[str, Notifier] = {"console": ConsoleNotifier(clock)}
    async with AsyncExitStack() as stack:
        home = stack.enter_context(private_folder(settings.home, "demo-"))
        store = await stack.enter_async_context(open_store(None, home))
        sender = Sender(name="demo", outbox=store.outbox, notifiers=notifiers, reader=reader, readers={})
        pipeline = Pipeline(engine=engine, universe=universe, store=store, destinations=destinations)
        await pipeline.start(week.history, week.start)
        notices = await replay(
            week.observations, until=week.end, pipeline=pipeline, sender=sender, clock=clock, on_step=on_step
        )
        clock.step_to(week.end)
        digest = build(digest_data(week), FRIDAY, universe)
        messages = {each: digest_message(digest, each) for each in LANGS}
        await store.states.commit(
            Commit(alerts={}, outbox=addressed(f"digest:{FRIDAY}", messages, week.end, destinations))
        )
        page = write_whole(out / f"digest-{FRIDAY}-{reader.lang}.html", render(digest, reader))
        await sender.drain(week.end)
    return Demo(tuple(notices), digest, messages, week.end, page)
