"""The numbers by which people call alerts (``A-1042``), and what became of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from adapters.store.port import Documents
from bot.alerts.notices import Incident
from bot.alerts.scrubbing import scrubbed
from rules.model import Transition, TransitionKind

NUMBERS, INCIDENTS = "incident_numbers", "incidents"
LAST = "last"
"""The document of ``incident_counter`` that holds the number given out last."""
COUNTER = "incident_counter"
FIRST = 1000
NUMBER = "number"
"""The option of an acknowledgement that names the incident."""

Document = tuple[str, str]
_TRANSITIONS = TypeAdapter(list[Transition])
_OPENINGS = {TransitionKind.FIRED, TransitionKind.HEALTH}


@dataclass(frozen=True, slots=True)
class Entered:
    """Transitions with their numbers, and the numbering after them."""

    incidents: tuple[Incident, ...]
    last: int
    numbers: Mapping[str, str]
    """The alerts whose number is new, by alert."""


class Numbering:
    """Gives a number to each incident: a new one whenever an alert fires, the same one for what follows from that."""

    def __init__(self, last: int = FIRST, numbers: Mapping[str, str] | None = None) -> None:
        self._last = last
        self._numbers = dict(numbers or {})

    @classmethod
    async def load(cls, documents: Documents) -> Numbering:
        """The numbering as it was last committed."""
        last = await documents.get(COUNTER, LAST)
        numbers = {alert: json.loads(text) for alert, text in (await documents.all(NUMBERS)).items()}
        return cls(json.loads(last) if last else FIRST, numbers)

    def enter(self, transitions: Sequence[Transition]) -> Entered:
        """Number ``transitions``; nothing is given out until ``settle``."""
        last, new = self._last, dict[str, str]()
        incidents = []
        for outside in transitions:
            if outside.kind is TransitionKind.PENDING:
                continue
            each = scrubbed(outside)
            if each.kind is TransitionKind.ACKNOWLEDGED:
                # It names its incident: the alert may have fired again meanwhile.
                incidents.append(Incident(each.options[NUMBER], each))
                continue
            known = new.get(each.alert) or self._numbers.get(each.alert)
            if known is None or each.kind in _OPENINGS:
                last += 1
                known = new[each.alert] = f"A-{last}"
            incidents.append(Incident(known, each))
        return Entered(tuple(incidents), last, new)

    def settle(self, entered: Entered) -> None:
        """``entered`` was committed."""
        self._last = entered.last
        self._numbers |= entered.numbers


async def history(number: str, documents: Documents) -> Sequence[Transition]:
    """What became of the incident, as far as it is committed, oldest first; empty for an unknown number."""
    text = await documents.get(INCIDENTS, number)
    return _TRANSITIONS.validate_json(text) if text else []


async def documents_of(entered: Entered, documents: Documents) -> dict[Document, str | None]:
    """What to commit with the incidents: numbers, counter and, for each incident, its history with the new end."""
    if not entered.incidents:
        return {}
    changed: dict[Document, str | None] = {(COUNTER, LAST): json.dumps(entered.last)}
    changed |= {(NUMBERS, alert): json.dumps(number) for alert, number in entered.numbers.items()}
    added: dict[str, list[Transition]] = {}
    for incident in entered.incidents:
        added.setdefault(incident.number, []).append(incident.transition)
    for number, transitions in added.items():
        told = [*await history(number, documents), *transitions]
        changed[INCIDENTS, number] = _TRANSITIONS.dump_json(told).decode()
    return changed
