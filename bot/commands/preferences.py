"""``/settings``: how a person, or a chat, wants to be written to."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal
from zoneinfo import available_timezones

from adapters.chat.port import Reply
from adapters.message import Button, Message
from adapters.rendering.times import zone_name
from bot.commands.access import Role
from bot.commands.arguments import Arguments, shown
from bot.commands.context import Context, bold, code, line, paragraph
from bot.commands.errors import Refusal, button
from bot.readers import Profile
from rules.model import Lang
from rules.problems import nearest

_LANGS: dict[str, Lang] = {"zh": "zh", "en": "en", "中文": "zh", "english": "en", "chinese": "zh", "英文": "en"}
_COLOURS: dict[str, Literal["cn", "us", "none"]] = {"cn": "cn", "us": "us", "none": "none", "红涨": "cn", "绿涨": "us"}
_SOUNDS = {"loud": True, "silent": False, "响铃": True, "静音": False}
_KEYWORDS = ("lang", "colour", "color", "tz", "quiet", "sound", "语言", "颜色", "时区", "免打扰", "声音", "·")
_QUIET = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
_ZONES = {"北京": "Asia/Shanghai", "上海": "Asia/Shanghai", "香港": "Asia/Hong_Kong", "纽约": "America/New_York"}


async def settings(ctx: Context, args: Arguments) -> Reply:
    """Show or change language, colours, time zone, quiet hours (``quiet 23:00-07:30|off``) and sound."""
    identity = ctx.request.chat.destination if ctx.shared else ctx.request.user.id
    before = await ctx.desk.profiles.get(identity)
    after = _changed(before, args)
    if after != before:
        if ctx.shared:
            ctx.need(Role.ANALYST)
        await ctx.desk.profiles.put(identity, after)
        ctx = replace(ctx, reader=await ctx.desk.profiles.reader(ctx.request))
    message = _shown(ctx, after, saved=after != before)
    return ctx.reply(message, private=not (ctx.shared and after != before))


def _changed(profile: Profile, args: Arguments) -> Profile:
    for keyword in _KEYWORDS:
        args.choice({keyword: True}, default=False)
    lang = args.choice(_LANGS, profile.lang)
    colour = args.choice(_COLOURS, profile.colour)
    loud = args.choice(_SOUNDS, profile.loud)
    quiet = "" if args.choice({"off": True, "关": True}, default=False) else _quiet(args, profile.quiet)
    tz = _zone(args, profile.tz)
    args.done()
    return Profile(lang=lang, colour=colour, tz=tz, quiet=quiet, loud=loud)


def _quiet(args: Arguments, present: str | None) -> str | None:
    for word in args.left:
        if _QUIET.fullmatch(word):
            return args.choice({word.casefold(): word}, word)
    return present


def _zone(args: Arguments, present: str | None) -> str | None:
    zones = {name.casefold(): name for name in available_timezones()} | _ZONES
    if not args.left:
        return present
    found = args.choice(zones, "", offered=False)
    if found:
        return found
    word = args.left[0]
    if "/" in word:
        guess = nearest(word[:60], zones.values())
        raise Refusal("settings.zone_near" if guess else "settings.zone", word=shown(word), guess=guess)
    return present


def _shown(ctx: Context, profile: Profile, *, saved: bool) -> Message:
    reader = ctx.reader
    quiet = profile.quiet or ctx.say("settings.never")
    name = zone_name(reader.tz, ctx.now, ctx.lang)
    zone = reader.tz if name == reader.tz else ctx.say("settings.zone_named", zone=reader.tz, name=name)
    lines = [
        line(ctx.say("settings.lang"), bold(ctx.say(f"settings.lang.{reader.lang}"))),
        line(ctx.say("settings.colour"), bold(ctx.say(f"settings.colour.{reader.colour.value}"))),
        line(ctx.say("settings.tz"), bold(zone)),
        line(ctx.say("settings.quiet"), bold(quiet)),
        line(ctx.say("settings.sound"), bold(ctx.say("settings.silent" if profile.loud is False else "settings.loud"))),
        line(ctx.say("settings.usage"), code("/settings lang zh · colour cn · tz Asia/Shanghai · quiet 23:00-07:30")),
    ]
    where = ctx.say("settings.chat" if ctx.shared else "settings.own")
    by = ctx.say("settings.saved", by=ctx.who) if saved else ""
    title = ctx.say("settings.title", where=where)
    return Message(
        summary=title, title=line("⚙️ ", bold(title), by), blocks=(paragraph(*lines),), buttons=_choices(ctx, profile)
    )


def _choices(ctx: Context, profile: Profile) -> tuple[tuple[Button, ...], ...]:
    languages = (*button("中文", "settings", "lang", "zh"), *button("English", "settings", "lang", "en"))
    colours = tuple(
        choice
        for name in ("cn", "us", "none")
        for choice in button(ctx.say(f"settings.colour.{name}"), "settings", "colour", name)
    )
    zones = tuple(
        choice
        for name, zone in (("UTC+8", "Asia/Shanghai"), ("ET", "America/New_York"), ("UTC", "UTC"))
        for choice in button(name, "settings", "tz", zone)
    )
    off = button(ctx.say("settings.quiet_off"), "settings", "quiet", "off") if profile.quiet else ()
    return tuple(row for row in (languages, colours, zones, off) if row)
