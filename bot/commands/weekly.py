"""``/digest``: the weekly digest in chat, and the editors' buttons under its draft."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from adapters.chat.port import Reply
from bot.commands import answering
from bot.commands.access import Role
from bot.commands.arguments import Arguments
from bot.commands.context import Context, note
from bot.commands.editing import EDITING, day_of_week
from bot.commands.errors import button
from bot.digest import formats
from bot.digest.frame import last_whole_week, month_end

FILES = formats.ATTACHED
"""What the digest can be had as, the usual one first."""


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
