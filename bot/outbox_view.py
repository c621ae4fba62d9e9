"""The outbox as an operator sees it: lanes, dead letters, the delivery log; and what to do about a dead letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.store.port import DeadLetter, LogLine, Outbox

MOST_DEAD = 10_000


@dataclass(frozen=True, slots=True)
class Overview:
    """Entries waiting by destination, when the next one is due, and how many dead letters there are."""

    waiting: dict[str, int]
    next_due: datetime | None
    dead: int

    def to_json(self) -> dict[str, Any]:
        """The overview for ``--json``."""
        return {"waiting": self.waiting, "next_due": _iso(self.next_due), "dead": self.dead}


async def overview(outbox: Outbox) -> Overview:
    """What waits and what is dead."""
    return Overview(dict(await outbox.waiting()), await outbox.next_due(), len(await outbox.dead(MOST_DEAD)))


async def retry(outbox: Outbox, ids: Sequence[str], now: datetime) -> tuple[list[str], list[str]]:
    """Put the dead letters back at the end of their lanes; return the ids that were, and those that are unknown.

    ``all`` stands for every dead letter, the oldest first.
    """
    known = [letter.id for letter in reversed(await outbox.dead(MOST_DEAD))]
    wanted = known if list(ids) == ["all"] else list(ids)
    done = [letter for letter in wanted if letter in known and await outbox.retry(letter, now)]
    return done, [letter for letter in wanted if letter not in done]


async def discard(outbox: Outbox, ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Forget the dead letters; return the ids that were forgotten, and those that are unknown."""
    known = {letter.id for letter in await outbox.dead(MOST_DEAD)}
    done = [letter for letter in ids if letter in known and await outbox.discard(letter)]
    return done, [letter for letter in ids if letter not in done]


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter for ``--json``."""
    return {
        "id": letter.id,
        "key": letter.entry.key,
        "destination": letter.entry.destination,
        "created_at": _iso(letter.entry.created_at),
        "died_at": _iso(letter.at),
        "attempts": letter.attempts,
        "why": letter.why,
    }


def line_json(line: LogLine) -> dict[str, Any]:
    """A line of the delivery log for ``--json``."""
    return {
        "key": line.key,
        "destination": line.destination,
        "at": _iso(line.at),
        "outcome": line.outcome,
        "detail": line.detail,
        "attempt": line.attempt,
    }


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
