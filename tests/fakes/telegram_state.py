"""What Telegram remembers: chats, messages, and the updates that wait for the bot."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.telegram_html import Entity, utf16

Json = dict[str, Any]
BOT = {"id": 4711, "is_bot": True, "first_name": "Tapewatch", "username": "tapewatch_bot"}
_ENTITIES = (
    ("bot_command", re.compile(r"(?<!\S)/[a-z0-9_]{1,32}(?:@\w+)?", re.IGNORECASE)),
    ("mention", re.compile(r"(?<!\w)@\w{4,32}")),
    ("cashtag", re.compile(r"(?<!\S)\$[A-Z]{1,8}\b")),
)


class ApiError(Exception):
    """A refusal, as the Bot API words it."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


@dataclass
class FakeChat:
    """A private chat, group, supergroup or channel; ``standing`` is the bot's in it."""

    id: int
    type: Literal["private", "group", "supergroup", "channel"]
    title: str = ""
    topics: set[int] = field(default_factory=set)
    closed_topics: set[int] = field(default_factory=set)
    standing: Literal["member", "blocked", "kicked", "deactivated", "no_rights"] = "member"
    migrated_to: int = 0

    def json(self) -> Json:
        """The chat as updates show it."""
        name = {"first_name": self.title or "Reader"} if self.type == "private" else {"title": self.title or "Desk"}
        return {"id": self.id, "type": self.type, **name, **({"is_forum": True} if self.topics else {})}


@dataclass
class FakeMessage:
    """A message, and what became of it."""

    chat: FakeChat
    id: int
    text: str
    entities: list[Entity] = field(default_factory=list)
    source: str = ""
    parse_mode: str = ""
    kind: Literal["text", "photo", "document"] = "text"
    keyboard: list[list[Json]] = field(default_factory=list)
    thread: int | None = None
    reply_to: int | None = None
    silent: bool = False
    file_name: str = ""
    file_size: int = 0
    edits: int = 0
    deleted: bool = False
    editable: bool = True
    by: Json = field(default_factory=lambda: BOT)
    date: int = field(default_factory=lambda: int(time.time()))
    arrived: float = field(default_factory=time.monotonic)

    def json(self) -> Json:
        """The message as the service answers it."""
        body: Json = {"message_id": self.id, "date": self.date, "chat": self.chat.json(), "from": self.by}
        if self.kind == "text":
            body |= {"text": self.text, "entities": [vars_of(entity) for entity in self.entities]}
        else:
            body["caption"] = self.text
        if self.kind == "photo":
            size = {"file_id": f"p{self.id}", "file_unique_id": f"p{self.id}", "width": 1, "height": 1}
            body["photo"] = [size]
        elif self.kind == "document":
            body["document"] = {"file_id": f"d{self.id}", "file_unique_id": f"d{self.id}", "file_name": self.file_name}
        if self.thread:
            body |= {"message_thread_id": self.thread, "is_topic_message": True}
        if self.keyboard:
            body["reply_markup"] = {"inline_keyboard": self.keyboard}
        return body

    def button(self, data: str) -> Json:
        """The button whose data begins with ``data``."""
        return next(button for row in self.keyboard for button in row if button["callback_data"].startswith(data))


def vars_of(entity: Entity) -> Json:
    """The entity as JSON."""
    return {"type": entity.type, "offset": entity.offset, "length": entity.length}


class Updates:
    """The queue behind ``getUpdates``: confirmed by offset, one reader at a time."""

    def __init__(self) -> None:
        self._queue: list[Json] = []
        self._ids = itertools.count(1000)
        self._changed = asyncio.Event()
        self._reader = 0
        self.conflicts = 0
        self.polling = 0
        """How many long polls wait."""

    def put(self, kind: str, body: Json) -> int:
        """Add an update and wake the poller."""
        update_id = next(self._ids)
        self._queue.append({"update_id": update_id, kind: body})
        self._changed.set()
        return update_id

    def repeat(self, update: Json) -> None:
        """Put an update back, as if it had never been confirmed."""
        self._queue.insert(0, update)
        self._changed.set()

    @property
    def waiting(self) -> list[Json]:
        """What was not confirmed yet."""
        return list(self._queue)

    async def get(self, offset: int, timeout_s: float, limit: int = 100) -> list[Json]:
        """Long polling; a second reader ends the first with a conflict."""
        self._reader += 1
        me = self._reader
        self._changed.set()
        self._queue = [update for update in self._queue if update["update_id"] >= offset]
        deadline = time.monotonic() + timeout_s
        while me == self._reader and not self._queue and (left := deadline - time.monotonic()) > 0:
            self._changed.clear()
            self.polling += 1
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                break
            finally:
                self.polling -= 1
        if me != self._reader:
            self.conflicts += 1
            raise ApiError(409, "Conflict: terminated by other getUpdates request; make sure that only one bot "
                                "instance is running")  # fmt: skip
        return self._queue[:limit]


def found_entities(text: str) -> list[Json]:
    """The commands, mentions and cashtags that the service marks in a person's text."""
    return [
        {"type": kind, "offset": utf16(text[: found.start()]), "length": utf16(found[0])}
        for kind, pattern in _ENTITIES
        for found in pattern.finditer(text)
    ]
