"""What routing remembers between turns, and how it is stored: one document for each thing that can change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from adapters.store.port import Documents
from bot.alerts.notices import Incident
from bot.routing.routes import Facts, Target
from rules.model import Reason

LANES, TOLD, FIRING = "routing_lanes", "routing_told", "routing_firing"

REMEMBER_CLOSED = timedelta(days=14)
"""For how long a correction of something that is over still finds whom to tell."""
REMEMBER_OPEN = timedelta(days=400)
"""A momentary alert (an edge, a print) is never closed; it is forgotten after this."""

Document = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An incident that waits at a destination: why, and until when (``None``: until the cause is gone)."""

    incident: Incident
    target: Target
    reason: Reason
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alert that a destination was told of. ``key`` is the notice's; ``closed_at`` is set once its end was told."""

    key: str
    at: datetime
    group: str
    numbers: tuple[str, ...] = ()
    """The incidents that the notice told of, this one's first; none for a summary, which is not kept up to date."""
    closed_at: datetime | None = None
    repeat_at: datetime | None = None
    repeated: Incident | None = None
    """What is told again, kept only where the route repeats."""
    target: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One destination: what waits, when messages were sent lately (for the budget), when each group was last told."""

    held: tuple[Held, ...] = ()
    sent: tuple[datetime, ...] = ()
    flushed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoutingState:
    """Everything that routing remembers. A value: a step returns the next one."""

    lanes: Mapping[str, Lane] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, Told]] = field(default_factory=dict)
    """By alert, then by destination."""
    firing: Mapping[str, Facts] = field(default_factory=dict)
    """The facts of every alert that fires, by alert."""
    repeating: frozenset[str] = frozenset()
    """The alerts that some destination is to be told of again."""

    @property
    def next_due(self) -> datetime | None:
        """When something that waits is due; a step is wanted then even if nothing happened."""
        untils = [held.until for lane in self.lanes.values() for held in lane.held if held.until is not None]
        repeats = [
            item.repeat_at
            for alert in self.repeating
            for item in self.told[alert].values()
            if item.repeat_at is not None
        ]
        return min([*untils, *repeats], default=None)


class Announcements:
    """What was told, while a step changes it: the earlier state stays as it was."""

    def __init__(self, state: RoutingState) -> None:
        self._before = state
        self._changed: dict[str, Mapping[str, Told]] = {}

    def of(self, alert: str) -> Mapping[str, Told]:
        """What each destination knows of the alert."""
        return self._changed.get(alert) or self._before.told.get(alert, {})

    def put(self, alert: str, destination: str, told: Told) -> None:
        """Remember that ``destination`` was told."""
        self._changed[alert] = {**self.of(alert), destination: told}

    def repeating(self, destination: str) -> Sequence[tuple[str, Told]]:
        """What ``destination`` is to be told again some time, by alert."""
        known = ((alert, self.of(alert).get(destination)) for alert in sorted(self._before.repeating))
        return [(alert, told) for alert, told in known if told is not None]

    def state(self, lanes: Mapping[str, Lane], firing: Mapping[str, Facts]) -> RoutingState:
        """The later state."""
        if not self._changed:
            return RoutingState(lanes, self._before.told, firing, self._before.repeating)
        again = {alert for alert, told in self._changed.items() if any(item.repeat_at for item in told.values())}
        repeating = (self._before.repeating - self._changed.keys()) | again
        return RoutingState(lanes, {**self._before.told, **self._changed}, firing, repeating)


_LANE, _TOLD, _FACTS = TypeAdapter(Lane), TypeAdapter(dict[str, Told]), TypeAdapter(dict[str, frozenset[str]])


def changes(before: RoutingState, after: RoutingState) -> dict[Document, str | None]:
    """The documents that turn the stored ``before`` into ``after``; ``None`` removes one."""
    documents: dict[Document, str | None] = {}
    for name, lane in after.lanes.items():
        if before.lanes.get(name, Lane()) != lane:
            documents[LANES, name] = _LANE.dump_json(lane).decode() if lane != Lane() else None
    for alert, told in after.told.items():
        if before.told.get(alert) is not told:
            documents[TOLD, alert] = _TOLD.dump_json(dict(told), exclude_none=True).decode()
    for alert, facts in after.firing.items():
        if before.firing.get(alert) is not facts:
            documents[FIRING, alert] = _FACTS.dump_json(dict(facts)).decode()
    return documents | {(FIRING, alert): None for alert in before.firing.keys() - after.firing.keys()}


async def load(documents: Documents, now: datetime) -> RoutingState:
    """The state as it was last committed, without what is long over."""
    lanes = {name: _LANE.validate_json(text) for name, text in (await documents.all(LANES)).items()}
    firing = {alert: _FACTS.validate_json(text) for alert, text in (await documents.all(FIRING)).items()}
    told: dict[str, Mapping[str, Told]] = {}
    for alert, text in (await documents.all(TOLD)).items():
        known = {where: item for where, item in _TOLD.validate_json(text).items() if not _is_old(item, now)}
        if known:
            told[alert] = known
        else:
            await documents.put(TOLD, alert, None)
    repeating = frozenset(alert for alert, known in told.items() if any(item.repeat_at for item in known.values()))
    return RoutingState(lanes, told, firing, repeating)


def _is_old(told: Told, now: datetime) -> bool:
    return told.closed_at < now - REMEMBER_CLOSED if told.closed_at else told.at < now - REMEMBER_OPEN
