"""The desk's digests: what was published as it was published, anything else built from what is known."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter

from adapters.message import Attachment, Message, Reader
from adapters.notifiers.port import Receipt
from bot.digest import formats, posting
from bot.digest.chat import message
from bot.digest.data import DigestData
from bot.digest.document import Digest
from bot.digest.flow import Outcome, Publisher
from bot.digest.frame import Span
from bot.digest.layout import Slot
from rules.model import Lang


class Receipts(Protocol):
    """Where what was sent can be found again."""

    async def receipt(self, key: str, destination: str) -> str | None:
        """The receipt (JSON) of what was sent under ``key``, nothing where it wasn't or not yet."""
        ...


_RECEIPT = TypeAdapter(Receipt)


class DigestDesk:
    """``Weekly`` over a publisher; ``data`` gives what is known at an instant, previews are written to ``folder``.

    ``receipts`` tell which message is a draft.
    """

    def __init__(
        self,
        publisher: Publisher,
        data: Callable[[datetime], Awaitable[DigestData]],
        folder: Path,
        receipts: Receipts,
    ) -> None:
        self._receipts = receipts
        self._publisher = publisher
        self._data = data
        self._folder = folder

    async def message(self, day: date, reader: Reader, now: datetime, file: str) -> Message | None:
        """What was published stays as it was published; any other week is built from what is known."""
        edition = await self._publisher.edition(Span.week_of(day).name)
        if edition is not None and (archived := edition.messages.get(reader.lang)) is not None:
            files = [each for each in archived.attachments if _is_there(each, file)]
            return replace(archived, attachments=tuple(files), buttons=())
        known = await self._data(now)
        if not known.series("prices."):
            return None
        return await asyncio.to_thread(self._built, await self._publisher.preview(known, day), reader, file)

    def _built(self, digest: Digest, reader: Reader, file: str) -> Message:
        made = formats.write(digest, reader, self._folder, (file,))
        return message(digest, reader.lang, attachments=made.attachments, note=" · ".join(made.problems))

    async def approve(self, name: str, who: str) -> Outcome:
        """As the publisher does."""
        return await self._publisher.approve(name, who)

    async def publish(self, day: date, now: datetime) -> Outcome:
        """As the publisher does."""
        return await self._publisher.publish(await self._data(now), day, now)

    async def correct(self, name: str, reason: str, now: datetime) -> Outcome:
        """As the publisher does."""
        return await self._publisher.correct(await self._data(now), name, reason, now)

    async def fill(self, name: str, words: Mapping[str, str], now: datetime) -> Outcome:
        """As the publisher does."""
        return await self._publisher.fill(name, words, now)

    async def answered(self, message: Receipt, chat: str) -> Span | None:
        """By the receipts of what was told of the newest editions."""
        for edition in await self._publisher.recent():
            for key in posting.keys(edition):
                receipt = await self._receipts.receipt(key, chat)
                if receipt and _RECEIPT.validate_json(receipt).message_id == message.message_id:
                    return Span.week_of(edition.week_end)
        return None

    async def words(self, day: date) -> Mapping[str, str]:
        """As the publisher does."""
        return await self._publisher.words(day)

    async def in_work(self, now: datetime) -> Span:
        """As the publisher does."""
        return await self._publisher.in_work(now)

    @property
    def slots(self) -> Sequence[Slot]:
        """Those of the layout."""
        return self._publisher.layout.slots

    async def month(self, day: date, lang: Lang, now: datetime) -> Message | None:
        """From what is known now."""
        known = await self._data(now)
        if not known.series("prices."):
            return None
        return self._publisher.month(known, day).messages[lang]


def _is_there(attachment: Attachment, file: str) -> bool:
    """Whether an archived file is of the wanted kind, and still where it was put."""
    return attachment.name.endswith(f".{file}") and Path(attachment.path).is_file()
