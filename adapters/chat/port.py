"""What a chat platform is to the rest of the product: it turns events into requests and replies into messages.

Commands are written once against :class:`Request` and :class:`Reply`; a front end knows its platform and nothing of
the commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from adapters.message import Message, Reader
from adapters.notifiers.port import Receipt
from rules.model import Localized

Platform = Literal["telegram", "slack", "console"]


class Origin(StrEnum):
    """How a request was made."""

    COMMAND = "command"
    """A command was typed: ``/movers crypto``, ``/tapewatch movers crypto``, ``@bot movers crypto``."""
    BUTTON = "button"
    """A button or menu under a message, or a message shortcut, was used; ``Request.pressed`` is that message."""
    TEXT = "text"
    """Words without a command, in a direct chat, addressed to the bot, or naming a ``$SYMBOL``."""
    OVERHEARD = "overheard"
    """Words under a message of the bot's that don't name it (a thread in Slack): meant for the bot only where that
    message asks for words."""
    INLINE = "inline"
    """``@bot NVDA`` in any chat's input field (Telegram): the reply becomes a result to choose."""
    HOME = "home"
    """The app's home page was opened (Slack): the reply becomes the page."""


@dataclass(frozen=True, slots=True)
class User:
    """Who asks.

    ``id`` is also the destination of direct messages: ``telegram:4711``, ``slack:U0123456789``, ``console:``. ``name``
    is outside text. ``lang`` is the platform's language tag (``zh-hans``, ``en-US``) or ``""``.
    """

    id: str
    name: str = ""
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Chat:
    """Where a request was made; ``destination`` is where a notifier reaches it, topic included.

    ``title`` is outside text, ``""`` for a direct chat.
    """

    destination: str
    kind: Literal["direct", "group"]
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing that a person asks for.

    ``verb`` is in lower case and without a slash, ``""`` where no command was given. ``text`` is the rest, raw: outside
    text of any length. A button's data ``mute:A-1042:open`` arrives as verb ``mute`` and text ``A-1042:open``.
    """

    id: str
    """Names the event: the same id is the same event, delivered twice."""
    platform: Platform
    origin: Origin
    user: User
    chat: Chat
    verb: str
    text: str
    at: datetime
    pressed: Receipt | None = None
    """The message under which the button was."""
    answers: Receipt | None = None
    """The message that is answered: the one replied to, or the first of the thread."""
    typed: str = ""
    """All that was typed, where ``verb`` is but the first of plain words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer, with the reader for whom to render it."""

    message: Message
    reader: Reader
    private: bool = True
    """Shown to the asker alone where the platform can do that (Slack); a group's own business is not private."""
    edit: bool = False
    """Replace the message whose button was pressed; where that isn't possible, a new message is sent."""
    shareable: bool = False
    """A private reply that is worth showing to the channel: the platform offers it."""
    refused: bool = False
    """What was asked for was not done; the message says why."""
    toast: str = ""
    """A few words shown over the chat when a button was pressed (Telegram; at most 200 characters)."""


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A command in the platform's menu. ``scope`` says where it is offered."""

    verb: str
    summary: Localized
    scope: Literal["everywhere", "direct", "group"] = "everywhere"


class Application(Protocol):
    """What answers: the commands, behind every front end."""

    @property
    def menu(self) -> Sequence[MenuEntry]:
        """The commands to offer, most used first."""
        ...

    async def answer(self, request: Request) -> Reply | None:
        """Answer, or say nothing. It never raises: what went wrong is said in the reply, without a stack trace."""
        ...

    async def working(self, request: Request) -> Reply:
        """What to show while an answer takes longer than a second (``计算中…``)."""
        ...

    async def moved(self, old: str, new: str) -> None:
        """A chat has a new address (a group became a supergroup): carry its subscriptions and settings over."""
        ...

    async def removed(self, destination: str) -> None:
        """The bot was blocked by, or removed from, ``destination``: park what is sent there."""
        ...


class FrontEnd(Protocol):
    """A platform's listener."""

    async def run(self) -> None:
        """Listen and answer until cancelled; reconnect by itself.

        Raise ``Misconfigured`` when a token is wrong: nothing but a person can mend that.
        """
        ...
