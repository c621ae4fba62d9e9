"""``/mute``, ``/unmute`` and ``/ack``: quiet for a while, and who looks after an alert."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from adapters.chat.port import Reply
from adapters.message import Message
from bot.alerts.faces import acknowledged, face, shown_beside, standing
from bot.commands.access import Role
from bot.commands.arguments import Arguments, shown
from bot.commands.asof import day_text
from bot.commands.context import Context, bold, code, line, note, paragraph
from bot.commands.errors import Refusal, button
from bot.commands.following import may_change, overview
from bot.commands.incidents import companions, firing, history, incident, numbered
from bot.commands.matching import matcher_from, what_of
from bot.feeding.intake import handing_in
from bot.routing.subscriptions import Matcher, Silence, identity, silences
from rules.model import Transition

ACKNOWLEDGEMENTS = "acknowledgements"
_SPAN = re.compile(r"(\d{1,4})(m|h|d|w)", re.IGNORECASE | re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(days=7)}
_LONGEST, _SHORTEST = timedelta(days=30), timedelta(minutes=5)
_EDGES = {"open": "open", "close": "close", "开盘": "open", "收盘": "close"}
_LONGEST_NOTE = 300
_BECAUSE = frozenset({"because", "因为", "原因"})
_OFFERED = 8


_TAKEN = TypeAdapter(Transition)


async def mute(ctx: Context, args: Arguments) -> Reply:
    """Silence ``RULE|#tag|SYM|all|ALERT`` for ``[2h|1d|open|close]``: here in a group, for me elsewhere.

    What follows ``because`` is kept as the reason.
    """
    if not args:
        return ctx.reply(await overview(ctx))
    destination = ctx.request.chat.destination if ctx.shared else ctx.request.user.id
    if ctx.shared and ctx.role < Role.ANALYST:
        raise Refusal("error.role_mute")
    reason = args.after(_BECAUSE)[:_LONGEST_NOTE]
    edge = args.choice(_EDGES, "")
    span = _take_span(args)
    matcher, calendar = await _subject(ctx, args)
    args.done()
    end = _end(ctx, edge, span, calendar)
    silence = Silence(
        id=identity("M", destination, matcher),
        destination=destination,
        matcher=matcher,
        start=ctx.now,
        end=end,
        author=ctx.request.user.id,
        author_name=ctx.request.user.name,
        reason=reason,
    )
    await silences(ctx.desk.documents).put(silence)
    local = end.astimezone(ctx.zone)
    until = f"{day_text(local.date(), ctx.lang, weekday=True)} {local:%H:%M}"
    where = ctx.say("mute.here" if ctx.shared else "mute.mine")
    text = ctx.say("mute.done", what=what_of(ctx, matcher), until=until, where=where, by=ctx.who)
    text += f" · {reason}" if reason else ""
    undo = button(ctx.say("button.undo"), "unmute", silence.id)
    # The alert stays readable: a mute from its button is told beside it, not over it.
    return ctx.reply(note(text, buttons=undo), private=not ctx.shared, edit=False, toast=_toast(text))


def _take_span(args: Arguments) -> timedelta | None:
    for word in args.left:
        match = _SPAN.fullmatch(word)
        if match:
            args.choice({word.casefold(): True}, default=False)
            span = int(match[1]) * _UNITS[match[2].lower()]
            if not _SHORTEST <= span <= _LONGEST:
                raise Refusal("mute.span", word=shown(word))
            return span
    return None


async def _subject(ctx: Context, args: Arguments) -> tuple[Matcher, str]:
    """What to silence, and the calendar whose opening ends it."""
    for word in args.left:
        if number := numbered(word):
            found = await incident(ctx, number)
            args.choice({word.casefold(): True}, default=False)
            return Matcher("rule", found.rule), found.calendar
    matcher = matcher_from(ctx, args, example="/mute #crypto 2h")
    item = ctx.universe.by_symbol.get(matcher.name) if matcher.subject == "symbol" else None
    return matcher, item.calendar if item else "XNYS"


def _end(ctx: Context, edge: str, span: timedelta | None, calendar: str) -> datetime:
    if not edge:
        return ctx.now + (span or timedelta(days=1))
    sessions = ctx.desk.calendars.get(calendar)
    return sessions.next_open(ctx.now) if edge == "open" else sessions.next_close(ctx.now)


def _toast(text: str) -> str:
    return text.replace("\n", " ")[:190]


async def unmute(ctx: Context, args: Arguments) -> Reply:
    """End a silence, named as it was made or by its id; without a word, offer what could be ended."""
    if not args:
        return ctx.reply(await overview(ctx))
    destination = ctx.request.chat.destination if ctx.shared else ctx.request.user.id
    word = args.left[0] if args.left else ""
    if word.startswith("M-"):
        args.rest()
        key = word
    else:
        matcher, _ = await _subject(ctx, args)
        args.done()
        key = identity("M", destination, matcher)
    register = silences(ctx.desk.documents)
    found = await register.get(key)
    if found is None or found.end <= ctx.now:
        return ctx.reply(note(ctx.say("unmute.nothing")), toast=ctx.say("unmute.nothing"))
    may_change(ctx, found.destination, found.author)
    await register.remove(key)
    text = ctx.say("unmute.done", what=what_of(ctx, found.matcher), by=ctx.who)
    return ctx.reply(note(text), private=found.destination == ctx.request.user.id, toast=_toast(text))


async def _unattended(ctx: Context) -> Message:
    """The alerts that fire and that nobody looks after yet, with a button each."""
    taken = await ctx.desk.documents.all(ACKNOWLEDGEMENTS)
    open_ones = [(number, told) for number, told in await firing(ctx, _OFFERED) if number not in taken]
    if not open_ones:
        return note(ctx.say("ack.nothing"))
    title = ctx.say("ack.offered", count=len(open_ones))
    lines = [
        line(code(number), f" {told.title[ctx.lang]} {' '.join(told.labels.values())}") for number, told in open_ones
    ]
    choices = [choice for number, _ in open_ones for choice in button(f"👀 {number}", "ack", number)]
    rows = tuple(tuple(choices[at : at + 4]) for at in range(0, len(choices), 4))
    return Message(summary=title, title=line("👀 ", bold(title)), blocks=(paragraph(*lines),), buttons=rows)


async def ack(ctx: Context, args: Arguments) -> Reply:
    """Say that somebody looks after ``ALERT_ID [note]``; the first who does is named on each message that told it.

    Without a number, offer what fires.
    """
    if not args:
        return ctx.reply(await _unattended(ctx))
    number = next((numbered(word) for word in args.left if numbered(word)), "")
    if not number:
        raise Refusal("error.which_alert", example="/ack A-1042")
    text = " ".join(word for word in args.left if not numbered(word))[:_LONGEST_NOTE]
    args.rest()
    newest = await incident(ctx, number)
    stored = await ctx.desk.documents.get(ACKNOWLEDGEMENTS, number)
    if stored is None:
        taken = acknowledged(newest, number, ctx.who, text, ctx.now)
        await ctx.desk.documents.put(ACKNOWLEDGEMENTS, number, _TAKEN.dump_json(taken).decode())
        for (collection, key), document in handing_in([taken]).items():
            await ctx.desk.documents.put(collection, key, document)
    else:
        taken = _TAKEN.validate_json(stored)
    local = taken.at.astimezone(ctx.zone)
    at = f"{day_text(local.date(), ctx.lang)} {local:%H:%M}"
    told = ctx.say("ack.done", number=number, by=taken.options["by"], at=at)
    told += f" · {taken.options['note']}" if taken.options["note"] else ""
    if not ctx.pressed:
        return ctx.reply(note(f"{told}\n{newest.title[ctx.lang]}"), private=False)
    return ctx.reply(await _face(ctx, number, taken), private=False, toast=_toast(told))


async def _face(ctx: Context, number: str, taken: Transition) -> Message:
    """The message whose button was pressed, with who looks after it; delivery brings the others up to date."""
    found = [
        standing(each.number, [*await history(ctx, each.number), *([taken] if each.number == number else [])])
        for each in await companions(ctx, number)
    ]
    beside = await shown_beside(number, ctx.desk.documents) if len(found) == 1 else {}
    return face([each for each in found if each], ctx.lang, ctx.universe, beside.get(ctx.lang, ()))
