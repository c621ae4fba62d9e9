"""What a stage is, and what it is asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.alerts.notices import Incident
from bot.routing.routes import Facts, Target
from rules.model import Reason, Severity, Transition


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From ``start`` until ``end`` of the reader's day; past midnight where ``end`` is the earlier one."""

    start: time
    end: time

    def until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet that holds at ``now`` ends, in UTC; ``None`` outside quiet hours."""
        local = now.astimezone(zone)
        clock = local.time().replace(fold=0)
        inside = self.start <= clock < self.end if self.start <= self.end else not self.end <= clock < self.start
        if not inside:
            return None
        day = local.date() if clock < self.end else local.date() + timedelta(days=1)
        return datetime.combine(day, self.end, zone).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``count`` messages in any stretch of ``period``."""

    count: int
    period: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a destination wants to be treated; ``tz`` is its reader's IANA zone."""

    quiet: QuietHours | None = None
    budget: Budget | None = None
    tz: str = "UTC"


class Silencing(Protocol):
    """A silence, as somebody set it."""

    @property
    def id(self) -> str:
        """Names the silence."""
        ...

    @property
    def end(self) -> datetime:
        """When it ends."""
        ...

    @property
    def author_name(self) -> str:
        """Who set it."""
        ...

    @property
    def reason(self) -> str:
        """What for."""
        ...

    def holds(self, transition: Transition, destination: str, now: datetime, lists: frozenset[str]) -> bool:
        """Whether the transition, whose instrument is on ``lists``, is not to be sent to ``destination`` at ``now``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What holds at one destination at one instant.

    ``firing`` has the facts of every alert that fires, by alert. ``flushed`` says when each group was last told and
    ``waiting`` until when it waits for company. ``urgent`` severities disregard quiet hours and budgets.
    """

    destination: str
    now: datetime
    manners: Manners = Manners()
    silences: Sequence[Silencing] = ()
    firing: Mapping[str, Facts] = field(default_factory=dict)
    flushed: Mapping[str, datetime] = field(default_factory=dict)
    waiting: Mapping[str, datetime] = field(default_factory=dict)
    urgent: frozenset[Severity] = frozenset({Severity.CRITICAL})


@dataclass(frozen=True, slots=True)
class Item:
    """An incident on its way to one destination. ``closing`` ends what was announced, ``repeat`` tells it again."""

    incident: Incident
    facts: Facts
    target: Target
    group: str
    closing: bool = False
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now: why, in the vocabulary and in words, and until when (``None``: until the cause is gone)."""

    reason: Reason
    why: str
    until: datetime | None


class Stage(Protocol):
    """One policy: a single question about a single incident."""

    def hold(self, item: Item, situation: Situation) -> Hold | None:
        """Hold the item back, or let it pass."""
        ...
