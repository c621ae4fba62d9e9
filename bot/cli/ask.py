"""``tapewatch ask``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.settings import Settings
    from rules.model import Lang


@click.command("ask")
@click.argument("text")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the answer.")
@click.option("--reference", is_flag=True, help="Answer from the recorded week instead of the store.")
@click.pass_obj
def command(config: Path | None, text: str, lang: Lang | None, *, reference: bool) -> None:
    """Answer a chat command on the terminal, such as "/movers crypto 1w" or "/help"."""
    from bot import logs
    from bot.settings import load

    logs.configure(level="warning")
    asyncio.run(_answer(load(config), text, lang, reference=reference))


async def _answer(settings: Settings, text: str, lang: Lang | None, *, reference: bool) -> None:
    from contextlib import AsyncExitStack

    from bot.app.answers import open_commands
    from bot.app.notifiers import terminal
    from bot.commands.terminal import ask

    async with AsyncExitStack() as stack:
        commands, clock = await open_commands(stack, settings, reference=reference)
        reply = await ask(commands, text, at=clock.now(), lang=lang or settings.reader.lang)
        if reply is not None:
            terminal(clock).show(reply.message, reply.reader, buttons=True)
