"""``tapewatch status``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rules.model import Lang


@click.command("status")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
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
