"""An alert of the past, from its beginning to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rules.model import Transition, TransitionKind

_ENDS = frozenset({TransitionKind.RESOLVED, TransitionKind.ENDED, TransitionKind.CORRECTED})


@dataclass(frozen=True, slots=True)
class Fired:
    """One alert of the past; ``forward`` maps ``1d`` … to the return that followed, ``None`` where it is unknown."""

    fired_at: datetime
    resolved_at: datetime | None
    observed_at: datetime | None
    value: float | None
    because: str
    labels: Mapping[str, str]
    forward: Mapping[str, float | None] = field(default_factory=dict)


def fires_of(transitions: Sequence[Transition]) -> list[Fired]:
    """Transitions as alerts with their beginning and end."""
    fires: list[Fired] = []
    current: dict[tuple[tuple[str, str], ...], int] = {}
    for item in transitions:
        key = tuple(sorted(item.labels.items()))
        if item.kind is TransitionKind.FIRED:
            current[key] = len(fires)
            fires.append(Fired(item.at, None, item.observed_at, item.value, item.because, item.labels))
        elif item.kind in _ENDS and key in current:
            at = current.pop(key)
            fires[at] = replace(fires[at], resolved_at=item.at)
    return fires
