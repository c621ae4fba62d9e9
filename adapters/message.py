"""The neutral message: what is said, without how a platform writes it. Notifiers and chat front ends render it.

A message is data all the way down, so it can wait in the outbox as JSON. Outside text stays raw in it; each renderer
escapes for its own platform. A renderer knows the reader, so what depends on the reader (colour of a move, the time
zone) is kept as a value here and becomes text only there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from rules.model import Lang, Severity


class Colour(StrEnum):
    """Whose convention colours a move; the arrow and the sign always carry the meaning."""

    CN = "cn"
    """Red is up, green is down."""
    US = "us"
    """Green is up, red is down."""
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads: language, colour convention and IANA time zone."""

    lang: Lang = "en"
    colour: Colour = Colour.US
    tz: str = "UTC"


Style = Literal["plain", "bold", "italic", "code"]


@dataclass(frozen=True, slots=True)
class Text:
    """A run of text in one style."""

    text: str
    style: Style = "plain"
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class Move:
    """A change, rendered with the arrow and colour of its ``direction`` (the sign of the change) before ``text``."""

    text: str
    direction: Literal[-1, 0, 1]
    style: Style = "plain"
    kind: Literal["move"] = "move"


@dataclass(frozen=True, slots=True)
class Instant:
    """A market time, rendered in the market's zone and, in parentheses, in the reader's.

    ``zone`` is the market's IANA zone, ``""`` where only the reader's matters; ``label`` (``Close``, ``收盘``) comes
    before it.
    """

    at: datetime
    zone: str
    label: str = ""
    kind: Literal["instant"] = "instant"


Span = Text | Move | Instant
Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of spans, one under the other."""

    lines: tuple[Line, ...]
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells. Numbers are right-aligned (``align`` holds ``l`` or ``r`` per column); CJK text goes last.

    ``header`` is empty where the rows explain themselves.
    """

    rows: tuple[tuple[str, ...], ...]
    align: str
    header: tuple[str, ...] = ()
    caption: str = ""
    kind: Literal["table"] = "table"


Block = Paragraph | Table


@dataclass(frozen=True, slots=True)
class Button:
    """An action under a message. ``data`` (``verb:argument``, at most 64 bytes) comes back when it is pressed."""

    text: str
    data: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture or file that follows the text. ``path`` is readable by the sender; ``alt`` describes a picture."""

    path: str
    name: str
    media_type: str
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in one language. ``summary`` is its one-line plain text, for notifications and logs."""

    summary: str
    title: Line
    blocks: tuple[Block, ...] = ()
    footer: Line = ()
    severity: Severity | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    attachments: tuple[Attachment, ...] = ()
