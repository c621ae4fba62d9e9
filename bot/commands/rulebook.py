"""``/rules``: which rules there are, which are near to firing, what one says and whether its tests pass."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from adapters.chat.port import Reply
from adapters.message import Block, Line, Message, Paragraph
from bot.commands.arguments import Arguments, shown
from bot.commands.asof import moment
from bot.commands.context import Context, bold, code, line, note, paragraph
from bot.commands.errors import Refusal, button
from bot.commands.nearness import nearness, rank
from bot.locale.problems import told
from bot.rulebook import personal
from bot.rulebook.rehearsal import Rehearser
from rules.explaining.standing import Standing
from rules.model import Severity
from rules.packtest import run_test
from rules.problems import ProblemsFound, nearest
from rules.spec import RuleSpec

_MARKS = {Severity.INFO: "🔔", Severity.WARNING: "⚠️", Severity.CRITICAL: "🚨", Severity.HEALTH: "🩺"}
_SHOWN, _NEAREST, _MEMBERS = 15, 8, 6


async def rules(ctx: Context, args: Arguments) -> Reply:
    """``list``, ``near`` (by distance to firing), ``mine``, ``show ID`` or ``test ID``."""
    what = args.choice({name: name for name in ("list", "near", "mine", "show", "test")}, "")
    if what in {"show", "test"} or (not what and args.left):
        spec = await rule_from(ctx, args, example="/rules show btc-73k")
        args.done()
        return ctx.reply(_tested(ctx, spec) if what == "test" else _one(ctx, spec))
    args.done()
    if what == "near":
        return ctx.reply(await _near(ctx))
    if what == "mine":
        mine = [item.spec() for item in await personal.of(ctx.desk.documents, ctx.request.user.id)]
        return ctx.reply(_list(ctx, mine) if mine else note(ctx.say("alerts.nothing")))
    return ctx.reply(_list(ctx, ctx.rules))


async def rule_from(ctx: Context, args: Arguments, *, example: str) -> RuleSpec:
    """Take a rule's id from ``args``: a shared rule, or one of the asker's own alerts by its id."""
    known: Mapping[str, RuleSpec] = {spec.id.casefold(): spec for spec in ctx.rules}
    mine = await personal.of(ctx.desk.documents, ctx.request.user.id)
    own = {name: item.spec() for item in mine for name in (item.id.casefold(), item.rule_id)}
    found = args.choice({**known, **own}, None, offered=False)
    if found is not None:
        return found
    if not args.left:
        raise Refusal("error.which_rule", example=example)
    word = args.left[0]
    guess = nearest(word[:60], known)
    raise Refusal("error.no_rule_near" if guess else "error.no_rule", word=shown(word), guess=guess)


def _list(ctx: Context, specs: Sequence[RuleSpec]) -> Message:
    lines = [line(f"{_MARKS.get(spec.severity, '')} ", code(spec.id), f" {spec.title[ctx.lang]}") for spec in specs]
    title = ctx.say("rules.title", count=len(specs))
    return Message(
        summary=title,
        title=line("📐 ", bold(title)),
        blocks=(Paragraph(tuple(lines[:60])),),
        footer=line("/rules near · /rules show ID · /rules test ID"),
        buttons=((*button(ctx.say("button.near"), "rules", "near"), *button(ctx.say("button.alerts"), "alerts")),),
    )


async def _near(ctx: Context) -> Message:
    ordered = await asyncio.to_thread(nearest_rules, ctx)
    true: dict[str, list[str]] = {}
    for item in ordered:
        if item.holds:
            true.setdefault(item.rule, []).append(item.symbol)
    lines = [_true_line(ctx, rule, symbols) for rule, symbols in true.items()]
    lines += [_near_line(ctx, item) for item in ordered if not item.holds][: max(_SHOWN - len(lines), _NEAREST)]
    title = ctx.say("rules.near")
    return Message(
        summary=title,
        title=line("📐 ", bold(title)),
        blocks=(paragraph(*lines) if lines else paragraph(line(ctx.say("rules.nothing_near"))),),
        footer=line(ctx.say("why.basis", at=moment(ctx, ctx.now))),
        buttons=(button(ctx.say("button.refresh"), "rules", "near"),),
    )


def nearest_rules(ctx: Context) -> list[Standing]:
    """Where every rule, and every member of one, stands that can be measured: the nearest to firing first."""
    found = Rehearser(ctx.market, ctx.universe, ctx.desk.calendars).stand(list(ctx.rules), ctx.now)
    return sorted((item for item in found if item.distance is not None), key=rank)


def _true_line(ctx: Context, rule: str, symbols: Sequence[str]) -> Line:
    """A rule that is true already, with the members for which it is."""
    shown = " ".join(symbol for symbol in symbols[:_MEMBERS] if symbol) + (" …" if len(symbols) > _MEMBERS else "")
    return line(code(rule), bold(f" {shown}" if shown else ""), f" · {ctx.say('near.true')}")


def _near_line(ctx: Context, item: Standing) -> Line:
    subject = f" {item.symbol}" if item.symbol else ""
    return line(code(item.rule), bold(subject), f" · {nearness(ctx, item)}")


def _one(ctx: Context, spec: RuleSpec) -> Message:
    lines = [line("when: ", code(spec.when.text))]
    for key, expression in (("clear", spec.clear), ("rearm", spec.rearm)):
        if expression:
            lines.append(line(f"{key}: ", code(expression.text)))
    if spec.for_each:
        lines.append(line("for_each: ", code(spec.for_each)))
    if spec.once_per:
        lines.append(line("once_per: ", code(spec.once_per.value)))
    if spec.tags:
        lines.append(line("tags: " + " ".join(f"#{tag}" for tag in spec.tags)))
    if spec.notes:
        lines.append(line(spec.notes))
    return Message(
        summary=f"{spec.id}: {spec.title[ctx.lang]}",
        title=line(f"{_MARKS.get(spec.severity, '')} ", bold(spec.title[ctx.lang]), " · ", code(spec.id)),
        blocks=(paragraph(*lines),),
        footer=line(f"{spec.file.rpartition('/')[2]}:{spec.line}"),
        buttons=(
            (
                *button(ctx.say("button.replay"), "replay", spec.id, "1y"),
                *button(ctx.say("button.why_now"), "why", spec.id),
                *button(ctx.say("button.sub"), "sub", spec.id, "dm"),
                *button(ctx.say("button.test"), "rules", "test", spec.id),
            ),
        ),
    )


def _tested(ctx: Context, spec: RuleSpec) -> Message:
    tests = [test for test in ctx.desk.rulebook.current.tests if test.rule == spec.id]
    if not tests:
        return note(ctx.say("rules.no_tests", rule=spec.id))
    try:
        outcomes = [run_test(test, spec, ctx.universe, ctx.desk.calendars) for test in tests]
    except ProblemsFound as found:
        return note(ctx.say("rules.broken", rule=spec.id, what=told(found.problems[0], ctx.lang)))
    lines: list[Line] = []
    for outcome in outcomes:
        lines.append(line(f"{'✓' if outcome.ok else '✗'} {outcome.title.rpartition('/')[2]}"))
        lines += [] if outcome.ok else [line(code(text)) for text in outcome.differences()[:10]]
    passed = sum(outcome.ok for outcome in outcomes)
    title = ctx.say("rules.tested", rule=spec.id, passed=passed, count=len(outcomes))
    blocks: tuple[Block, ...] = (paragraph(*lines),)
    return Message(summary=title, title=line("🧪 ", bold(title)), blocks=blocks)
