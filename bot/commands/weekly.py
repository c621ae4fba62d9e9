"""``/digest``: the weekly digest in chat, and the editors' buttons under its draft."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter

from adapters.chat.port import Reply
from adapters.message import Attachment, Message, Reader
from adapters.notifiers.port import Receipt
from bot.commands import answering
from bot.commands.access import Role
from bot.commands.arguments import Arguments
from bot.commands.context import Context, note
from bot.commands.editing import EDITING, day_of_week
from bot.commands.errors import button
from bot.digest import formats, posting
from bot.digest.chat import message
from bot.digest.data import DigestData
from bot.digest.document import Digest
from bot.digest.flow import Outcome, Publisher
from bot.digest.frame import Span, last_whole_week, month_end
from bot.digest.layout import Slot
from rules.model import Lang

FILES = formats.ATTACHED
"""What the digest can be had as, the usual one first."""


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


async def digest(ctx: Context, args: Arguments) -> Reply:
    """Show the digest of the ``last`` whole week, of ``2024-W44``, or a ``preview`` of the running one (analysts).

    ``month [2024-10]`` shows the month so far; what editors do begins with ``fill``, ``approve``, ``publish`` or
    ``correct``.
    """
    edit = _EDITS.get(args.all[0].casefold()) if args.all else None
    if edit is not None:
        return await edit(ctx, args)
    if args.choice({"month": True, "本月": True, "月": True}, default=False):
        return await _month(ctx, args)
    file = args.choice({name: name for name in FILES}, FILES[0])
    preview = args.choice({"preview": True, "预览": True}, default=False)
    args.choice({"last": True, "上周": True}, default=False)
    day = _day(ctx, args, preview=preview)
    args.done()
    if preview or day > last_whole_week(ctx.now.date()):
        ctx.need(Role.ANALYST)
    found = await ctx.desk.weekly.message(day, ctx.reader, ctx.now, file)
    if found is None:
        return ctx.reply(note(ctx.say("digest.nothing", week=_name(day))))
    which = "preview" if preview else _name(day)
    others = [choice for name in FILES if name != file for choice in button(name.upper(), "digest", which, name)]
    # beside the message that bore the button: its files stay with it
    return ctx.reply(replace(found, buttons=(tuple(others),)), edit=False)


_EDITS = {**EDITING, "put": answering.put}


def _is_there(attachment: Attachment, file: str) -> bool:
    """Whether an archived file is of the wanted kind, and still where it was put."""
    return attachment.name.endswith(f".{file}") and Path(attachment.path).is_file()


async def _month(ctx: Context, args: Arguments) -> Reply:
    """The month so far, or an earlier one."""
    today = ctx.now.astimezone(ctx.zone).date()
    day = today
    for word in args.left:
        named = month_end(word, today)
        if named is not None:
            day = named
            args.choice({word.casefold(): True}, default=False)
    args.done()
    found = await ctx.desk.weekly.month(day, ctx.lang, ctx.now)
    return ctx.reply(found or note(ctx.say("digest.nothing", week=f"{day:%Y-%m}")))


def _day(ctx: Context, args: Arguments, *, preview: bool) -> date:
    """A day of the week that is wanted: the last one whose Friday is over, unless one is named."""
    for word in args.left:
        day = day_of_week(word)
        if day is not None:
            args.choice({word.casefold(): True}, default=False)
            return day
    today = ctx.now.date()
    return today if preview else last_whole_week(today)


def _name(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"
