"""From transitions to notices: who is told together, under which number, in which words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.message import Message
from adapters.store.port import OutboxEntry
from bot.sending.payload import pack
from rules.model import Lang, Transition, TransitionKind

TOLD = frozenset({TransitionKind.FIRED, TransitionKind.RESOLVED, TransitionKind.CORRECTED, TransitionKind.HEALTH})
"""The kinds that are told; the others are history that ``why`` can show."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A transition under the number that people call it by (``A-1042``)."""

    number: str
    transition: Transition


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told at once: incidents of one group, worded in each language."""

    key: str
    """Names this notice once and for all; the outbox takes each key once per destination."""
    kind: str
    rule: str
    at: datetime
    incidents: tuple[Incident, ...]
    messages: Mapping[Lang, Message]


def group(incidents: Iterable[Incident]) -> Sequence[tuple[Incident, ...]]:
    """Gather the incidents of one evaluation by what their rule groups by; without ``group_by`` each stands alone."""
    groups: dict[tuple[str, ...], list[Incident]] = {}
    for incident in incidents:
        groups.setdefault(_group_key(incident.transition), []).append(incident)
    return [tuple(members) for members in groups.values()]


def _group_key(transition: Transition) -> tuple[str, ...]:
    identity = (transition.rule, transition.kind)
    if not transition.group_by:
        return (*identity, transition.alert)
    labels = {"rule": transition.rule, **transition.labels}
    return (*identity, *(labels.get(name, "") for name in transition.group_by))


def addressed(
    key: str, messages: Mapping[Lang, Message], at: datetime, destinations: Sequence[str]
) -> list[OutboxEntry]:
    """The outbox entries that carry ``messages`` to ``destinations``."""
    payload = pack(messages)
    return [OutboxEntry(key, destination, payload, at) for destination in destinations]
