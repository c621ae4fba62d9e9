"""Personal alerts: what one person typed in chat, kept as documents and told to that person and nobody else.

One that compares a price with a constant, once, rests in the index of that price (``price_watch``). Any other is a rule
with an id that starts with ``my-``, run by the engine with all others, and a subscription of its owner to it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from adapters.store.port import Documents
from bot.rulebook.changes import PERSONAL, announce
from bot.rulebook.personal_rules import PREFIX
from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.language.scope import Scope
from rules.model import Severity
from rules.planning.crowd import PriceAlert, price_alert
from rules.problems import ProblemsFound
from rules.spec import Expression, OncePer, RuleSpec, SeriesSpec
from rules.universe import Universe

COLLECTION, PRICES, CHANGES = "personal_alerts", "price_alerts", "price_alert_changes"
"""Alerts that are rules; alerts that wait for a price; which of those came and went since the engine last looked."""
_UNTIL, _SWEPT = "price_alerts_until", "swept"


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
    price: PriceAlert | None = None
    """What it waits for where that is one price against a constant: it then rests in the index of that price."""
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


@dataclass(frozen=True, slots=True)
class Change:
    """A price alert that was added or is gone, until the engine has taken it up."""

    price: PriceAlert
    gone: bool = False

    def to_json(self) -> str:
        """As a document."""
        return _CHANGE.dump_json(self).decode()

    @classmethod
    def read(cls, text: str) -> Change:
        """The inverse of ``to_json``."""
        return _CHANGE.validate_json(text)


_ALERT = TypeAdapter(PersonalAlert)
_CHANGE = TypeAdapter(Change)


def number_of(alert: str) -> int:
    """The number in an alert's id, ``P-3F2A1B9C04D7``."""
    return int(alert.removeprefix("P-"), 16)


def id_of(number: int) -> str:
    """The id with that number."""
    return f"P-{number:012X}"


def waits_for(key: str, when: str, scope: Scope) -> PriceAlert | None:
    """What the alert ``key`` waits for, where that is one price against a constant."""
    found = price_alert(when, scope)
    return None if found is None else replace(found, id=number_of(key))


def alert_id(owner: str, when: str, *, repeats: bool) -> str:
    """The id of what ``owner`` asks for: the same for the same, so that asking twice is asking once."""
    return "P-" + hashlib.sha256(f"{owner}|{when}|{repeats}".encode()).hexdigest()[:12].upper()


async def keep(documents: Documents, alert: PersonalAlert) -> None:
    """Store the alert, and tell the engine."""
    text = _ALERT.dump_json(alert).decode()
    if alert.price is None:
        await documents.put(COLLECTION, alert.id, text)
        await announce(documents, PERSONAL)
        return
    await documents.put(PRICES, alert.id, text)
    await documents.put(_of(alert.owner), alert.id, "1")
    await documents.put(_until(alert.expires_at), alert.id, "1")
    await documents.put(CHANGES, alert.id, Change(alert.price).to_json())


async def forget(documents: Documents, key: str) -> None:
    """Remove the alert with the id ``key``, and tell the engine."""
    alert = await find(documents, key)
    if alert is None or alert.price is None:
        await documents.put(COLLECTION, key, None)
        await announce(documents, PERSONAL)
        return
    await documents.put(CHANGES, key, Change(alert.price, gone=True).to_json())
    for collection, name in ended([alert]):
        await documents.put(collection, name, None)


async def forget_expired(documents: Documents, now: datetime) -> int:
    """Forget the price alerts that ended before this UTC day and since the last time; return how many.

    They are listed by their last day, so that no other alert is read.
    """
    swept = await documents.get(_UNTIL, _SWEPT)
    day = datetime.fromisoformat(swept) if swept else now - timedelta(days=1)
    count = 0
    while day.date() < now.date():
        for key in await documents.all(_until(day)):
            alert = await find(documents, key)
            if alert is not None and alert.expires_at <= now:
                await forget(documents, key)
                count += 1
            await documents.put(_until(day), key, None)
        day += timedelta(days=1)
    await documents.put(_UNTIL, _SWEPT, now.isoformat())
    return count


async def find(documents: Documents, key: str) -> PersonalAlert | None:
    """The alert with the id ``key``."""
    return _read(await documents.get(PRICES, key) or await documents.get(COLLECTION, key))


async def of(documents: Documents, owner: str) -> Sequence[PersonalAlert]:
    """The alerts of one person, by id."""
    prices = [await find(documents, key) for key in await documents.all(_of(owner))]
    others = [alert for alert in await everyones(documents) if alert.owner == owner]
    return sorted([*others, *(alert for alert in prices if alert is not None)], key=lambda alert: alert.id)


async def everyones(documents: Documents) -> Sequence[PersonalAlert]:
    """Every personal alert that is a rule and can be read, by id; those that wait for a price are not among them."""
    stored = await documents.all(COLLECTION)
    found = (_read(text) for _, text in sorted(stored.items()))
    return [alert for alert in found if alert is not None]


def ended(alerts: Iterable[PersonalAlert]) -> dict[tuple[str, str], None]:
    """The documents to remove for price alerts that are over."""
    return {
        (collection, alert.id): None
        for alert in alerts
        for collection in (_of(alert.owner), _until(alert.expires_at), PRICES)
    }


def _of(owner: str) -> str:
    return f"price_alerts_of {owner}"


def _until(last: datetime) -> str:
    return f"{_UNTIL} {last.astimezone(UTC):%Y-%m-%d}"


async def living(documents: Documents, universe: Universe, calendars: Calendars, now: datetime) -> Sequence[RuleSpec]:
    """The rules of all alerts that haven't expired, to be run beside the desk's.

    One that no longer compiles (its instrument left the universe) is left out: it must not stop the others.
    """
    found = [alert.spec() for alert in await everyones(documents) if alert.expires_at > now]
    return await asyncio.to_thread(compiling, found, universe, calendars)


def compiling(specs: Sequence[RuleSpec], universe: Universe, calendars: Calendars) -> Sequence[RuleSpec]:
    """Those of ``specs`` that compile; nearly always all of them, which is found out at once."""
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
