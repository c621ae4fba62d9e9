"""``tapewatch digest``."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import date, datetime

    from bot.digest import Digest
    from bot.settings import Settings
    from rules.model import Lang

FORMATS = ("chat", "html", "pdf", "xlsx", "ics", "json")


@click.command("digest")
@click.option("--week", type=click.DateTime(["%Y-%m-%d"]), help="Any day of the week (default: the last whole week).")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="chat", help="What to write.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--reference", is_flag=True, help="The recorded week of 28 October 2024 instead of the store.")
@click.pass_obj
def command(
    config: Path | None, week: datetime | None, lang: Lang | None, form: str, out: Path | None, *, reference: bool
) -> None:
    """Build the weekly digest from what the store knows."""
    from bot import logs
    from bot.settings import load

    logs.configure(level="warning")
    settings = load(config)
    reader = settings.reader.reader(lang)
    digest = asyncio.run(_build(settings, week.date() if week else None, reference=reference))
    if form == "chat":
        from adapters.clock import SystemClock
        from bot.app.notifiers import terminal
        from bot.digest.chat import message

        terminal(SystemClock(), out).show(message(digest, reader.lang), reader)
        return
    from bot.digest.formats import FORMATS as RENDERERS
    from bot.files import write_whole

    content = RENDERERS[form][1](digest, reader)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        write_whole(out, content)
        click.echo(f"digest written to {out}", err=True)


async def _build(settings: Settings, day: date | None, *, reference: bool) -> Digest:
    from bot.app.answers import open_known
    from bot.app.weekly import build_publisher
    from bot.digest.frame import last_whole_week
    from rules.calendars import Calendars
    from rules.universe_file import load_universe

    universe = load_universe(settings.universe)
    async with AsyncExitStack() as stack:
        known = await open_known(stack, settings, universe, reference=reference)
        now = known.clock.now()
        publisher = build_publisher(settings, universe, Calendars(), known.store)
        return await publisher.preview(await known.data(now), day or last_whole_week(now.date()))
