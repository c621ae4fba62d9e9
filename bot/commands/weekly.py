"""``/digest``: the weekly digest of a week, in chat."""

from __future__ import annotations

import re
from datetime import date, timedelta

from adapters.chat.port import Reply
from bot.commands.access import Role
from bot.commands.arguments import Arguments, shown
from bot.commands.context import Context, note
from bot.commands.errors import Refusal

_WEEK = re.compile(r"(\d{4})-?w(\d{1,2})", re.IGNORECASE | re.ASCII)


async def digest(ctx: Context, args: Arguments) -> Reply:
    """Show the digest of the ``last`` whole week, of ``2024-W44``, or a ``preview`` of the running one (analysts)."""
    preview = args.choice({"preview": True, "预览": True}, default=False)
    args.choice({"last": True, "上周": True}, default=False)
    day = _day(ctx, args, preview=preview)
    args.done()
    if preview:
        ctx.need(Role.ANALYST)
    message = await ctx.desk.digest(day, ctx.lang)
    if message is None:
        year, week, _ = day.isocalendar()
        return ctx.reply(note(ctx.say("digest.nothing", week=f"{year}-W{week:02d}")))
    return ctx.reply(message)


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
    if preview or today.weekday() >= 5:
        return today
    return today - timedelta(days=today.weekday() + 3)
