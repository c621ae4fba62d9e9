"""``tapewatch ask``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot.cli import options

if TYPE_CHECKING:
    from adapters.chat.port import Reply
    from bot.settings import Settings
    from rules.model import Lang


@click.command("ask")
@click.argument("text")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the answer.")
@click.option("--reference", is_flag=True, help="Answer from the recorded week instead of the store.")
@options.as_json
@click.pass_obj
def command(config: Path | None, text: str, lang: Lang | None, *, reference: bool, as_json: bool) -> None:
    """Answer a chat command on the terminal, such as "/movers crypto 1w" or "/help".

    Exits with 1 when it can't be answered as asked; the answer says why.
    """
    from bot import logs
    from bot.settings import load

    logs.configure(level="warning")
    done = asyncio.run(_answer(load(config), text, lang, reference=reference, as_json=as_json))
    raise SystemExit(0 if done else 1)


async def _answer(settings: Settings, text: str, lang: Lang | None, *, reference: bool, as_json: bool) -> bool:
    from contextlib import AsyncExitStack

    from bot.app.answers import open_commands
    from bot.app.notifiers import terminal
    from bot.commands.terminal import ask

    async with AsyncExitStack() as stack:
        commands, clock = await open_commands(stack, settings, reference=reference)
        reply = await ask(commands, text, at=clock.now(), lang=lang or settings.reader.lang)
        if as_json:
            click.echo(json.dumps(_document(reply), ensure_ascii=False))
        elif reply is not None:
            terminal(clock).show(reply.message, reply.reader, buttons=True)
        return reply is not None and not reply.refused


def _document(reply: Reply | None) -> dict[str, Any]:
    """``ok``, the answer as plain text, and the neutral message that every platform renders."""
    from pydantic import TypeAdapter

    from adapters.message import Message
    from adapters.rendering.plain import plain_text

    if reply is None:
        return {"ok": False, "lang": None, "text": "", "message": None}
    return {
        "ok": not reply.refused,
        "lang": reply.reader.lang,
        "text": plain_text(reply.message, reply.reader),
        "message": TypeAdapter(Message).dump_python(reply.message, mode="json"),
    }
