"""The app's home page: what fires, my alerts and subscriptions, and what is next, with buttons to change them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from adapters.chat.port import Reply
from adapters.message import Block, Line, Message
from bot.commands.arguments import Arguments
from bot.commands.asof import day_text
from bot.commands.context import Context, bold, code, line, paragraph
from bot.commands.errors import button
from bot.commands.following import overview
from bot.commands.incidents import firing
from bot.rulebook import personal
from rules.model import CalendarEvent, Transition

_SHOWN = 8


async def home(ctx: Context, args: Arguments) -> Reply:
    """The page of who opened it."""
    args.rest()
    mine = await personal.of(ctx.desk.documents, ctx.request.user.id)
    following = await overview(ctx)
    events = ctx.market.events(ctx.now.date(), ctx.now.date() + timedelta(days=7))
    coming = [_coming(ctx, event) for event in events[:_SHOWN]]
    wishes = [line(code(item.id), f" {item.typed}") for item in mine[:_SHOWN]]
    blocks: list[Block] = [
        _section(ctx, "home.firing", [_firing_line(ctx, number, item) for number, item in await firing(ctx, _SHOWN)]),
        _section(ctx, "home.alerts", wishes),
        *following.blocks,
        _section(ctx, "home.next", coming),
    ]
    buttons = (
        (*button(ctx.say("button.alerts"), "alerts"), *button("/movers", "movers"), *button("/flows", "flows")),
        *following.buttons,
    )
    message = Message(
        summary=ctx.say("home.title"),
        title=line(bold(ctx.say("home.title"))),
        blocks=tuple(blocks),
        footer=line(f"{day_text(ctx.now.astimezone(ctx.zone).date(), ctx.lang)} {ctx.now.astimezone(ctx.zone):%H:%M}"),
        buttons=buttons,
    )
    return ctx.reply(message, edit=False)


def _section(ctx: Context, heading: str, lines: Sequence[Line]) -> Block:
    return paragraph(line(bold(ctx.say(heading))), *(lines or [line(ctx.say("subs.nothing"))]))


def _coming(ctx: Context, event: CalendarEvent) -> Line:
    return line(f"{day_text(date.fromisoformat(event.start), ctx.lang, weekday=True)} · {event.title[ctx.lang]}")


def _firing_line(ctx: Context, number: str, item: Transition) -> Line:
    subject = " ".join(item.labels.values())
    return line(code(number), f" {item.title[ctx.lang]}", f" · {subject}" if subject else "")
