"""``/status``: which sources answer, how fresh their figures are, and what waits to be sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from adapters.chat.port import Reply
from adapters.feeds.port import SourceHealth
from adapters.message import Block, Message, Table
from bot.commands.arguments import Arguments
from bot.commands.asof import day_text
from bot.commands.context import Context, bold, line, paragraph
from bot.commands.errors import button
from bot.locale.sources import source_name


async def status(ctx: Context, args: Arguments) -> Reply:
    """Show each source with its newest figure, the problems that stand, and the queue."""
    args.done()
    sources = list(ctx.market.health.values())
    rows = tuple(_row(ctx, health) for health in sources)
    failing = [health for health in sources if health.degraded_since]
    blocks: list[Block] = []
    if rows:
        header = (ctx.say("status.source"), ctx.say("status.told"), ctx.say("status.newest"))
        blocks.append(Table(rows=rows, align="lll", header=header))
    else:
        blocks.append(paragraph(line(ctx.say("status.silence"))))
    if failing:
        blocks.append(paragraph(*(line(_problem(ctx, health)) for health in failing)))
    waiting = await ctx.desk.deliveries.waiting()
    blocks.append(paragraph(line(ctx.say("status.queue", count=sum(waiting.values()), lanes=len(waiting)))))
    blocks.append(paragraph(line(ctx.say("status.rules", count=len(ctx.rules)))))
    key = "status.some_fail" if failing else "status.all_well"
    return ctx.reply(
        Message(
            summary=ctx.say(key, count=len(failing)),
            title=line("🩺 ", bold(ctx.say(key, count=len(failing)))),
            blocks=tuple(blocks),
            footer=line(f"{_when(ctx, ctx.now)} · /status"),
            buttons=(button(ctx.say("button.refresh"), "status"),),
        )
    )


def _row(ctx: Context, health: SourceHealth) -> tuple[str, ...]:
    mark = "✗" if health.degraded_since else "✓"
    told = ago(ctx, health.last_success) if health.last_success else "—"
    return (f"{mark} {source_name(health.source, ctx.lang)}", told, _when(ctx, health.newest) if health.newest else "—")


def _problem(ctx: Context, health: SourceHealth) -> str:
    if health.degraded_since is None:
        return ""
    what = ctx.say(f"fault.{health.fault.value}" if health.fault else "fault.unreachable")
    text = ctx.say(
        "status.problem",
        source=source_name(health.source, ctx.lang),
        what=what,
        since=_when(ctx, health.degraded_since),
    )
    return f"{text} {health.error}" if health.error else text


def _when(ctx: Context, instant: datetime) -> str:
    local = instant.astimezone(ctx.zone)
    return f"{day_text(local.date(), ctx.lang)} {local:%H:%M}"


def ago(ctx: Context, instant: datetime) -> str:
    """How long before now: ``3 min``, ``2 h``, ``4 d``."""
    span = max(ctx.now - instant, timedelta())
    if span < timedelta(hours=1):
        return ctx.say("ago.minutes", count=int(span / timedelta(minutes=1)))
    if span < timedelta(days=2):
        return ctx.say("ago.hours", count=int(span / timedelta(hours=1)))
    return ctx.say("ago.days", count=span.days)
