"""What a source of data is to the rest of the product."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from rules.model import CalendarEvent, Observation, Transition


class Fault(StrEnum):
    """What went wrong with a source, by what can be done about it."""

    UNREACHABLE = "unreachable"
    """No answer: name, connection or time-out. Try again later."""
    RATE_LIMITED = "rate_limited"
    """Told to slow down; ``retry_at`` says until when."""
    BLOCKED = "blocked"
    """A challenge page or a refusal that repeating won't change."""
    UNAUTHORIZED = "unauthorized"
    """A key is missing, wrong or its plan too small. Fix the configuration."""
    CHANGED = "changed"
    """The answer isn't in the documented form any more."""
    INCOMPLETE = "incomplete"
    """An answer with holes: a symbol without data, a session that is missing."""
    DISAGREEMENT = "disagreement"
    """Two sources give different figures."""
    REVISED = "revised"
    """Figures that were given before have changed on purpose: a split rescaled a history. Nothing to mend."""


@dataclass(frozen=True, slots=True)
class FeedProblem:
    """A fault of ``source``; ``subject`` is the series, symbol or day that it touches, ``""`` for all of it."""

    source: str
    fault: Fault
    message: str
    subject: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one fetch brought: partial success is normal, so figures and faults come together."""

    observations: tuple[Observation, ...] = ()
    events: tuple[CalendarEvent, ...] = ()
    problems: tuple[FeedProblem, ...] = field(default=())
    answered: tuple[str, ...] = ()
    """Sources that answered although nothing here bears their name: it was old, or another one's figure was taken."""


def join(parts: Sequence[Fetched]) -> Fetched:
    """Everything of ``parts`` in order."""
    return Fetched(
        tuple(each for part in parts for each in part.observations),
        tuple(each for part in parts for each in part.events),
        tuple(each for part in parts for each in part.problems),
        tuple(dict.fromkeys(each for part in parts for each in part.answered)),
    )


@lru_cache(maxsize=1_000)
def source_names(source: str) -> tuple[str, ...]:
    """The sources that an observation or event names.

    ``a+b`` is a's figure that b confirms; a remark may follow in parentheses, as in ``a (single source)``.
    """
    return tuple(name for name in source.partition(" (")[0].split("+") if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """How a source does, as ``tapewatch status`` shows it; all times in UTC."""

    source: str
    degraded_since: datetime | None = None
    """``None`` while it is well, or has failed too little to be told."""
    last_asked: datetime | None = None
    last_success: datetime | None = None
    newest: datetime | None = None
    """The time of the newest figure that it gave."""
    lag_s: float | None = None
    """How long after its own time that figure became known."""
    failures: int = 0
    """Failures in a row."""
    successes: int = 0
    """Successes in a row."""
    fault: Fault | None = None
    error: str = ""
    """The last failure, kept until the source is well again."""
    cool_down_until: datetime | None = None
    open_problems: int = 0
    """Symbols, days or series that it had no answer for when last asked."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What a fetch meant for the health of its sources: notices to tell, and documents for the same commit.

    A document's key is ``(collection, key)``, as in the store's ``Commit``.
    """

    transitions: tuple[Transition, ...] = ()
    documents: Mapping[tuple[str, str], str] = field(default_factory=dict)


class Feed(Protocol):
    """A source that is asked. It never raises for what the world does: faults come back as problems."""

    async def fetch(self, now: datetime) -> Fetched:
        """Ask once. ``now`` is the ``known_at`` of what comes back."""
        ...


class Stream(Protocol):
    """A source that tells. It reconnects by itself; a gap in it is told as a problem."""

    def __aiter__(self) -> AsyncIterator[Fetched]:
        """Yield what arrived since the last turn: at most the newest tick of each symbol."""
        ...
