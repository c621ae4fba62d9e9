"""Which messages are to be edited because something became of the alerts that they told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.alerts.faces import CHANGES
from bot.alerts.notices import Incident
from bot.routing.lane import notice_key, subject
from bot.routing.state import Announcements, RoutingState, Told
from rules.model import TransitionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The message of the notice ``notice`` at ``destination`` is to show where the alerts ``numbers`` stand now.

    ``needed`` says that nothing else tells what changed: where the message is gone, a new one takes its place.
    """

    key: str
    destination: str
    notice: str
    numbers: tuple[str, ...]
    needed: bool


def edits_for(incidents: Sequence[Incident], before: RoutingState, told: Announcements) -> tuple[Edit, ...]:
    """The edits that ``incidents`` ask for, one a message, wherever they were told. An edit makes no sound."""
    found: dict[tuple[str, str], Edit] = {}
    for incident in incidents:
        kind = incident.transition.kind
        if kind not in CHANGES:
            continue
        for destination, known in _told(incident, before, told):
            earlier = found.get((destination, known.key))
            needed = kind is TransitionKind.ACKNOWLEDGED or (earlier is not None and earlier.needed)
            found[destination, known.key] = Edit(
                key=f"{notice_key(incident)}:edit",
                destination=destination,
                notice=known.key,
                numbers=known.numbers,
                needed=needed,
            )
    return tuple(found.values())


def _told(incident: Incident, before: RoutingState, told: Announcements) -> list[tuple[str, Told]]:
    """Where the incident was told, by a message that is kept up to date.

    The alert may have fired again meanwhile, under another number: that is another message.
    """
    alert = subject(incident.transition)
    known = [*before.told.get(alert, {}).items(), *told.of(alert).items()]
    return list(
        {(where, item.key): (where, item) for where, item in known if incident.number in item.numbers[:1]}.values()
    )
