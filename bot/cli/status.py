"""``tapewatch status``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import options

if TYPE_CHECKING:
    from rules.model import Lang


@click.command("status")
@options.language
@options.as_json
@click.pass_obj
def command(config: Path | None, lang: Lang | None, *, as_json: bool) -> None:
    """Show who works, what fires, what waits to be sent, and how each source does."""
    from adapters.clock import SystemClock
    from bot.app import inspect
    from bot.operations.state_page import lines
    from bot.settings import load

    settings, now = load(config), SystemClock().now()

    async def look() -> None:
        async with inspect.opened(settings) as store:
            found = await inspect.status(store, now)
        if as_json:
            click.echo(json.dumps(found, ensure_ascii=False))
            return
        for line in lines(found, now, lang or settings.reader.lang):
            click.echo(line)

    asyncio.run(look())
