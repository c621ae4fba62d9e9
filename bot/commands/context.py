"""What a command is given: who asks, what is known, and how to answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Literal, Protocol

from adapters.chat.port import Origin, Reply, Request
from adapters.clock import Clock
from adapters.message import Button, Line, Message, Paragraph, Reader, Span, Text
from adapters.rendering.times import zone_of
from adapters.store.port import Documents, LogLine, RateLimits
from bot.charts.gallery import Gallery
from bot.commands.access import Role
from bot.commands.arguments import Arguments
from bot.commands.errors import Refusal
from bot.digest.port import Weekly
from bot.locale import say
from bot.market.view import MarketView
from bot.operations.maintainers import Maintainers
from bot.operations.start_files import StartFiles
from bot.readers import Profiles
from bot.rulebook.expectations import Expectations
from bot.rulebook.rulebook import RuleBook
from bot.sending.courier import Owners
from bot.settings import AccessSettings
from rules.calendars.sessions import Calendars
from rules.model import Lang
from rules.spec import RuleSpec
from rules.universe import Universe


class Deliveries(Protocol):
    """What the outbox tells about messages on their way."""

    async def waiting(self) -> Mapping[str, int]:
        """How many entries wait per destination."""
        ...

    async def log(self, count: int = 100, key: str = "") -> Sequence[LogLine]:
        """The newest lines of the delivery log, newest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What commands answer from and write to."""

    universe: Universe
    calendars: Calendars
    market: MarketView
    documents: Documents
    limits: RateLimits
    profiles: Profiles
    access: AccessSettings
    clock: Clock
    rulebook: RuleBook
    deliveries: Deliveries
    owners: Owners
    weekly: Weekly
    pictures: Gallery
    expectations: Expectations = field(default_factory=Expectations)
    maintainers: Maintainers | None = None
    """Who is told of defects."""
    most_alerts: int = 200
    """How many alerts of their own a person may keep."""
    read_at_start: StartFiles = field(default_factory=StartFiles)
    """Settings, universe and layout: what changes in them waits for the next start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One request on its way through a command."""

    desk: Desk
    request: Request
    reader: Reader
    role: Role
    now: datetime
    verbs: Mapping[str, Verb]

    @property
    def lang(self) -> Lang:
        """The reader's language."""
        return self.reader.lang

    @property
    def market(self) -> MarketView:
        """What is known of the market."""
        return self.desk.market

    @property
    def universe(self) -> Universe:
        """The instruments that may be named."""
        return self.desk.universe

    @property
    def rules(self) -> Sequence[RuleSpec]:
        """The rules that run, without anybody's own."""
        return self.desk.rulebook.rules

    @property
    def zone(self) -> tzinfo:
        """The reader's time zone."""
        return zone_of(self.reader.tz)

    @property
    def shared(self) -> bool:
        """Whether others read along."""
        return self.request.chat.kind == "group"

    @property
    def pressed(self) -> bool:
        """Whether a button was used."""
        return self.request.origin is Origin.BUTTON

    @property
    def who(self) -> str:
        """What others call the asker."""
        if self.request.user.name:
            return self.request.user.name
        return self.say("who.terminal") if self.request.platform == "console" else self.request.user.id

    def say(self, key: str, **values: object) -> str:
        """The text ``key`` in the reader's language."""
        return say(self.lang, key, **values)

    def need(self, role: Role) -> None:
        """Refuse whoever has less than ``role``."""
        if self.role < role:
            raise Refusal(f"error.role_{role.name.lower()}")

    def reply(self, message: Message, *, toast: str = "", private: bool = True, edit: bool | None = None) -> Reply:
        """Answer with ``message``; after a button press it replaces the message that bore the button."""
        replaces = self.pressed if edit is None else edit
        shareable = private and self.shared
        return Reply(
            message=message, reader=self.reader, private=private, edit=replaces, shareable=shareable, toast=toast
        )


Command = Callable[[Context, Arguments], Awaitable[Reply]]
"""Understands its arguments, reads or writes, and answers."""

Group = Literal["market", "research", "alerts", "mine", "desk"]


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb, what it takes (as the help writes it) and an example that works; ``help.NAME`` says what it is for.

    One that isn't ``listed`` is for buttons.
    """

    name: str
    command: Command
    role: Role
    group: Group
    arguments: str
    example: str
    listed: bool = True


def line(*parts: str | Span) -> Line:
    """A line of spans; plain strings are plain text."""
    return tuple(Text(part) if isinstance(part, str) else part for part in parts)


def bold(text: str) -> Text:
    """Text that stands out."""
    return Text(text, "bold")


def code(text: str) -> Text:
    """Text to be typed or copied."""
    return Text(text, "code")


def paragraph(*lines: Line) -> Paragraph:
    """The lines, one under the other."""
    return Paragraph(lines)


def note(text: str, *, buttons: tuple[Button, ...] = ()) -> Message:
    """A message of one or a few plain lines."""
    first, *rest = text.split("\n")
    body = (paragraph(*(line(part) for part in rest)),) if rest else ()
    return Message(
        summary=" ".join(text.split()), title=line(first), blocks=body, buttons=(buttons,) if buttons else ()
    )
