"""Commands typed on a terminal: ``tapewatch ask "/movers crypto 1w"``."""

from __future__ import annotations

from datetime import datetime

from adapters.chat.port import Application, Chat, Origin, Reply, Request, User
from rules.model import Lang

WHO = "console:"
"""The one identity at the terminal: person and chat at once."""


async def ask(application: Application, text: str, *, at: datetime, lang: Lang | None = None) -> Reply | None:
    """The answer to ``text``, with or without its slash, in ``lang`` if given. ``None`` where there is nothing to say.

    Show it with ``ConsoleNotifier.show(reply.message, reply.reader, buttons=True)``.
    """
    return await application.answer(typed(text, at=at, lang=lang))


def typed(text: str, *, at: datetime, lang: Lang | None = None) -> Request:
    """The request that a line on the terminal is."""
    words = text.strip()
    slashed = words.startswith("/")
    verb, _, rest = words.removeprefix("/").partition(" ")
    return Request(
        id=f"{WHO}{at.isoformat()}",
        platform="console",
        origin=Origin.COMMAND if slashed else Origin.TEXT,
        user=User(WHO, lang=lang or ""),
        chat=Chat(WHO, "direct"),
        verb=verb.casefold() if slashed else "",
        text=rest.strip() if slashed else words,
        at=at,
    )
