"""One week's digest as the store keeps it: how far it has come, and what people wrote for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from pydantic import TypeAdapter

from adapters.message import Message
from adapters.store.port import AlertStates, Commit, Documents, OutboxEntry
from rules.model import Lang

COLLECTION = "digests"


class Stage(StrEnum):
    """How far an edition has come."""

    DRAFT = "draft"
    APPROVED = "approved"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One week's digest. Times are UTC."""

    name: str
    """The ISO week, ``2024-W44``."""
    week_end: date
    stage: Stage = Stage.DRAFT
    drafts: int = 0
    """How many went to the editors; 0 where words were written before the first."""
    version: int = 0
    """0 before publication, 1 when published; each correction adds one."""
    slots: Mapping[str, str] = field(default_factory=dict)
    """What was written in chat; ``""`` empties a slot that a file fills."""
    content: str = ""
    """What the last message said, so that an unchanged draft is not sent again."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What the slots held then, from files and from chat."""
    unfirm: int = 0
    """How many facts of the last draft were not final yet."""
    reminded: bool = False
    """Whether the editors were told that it waits for approval though it is time."""
    approved_by: str = ""
    published_at: datetime | None = None
    files: Mapping[Lang, tuple[str, ...]] = field(default_factory=dict)
    messages: Mapping[Lang, Message] = field(default_factory=dict)
    """The message that was published last, for the archive."""


_EDITION = TypeAdapter(Edition)


@dataclass(frozen=True, slots=True)
class Held:
    """An edition with the text that it was read from; ``None`` before there is one."""

    edition: Edition
    stored: str | None


class Editions:
    """The editions in the store. A change goes through only if nobody else changed the edition meanwhile."""

    def __init__(self, documents: Documents, states: AlertStates) -> None:
        self._documents = documents
        self._states = states

    async def get(self, name: str) -> Held | None:
        """The edition of the ISO week ``name``."""
        stored = await self._documents.get(COLLECTION, name)
        return None if stored is None else Held(_EDITION.validate_json(stored), stored)

    async def all(self) -> Sequence[Edition]:
        """Every edition."""
        return [_EDITION.validate_json(stored) for stored in (await self._documents.all(COLLECTION)).values()]

    async def put(self, before: Held, after: Edition, outbox: Sequence[OutboxEntry] = ()) -> None:
        """Write ``after`` in place of ``before`` together with ``outbox``; raise ``Overtaken`` where that is gone."""
        at = (COLLECTION, after.name)
        await self._states.commit(
            Commit(
                alerts={},
                outbox=outbox,
                documents={at: _EDITION.dump_json(after).decode()},
                unchanged={at: before.stored},
            )
        )
