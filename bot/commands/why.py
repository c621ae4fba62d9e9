"""``/why``: why an alert fired, as it was recorded; or where a rule stands that did not."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time

from adapters.chat.port import Reply
from adapters.message import Block, Line, Message, Table
from adapters.rendering.times import zone_name
from adapters.store.port import LogLine
from bot.commands.arguments import Arguments, shown
from bot.commands.asof import day_text, moment
from bot.commands.context import Context, bold, code, line, paragraph
from bot.commands.errors import Refusal, button
from bot.commands.incidents import LOG_LINES, history, numbered, recent
from bot.commands.nearness import nearness, rank
from bot.commands.rulebook import rule_from, rules
from bot.locale import outcome_text
from bot.locale.sources import source_name
from bot.locale.traces import expression_of, value_of
from bot.rulebook.rehearsal import Rehearser
from rules.explaining.standing import Standing
from rules.model import TraceLine, Transition, TransitionKind
from rules.spec import RuleSpec

_SHOWN = 8
_STATES: Mapping[TransitionKind, str] = {
    TransitionKind.PENDING: "pending",
    TransitionKind.FIRED: "firing",
    TransitionKind.RELAPSED: "firing",
    TransitionKind.RECOVERING: "recovering",
    TransitionKind.RESOLVED: "idle",
    TransitionKind.CORRECTED: "idle",
    TransitionKind.ENDED: "idle",
}


async def why(ctx: Context, args: Arguments) -> Reply:
    """Explain ``ALERT_ID``, or where ``RULE [DATE]`` stands; without either, the newest alert."""
    number = next((numbered(word) for word in args.left if numbered(word)), "")
    if not args:
        number = await anext((newest async for newest, _ in recent(ctx)), "")
    if not args and not number:
        return await rules(ctx, Arguments("rules", ("near",)))
    if number:
        args.rest()
        found = await history(ctx, number)
        if not found:
            raise Refusal("error.no_alert", word=number)
        return ctx.reply(await _recorded(ctx, number, found), edit=False)
    spec = await rule_from(ctx, args, example="/why A-1042")
    at = _date(ctx, args)
    args.done()
    return ctx.reply(await _standing(ctx, spec, at), edit=False)


def _date(ctx: Context, args: Arguments) -> datetime:
    for word in args.left:
        if word[:4].isdigit() and "-" in word:
            args.choice({word.casefold(): True}, default=False)
            try:
                day = date.fromisoformat(word)
            except ValueError:
                raise Refusal("cal.no_date", word=shown(word)) from None
            return min(datetime.combine(day, time(23, 59, 59), UTC), ctx.now)
    return ctx.now


async def _recorded(ctx: Context, number: str, found: Sequence[Transition]) -> Message:
    """The trace of the transition that opened the alert, then what became of it. Nothing is recomputed."""
    opening = next((item for item in reversed(found) if item.kind is TransitionKind.FIRED), found[-1])
    rows = tuple(
        (str(index), expression_of(item, ctx.lang), value_of(item, ctx.lang), _origin(ctx, item))
        for index, item in enumerate(opening.trace.lines, 1)
    )
    lines: list[Line] = [line(ctx.say("why.decided"), code(opening.trace.deciding)), line(_quality(ctx, opening))]
    lines += [line(text) for text in _happened(ctx, found)]
    lines += [line(ctx.say("why.dedup"), code(opening.alert)), *await _deliveries(ctx, number), *_next(ctx, opening)]
    blocks: list[Block] = [Table(rows=rows, align="rlll")] if rows else []
    subject = " ".join(opening.labels.values())
    version = f"{opening.rule} {opening.rule_version[:7]}"
    zone = ctx.say("why.zone", zone=zone_name(ctx.reader.tz, ctx.now, ctx.lang))
    return Message(
        summary=f"{number}: {opening.title[ctx.lang]}",
        title=line(
            "🔎 ",
            bold(ctx.say("why.title", number=number)),
            f" · {opening.title[ctx.lang]}",
            f" · {subject}" if subject else "",
        ),
        blocks=(*blocks, paragraph(*lines)),
        footer=line(" · ".join(filter(None, (version, opening.trace.location.rpartition("/")[2], zone)))),
        buttons=(
            (
                *button(ctx.say("button.replay"), "replay", opening.rule, "1y"),
                *button(ctx.say("button.mute_open"), "mute", number, "open"),
            ),
        ),
    )


def _origin(ctx: Context, item: TraceLine) -> str:
    status = ctx.say(f"figure.{item.status.value}") if item.status else ""
    source = source_name(item.source, ctx.lang)
    return ("· " if source.endswith("）") else " · ").join(filter(None, (source, status)))


def _quality(ctx: Context, item: Transition) -> str:
    """The weakest status among the figures that decided, whose they are, and of when."""
    seen = [moment(ctx, item.observed_at)] if item.observed_at else []
    sources = [source_name(source, ctx.lang) for source in item.sources]
    return ctx.say("why.quality") + " · ".join((ctx.say(f"figure.{item.status.value}"), *sources, *seen))


def _happened(ctx: Context, found: Sequence[Transition]) -> Iterator[str]:
    """Each step with its time: from which state to which, or what else was told."""
    state = "idle"
    for item in found:
        before, state = state, _STATES.get(item.kind, state)
        kind = ctx.say(f"kind.{item.kind.value}")
        if before != state:
            kind = f"{ctx.say(f'phase.{before}')} → {ctx.say(f'phase.{state}')}"
        local = item.at.astimezone(ctx.zone)
        when = f"{day_text(local.date(), ctx.lang)} {local:%H:%M:%S}"
        yield ctx.say("why.happened", when=when, kind=kind, reason=ctx.say(f"reason.{item.reason.value}"))


def _next(ctx: Context, item: Transition) -> Iterator[Line]:
    """What the rule asks for before it tells of this again, as it is written now; nothing where it is gone."""
    spec = next((spec for spec in ctx.rules if spec.id == item.rule), None)
    if spec is None:
        return
    for key, expression in (("clear", spec.clear), ("rearm", spec.rearm)):
        if expression:
            yield line(ctx.say(f"why.{key}"), code(expression.text))
    if spec.once_per:
        yield line(ctx.say(f"why.once_per.{spec.once_per.value}"))


async def _deliveries(ctx: Context, number: str) -> list[Line]:
    """What became of the alert's messages, the newest first."""
    told = [item for item in await ctx.desk.deliveries.log(LOG_LINES) if item.key.startswith(f"{number}:")]
    if not told:
        return [line(ctx.say("why.not_delivered"))]
    return [line(_delivered(ctx, item)) for item in told[:_SHOWN]]


def _delivered(ctx: Context, item: LogLine) -> str:
    local = item.at.astimezone(ctx.zone)
    when = f"{day_text(local.date(), ctx.lang)} {local:%H:%M:%S}"
    return f"{when} · {item.destination} · {outcome_text(item.outcome, ctx.lang)}"


async def _standing(ctx: Context, spec: RuleSpec, at: datetime) -> Message:
    """Where the rule stands at ``at``: each member's comparison, value, threshold and distance, the nearest first."""
    rehearser = Rehearser(ctx.market, ctx.universe, ctx.desk.calendars)
    found = await asyncio.to_thread(rehearser.stand, [spec], at)
    ordered = sorted(found, key=_order)
    lines = [line(bold(f"{item.symbol} " if item.symbol else ""), _told(ctx, item)) for item in ordered]
    if len(ordered) > _SHOWN:
        lines[_SHOWN:] = [line(ctx.say("why.more", count=len(ordered) - _SHOWN))]
    holding = [item for item in ordered if item.holds]
    key = "why.holds" if holding else "why.holds_not"
    return Message(
        summary=ctx.say(key, rule=spec.id),
        title=line("🔎 ", bold(ctx.say(key, rule=spec.id)), f" · {spec.title[ctx.lang]}"),
        blocks=(paragraph(line(ctx.say("why.condition"), code(spec.when.text)), *lines),),
        footer=line(ctx.say("why.basis", at=moment(ctx, at))),
        buttons=(button(ctx.say("button.replay"), "replay", spec.id, "1y"),),
    )


def _order(item: Standing) -> float:
    return math.inf if item.holds is None else rank(item)


def _told(ctx: Context, item: Standing) -> str:
    if item.holds and item.value is not None:
        return ctx.say("why.true", clause=item.clause, value=nearness(ctx, item, true_too=True))
    return nearness(ctx, item)
