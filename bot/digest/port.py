"""What the weekly digest is to whoever asks for it or edits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from adapters.message import Message, Reader
from adapters.notifiers.port import Receipt
from bot.digest.flow import Outcome
from bot.digest.frame import Span
from bot.digest.layout import Slot
from rules.model import Lang


class Weekly(Protocol):
    """The desk's digests."""

    async def message(self, day: date, reader: Reader, now: datetime, file: str) -> Message | None:
        """The digest of the week that holds ``day`` with one of its files; ``None`` where nothing is known."""
        ...

    async def approve(self, name: str, who: str) -> Outcome:
        """Clear the draft of the week ``name`` for publication at its time."""
        ...

    async def publish(self, day: date, now: datetime) -> Outcome:
        """Publish the draft of the week that holds ``day``."""
        ...

    async def correct(self, name: str, reason: str, now: datetime) -> Outcome:
        """Publish what is known now in place of what was published; the message is edited and says why."""
        ...

    async def fill(self, name: str, words: Mapping[str, str], now: datetime) -> Outcome:
        """Write texts of the week ``name`` by slot, ``""`` to empty one."""
        ...

    async def answered(self, message: Receipt, chat: str) -> Span | None:
        """The week whose draft, or digest, ``message`` in ``chat`` is."""
        ...

    async def words(self, day: date) -> Mapping[str, str]:
        """The texts of the week of ``day`` that aren't empty, by slot."""
        ...

    async def in_work(self, now: datetime) -> Span:
        """The week that editors work on: the newest one that has begun and isn't published."""
        ...

    @property
    def slots(self) -> Sequence[Slot]:
        """The places for texts."""
        ...

    async def month(self, day: date, lang: Lang, now: datetime) -> Message | None:
        """The month of ``day`` up to that day; ``None`` where nothing is known."""
        ...
