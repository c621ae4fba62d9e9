"""``/cal``: what is coming; analysts add to it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

from adapters.chat.port import Reply
from adapters.message import Block, Message, Table
from bot.commands.access import Role
from bot.commands.arguments import Arguments, shown
from bot.commands.asof import day_text, moment
from bot.commands.context import Context, bold, line, note, paragraph
from bot.commands.errors import Refusal, button
from bot.commands.names import list_name, lists, ticker
from bot.feeding.intake import EVENTS, event_key, stored_events, written_event
from bot.locale.sources import place_name, source_name
from rules.model import CalendarEvent, Status
from rules.universe import Instrument

_OWN = "own-"
"""How the keys of events begin that people added."""
Span = Literal["today", "week", "next"]
SPANS: dict[str, Span] = {
    "today": "today", "week": "week", "next": "next", "今天": "today", "今日": "today", "本周": "week", "下周": "next",
}  # fmt: skip
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST_TITLE = 120


async def cal(ctx: Context, args: Arguments) -> Reply:
    """List earnings and events: ``[today|week|next] [LIST|SYM]``, or ``add DATE "text"``."""
    if args.choice({"add": True, "添加": True}, default=False):
        return await _add(ctx, args)
    if args.choice({"remove": True, "删除": True}, default=False):
        return await _remove(ctx, args)
    span = args.choice(SPANS, "week")
    tag = args.choice(lists(ctx.universe), "")
    items = args.instruments(ctx.universe, ctx.lang, most=5)
    args.done(ctx.universe, ctx.lang)
    first, last = _days(ctx.now.astimezone(ctx.zone).date(), span)
    events = [event for event in ctx.market.events(first, last) if _wanted(ctx, event, tag, items)]
    return ctx.reply(_message(ctx, events, span, (tag, items)))


def _days(today: date, span: Span) -> tuple[date, date]:
    """The days of ``span``; on a weekend this week and the next one are both the one to come."""
    monday = today - timedelta(days=today.weekday())
    if span == "today":
        return today, today
    if span == "next" or today.weekday() >= 5:
        monday += timedelta(days=7)
    return monday, monday + timedelta(days=6)


def _wanted(ctx: Context, event: CalendarEvent, tag: str, items: Sequence[Instrument]) -> bool:
    if items:
        return any(event.key == item.symbol for item in items)
    item = ctx.universe.by_symbol.get(event.key)
    return not tag or tag in event.tags or bool(item and tag in item.tags)


def _message(
    ctx: Context, events: Sequence[CalendarEvent], span: Span, subject: tuple[str, Sequence[Instrument]]
) -> Message:
    tag, items = subject
    days = _days(ctx.now.astimezone(ctx.zone).date(), span)
    names = " ".join(ticker(item) for item in items) or (list_name(ctx, tag) if tag else "")
    key = "cal.title" if days[0] < days[1] else "cal.title_day"
    title = ctx.say(key, first=day_text(days[0], ctx.lang, year=True), last=day_text(days[1], ctx.lang))
    body: Block = Table(rows=tuple(_row(ctx, event) for event in events), align="llll")
    again = " ".join(["/cal", span, *([tag] if tag else [ticker(item) for item in items])])
    sources = " · ".join(dict.fromkeys(source_name(event.source, ctx.lang) for event in events if event.source))
    words = [tag] if tag else [f"={item.symbol}" for item in items]
    return Message(
        summary=f"{title}: {len(events)}",
        title=line("📅 ", bold(title), f" · {names}" if names else ""),
        blocks=(body if events else paragraph(line(ctx.say("cal.nothing"))), paragraph(line(ctx.say("cal.zone")))),
        footer=line(" · ".join(filter(None, [_known(ctx, events), sources, again]))),
        buttons=(
            tuple(
                choice
                for other in ("today", "week", "next")
                if other != span
                for choice in button(ctx.say(f"cal.{other}"), "cal", other, *words)
            ),
        ),
    )


def _known(ctx: Context, events: Sequence[CalendarEvent]) -> str:
    if not events:
        return ""
    return ctx.say("cal.known", at=moment(ctx, max(event.known_at for event in events)))


def _row(ctx: Context, event: CalendarEvent) -> tuple[str, ...]:
    start, end = date.fromisoformat(event.start), date.fromisoformat(event.end)
    when = day_text(start, ctx.lang, weekday=True)
    if end > start:
        when += f"–{day_text(end, ctx.lang)}"
    what = [event.title[ctx.lang]]
    if event.kind == "earnings":
        what.append(ctx.say("cal.earnings"))
        if event.session != "unknown":
            what.append(ctx.say(f"session.{event.session}").lstrip(" ,，"))
        if event.status is not Status.FINAL:
            what.append(ctx.say("quote.expected").strip(" ()（）"))
    elif event.place:
        what.append(place_name(event.place, ctx.lang))
    key = event.key if event.kind == "earnings" else ""
    return (when, key, " · ".join(what))


async def _add(ctx: Context, args: Arguments) -> Reply:
    ctx.need(Role.ANALYST)
    words = args.rest()
    match = _DATE.search(words)
    title = " ".join(words.replace(match[0], "", 1).split()) if match else ""
    if match is None or not title or len(title) > _LONGEST_TITLE:
        raise Refusal("cal.add_usage", longest=_LONGEST_TITLE)
    try:
        day = date.fromisoformat(match[0])
    except ValueError:
        raise Refusal("cal.no_date", word=shown(match[0])) from None
    key = _OWN + hashlib.sha256(f"{day}{title}".encode()).hexdigest()[:10]
    event = CalendarEvent(
        kind="event",
        key=key,
        start=day.isoformat(),
        end=day.isoformat(),
        title={"en": title, "zh": title},
        known_at=ctx.now,
        source=ctx.who,
    )
    await ctx.desk.documents.put(EVENTS, event_key(event), written_event(event))
    ctx.market.apply_events([event])
    text = ctx.say("cal.added", day=day_text(day, ctx.lang, weekday=True, year=True), title=title)
    undo = button(ctx.say("button.undo"), "cal", "remove", key)
    return ctx.reply(note(text, buttons=undo), private=False)


async def _remove(ctx: Context, args: Arguments) -> Reply:
    ctx.need(Role.ANALYST)
    key = args.rest()
    added = [event for event in await stored_events(ctx.desk.documents) if event.key == key and key.startswith(_OWN)]
    if not added:
        return ctx.reply(note(ctx.say("cal.no_event")), toast=ctx.say("cal.no_event"))
    await ctx.desk.documents.put(EVENTS, event_key(added[0]), None)
    ctx.market.forget_event("event", key)
    return ctx.reply(note(ctx.say("cal.removed", title=added[0].title[ctx.lang], by=ctx.who)), private=False)
