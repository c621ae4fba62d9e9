"""Plain words that answer the digest's draft: an analyst's texts, without a command."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.chat.port import Origin, Reply
from adapters.message import Button, Line, Message, Paragraph, Text
from adapters.rendering.text import clean, shorten
from bot.commands.access import Role
from bot.commands.arguments import LONGEST_PROSE, Arguments
from bot.commands.context import Context
from bot.commands.editing import write
from bot.commands.errors import Refusal, button, cancel
from bot.digest.answers import named_texts, nearly_named
from bot.digest.frame import Span
from bot.digest.layout import Slot

COLLECTION = "digest_answers"
"""Words that wait until somebody says which text they are, by the id in the question's buttons."""
_KEPT = timedelta(days=14)
_SHOWN = 200
_ABREAST = 2


async def answer(ctx: Context) -> Reply | None:
    """Write what an analyst's plain words say of the digest's texts, or ask; ``None`` where they say nothing of them.

    ``view: Own semis`` is a text wherever it is said to the bot. In answer to a draft, so are words without a name
    where one text alone is empty.
    """
    request, slots = ctx.request, ctx.desk.weekly.slots
    text = request.typed or request.text
    if not _is_plain(ctx) or not slots or not text.strip():
        return None
    week = await ctx.desk.weekly.answered(request.answers, request.chat.destination) if request.answers else None
    named = named_texts(text, slots)
    if not named and week is None:
        return None
    if len(text) > LONGEST_PROSE:
        raise Refusal("error.long", longest=LONGEST_PROSE)
    if named:
        return await write(ctx, week or await ctx.desk.weekly.in_work(ctx.now), named)
    return await _placed(ctx, week, text) if week else None


def _is_plain(ctx: Context) -> bool:
    """Whether these are words of somebody who writes a digest's texts, and no command."""
    request = ctx.request
    plain = request.origin in {Origin.TEXT, Origin.OVERHEARD} or bool(request.typed and request.text)
    return plain and request.verb != "digest" and ctx.role >= Role.ANALYST


async def _placed(ctx: Context, week: Span, text: str) -> Reply | None:
    """The words in the one text that is empty; a question where there are several, or they may mean something else."""
    words, slots = await ctx.desk.weekly.words(week.last), ctx.desk.weekly.slots
    empty = [slot for slot in slots if slot.name not in words and slot.text is None]
    if len(empty) == 1 and not ctx.request.verb and not nearly_named(text, slots):
        return await write(ctx, week, {empty[0].name: text.strip()}, undo=True)
    if not empty and (ctx.request.origin is Origin.OVERHEARD or ctx.request.verb):
        return None
    return await _question(ctx, week, text, empty or list(slots))


async def _question(ctx: Context, week: Span, text: str, slots: list[Slot]) -> Reply:
    """Which text it is, with a button for each that it may be, and one for the command that it may be as well."""
    token = secrets.token_hex(4)
    await _forget_old(ctx)
    kept = {"week": week.name, "text": text.strip(), "at": ctx.now.isoformat()}
    await ctx.desk.documents.put(COLLECTION, token, json.dumps(kept, ensure_ascii=False))
    choices = [each for slot in slots for each in button(slot.title[ctx.lang], "digest", "put", token, slot.name)]
    rows = [tuple(choices[start : start + _ABREAST]) for start in range(0, len(choices), _ABREAST)]
    command: tuple[Button, ...] = ()
    if ctx.request.verb:
        command = button(shorten(f"/{ctx.request.typed}", 40), ctx.request.verb, *ctx.request.text.split())
    title = ctx.say("digest.which", week=week.name)
    lines: tuple[Line, ...] = ((Text(f"“{shorten(' '.join(clean(text).split()), _SHOWN)}”"),),)
    how = (Text(ctx.say("digest.how_to_answer", slot=slots[0].name), "italic"),)
    message = Message(
        summary=title,
        title=(Text(title, "bold"),),
        blocks=(Paragraph(lines),),
        footer=how,
        buttons=(*rows, (*command, *cancel(ctx.lang))),
    )
    return replace(ctx.reply(message, edit=False), shareable=False)


async def put(ctx: Context, args: Arguments) -> Reply:
    """``put ID SLOT``, the question's button: write the words that were asked about."""
    ctx.need(Role.ANALYST)
    _, token, slot, *_ = (*args.all, "", "")
    kept = await ctx.desk.documents.get(COLLECTION, token)
    if kept is None:
        raise Refusal("digest.answer_gone")
    asked = json.loads(kept)
    reply = await write(ctx, Span.named(asked["week"]), {slot: asked["text"]}, undo=True)
    await ctx.desk.documents.put(COLLECTION, token, None)
    return reply


async def _forget_old(ctx: Context) -> None:
    """Drop what nobody answered."""
    for token, kept in (await ctx.desk.documents.all(COLLECTION)).items():
        if ctx.now - datetime.fromisoformat(json.loads(kept)["at"]) > _KEPT:
            await ctx.desk.documents.put(COLLECTION, token, None)
