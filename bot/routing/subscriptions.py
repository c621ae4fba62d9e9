"""Who gets what beside the configured routes, and what is silenced where: as people set it in chat, stored durably.

Delivery asks :meth:`Subscription.wants` and :meth:`Silence.holds`; both are pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from adapters.store.port import Documents
from bot.rulebook.personal_rules import is_personal
from rules.model import SeriesName, Transition

SUBSCRIPTIONS, SILENCES = "subscriptions", "silences"
Subject = Literal["rule", "tag", "symbol", "all"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a subscription or a silence is about: a rule's id, a tag, an instrument's symbol, or everything.

    A tag is one of the rule, or a list of the universe that the alert's instrument is on.
    """

    subject: Subject
    name: str = ""

    def matches(self, transition: Transition, lists: frozenset[str] = frozenset()) -> bool:
        """Whether the transition is about this; ``lists`` are those of the universe that its instrument is on."""
        if self.subject == "rule":
            return transition.rule == self.name
        if self.subject == "tag":
            return self.name in transition.tags or self.name in lists
        return self.subject == "all" or self.name in transition.labels.values() or self._is_read(transition)

    def _is_read(self, transition: Transition) -> bool:
        """Whether the instrument's own figures decided: its price, or a fund's flow."""
        names = [SeriesName.parse(name) for name in transition.series]
        return any(self.name in {each.key, each.field if each.feed.startswith("etf_") else ""} for each in names)

    def __str__(self) -> str:
        return {"tag": f"#{self.name}", "all": "all"}.get(self.subject, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """``destination`` gets what ``matcher`` matches. ``parked`` says why nothing is sent at present, else is empty."""

    id: str
    destination: str
    matcher: Matcher
    owner: str
    owner_name: str
    created_at: datetime
    silent: bool = False
    parked: str = ""

    def wants(self, transition: Transition, lists: frozenset[str] = frozenset()) -> bool:
        """Whether the transition is to be sent to the destination; a personal alert is only by its own rule."""
        if is_personal(transition.rule) and self.matcher.subject != "rule":
            return False
        return not self.parked and self.matcher.matches(transition, lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nothing that ``matcher`` matches is sent to ``destination`` from ``start`` until ``end``."""

    id: str
    destination: str
    matcher: Matcher
    start: datetime
    end: datetime
    author: str
    author_name: str
    reason: str = ""

    def holds(
        self, transition: Transition, destination: str, now: datetime, lists: frozenset[str] = frozenset()
    ) -> bool:
        """Whether the transition is not to be sent to ``destination`` at ``now``."""
        if self.destination != destination or not self.start <= now < self.end:
            return False
        return self.matcher.matches(transition, lists)


T = TypeVar("T", Subscription, Silence)


class Register(Generic[T]):
    """The subscriptions, or the silences, of everybody. Setting one twice is setting it once."""

    def __init__(self, documents: Documents, collection: str, kind: type[T]) -> None:
        self._documents = documents
        self._collection = collection
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    async def get(self, key: str) -> T | None:
        """The one with the id ``key``; ``None`` when there is none that can be read."""
        return self._read(await self._documents.get(self._collection, key))

    async def put(self, item: T) -> None:
        """Keep ``item`` under its id."""
        await self._documents.put(self._collection, item.id, self._adapter.dump_json(item).decode())

    async def remove(self, key: str) -> None:
        """Forget the one with the id ``key``."""
        await self._documents.put(self._collection, key, None)

    async def all(self) -> Sequence[T]:
        """Every one that can be read, by id."""
        documents = await self._documents.all(self._collection)
        found = (self._read(text) for _, text in sorted(documents.items()))
        return [item for item in found if item is not None]

    async def at(self, destination: str) -> Sequence[T]:
        """Those of one destination."""
        return [item for item in await self.all() if item.destination == destination]

    def _read(self, text: str | None) -> T | None:
        try:
            return self._adapter.validate_json(text) if text else None
        except ValidationError:
            return None


def subscriptions(documents: Documents) -> Register[Subscription]:
    """The register of subscriptions in ``documents``."""
    return Register(documents, SUBSCRIPTIONS, Subscription)


def silences(documents: Documents) -> Register[Silence]:
    """The register of silences in ``documents``."""
    return Register(documents, SILENCES, Silence)


def identity(prefix: str, destination: str, matcher: Matcher) -> str:
    """The id of what ``matcher`` means at ``destination``: the same for the same, so nothing is set twice."""
    seed = f"{destination}|{matcher.subject}|{matcher.name}"
    return f"{prefix}-{hashlib.sha256(seed.encode()).hexdigest()[:8]}"


async def move(documents: Documents, old: str, new: str) -> None:
    """Carry subscriptions and silences of ``old`` and its topics over to ``new`` (a group became a supergroup)."""
    await _move(subscriptions(documents), "S", old, new)
    await _move(silences(documents), "M", old, new)


async def _move(register: Register[T], prefix: str, old: str, new: str) -> None:
    for item in await register.all():
        if belongs(item.destination, old):
            moved = new + item.destination.removeprefix(old)
            await register.put(replace(item, id=identity(prefix, moved, item.matcher), destination=moved))
            await register.remove(item.id)


async def park(documents: Documents, destination: str, why: str) -> Sequence[Subscription]:
    """Send nothing to ``destination`` and its topics until somebody subscribes again; return what is parked by it."""
    register = subscriptions(documents)
    running = [item for item in await register.all() if belongs(item.destination, destination) and not item.parked]
    for item in running:
        await register.put(replace(item, parked=why))
    return running


def belongs(destination: str, chat: str) -> bool:
    """Whether ``destination`` is ``chat`` or one of its topics."""
    return destination == chat or destination.startswith(f"{chat}/")
