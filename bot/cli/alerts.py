"""``tapewatch alerts``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import options

if TYPE_CHECKING:
    from rules.model import Lang


@click.command("alerts")
@options.language
@options.as_json
@click.pass_obj
def command(config: Path | None, lang: Lang | None, *, as_json: bool) -> None:
    """List the alerts that are pending, firing or recovering, with the time in UTC since when."""
    from bot.app import inspect
    from bot.locale import say
    from bot.operations.alert_page import open_lines
    from bot.settings import load

    settings = load(config)
    spoken = lang or settings.reader.lang

    async def look() -> None:
        async with inspect.opened(settings) as store:
            found = await inspect.alerts(store)
        if as_json:
            click.echo(json.dumps({"alerts": found}, ensure_ascii=False))
            return
        for line in open_lines(found, spoken):
            click.echo(line)
        if not found:
            click.echo(say(spoken, "firing.none"), err=True)

    asyncio.run(look())
