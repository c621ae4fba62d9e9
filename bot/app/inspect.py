"""Looking into a running system: what the store knows, as plain values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import TypeAdapter

from adapters.feeds.health import COLLECTION as HEALTH
from adapters.feeds.health import HealthBook
from adapters.feeds.port import SourceHealth
from adapters.store.embedded import open_store
from adapters.store.port import Store
from bot.failures import Failure
from bot.incidents import INCIDENTS
from bot.settings import Settings
from rules.engine import AlertRecord
from rules.model import Phase, Transition

_HEALTH = TypeAdapter(list[SourceHealth])
_TRANSITIONS = TypeAdapter(list[Transition])


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The configured store."""
    async with open_store(settings.secrets.redis_url, settings.home) as store:
        yield store


async def status(store: Store) -> dict[str, Any]:
    """Sources with their health, how many messages wait where, and how many were given up."""
    health = HealthBook(await store.documents.all(HEALTH))
    return {
        "store": store.place,
        "tape": await store.tape.end(),
        "evaluated": await store.states.cursor(),
        "sources": _HEALTH.dump_python(list(health.sources), mode="json"),
        "waiting": dict(await store.outbox.waiting()),
        "dead": len(await store.outbox.dead()),
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
    wanted = number.upper()
    text = await store.documents.get(INCIDENTS, wanted if wanted.startswith("A-") else f"A-{wanted}")
    if text is None:
        raise Failure(f"no alert is called {number!r}; wanted a number such as A-1042")
    return _TRANSITIONS.validate_json(text)


def plain_transitions(values: list[Transition]) -> Any:
    """The transitions as JSON values."""
    return _TRANSITIONS.dump_python(values, mode="json")
