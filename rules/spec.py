"""A rule as its file states it: every key parsed into its type, expressions still as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from rules.model import Localized, Severity


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time, either of the clock (``seconds``) or in sessions of the rule's calendar."""

    sessions: int = 0
    seconds: float = 0.0

    @property
    def is_zero(self) -> bool:
        """Whether the span has no length."""
        return not (self.sessions or self.seconds)


@dataclass(frozen=True, slots=True)
class EachObservation:
    """Evaluate at each new observation of any input (the default)."""


@dataclass(frozen=True, slots=True)
class NewObservation:
    """``every: new(SERIES)``: evaluate when that series has a new observation."""

    series: str


@dataclass(frozen=True, slots=True)
class AtSession:
    """``every: XNYS close+20m``: evaluate once a session, ``offset`` after its open or close."""

    calendar: str
    edge: Literal["open", "close"]
    offset: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class AtInterval:
    """``every: 15m``: evaluate on the clock, at whole multiples of the interval since midnight UTC."""

    interval: timedelta


Every = EachObservation | NewObservation | AtSession | AtInterval


class OncePer(StrEnum):
    """How often an alert may fire; the period's key is part of the alert's identity."""

    OBSERVATION = "observation"
    SESSION = "session"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    EVER = "ever"


@dataclass(frozen=True, slots=True)
class OnMissing:
    """What unknown does beyond holding the state."""

    action: Literal["hold", "resolve", "fire", "notify"] = "hold"
    notify_after: Span = Span()


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """A series that a pack names: ``BTC_ETF: {feed: etf_flows, key: BTC, field: total, unit: USD, calendar: XNYS}``."""

    name: str
    feed: str
    key: str
    field: str
    unit: str
    calendar: str


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression's text with the place of each character: ``positions[i]`` is the (line, column) of ``text[i]``."""

    text: str
    file: str = field(default="", compare=False)
    positions: Sequence[tuple[int, int]] = field(default=(), compare=False)

    def locate(self, offset: int) -> tuple[int, int]:
        """Return line and column, from 1, of the character at ``offset``; of the text's end when it is past it."""
        if not self.positions:
            return (1, offset + 1)
        return self.positions[min(offset, len(self.positions) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSpec:
    """One rule of a pack. Names follow the rule's keys; see ``design``'s rule keys in the documentation."""

    id: str
    title: Localized
    when: Expression
    clear: Expression | None = None
    rearm: Expression | None = None
    every: Every = EachObservation()
    for_: Span = Span()
    keep_for: Span = Span()
    once_per: OncePer | None = None
    cooldown: Span = Span()
    expires: datetime | Span | None = None
    on_missing: OnMissing = OnMissing()
    max_gap: timedelta | None = None
    severity: Severity = Severity.INFO
    tags: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    for_each: str = ""
    """A universe list (``universe.ai``), or a comma-separated list of symbols; ``it`` is the member."""
    group_by: tuple[str, ...] = ()
    say: Localized | None = None
    explain: Localized | None = None
    chart: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    enabled: bool = True
    series: Mapping[str, SeriesSpec] = field(default_factory=dict)
    macros: Mapping[str, Expression] = field(default_factory=dict)
    """``macros`` of the pack: a name that stands for an expression, expanded before type checking."""
    file: str = ""
    line: int = 0
