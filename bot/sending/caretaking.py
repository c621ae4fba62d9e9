"""Care for destinations that are gone or have moved: subscriptions are parked or carried over, and somebody is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from adapters.clock import Clock
from adapters.message import Message, Paragraph, Text
from adapters.store.port import Commit, Documents, OutboxEntry
from bot.locale import say
from bot.readers import Profile, Profiles
from bot.routing import subscriptions
from bot.routing.subscriptions import Subscription
from bot.sending.payload import pack
from rules.model import Lang, Severity

LANGS: tuple[Lang, ...] = ("en", "zh")
GONE = "gone_destinations"
"""When the admins were last told that a destination is gone, by destination."""
_TOLD_FOR = timedelta(days=1)


class Committing(Protocol):
    """The part of the store that takes a commit."""

    async def commit(self, commit: Commit) -> None:
        """Write it whole."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Caretaker:
    """What senders and front ends do about a destination; doing it twice is doing it once.

    ``admins`` are told of destinations that the settings name: nobody subscribed there.
    """

    documents: Documents
    states: Committing
    profiles: Profiles
    clock: Clock
    admins: Sequence[str] = ()

    async def gone(self, destination: str, why: str) -> None:
        """Send nothing there until somebody subscribes there again, and tell whoever subscribed."""
        there = await subscriptions.subscriptions(self.documents).at(destination)
        parked = await subscriptions.park(self.documents, destination, why)
        owners = dict.fromkeys(item.owner for item in parked)
        now = self.clock.now()
        documents: dict[tuple[str, str], str | None] = {}
        if not there and await self._is_news(destination, now):
            owners = dict.fromkeys(self.admins)
            documents = {(GONE, destination): json.dumps(now.isoformat())}
        outbox = [
            _entry(owner, destination, why, [item for item in parked if item.owner == owner], now)
            for owner in owners
            if owner != destination
        ]
        if outbox or documents:
            await self.states.commit(Commit(alerts={}, outbox=outbox, documents=documents))

    async def moved(self, old: str, new: str) -> None:
        """Carry subscriptions, silences and settings over to the new address (a group became a supergroup)."""
        await subscriptions.move(self.documents, old, new)
        for identity, profile in (await self.profiles.all()).items():
            address = new + identity.removeprefix(old)
            if subscriptions.belongs(identity, old) and await self.profiles.get(address) == Profile():
                await self.profiles.put(address, profile)

    async def _is_news(self, destination: str, now: datetime) -> bool:
        text = await self.documents.get(GONE, destination)
        return not text or datetime.fromisoformat(json.loads(text)) < now - _TOLD_FOR


def _entry(owner: str, destination: str, why: str, parked: Sequence[Subscription], now: datetime) -> OutboxEntry:
    messages = {lang: _message(destination, why, parked, lang) for lang in LANGS}
    return OutboxEntry(f"gone:{destination}:{now.isoformat()}", owner, pack(messages), now)


def _message(destination: str, why: str, parked: Sequence[Subscription], lang: Lang) -> Message:
    headline = say(lang, "gone.title", where=destination)
    what = ", ".join(str(item.matcher) for item in parked)
    advice = say(lang, "gone.parked", what=what) if parked else say(lang, "gone.settings")
    return Message(
        summary=f"{headline}: {why}",
        title=(Text(headline, "bold"),),
        blocks=(Paragraph(((Text(why),), (Text(advice),))),),
        severity=Severity.HEALTH,
    )
