"""The store and what it says of a running bot: durability, leases, what waits, what was given up."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from adapters.clock import Clock
from adapters.feeds.health import COLLECTION as HEALTH
from adapters.feeds.health import HealthBook
from adapters.feeds.port import SourceHealth
from adapters.store.embedded import open_store
from adapters.store.port import Outbox, Store, StoreUnavailable
from adapters.store.redis import RedisStore
from bot.operations.findings import Finding, ok, problem, warning
from bot.operations.outbox_view import overview
from bot.rulebook.files import standing_mistakes
from bot.settings import Settings
from rules.engine import CLOCK_KEY, AlertRecord

_LATE = timedelta(minutes=5)
_BEHIND = timedelta(minutes=1)
_ROLES = ("engine", "scheduler", "housekeeping")


async def look(settings: Settings, clock: Clock) -> Sequence[Finding]:
    """Open the configured store, write to it and read what it knows."""
    try:
        async with open_store(settings.secrets.redis_url, settings.home) as store:
            found = await _store(store)
            return [*found, *await _work(store, clock.now())]
    except StoreUnavailable as error:
        return [problem("store", "store_away", why=error)]


async def _store(store: RedisStore) -> list[Finding]:
    mark = secrets.token_hex(8)
    await store.documents.put("doctor", mark, '"written"')
    await store.documents.put("doctor", mark, None)
    info = await store.info()
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version") or info.get("redis_version")
    sync = await store.setting("appendfsync")
    return [ok("store", "store", place=store.place, server=f"{name} {version}"), *durability(info, sync)]


def durability(info: Mapping[str, Any], sync: str | None) -> Iterator[Finding]:
    """What the server loses when it crashes, by what it says of itself; ``sync`` is ``None`` where it won't say."""
    if not int(info.get("aof_enabled", 0)):
        yield problem("durability", "durable_not")
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield problem("durability", "durable_failed")
    elif sync == "always":
        yield ok("durability", "durable", sync=sync)
    elif sync:
        yield warning("durability", "durable_late", sync=sync)
    else:
        yield warning("durability", "durable_unknown")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if int(info.get("maxmemory", 0)) and policy != "noeviction":
        yield problem("durability", "evicts", policy=policy)


async def _work(store: Store, now: datetime) -> list[Finding]:
    holders = {role: await store.leases.holder(role) for role in _ROLES}
    found = [ok("roles", "lease", role=role, holder=place(holder)) for role, holder in holders.items() if holder]
    if idle := [role for role, holder in holders.items() if not holder]:
        found.append(warning("roles", "lease_none", roles=", ".join(idle)))
    found += [problem("rules", "rules_wrong", why=why) for why in await standing_mistakes(store.documents)]
    if holders["engine"]:
        found.append(await _engine(store, now))
    book = HealthBook(await store.documents.all(HEALTH))
    return [*found, *await _outbox(store.outbox, now), *_health(book.sources, now)]


def place(holder: str) -> str:
    """Host and process of a lease's holder."""
    return holder.partition(" ")[0]


def _health(sources: Iterable[SourceHealth], now: datetime) -> Iterator[Finding]:
    """What the running bot has met, which one look from here may not."""
    for each in sources:
        if each.degraded_since:
            since = f"{each.degraded_since:%Y-%m-%d %H:%M} UTC"
            yield warning(each.source, "source_fails", since=since, why=each.error)
        if each.cool_down_until and each.cool_down_until > now:
            yield warning(each.source, "source_rests", until=f"{each.cool_down_until:%H:%M:%S} UTC")


async def _engine(store: Store, now: datetime) -> Finding:
    clock = (await store.states.alerts()).get(CLOCK_KEY)
    at = AlertRecord.from_json(clock).fired_at if clock else None
    if at is None or now - at < _BEHIND or await store.states.cursor() == await store.tape.end():
        return ok("engine", "caught_up")
    return problem("engine", "behind", ago=now - at)


async def _outbox(outbox: Outbox, now: datetime) -> Iterator[Finding]:
    seen = await overview(outbox)
    waiting, dead = sum(seen.waiting.values()), seen.dead
    late = now - seen.next_due if seen.next_due and waiting else timedelta()
    found = [ok("outbox", "outbox", waiting=waiting)]
    if late > _LATE:
        found = [problem("outbox", "outbox_late", waiting=waiting, late=late)]
    found.append(warning("outbox", "dead", count=dead) if dead else ok("outbox", "dead_none"))
    return iter(found)
