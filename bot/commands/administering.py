"""``/reload`` and ``/dryrun``: what the rule files say now, and what that would change."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from adapters.chat.port import Reply
from adapters.message import Button, Line, Message
from bot.commands.arguments import Arguments
from bot.commands.context import Context, bold, code, line, note, paragraph
from bot.commands.errors import button
from bot.locale.problems import told
from bot.rulebook.rehearsal import Rehearser
from bot.rulebook.rulebook import Difference, difference
from rules.loading.loader import Loaded
from rules.problems import Problem, ProblemsFound
from rules.spec import RuleSpec

_SHOWN = 12
_YEAR = timedelta(days=365)


async def dryrun(ctx: Context, args: Arguments) -> Reply:
    """Read the files, and show mistakes, changed rules and their fires of the last year; nothing changes."""
    args.done()
    loaded = await asyncio.to_thread(ctx.desk.rulebook.read)
    if not loaded.ok:
        return ctx.reply(_mistakes(ctx, loaded))
    change = difference(ctx.rules, loaded.rules)
    lines = await asyncio.to_thread(_lines, ctx, change, loaded) + await _waiting(ctx)
    buttons = () if change.is_empty else button(ctx.say("button.reload"), "reload")
    return ctx.reply(_told(ctx, "dryrun.title", lines, loaded, buttons=buttons), edit=False)


async def reload(ctx: Context, args: Arguments) -> Reply:
    """Read the files and run them from now on; with a mistake in them, the old rules stay."""
    args.done()
    loaded = await asyncio.to_thread(ctx.desk.rulebook.read)
    if not loaded.ok:
        return ctx.reply(_mistakes(ctx, loaded))
    change = difference(ctx.rules, loaded.rules)
    lines = await asyncio.to_thread(_lines, ctx, change, loaded) + await _waiting(ctx)
    await ctx.desk.rulebook.use(loaded)
    by = line(ctx.say("reload.by", by=ctx.who))
    return ctx.reply(_told(ctx, "reload.title", [*lines, by], loaded), private=False)


async def _waiting(ctx: Context) -> list[Line]:
    """What of the files that are read at the start alone waits for the next one."""
    changed = await asyncio.to_thread(ctx.desk.read_at_start.changed)
    names = ", ".join(dict.fromkeys(path.name for path in changed))
    return [line(ctx.say("reload.restart", files=names))] if names else []


def _told(ctx: Context, key: str, lines: list[Line], loaded: Loaded, *, buttons: tuple[Button, ...] = ()) -> Message:
    title = ctx.say(key, count=len(loaded.rules))
    return Message(
        summary=title,
        title=line("📐 ", bold(title)),
        blocks=(paragraph(*lines),),
        buttons=(buttons,) if buttons else (),
    )


def _mistakes(ctx: Context, loaded: Loaded) -> Message:
    """What is wrong and that nothing changed: a single mistake on one line."""
    if len(loaded.errors) == 1:
        mistake = _mistake(ctx, loaded.errors[0])
        stop = " " if mistake.endswith(("?", "？")) else ctx.say("reload.stop")
        return note(f"✋ {mistake}{stop}{ctx.say('reload.old_stay')}")
    lines = [line(_mistake(ctx, problem)) for problem in loaded.errors[:_SHOWN]]
    if len(loaded.errors) > _SHOWN:
        lines.append(line(ctx.say("why.more", count=len(loaded.errors) - _SHOWN)))
    title = ctx.say("reload.mistakes", count=len(loaded.errors))
    return Message(
        summary=title, title=line("✋ ", bold(title)), blocks=(paragraph(*lines, line(ctx.say("reload.old_stay"))),)
    )


def _mistake(ctx: Context, problem: Problem) -> str:
    return f"{problem.file.rpartition('/')[2]}:{problem.line}:{problem.column} {told(problem, ctx.lang)}"


def _lines(ctx: Context, change: Difference, loaded: Loaded) -> list[Line]:
    if change.is_empty:
        return [line(ctx.say("reload.same"))]
    old: Mapping[str, RuleSpec] = {spec.id: spec for spec in ctx.rules}
    new: Mapping[str, RuleSpec] = {spec.id: spec for spec in loaded.rules}
    lines: list[Line] = []
    for mark, names in (("+", change.added), ("-", change.removed), ("±", change.changed)):
        for name in names[:_SHOWN]:
            fires = " → ".join(_fires(ctx, spec) for spec in (old.get(name), new.get(name)) if spec)
            lines.append(line(f"{mark} ", code(name), ctx.say("reload.fires", fires=fires)))
    return lines


def _fires(ctx: Context, spec: RuleSpec) -> str:
    try:
        rehearser = Rehearser(ctx.market, ctx.universe, ctx.desk.calendars)
        return str(len(rehearser.rehearse(spec, ctx.now - _YEAR, ctx.now).fired))
    except ProblemsFound:
        return "?"
