"""From a digest's message to the outbox: its text first, then each of its files as an entry of its own.

So a sender that dies between them, or a file that a service refuses for the moment, loses and repeats nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.message import Message
from adapters.store.port import OutboxEntry
from bot.sending.payload import pack
from rules.model import Lang

_THREADED = frozenset({"telegram", "slack"})
"""Messengers that put files under a message; the others get all in one, as a mail has its enclosures."""


def entries(
    key: str,
    messages: Mapping[Lang, Message],
    to: Sequence[str],
    now: datetime,
    *,
    edits: str = "",
    root: str = "",
) -> list[OutboxEntry]:
    """What goes to each of ``to`` under ``key``; ``edits`` names the message that the text replaces.

    Files stand under the message ``root``, the text's own unless it is an edit of an earlier one.
    """
    return [entry for each in to for entry in _entries(key, messages, each, now, edits, root or key)]


def _entries(  # noqa: PLR0917 - the same as above, for one destination
    key: str, messages: Mapping[Lang, Message], to: str, now: datetime, edits: str, root: str
) -> Iterator[OutboxEntry]:
    if to.partition(":")[0] not in _THREADED:
        yield OutboxEntry(key, to, pack(messages, edits=edits), now)
        return
    text = {lang: replace(message, attachments=()) for lang, message in messages.items()}
    yield OutboxEntry(key, to, pack(text, edits=edits), now)
    for number, files in enumerate(zip(*(message.attachments for message in messages.values()), strict=True), 1):
        alone = {
            lang: Message(summary=file.name, title=(), attachments=(file,))
            for lang, file in zip(messages, files, strict=True)
        }
        yield OutboxEntry(f"{key}:file:{number}", to, pack(alone, follows=root), now)
