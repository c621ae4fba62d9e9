"""Where the engine stood at some instants of the recent past: what a replay of the tape starts from."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.store.port import Cursor, Documents, Store
from bot.rulebook.personal_rules import is_personal
from rules.engine import CLOCK_KEY, AlertRecord, Engine, State

COLLECTION = "snapshots"
EVERY = timedelta(hours=6)
"""A replay evaluates at most this much before the span that was asked for."""
_MOST = 5_000
"""With more records than this, those of personal alerts are left out: a turn must not wait for them."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The engine's state at ``at``, after everything up to ``cursor`` on the tape.

    ``alerts`` are the records as the store has them; ``rules`` is the version of each of the desk's rules that ran.
    """

    at: datetime
    cursor: Cursor
    alerts: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    personal: bool = True
    """Whether people's own alerts are among the records; where there are very many, they aren't."""

    def pack(self) -> str:
        """As a JSON text, small: the records are compressed."""
        alerts = base64.b85encode(zlib.compress(json.dumps(dict(self.alerts)).encode())).decode()
        return json.dumps(
            {"cursor": self.cursor, "rules": dict(self.rules), "alerts": alerts, "personal": self.personal}
        )

    @classmethod
    def unpack(cls, key: str, text: str) -> Snapshot:
        """The snapshot that is kept under ``key``."""
        plain = json.loads(text)
        alerts = json.loads(zlib.decompress(base64.b85decode(plain["alerts"])))
        return cls(datetime.fromisoformat(key), plain["cursor"], alerts, plain["rules"], plain["personal"])

    def records(self) -> dict[str, AlertRecord]:
        """The records as the engine takes them, with the instant that it stood at."""
        found = {key: AlertRecord.from_json(text) for key, text in self.alerts.items()}
        return found | {CLOCK_KEY: AlertRecord(rule=CLOCK_KEY, version="1", fired_at=self.at)}


class Snapshots:
    """Takes a snapshot when the last one is old. Call it between turns, when the store has what was decided."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newest: datetime | None = None

    async def start(self) -> None:
        """Find out which snapshot is the newest."""
        self._newest = max(map(datetime.fromisoformat, await self._store.documents.all(COLLECTION)), default=None)

    async def take(self, state: State, cursor: Cursor, engine: Engine) -> None:
        """Keep where ``engine`` stands, unless the last snapshot is young."""
        at = state.now
        if self._newest is not None and at - self._newest < EVERY:
            return
        versions = {each.spec.id: each.version for each in engine.programs if not is_personal(each.spec.id)}
        whole = len(state.alerts) <= _MOST
        kept = {key: each for key, each in state.alerts.items() if whole or not is_personal(each.rule)}
        records = {key: each.to_json() for key, each in kept.items()}
        snapshot = Snapshot(at, cursor, records, versions, personal=whole)
        await self._store.documents.put(COLLECTION, at.isoformat(), snapshot.pack())
        self._newest = at


async def kept(documents: Documents) -> Sequence[Snapshot]:
    """Every snapshot, oldest first."""
    stored = await documents.all(COLLECTION)
    return sorted((Snapshot.unpack(key, text) for key, text in stored.items()), key=lambda each: each.at)


async def forget(documents: Documents, before: datetime) -> int:
    """Drop the snapshots whose tape was forgotten; return how many went."""
    old = [key for key in await documents.all(COLLECTION) if datetime.fromisoformat(key) < before]
    for key in old:
        await documents.put(COLLECTION, key, None)
    return len(old)
