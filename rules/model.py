"""The values that everything else passes around: observations, transitions and their explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple

Lang = Literal["en", "zh"]
"""A language of the reader."""

Localized = Mapping[Lang, str]
"""One text in each language; both are always present (a missing one is filled from the other at load)."""


class Status(StrEnum):
    """How firm a figure is."""

    FINAL = "final"
    """Complete; a later change is a revision."""
    PARTIAL = "partial"
    """Some of what makes the figure up is missing: a running bar, a flow total with unreported funds."""
    PENDING = "pending"
    """Due, not yet published. The value is missing."""
    PROVISIONAL = "provisional"
    """Published as preliminary, estimated or expected."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One figure of one series, with the two times that make it defensible.

    ``at`` is when it happened and ``known_at`` when it became known; both are aware and in UTC. A figure that
    stands for a session carries the session's close as ``at``; one that stands for a UTC day carries the day's last
    second, so that ``at`` always falls inside the session that it describes. A later ``known_at`` for the same
    series and session is a revision. ``value`` is ``None`` where the source says that there is none yet.
    """

    series: str
    at: datetime
    known_at: datetime
    value: float | None
    status: Status = Status.FINAL
    source: str = ""


class SeriesName(NamedTuple):
    """The parts of a series' name, ``feed.key.field``; only the key may contain dots (``prices.0700.HK.close``)."""

    feed: str
    key: str
    field: str

    @classmethod
    def parse(cls, name: str) -> SeriesName:
        """Split ``name``; raise ``ValueError`` unless it has a feed, a key and a field."""
        feed, _, rest = name.partition(".")
        key, _, leaf = rest.rpartition(".")
        if not (feed and key and leaf):
            raise ValueError(f"{name!r} is not a series name; wanted FEED.KEY.FIELD such as prices.^SOX.close")
        return cls(feed, key, leaf)

    def __str__(self) -> str:
        return f"{self.feed}.{self.key}.{self.field}"


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """A dated item: an earnings report, a central bank meeting, a conference.

    ``start`` and ``end`` are ISO dates (``YYYY-MM-DD``) in the time zone of the place, inclusive. ``session`` tells an
    earnings report before the open from one after the close. ``status`` is final when confirmed, provisional when
    expected.
    """

    kind: Literal["earnings", "event"]
    key: str
    """The symbol for earnings, a slug such as ``fomc`` otherwise."""
    start: str
    end: str
    title: Localized
    known_at: datetime
    session: Literal["before_open", "after_close", "during", "unknown"] = "unknown"
    status: Status = Status.FINAL
    source: str = ""
    tags: tuple[str, ...] = ()
    place: str = ""


class Severity(StrEnum):
    """What an alert asks of its reader; ``HEALTH`` is about data, ``DIGEST`` about a publication."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    HEALTH = "health"
    DIGEST = "digest"


class Phase(StrEnum):
    """Where an alert instance stands in its lifecycle."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


class TransitionKind(StrEnum):
    """What happened to an alert, in the past tense."""

    PENDING = "pending"
    FIRED = "fired"
    ACKNOWLEDGED = "acknowledged"
    """Somebody said in chat that they look after it; no rule tells this. ``options`` name them."""
    RECOVERING = "recovering"
    RELAPSED = "relapsed"
    """The condition became true again while it was recovering: the same incident fires on."""
    RESOLVED = "resolved"
    CORRECTED = "corrected"
    ENDED = "ended"
    """The period rolled over, or the rule was edited: closed without "resolved"."""
    HEALTH = "health"
    """The rule's data went missing for too long, or came back."""


class Reason(StrEnum):
    """Why a transition was, or was not, told. One vocabulary for decision, log, message and test."""

    FIRST = "first"
    NEW_INSTANCES = "new_instances"
    ALL_RESOLVED = "all_resolved"
    REPEAT = "repeat"
    CORRECTION = "correction"
    PERIOD_ROLLOVER = "period_rollover"
    RULE_EDITED = "rule_edited"
    EXPIRED = "expired"
    DATA_MISSING = "data_missing"
    DATA_BACK = "data_back"
    STORM = "storm"
    LATE = "late"
    """A clock tick was missed for longer than ``max_lateness``: told once as "while I was down"."""
    CONDITION_TRUE = "condition_true"
    CONDITION_FALSE = "condition_false"
    CONDITION_UNKNOWN = "condition_unknown"
    ALREADY_TOLD = "already_told"
    """The ``once_per`` key was used before."""
    NOT_REARMED = "not_rearmed"
    SUPPRESSED_COOLDOWN = "suppressed_cooldown"
    SUPPRESSED_SILENCE = "suppressed_silence"
    SUPPRESSED_INHIBITION = "suppressed_inhibition"
    SUPPRESSED_QUIET_HOURS = "suppressed_quiet_hours"
    SUPPRESSED_BUDGET = "suppressed_budget"
    SUPPRESSED_NOT_ANNOUNCED = "suppressed_not_announced"
    """It closes an alert that this destination was never told of."""
    WAITING_FOR_GROUP = "waiting_for_group"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One sub-expression as it stood at evaluation: ``value`` is formatted with its unit, or ``unknown: WHY``."""

    expression: str
    value: str
    observed_at: datetime | None = None
    source: str = ""
    status: Status | None = None
    chinese: str = ""
    """``value`` as a Chinese reader has it; ``""`` where that is the same, and in records from before it was kept."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Why a transition happened, recorded when it happened; nothing is recomputed later."""

    lines: tuple[TraceLine, ...]
    deciding: str
    """The clause that decided, as written in the rule."""
    location: str = ""
    """``file:line:column`` of the rule's condition."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of an alert's lifecycle, ready to be routed.

    ``alert`` identifies the alert (rule, labels and ``once_per`` key); ``value`` is the figure that decided (the left
    side of the deciding comparison, in its base unit: a fraction for percent and percentage points), with its unit in
    ``unit``. ``at`` is the instant of evaluation and ``observed_at`` the time of the observation that decided.
    """

    kind: TransitionKind
    reason: Reason
    rule: str
    rule_version: str
    alert: str
    labels: Mapping[str, str]
    at: datetime
    observed_at: datetime | None
    value: float | None
    unit: str
    title: Localized
    say: Localized
    because: str
    severity: Severity
    tags: tuple[str, ...]
    group_by: tuple[str, ...]
    trace: Trace
    sources: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    """What the deciding figure was made of, by full name (``etf_flows.BTC.total``)."""
    calendar: str = "24/7"
    """The calendar of the series that decided, for telling its market time."""
    status: Status = Status.FINAL
    """The weakest status among the figures that decided."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Pass-through keys of the rule that delivery reads (``chart``, ``notes``)."""
