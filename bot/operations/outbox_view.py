"""The outbox as an operator sees it: lanes, dead letters, the delivery log; and what to do about a dead letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.store.port import DeadLetter, LogLine, Outbox

MOST_DEAD = 10_000
_LOOKED_AT = 2_000
"""Lines of the delivery log that are read to find what a lane waits for, or what became of an alert."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Entries waiting by destination, why each that is held up is, when the next is due, how many letters are dead."""

    waiting: dict[str, int]
    held_up: dict[str, LogLine]
    next_due: datetime | None
    dead: int

    def to_json(self) -> dict[str, Any]:
        """The overview for ``--json``."""
        held_up = {where: {"until": _iso(line.at), "why": line.detail} for where, line in self.held_up.items()}
        return {"waiting": self.waiting, "held_up": held_up, "next_due": _iso(self.next_due), "dead": self.dead}


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice, or all of an alert: the dead letters of it and its lines of the log, newest first."""

    dead: Sequence[DeadLetter]
    log: Sequence[LogLine]

    def to_json(self) -> dict[str, Any]:
        """The notice for ``--json``."""
        letters = [{**letter_json(letter), "payload": letter.entry.payload} for letter in self.dead]
        return {"dead": letters, "log": [line_json(line) for line in self.log]}


async def overview(outbox: Outbox) -> Overview:
    """What waits, what for, and what is dead."""
    waiting = dict(await outbox.waiting())
    newest: dict[str, LogLine] = {}
    for line in await outbox.log(_LOOKED_AT) if waiting else ():
        newest.setdefault(line.destination, line)
    held_up = {where: newest[where] for where in waiting if where in newest and newest[where].outcome == "postponed"}
    return Overview(waiting, held_up, await outbox.next_due(), len(await outbox.dead(MOST_DEAD)))


async def look_up(outbox: Outbox, name: str) -> Notice | None:
    """What ``name`` stands for: a dead letter's id, a notice's key or an alert's number; ``None`` for nothing known."""
    dead = await outbox.dead(MOST_DEAD)
    key = next((letter.entry.key for letter in dead if letter.id == name), name)

    def about(other: str) -> bool:
        return other == key or other.startswith(f"{key}:")

    letters = [letter for letter in dead if about(letter.entry.key)]
    lines = [line for line in await outbox.log(_LOOKED_AT) if about(line.key)]
    return Notice(letters, lines) if letters or lines else None


async def retry(outbox: Outbox, ids: Sequence[str], now: datetime) -> tuple[list[str], list[str]]:
    """Put the dead letters back at the end of their lanes; return the ids that were, and those that are unknown.

    ``all`` stands for every dead letter, the oldest first.
    """
    wanted, known = await _meant(outbox, ids)
    done = [letter for letter in wanted if letter in known and await outbox.retry(letter, now)]
    return done, [letter for letter in wanted if letter not in done]


async def drop(outbox: Outbox, ids: Sequence[str], why: str, now: datetime) -> tuple[list[str], list[str]]:
    """Forget the dead letters, with the reason in the log; return the ids that were forgotten, and the unknown ones."""
    wanted, known = await _meant(outbox, ids)
    done = [letter for letter in wanted if letter in known and await outbox.discard(letter, why, now)]
    return done, [letter for letter in wanted if letter not in done]


async def _meant(outbox: Outbox, ids: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The letters that are meant, and all there are: the store refuses what isn't an id at all."""
    known = [letter.id for letter in reversed(await outbox.dead(MOST_DEAD))]
    return (known if list(ids) == ["all"] else ids), known


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
