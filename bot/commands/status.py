"""``/status``: how each source answered last, how fresh its figures are, the last job, and what waits to be sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from adapters.chat.port import Reply
from adapters.feeds.port import SourceHealth
from adapters.message import Block, Message, Table
from bot.commands.arguments import Arguments
from bot.commands.asof import day_text, moment
from bot.commands.context import Context, bold, line, paragraph
from bot.commands.errors import button
from bot.feeding.runs import Run, newest_run
from bot.locale.sources import source_name
from bot.rulebook.files import standing_mistakes


async def status(ctx: Context, args: Arguments) -> Reply:
    """Show each source with its last answer and newest figure, the problems that stand, the last job and the queue."""
    args.done()
    sources = list(ctx.market.health.values())
    rows = tuple(_row(ctx, health) for health in sources)
    failing = [health for health in sources if health.degraded_since]
    blocks: list[Block] = []
    if rows:
        header = (ctx.say("status.source"), ctx.say("status.asked"), ctx.say("status.newest"))
        blocks.append(Table(rows=rows, align="lll", header=header))
    else:
        blocks.append(paragraph(line(ctx.say("status.silence"))))
    if failing:
        blocks.append(paragraph(*(line(_problem(ctx, health)) for health in failing)))
    run = await newest_run(ctx.desk.documents)
    if run is not None:
        blocks.append(paragraph(line(_last_job(ctx, run))))
    waiting = await ctx.desk.deliveries.waiting()
    blocks.append(paragraph(line(ctx.say("status.queue", count=sum(waiting.values()), lanes=len(waiting)))))
    blocks.append(paragraph(line(ctx.say("status.rules", count=len(ctx.rules)))))
    if mistakes := await standing_mistakes(ctx.desk.documents):
        blocks.append(paragraph(line(ctx.say("status.mistakes", count=len(mistakes)))))
    key = "status.some_fail" if failing else "status.all_well"
    return ctx.reply(
        Message(
            summary=ctx.say(key, count=len(failing)),
            title=line("🩺 ", bold(ctx.say(key, count=len(failing)))),
            blocks=tuple(blocks),
            footer=line(ctx.say("cal.known", at=moment(ctx, ctx.now)), " · /status"),
            buttons=(button(ctx.say("button.refresh"), "status"),),
        )
    )


def _row(ctx: Context, health: SourceHealth) -> tuple[str, ...]:
    mark = "✗" if health.degraded_since else "✓"
    newest = _when(ctx, health.newest) if health.newest else "—"
    return (f"{mark} {source_name(health.source, ctx.lang)}", _last_answer(ctx, health), newest)


def _last_answer(ctx: Context, health: SourceHealth) -> str:
    """When the source was asked last, and what came of it: well, so many symbols or days missing, or its fault."""
    asked = health.last_asked or health.last_success
    if asked is None:
        return "—"
    if health.failures:
        what = _fault(ctx, health) + (f" ×{health.failures}" if health.failures > 1 else "")
    elif health.open_problems:
        what = ctx.say("status.missing", count=health.open_problems)
    else:
        what = ctx.say("status.well")
    return f"{ago(ctx, asked)} · {what}"


def _last_job(ctx: Context, run: Run) -> str:
    outcome = ctx.say("status.job_problems" if run.problems else "status.job_well", count=run.problems)
    return ctx.say("status.job", job=run.job, ago=ago(ctx, run.at), count=run.brought, outcome=outcome)


def _fault(ctx: Context, health: SourceHealth) -> str:
    return ctx.say(f"fault.{health.fault.value}" if health.fault else "fault.unreachable")


def _problem(ctx: Context, health: SourceHealth) -> str:
    if health.degraded_since is None:
        return ""
    source, since = source_name(health.source, ctx.lang), _when(ctx, health.degraded_since)
    why = ctx.say("status.why", error=health.error) if health.error else ""
    return ctx.say("status.problem", source=source, what=_fault(ctx, health), since=since, why=why)


def _when(ctx: Context, instant: datetime) -> str:
    local = instant.astimezone(ctx.zone)
    return f"{day_text(local.date(), ctx.lang)} {local:%H:%M}"


def ago(ctx: Context, instant: datetime) -> str:
    """How long before now: ``3 min``, ``2 h``, ``4 d``."""
    span = max(ctx.now - instant, timedelta())
    if span < timedelta(minutes=1):
        return ctx.say("ago.now")
    if span < timedelta(hours=1):
        return ctx.say("ago.minutes", count=int(span / timedelta(minutes=1)))
    if span < timedelta(days=2):
        return ctx.say("ago.hours", count=int(span / timedelta(hours=1)))
    return ctx.say("ago.days", count=span.days)
