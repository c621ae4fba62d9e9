"""``/help``, ``/start`` and ``/tg_info``: the way in."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from adapters.chat.port import Reply
from adapters.message import Block, Line, Message
from bot.commands.access import Role
from bot.commands.arguments import Arguments
from bot.commands.context import Context, Group, Verb, bold, code, line, note, paragraph
from bot.commands.errors import button
from bot.commands.following import follow
from bot.readers import lang_of
from bot.routing.subscriptions import Matcher

_FIRST_TAGS = ("crypto", "etf", "semis", "us")


async def help_(ctx: Context, args: Arguments) -> Reply:
    """List what can be asked, by group with an example each, or explain one verb."""
    verb = args.choice(ctx.verbs, None)
    args.choice({f"/{name}": verb for name, verb in ctx.verbs.items()}, verb)
    args.done()
    return ctx.reply(_one(ctx, verb) if verb else _all(ctx))


def _one(ctx: Context, verb: Verb) -> Message:
    head = f"/{verb.name}"
    lines = [line(ctx.say(f"help.{verb.name}"))]
    if verb.arguments:
        lines.append(line(code(f"{head} {verb.arguments}")))
    lines.append(line(ctx.say("help.example"), code(verb.example)))
    if verb.role > Role.VIEWER:
        lines.append(line(ctx.say(f"help.role_{verb.role.name.lower()}")))
    words = verb.example.removeprefix("/").split()
    return Message(
        summary=f"{head}: {ctx.say(f'help.{verb.name}')}",
        title=line("❔ ", bold(head)),
        blocks=(paragraph(*lines),),
        buttons=((*button(ctx.say("button.try"), *words), *button(ctx.say("button.help"), "help")),),
    )


def _all(ctx: Context) -> Message:
    blocks: list[Block] = []
    for group in get_args(Group):
        verbs = [
            v for v in ctx.verbs.values() if v.group == group and v.listed and v.role <= max(ctx.role, Role.VIEWER)
        ]
        lines: list[Line] = [line(bold(ctx.say(f"help.group.{group}")))] if verbs else []
        lines += [line(code(verb.example), f" {ctx.say(f'help.{verb.name}')}") for verb in verbs]
        if lines:
            blocks.append(paragraph(*lines))
    return Message(
        summary=ctx.say("help.title"),
        title=line("❔ ", bold(ctx.say("help.title"))),
        blocks=tuple(blocks),
        footer=line(ctx.say("help.more")),
        buttons=(
            (*button("/movers", "movers"), *button("/flows", "flows"), *button("/idx", "idx"), *button("/cal", "cal")),
        ),
    )


async def start(ctx: Context, args: Arguments) -> Reply:
    """Set somebody up: the language, then something to follow, then something to try."""
    lang = args.choice({"en": "en", "zh": "zh"}, "")
    tag = args.choice({f"#{name}": name for name in ctx.universe.tags | set(_FIRST_TAGS)}, "")
    args.rest()
    if lang:
        chosen = lang_of(lang)
        profile = await ctx.desk.profiles.get(ctx.request.user.id)
        await ctx.desk.profiles.put(ctx.request.user.id, replace(profile, lang=chosen))
        ctx = replace(ctx, reader=await ctx.desk.profiles.reader(ctx.request))
        return ctx.reply(_what_to_follow(ctx))
    if tag:
        await follow(ctx, Matcher("tag", tag), ctx.request.user.id, silent=False)
        return ctx.reply(_what_to_try(ctx, tag))
    text = ctx.say("start.welcome", name=ctx.request.user.name or ctx.say("start.you"))
    languages = (*button("English", "start", "en"), *button("中文", "start", "zh"))
    return ctx.reply(note(text, buttons=languages))


def _what_to_follow(ctx: Context) -> Message:
    known = {tag for spec in ctx.rules for tag in spec.tags}
    tags = [tag for tag in _FIRST_TAGS if tag in known]
    choices = tuple(choice for tag in tags for choice in button(f"#{tag}", "start", f"#{tag}"))
    return note(ctx.say("start.follow"), buttons=(*choices, *button(ctx.say("button.later"), "help")))


def _what_to_try(ctx: Context, tag: str) -> Message:
    choices = (*button("/movers", "movers"), *button("/flows", "flows"), *button(ctx.say("button.help"), "help"))
    return note(ctx.say("start.done", tag=tag), buttons=choices)


async def cancel(ctx: Context, args: Arguments) -> Reply:
    """Drop a question: it is replaced by a word that says so."""
    args.rest()
    text = ctx.say("cancel.done")
    return ctx.reply(note(text), toast=text)


async def tg_info(ctx: Context, args: Arguments) -> Reply:
    """Say the ids of the person and the chat: what the settings of the bot need to let them in."""
    args.rest()
    chat = ctx.request.chat.destination
    base, _, topic = chat.partition("/")
    lines = [line(ctx.say("tg_info.chat"), code(base))]
    if topic:
        lines.append(line(ctx.say("tg_info.topic"), code(topic)))
    lines.append(line(ctx.say("tg_info.user"), code(ctx.request.user.id)))
    lines.append(line(ctx.say("tg_info.role"), ctx.say(f"role.{ctx.role.name.lower()}")))
    return ctx.reply(Message(summary=f"{base} {ctx.request.user.id}", title=line("🪪 ID"), blocks=(paragraph(*lines),)))
