"""What editors do about a digest in chat: write its texts, approve, publish and correct it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date

from adapters.chat.port import Reply
from adapters.message import Line, Message, Paragraph, Text
from adapters.rendering.text import clean, shorten
from bot.commands.access import Role
from bot.commands.arguments import Arguments, shown
from bot.commands.context import Context, note
from bot.commands.errors import Refusal, button
from bot.digest.flow import Outcome
from bot.digest.frame import Span, last_whole_week

WEEK = re.compile(r"(\d{4})-?w(\d{1,2})", re.IGNORECASE | re.ASCII)
_PREVIEW = 60


def day_of_week(word: str) -> date | None:
    """The Friday of the ISO week that ``word`` names, ``None`` where it names none; refuse a week that isn't there."""
    match = WEEK.fullmatch(word)
    if match is None:
        return None
    try:
        return date.fromisocalendar(int(match[1]), int(match[2]), 5)
    except ValueError:
        raise Refusal("digest.week", word=shown(word)) from None


async def approve(ctx: Context, args: Arguments) -> Reply:
    """Clear the draft for its time."""
    week, _ = await _addressed(ctx, args)
    return _told(ctx, week, await ctx.desk.weekly.approve(week.name, ctx.who))


async def publish(ctx: Context, args: Arguments) -> Reply:
    """Publish the draft at once."""
    week, _ = await _addressed(ctx, args)
    return _told(ctx, week, await ctx.desk.weekly.publish(week.last, ctx.now))


async def correct(ctx: Context, args: Arguments) -> Reply:
    """``correct [2024-W44] REASON``: publish what is known now in place of what was published."""
    week, reason = await _addressed(ctx, args, newest_published=True)
    if not reason:
        raise Refusal("digest.reason", week=week.name)
    return _told(ctx, week, await ctx.desk.weekly.correct(week.name, reason, ctx.now))


async def fill(ctx: Context, args: Arguments) -> Reply:
    """``fill [2024-W44] SLOT TEXT`` writes a text, ``-`` empties it; without one, show which are empty."""
    week, rest = await _addressed(ctx, args)
    slot, text = _cut(rest)
    if not text:
        return await _texts(ctx, week)
    return await write(ctx, week, {slot: "" if text == "-" else text})


async def write(ctx: Context, week: Span, texts: Mapping[str, str], *, undo: bool = False) -> Reply:
    """Write ``texts`` by slot, ``""`` to empty one; with ``undo`` a button empties it again."""
    words = {slot: "\n".join(clean(line) for line in text.splitlines()) for slot, text in texts.items()}
    outcome = await ctx.desk.weekly.fill(week.name, words, ctx.now)
    known, slots = ", ".join(slot.name for slot in ctx.desk.weekly.slots), ", ".join(map(shown, words))
    emptied = outcome is Outcome.FILLED and not any(words.values())
    reply = _said(ctx, "digest.emptied" if emptied else f"digest.{outcome.value}", week, slot=slots, known=known)
    reply = replace(reply, edit=ctx.pressed)
    if not undo or outcome is not Outcome.FILLED:
        return reply
    way_back = button(ctx.say("button.undo"), "digest", "fill", week.name, *words, "-")
    return replace(reply, message=replace(reply.message, buttons=(way_back,) if way_back else ()))


async def _texts(ctx: Context, week: Span) -> Reply:
    """Each text of the week with its beginning, and how to write it."""
    held = await ctx.desk.weekly.words(week.last)
    lines: list[Line] = []
    for slot in ctx.desk.weekly.slots:
        words = shorten(" ".join(held.get(slot.name, "").split()), _PREVIEW)
        empty = ctx.say("digest.empty_required" if slot.required else "digest.empty")
        name = Text(f"{slot.name} ", "code")
        lines.append((name, Text(f"{slot.title[ctx.lang]} ", "bold"), Text(words) if words else Text(empty, "italic")))
    title = ctx.say("digest.texts", week=week.name)
    how = (Text(ctx.say("digest.how_to_fill"), "italic"),)
    return ctx.reply(
        Message(summary=title, title=(Text(title, "bold"),), blocks=(Paragraph(tuple(lines)),), footer=how)
    )


async def _addressed(ctx: Context, args: Arguments, *, newest_published: bool = False) -> tuple[Span, str]:
    """The week that is named, else the one in work; and what was typed behind it. Editors are analysts."""
    ctx.need(Role.ANALYST)
    _, rest = _cut(args.text)
    first, behind = _cut(rest)
    day = day_of_week(first)
    if day is not None:
        return Span.week_of(day), behind
    if newest_published:
        return Span.week_of(last_whole_week(ctx.now.date())), rest
    return await ctx.desk.weekly.in_work(ctx.now), rest


def _cut(text: str) -> tuple[str, str]:
    """The first word, and what is behind it, lines and all."""
    first, *behind = text.strip().split(maxsplit=1)[:2] or ("",)
    return first, behind[0] if behind else ""


def _told(ctx: Context, week: Span, outcome: Outcome, **values: object) -> Reply:
    """What became of it, told to all who share the draft, naming who did it."""
    return _said(ctx, f"digest.{outcome.value}", week, **values)


def _said(ctx: Context, key: str, week: Span, **values: object) -> Reply:
    text = ctx.say(key, week=week.name, by=ctx.who, **values)
    return replace(ctx.reply(note(text), private=False, edit=False), toast=text[:190])


EDITING: Mapping[str, Callable[[Context, Arguments], Awaitable[Reply]]] = {
    "approve": approve,
    "批准": approve,
    "publish": publish,
    "发布": publish,
    "fill": fill,
    "填写": fill,
    "correct": correct,
    "更正": correct,
}
"""By the first word behind ``/digest``."""
