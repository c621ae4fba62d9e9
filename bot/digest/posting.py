"""From a digest's message to the outbox: its text first, then each of its files as an entry of its own.

So a sender that dies between them, or a file that a service refuses for the moment, loses and repeats nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.message import Message
from adapters.store.port import OutboxEntry
from bot.digest.edition import Edition
from bot.sending.payload import pack
from rules.model import Lang

_THREADED = frozenset({"telegram", "slack"})
"""Messengers that put files under a message; the others get all in one, as a mail has its enclosures."""


def keys(edition: Edition) -> list[str]:
    """The keys of the messages about ``edition`` that may be answered: drafts, reminder and versions, and files."""
    name, files = edition.name, max(map(len, edition.files.values()), default=0)
    told = [f"digest:{name}:draft:{number}" for number in range(edition.drafts, 0, -1)]
    told += [f"digest:{name}:{version}" for version in range(1, edition.version + 1)]
    return [*told, *(f"{key}:file:{number}" for key in told for number in range(1, files + 1)), f"digest:{name}:waits"]


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
