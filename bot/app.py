"""The composition root: the only place that names concrete adapters and knows which way the product is run.

Straight-line by intent. Everything that is opened is closed by the ``AsyncExitStack`` it was opened on, in reverse.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from adapters.clock import Clock, SteppingClock
from adapters.notifiers.console import ConsoleNotifier
from adapters.notifiers.port import Notifier
from adapters.store.embedded import open_store
from adapters.store.port import Store
from bot.cli.progress import Progress
from bot.delivery import Sender, pack
from bot.demo import replay
from bot.pipeline import Pipeline
from bot.reference.recording import FRIDAY, recording
from bot.settings import Settings
from rules.calendars import Calendars
from rules.engine import Engine
from rules.loader import load_packs
from rules.model import Lang
from rules.problems import ProblemsFound
from rules.spec import RuleSpec
from rules.universe import Universe
from rules.universe_file import builtin_universe, load_universe

BUILTIN_RULES = Path(__file__).parents[1] / "rules" / "packs"
CONSOLE = "console:"


@dataclass(frozen=True, slots=True)
class Demo:
    """What a run of the demo brought."""

    notices: tuple[Notice, ...]
    digest: Digest
    page: Path


async def run_demo(
    settings: Settings, *, out: Path, destinations: Sequence[str], lang: Lang | None, quiet: bool, progress: Progress
) -> Demo:
    """Replay the recorded week on a stepping clock and a store of its own, then publish its digest.

    With ``quiet`` nothing is printed but what ``progress`` shows. The page is written to ``out`` at the very end, whole.
    """
    universe = read_universe(settings)
    engine = Engine(read_rules(settings, universe), universe, Calendars())
    week = recording(universe)
    clock = SteppingClock(week.start)
    reader = settings.reader.reader(lang)
    console = [] if quiet else [CONSOLE]
    async with AsyncExitStack() as stack:
        home = stack.enter_context(private_folder(settings.home, "demo-"))
        store = await stack.enter_async_context(open_store(None, home))
        notifiers = {"console": ConsoleNotifier(clock)}
        sender = Sender(name="demo", outbox=store.outbox, notifiers=notifiers, reader=reader, readers={})
        pipeline = Pipeline(engine=engine, universe=universe, store=store, destinations=[*console, *destinations])
        await pipeline.start(week.history, week.start)
        notices: list[Notice] = []
        async for moment in replay(
            week.observations, until=week.end, pipeline=pipeline, sender=sender, clock=clock, on_step=progress.step
        ):
            notices += moment.notices
        progress.show("writing the digest")
        digest = build_digest(ObservedData(week, universe), FRIDAY, universe)
        message = {each: digest_message(digest, each) for each in LANGS}
        await store.outbox.enqueue("digest")
        await sender.drain(clock.now())
    page = write_whole(out / f"digest-{FRIDAY.isoformat()}-{reader.lang}.html", render_digest(digest, reader))
    return Demo(tuple(notices), digest, page)
