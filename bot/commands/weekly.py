"""``/digest``: the weekly digest in chat, and the editors' buttons under its draft."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Protocol

from adapters.chat.port import Reply
from adapters.message import Message
from bot.commands.access import Role
from bot.commands.arguments import Arguments, shown
from bot.commands.context import Context, note
from bot.commands.errors import Refusal
from bot.digest.chat import message
from bot.digest.data import DigestData
from bot.digest.flow import Outcome, Publisher
from bot.digest.frame import last_whole_week
from rules.model import Lang

_WEEK = re.compile(r"(\d{4})-?w(\d{1,2})", re.IGNORECASE | re.ASCII)


class Weekly(Protocol):
    """The desk's digests."""

    async def message(self, day: date, lang: Lang, now: datetime) -> Message | None:
        """The digest of the week that holds ``day``, from what is known; ``None`` where nothing is."""
        ...

    async def approve(self, name: str, who: str) -> Outcome:
        """Clear the draft of the week ``name`` for publication at its time."""
        ...

    async def publish(self, day: date, now: datetime) -> Outcome:
        """Publish the draft of the week that holds ``day``."""
        ...


class DigestDesk:
    """``Weekly`` over a publisher; ``data`` gives what is known at an instant."""

    def __init__(self, publisher: Publisher, data: Callable[[datetime], Awaitable[DigestData]]) -> None:
        self._publisher = publisher
        self._data = data

    async def message(self, day: date, lang: Lang, now: datetime) -> Message | None:
        """Build the digest anew: it is a view of what is known."""
        known = await self._data(now)
        if not known.series("prices."):
            return None
        return message(await self._publisher.preview(known, day), lang)

    async def approve(self, name: str, who: str) -> Outcome:
        """As the publisher does."""
        return await self._publisher.approve(name, who)

    async def publish(self, day: date, now: datetime) -> Outcome:
        """As the publisher does."""
        return await self._publisher.publish(await self._data(now), day, now)


async def digest(ctx: Context, args: Arguments) -> Reply:
    """Show the digest of the ``last`` whole week, of ``2024-W44``, or a ``preview`` of the running one (analysts)."""
    step = args.choice({"approve": "approve", "publish": "publish", "批准": "approve", "发布": "publish"}, "")
    preview = args.choice({"preview": True, "预览": True}, default=False)
    args.choice({"last": True, "上周": True}, default=False)
    day = _day(ctx, args, preview=preview)
    args.done()
    if step:
        return await _step(ctx, step, day)
    if preview:
        ctx.need(Role.ANALYST)
    found = await ctx.desk.weekly.message(day, ctx.lang, ctx.now)
    return ctx.reply(found or note(ctx.say("digest.nothing", week=_name(day))))


async def _step(ctx: Context, step: str, day: date) -> Reply:
    """What an editor's button does: it is told beside the draft, naming who did it."""
    ctx.need(Role.ANALYST)
    by = ctx.request.user.name or ctx.request.user.id
    if step == "approve":
        outcome = await ctx.desk.weekly.approve(_name(day), by)
    else:
        outcome = await ctx.desk.weekly.publish(day, ctx.now)
    text = ctx.say(f"digest.{outcome.value}", week=_name(day), by=by)
    return replace(ctx.reply(note(text), private=False, edit=False), toast=text)


def _day(ctx: Context, args: Arguments, *, preview: bool) -> date:
    """A day of the week that is wanted: the last one whose Friday is over, unless one is named."""
    for word in args.left:
        match = _WEEK.fullmatch(word)
        if match:
            args.choice({word.casefold(): True}, default=False)
            try:
                return date.fromisocalendar(int(match[1]), int(match[2]), 5)
            except ValueError:
                raise Refusal("digest.week", word=shown(word)) from None
    today = ctx.now.date()
    return today if preview else last_whole_week(today)


def _name(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"
