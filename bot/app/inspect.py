"""Looking into a running system: what the store knows, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from adapters.feeds.health import COLLECTION as HEALTH
from adapters.feeds.health import HealthBook, market_age
from adapters.feeds.port import SourceHealth
from adapters.store.embedded import open_store
from adapters.store.port import LogLine, Store
from bot.alerts.incidents import INCIDENTS
from bot.alerts.notices import Incident
from bot.failures import Failure
from bot.locale.problems import located
from bot.operations.outbox_view import overview
from bot.routing.lane import notice_key
from bot.rulebook.files import standing_mistakes
from bot.settings import Settings
from rules.calendars.schedule import CONTINUOUS
from rules.calendars.sessions import Calendars
from rules.engine import CLOCK_KEY, AlertRecord
from rules.model import Phase, Transition

LEASES = {
    "engine": "engine",
    "scheduler": "scheduler",
    "housekeeping": "housekeeping",
    "telegram": "telegram-poller",
}
"""The lease of each role that one process at a time has."""

MARKETS = dict.fromkeys(
    ("yahoo", "yahoo_stream", "sosovalue", "theblock", "tftc", "farside", "bitbo", "cmc", "nasdaq", "sec"), "XNYS"
) | dict.fromkeys(("tencent", "eastmoney"), "XHKG")
"""The market in whose hours a source's figures grow old; the others' grow old around the clock."""

_HEALTH = TypeAdapter(SourceHealth)
_TRANSITIONS = TypeAdapter(list[Transition])


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The configured store."""
    async with open_store(settings.secrets.redis_url, settings.home) as store:
        yield store


async def status(store: Store, now: datetime) -> dict[str, Any]:
    """Who does what, how far the engine is, what waits and was given up, what fires, and how each source does.

    Times are ISO in UTC, lengths in seconds.
    """
    known = await store.states.alerts()
    clock = AlertRecord.from_json(known[CLOCK_KEY]).fired_at if CLOCK_KEY in known else None
    instances = await alerts(store)
    outbox = await overview(store.outbox)
    due = outbox.next_due if outbox.waiting else None
    tape, evaluated = await store.tape.end(), await store.states.cursor()
    return {
        "store": store.place,
        "tape": tape,
        "evaluated": evaluated,
        "evaluated_at": clock and clock.isoformat(),
        "caught_up": tape == evaluated,
        "roles": {role: _place(await store.leases.holder(lease)) for role, lease in LEASES.items()},
        "rule_mistakes": [
            {"en": located(each, "en"), "zh": located(each, "zh")} for each in await standing_mistakes(store.documents)
        ],
        "waiting": outbox.waiting,
        "overdue_s": max((now - due).total_seconds(), 0.0) if due else 0.0,
        "dead": outbox.dead,
        "alerts": dict(Counter(each["phase"] for each in instances)),
        "firing": [each for each in instances if each["phase"] == Phase.FIRING.value],
        "sources": [_source(each, now) for each in HealthBook(await store.documents.all(HEALTH)).sources],
    }


def _place(holder: str | None) -> str | None:
    """Host and process of a lease's holder."""
    return holder.partition(" ")[0] if holder else None


def _source(health: SourceHealth, now: datetime) -> dict[str, Any]:
    calendar = Calendars().get(MARKETS.get(health.source, CONTINUOUS))
    age = market_age(calendar, health.newest, now).total_seconds() if health.newest else None
    rests = health.cool_down_until and health.cool_down_until > now
    plain: dict[str, Any] = _HEALTH.dump_python(health, mode="json")
    return {
        **plain,
        "market": calendar.name,
        "market_age_s": age,
        "cool_down_until": plain["cool_down_until"] if rests else None,
    }


async def alerts(store: Store) -> list[dict[str, Any]]:
    """Every instance that is pending, firing or recovering."""
    found = []
    for key, text in (await store.states.alerts()).items():
        record = AlertRecord.from_json(text)
        if record.phase is not Phase.INACTIVE:
            since = record.fired_at or record.active_since
            found.append(
                {
                    "alert": key,
                    "rule": record.rule,
                    "labels": dict(record.labels),
                    "phase": record.phase.value,
                    "since": since.isoformat() if since else None,
                    "value": record.value,
                }
            )
    return sorted(found, key=lambda item: (item["rule"], item["alert"]))


async def why(store: Store, number: str) -> list[Transition]:
    """What became of the alert ``number`` (``A-1042``), each step with its trace; ``Failure`` if there is none."""
    text = await store.documents.get(INCIDENTS, _numbered(number))
    if text is None:
        raise Failure("no_alert", number=number)
    return _TRANSITIONS.validate_json(text)


async def deliveries(store: Store, number: str, steps: Sequence[Transition]) -> list[Sequence[LogLine]]:
    """For each step of the alert ``number``, what became of its message at each destination."""
    return [await store.outbox.log(key=notice_key(Incident(_numbered(number), step))) for step in steps]


def _numbered(number: str) -> str:
    wanted = number.upper()
    return wanted if wanted.startswith("A-") else f"A-{wanted}"


def plain_log(log: Sequence[Sequence[LogLine]]) -> list[list[dict[str, str]]]:
    """The delivery log of each step as JSON values."""
    return [
        [{"destination": one.destination, "outcome": one.outcome, "at": one.at.isoformat()} for one in own]
        for own in log
    ]


def plain_transitions(values: list[Transition]) -> Any:
    """The transitions as JSON values."""
    return _TRANSITIONS.dump_python(values, mode="json")
