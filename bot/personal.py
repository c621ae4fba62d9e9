"""Personal alerts: rules that one person typed in chat, kept as documents and run by the engine with all others.

A personal alert is a rule with an id that starts with ``my-`` and a subscription of its owner to it; it is told there
and nowhere else.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from adapters.store.port import Documents
from bot.rule_changes import PERSONAL, announce
from rules.calendars import Calendars
from rules.engine import Engine
from rules.model import Severity
from rules.problems import ProblemsFound
from rules.spec import Expression, OncePer, RuleSpec, SeriesSpec
from rules.universe import Universe

COLLECTION = "personal_alerts"
PREFIX = "my-"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalAlert:
    """What somebody wants to be told: ``typed`` are their words, ``when`` the expression that was understood."""

    id: str
    owner: str
    owner_name: str
    typed: str
    when: str
    created_at: datetime
    expires_at: datetime
    repeats: bool = False
    series: Mapping[str, SeriesSpec] = field(default_factory=dict)
    """The series beside prices that ``when`` names, as the desk's packs do: ``BTC_ETF``, ``FNG``."""

    @property
    def rule_id(self) -> str:
        """The id of the rule that it is."""
        return PREFIX + self.id.lower()

    def spec(self) -> RuleSpec:
        """The rule that it is: once only, unless it repeats."""
        return RuleSpec(
            id=self.rule_id,
            title={"en": self.typed, "zh": self.typed},
            when=Expression(self.when, f"/alert {self.id}"),
            once_per=None if self.repeats else OncePer.EVER,
            expires=self.expires_at,
            series=self.series,
            severity=Severity.WARNING,
            tags=("personal",),
            file=f"/alert {self.id}",
            line=1,
        )


_ALERT = TypeAdapter(PersonalAlert)


def is_personal(rule: str) -> bool:
    """Whether the rule called ``rule`` is somebody's own, to be sent to its subscriber alone."""
    return rule.startswith(PREFIX)


def alert_id(owner: str, when: str, *, repeats: bool) -> str:
    """The id of what ``owner`` asks for: the same for the same, so that asking twice is asking once."""
    return "P-" + hashlib.sha256(f"{owner}|{when}|{repeats}".encode()).hexdigest()[:6].upper()


async def keep(documents: Documents, alert: PersonalAlert) -> None:
    """Store the alert, and tell the engine."""
    await documents.put(COLLECTION, alert.id, _ALERT.dump_json(alert).decode())
    await announce(documents, PERSONAL)


async def forget(documents: Documents, key: str) -> None:
    """Remove the alert with the id ``key``, and tell the engine."""
    await documents.put(COLLECTION, key, None)
    await announce(documents, PERSONAL)


async def find(documents: Documents, key: str) -> PersonalAlert | None:
    """The alert with the id ``key``."""
    return _read(await documents.get(COLLECTION, key))


async def everyones(documents: Documents) -> Sequence[PersonalAlert]:
    """Every personal alert that can be read, by id."""
    stored = await documents.all(COLLECTION)
    found = (_read(text) for _, text in sorted(stored.items()))
    return [alert for alert in found if alert is not None]


async def living(documents: Documents, universe: Universe, calendars: Calendars, now: datetime) -> Sequence[RuleSpec]:
    """The rules of all alerts that haven't expired, to be run beside the desk's.

    One that no longer compiles (its instrument left the universe) is left out: it must not stop the others.
    """
    found = [alert.spec() for alert in await everyones(documents) if alert.expires_at > now]
    return await asyncio.to_thread(_compiling, found, universe, calendars)


def _compiling(specs: Sequence[RuleSpec], universe: Universe, calendars: Calendars) -> Sequence[RuleSpec]:
    """Those that compile; nearly always all of them, which is found out at once."""
    if _compile(specs, universe, calendars):
        return specs
    return [spec for spec in specs if _compile([spec], universe, calendars)]


def _compile(specs: Sequence[RuleSpec], universe: Universe, calendars: Calendars) -> bool:
    try:
        Engine(specs, universe, calendars)
    except ProblemsFound:
        return False
    return True


def _read(text: str | None) -> PersonalAlert | None:
    try:
        return _ALERT.validate_json(text) if text else None
    except ValidationError:
        return None
