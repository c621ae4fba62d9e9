"""``tapewatch why``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli import options

if TYPE_CHECKING:
    from rules.model import Lang


@click.command("why")
@click.argument("alert")
@options.language
@options.as_json
@click.pass_obj
def command(config: Path | None, alert: str, lang: Lang | None, *, as_json: bool) -> None:
    """Show why ALERT (A-1042) fired: the record of the evaluation itself; nothing is recomputed. Times are UTC."""
    from bot.app import inspect
    from bot.operations.alert_page import why_lines
    from bot.settings import load

    settings = load(config)

    async def look() -> None:
        async with inspect.opened(settings) as store:
            steps = await inspect.why(store, alert)
            told = await inspect.deliveries(store, alert, steps)
        if as_json:
            document = {
                "alert": alert,
                "transitions": inspect.plain_transitions(steps),
                "told": inspect.plain_log(told),
            }
            click.echo(json.dumps(document, ensure_ascii=False))
            return
        for line in why_lines(steps, lang or settings.reader.lang, told):
            click.echo(line)

    asyncio.run(look())
