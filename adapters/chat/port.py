"""What a chat platform is to the commands: it turns what people do into requests, and shows replies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from adapters.message import Message, Reader
from adapters.notifiers.port import Receipt
from rules.model import Lang


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something that a person asked for, by text or by button.

    ``user`` and ``chat`` are ``PLATFORM:ID`` (``telegram:42``, ``telegram:-100123/7`` for a topic, ``slack:U1``,
    ``slack:C1``, ``terminal:``); both come from the platform and are unforgeable, unlike everything in ``text``.
    """

    user: str
    user_name: str
    chat: str
    chat_kind: Literal["private", "group", "channel", "terminal"]
    text: str
    """A command without the bot's name, ``/movers crypto 1w``; or free text such as ``$NVDA``."""
    at: datetime
    lang_hint: Lang | None = None
    """The language of the person's app, used until they choose one."""
    button: str | None = None
    """The ``data`` of the button that was pressed, in place of ``text``."""
    message: Receipt | None = None
    """The message whose button was pressed, or that this one replies to."""
    inline: bool = False
    """Asked in another chat as the person types; answered with cards to choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to show. Several replies to one request are shown in order: a fast one first, an edit of it later."""

    reader: Reader
    message: Message | None = None
    toast: str = ""
    """A short line that acknowledges a button press without a message."""
    ephemeral: bool = True
    """Only the asker sees it, where the platform can do that."""
    edit: Receipt | None = None
    """Replace this message instead of writing a new one."""


Handler = Callable[[Request], AsyncIterator[Reply]]
"""Answers requests. It never raises: what goes wrong is a reply with an incident number."""


class ChatFrontEnd(Protocol):
    """One platform's side of the conversation."""

    async def run(self, handler: Handler) -> None:
        """Receive requests and show what ``handler`` replies, until cancelled; reconnects by itself."""
        ...
