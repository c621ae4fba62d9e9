"""``/sub``, ``/unsub`` and ``/subs``: which alerts come to me, and which to this chat."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.chat.port import Reply
from adapters.message import Block, Button, Line, Message
from bot.commands.access import Role
from bot.commands.arguments import Arguments
from bot.commands.asof import day_text
from bot.commands.concerning import programs_about
from bot.commands.context import Context, bold, line, note, paragraph
from bot.commands.errors import Refusal, button
from bot.commands.matching import matcher_from, what_of
from bot.routing.subscriptions import Matcher, Silence, Subscription, identity, silences, subscriptions
from bot.rulebook.expectations import YEAR
from bot.rulebook.personal_rules import is_personal
from rules.evaluation.program import Program
from rules.model import Severity, Transition
from rules.numbers import number
from rules.spec import RuleSpec

_MOST = 200
_MOST_REHEARSED, _NAMED = 20, 6
_MONTH = YEAR / 12
_SHOWN = 12
_OFFERED = 3
PLACES = {"here": "here", "dm": "dm", "本群": "here", "私聊": "dm"}
SOUNDS = {"loud": False, "silent": True, "响铃": False, "静音": True}


async def sub(ctx: Context, args: Arguments) -> Reply:
    """Subscribe: ``RULE|#tag|SYM [here|dm] [loud|silent]``; without a word, offer what there is."""
    if not args:
        return ctx.reply(await overview(ctx))
    place = args.choice(PLACES, "dm")
    silent = args.choice(SOUNDS, default=False)
    destination = _destination(ctx, args, place)
    matcher = matcher_from(ctx, args, example="/sub #crypto")
    args.done()
    await follow(ctx, matcher, destination, silent=silent)
    where = ctx.say("sub.here" if destination != ctx.request.user.id else "sub.dm")
    sound = ctx.say("sub.silent" if silent else "sub.loud")
    covered = _covered(ctx, matcher)
    text = ctx.say("sub.done", what=what_of(ctx, matcher), where=where, sound=sound, rules=_rules(ctx, covered))
    if 0 < len(covered) <= _MOST_REHEARSED:
        text += " " + await _expected(ctx, matcher, covered)
    text += ctx.say("sub.by", by=ctx.who) if destination != ctx.request.user.id else ""
    undo = button(ctx.say("button.undo"), "unsub", identity("S", destination, matcher))
    return ctx.reply(note(text, buttons=(*undo, *button(ctx.say("button.subs"), "subs"))), private=place == "dm")


def _destination(ctx: Context, args: Arguments, place: str) -> str:
    if place == "dm" or not ctx.shared:
        return ctx.request.user.id
    if ctx.role < Role.ANALYST:
        words = [word for word in args.all if word.casefold() not in PLACES]
        raise Refusal("error.role_here", buttons=button(ctx.say("button.sub_dm"), args.verb, *words, "dm"))
    return ctx.request.chat.destination


def _covered(ctx: Context, matcher: Matcher) -> Sequence[RuleSpec]:
    """The rules whose alerts a subscription may bring."""
    if matcher.subject == "rule":
        return [spec for spec in ctx.rules if spec.id == matcher.name]
    if matcher.subject == "tag":
        programs = ctx.desk.rulebook.programs(ctx.desk.calendars)
        return [each.spec for each in programs if matcher.name in each.spec.tags or _is_on_list(each, matcher.name)]
    if matcher.subject == "symbol":
        return [each.spec for each in programs_about(ctx, ctx.universe.by_symbol[matcher.name])]
    return list(ctx.rules)


def _is_on_list(program: Program, tag: str) -> bool:
    """Whether the rule tells of single instruments of the list ``tag``; rules about data aren't meant."""
    if program.spec.severity is Severity.HEALTH:
        return False
    return any(tag in item.tags for item in program.members or ())


def _rules(ctx: Context, covered: Sequence[RuleSpec]) -> str:
    """The rules by name where they are few."""
    ids = [spec.id for spec in covered]
    named = ctx.say("list.comma").join(ids[:_NAMED])
    if len(ids) > _NAMED:
        return ctx.say("sub.many_rules", rules=named, count=len(ids))
    return ctx.say("sub.rules", rules=named) if ids else ctx.say("sub.no_rules")


async def _expected(ctx: Context, matcher: Matcher, covered: Sequence[RuleSpec]) -> str:
    """How often the rules fired in a year of what is known, and what that is a month."""
    desk, count, since = ctx.desk, 0, ctx.now
    for rehearsal in await desk.expectations.of(covered, desk.market, desk.universe, desk.calendars, ctx.now):
        fired = [item for item in rehearsal.fired if matcher.matches(item, _lists_of(ctx, item))]
        count += len(fired)
        since = min(since, rehearsal.known_since or since)
    since = max(since, ctx.now - YEAR)
    months = (ctx.now - since) / _MONTH
    rate = ctx.say("sub.rate", rate=number(count / months, 1)) if months >= 1 else ""
    return ctx.say("sub.expected", count=count, since=day_text(since.date(), ctx.lang, year=True), rate=rate)


def _lists_of(ctx: Context, item: Transition) -> frozenset[str]:
    instrument = ctx.universe.by_symbol.get(item.labels.get("symbol", ""))
    return frozenset(instrument.tags if instrument else ())


async def follow(ctx: Context, matcher: Matcher, destination: str, *, silent: bool) -> Subscription:
    """Keep the subscription; refuse more than anybody can mean."""
    register = subscriptions(ctx.desk.documents)
    mine = [item for item in await register.all() if item.owner == ctx.request.user.id]
    if len([item for item in mine if not is_personal(item.matcher.name)]) >= _MOST:
        raise Refusal("sub.too_many", most=_MOST)
    item = Subscription(
        id=identity("S", destination, matcher),
        destination=destination,
        matcher=matcher,
        owner=ctx.request.user.id,
        owner_name=ctx.request.user.name,
        created_at=ctx.now,
        silent=silent,
    )
    await register.put(item)
    return item


async def unsub(ctx: Context, args: Arguments) -> Reply:
    """End a subscription, named as it was made or by its id; without a word, offer what could be ended."""
    if not args:
        return ctx.reply(await overview(ctx))
    place = args.choice(PLACES, "dm")
    register = subscriptions(ctx.desk.documents)
    word = args.left[0] if args.left else ""
    if word.startswith("S-"):
        args.rest()
        key = word
    else:
        key = identity("S", _destination(ctx, args, place), matcher_from(ctx, args, example="/unsub #crypto"))
        args.done()
    found = await register.get(key)
    if found is None:
        return ctx.reply(note(ctx.say("unsub.nothing")), toast=ctx.say("unsub.nothing"))
    may_change(ctx, found.destination, found.owner)
    await register.remove(found.id)
    again = button(ctx.say("button.sub_again"), "sub", str(found.matcher), _place(found))
    text = ctx.say("unsub.done", what=what_of(ctx, found.matcher), by=ctx.who)
    return ctx.reply(note(text, buttons=again), private=found.destination == ctx.request.user.id)


def _place(item: Subscription) -> str:
    return "dm" if item.destination == item.owner else "here"


def may_change(ctx: Context, destination: str, owner: str) -> None:
    """What is one's own anybody may change; what is a chat's, an analyst in that chat; an admin everything."""
    if ctx.role >= Role.ADMIN or destination == ctx.request.user.id:
        return
    if destination != ctx.request.chat.destination and owner != ctx.request.user.id:
        raise Refusal("error.not_yours")
    ctx.need(Role.ANALYST)


async def subs(ctx: Context, args: Arguments) -> Reply:
    """List my subscriptions and silences, and this chat's."""
    args.done()
    return ctx.reply(await overview(ctx))


async def overview(ctx: Context) -> Message:
    """My subscriptions and silences and this chat's, with buttons that end them."""
    blocks: list[Block] = []
    buttons: list[Button] = []
    places = {ctx.request.user.id: "subs.mine", ctx.request.chat.destination: "subs.here"}
    if not ctx.shared:
        places = {ctx.request.user.id: "subs.mine"}
    for destination, heading in places.items():
        everything = await subscriptions(ctx.desk.documents).at(destination)
        following = [item for item in everything if not is_personal(item.matcher.name)]
        muted = [s for s in await silences(ctx.desk.documents).at(destination) if s.end > ctx.now]
        blocks.append(paragraph(line(bold(ctx.say(heading))), *_lines(ctx, following, muted)))
        buttons += [
            c for s in following for c in button(ctx.say("button.unsub", what=what_of(ctx, s.matcher)), "unsub", s.id)
        ]
        buttons += [
            c for m in muted for c in button(ctx.say("button.unmute", what=what_of(ctx, m.matcher)), "unmute", m.id)
        ]
    buttons = [*buttons[:_SHOWN], *await _offers(ctx)]
    rows = tuple(tuple(buttons[index : index + 3]) for index in range(0, len(buttons), 3))
    return Message(
        summary=ctx.say("subs.title"),
        title=line("🔔 ", bold(ctx.say("subs.title"))),
        blocks=tuple(blocks),
        footer=line("/sub #crypto · /subs"),
        buttons=rows,
    )


async def _offers(ctx: Context) -> list[Button]:
    """What more could be followed, and an hour's quiet where there is none."""
    mine = await subscriptions(ctx.desk.documents).at(ctx.request.user.id)
    taken = {item.matcher.name for item in mine if item.matcher.subject in {"tag", "all"}}
    tags = [tag for tag in dict.fromkeys(tag for spec in ctx.rules for tag in spec.tags) if tag not in taken]
    offered = [choice for tag in tags[:_OFFERED] for choice in button(f"🔔 #{tag}", "sub", f"#{tag}", "dm")]
    if ctx.shared and ctx.role < Role.ANALYST:
        return offered
    return [*offered, *button(ctx.say("button.mute_all"), "mute", "all", "1h")]


def _lines(ctx: Context, following: Sequence[Subscription], muted: Sequence[Silence]) -> list[Line]:
    lines = []
    for item in following:
        parked = ctx.say("subs.parked", why=item.parked) if item.parked else ""
        lines.append(
            line(f"• {what_of(ctx, item.matcher)} · {ctx.say('sub.silent' if item.silent else 'sub.loud')}{parked}")
        )
    for silence in muted:
        end = silence.end.astimezone(ctx.zone)
        until = f"{day_text(end.date(), ctx.lang)} {end:%H:%M}"
        lines.append(
            line(
                ctx.say("subs.muted", what=what_of(ctx, silence.matcher), until=until, by=silence.author_name),
                f" · {silence.reason}" if silence.reason else "",
            )
        )
    return lines or [line(ctx.say("subs.nothing"))]
