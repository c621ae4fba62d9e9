"""``/alert``, ``/alerts`` and ``/unalert``: what one person wants to be told."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from adapters.chat.port import Reply
from adapters.message import Button, Line, Message
from adapters.rendering.text import clean
from bot.alerts.incidents import NUMBERS
from bot.commands.arguments import Arguments, shown
from bot.commands.asof import day_text, moment
from bot.commands.context import Context, bold, code, line, note, paragraph
from bot.commands.errors import Refusal, button
from bot.commands.nearness import nearness, rank
from bot.commands.understanding import series_in, understood
from bot.locale.problems import told
from bot.routing.subscriptions import Matcher, Subscription, identity, subscriptions
from bot.rulebook import personal
from bot.rulebook.personal import PersonalAlert
from bot.rulebook.personal_rules import is_personal
from bot.rulebook.rehearsal import Rehearsal, Rehearser
from rules.explaining.standing import Standing
from rules.language.scope import Scope
from rules.problems import ProblemsFound
from rules.spec import SeriesSpec

_LIFE, _LONGEST_LIFE = timedelta(days=90), timedelta(days=366)
_PAGE = 9
_UNTIL = re.compile(r"(?:until|expires?|到期|至)\s*(\d{4}-\d{2}-\d{2}|\d{1,3}d)\s*$", re.IGNORECASE)
_MODE = re.compile(r"\s(repeat|repeating|once|重复|一次)\s*$", re.IGNORECASE)
_LONGEST = 500
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed after ``/alert``, without its options."""

    text: str
    repeats: bool
    expires_at: datetime


async def alert(ctx: Context, args: Arguments) -> Reply:
    """Keep ``EXPRESSION [repeat] [until DATE]`` and say what was understood, how near it is and how often it fired."""
    typed = " ".join(clean(unicodedata.normalize("NFKC", args.text)).split())
    args.rest()
    if not typed:
        return await alerts(ctx, args)
    wish = _wish(ctx, typed)
    try:
        when = understood(ctx, wish.text)
    except ProblemsFound as found:
        raise _mistake(ctx, found, wish.text) from None
    made = own_alert(ctx, typed=wish.text, when=when, expires_at=wish.expires_at, repeats=wish.repeats)
    standing, rehearsal = await asyncio.to_thread(_looked_at, ctx, made)
    await keep(ctx, made)
    return ctx.reply(_confirmation(ctx, made, standing, rehearsal), edit=False)


def own_alert(
    ctx: Context,
    *,
    typed: str,
    when: str,
    expires_at: datetime,
    repeats: bool = False,
    series: Mapping[str, SeriesSpec] | None = None,
) -> PersonalAlert:
    """An alert of the asker's own; the same condition twice is one alert. ``series`` are those beside prices."""
    key = personal.alert_id(ctx.request.user.id, when, repeats=repeats)
    return PersonalAlert(
        id=key,
        owner=ctx.request.user.id,
        owner_name=ctx.request.user.name,
        typed=typed,
        when=when,
        created_at=ctx.now,
        expires_at=expires_at,
        repeats=repeats,
        price=None if repeats or series else personal.waits_for(key, when, Scope(ctx.universe)),
        series=series_in(ctx, when) if series is None else series,
    )


def _mistake(ctx: Context, found: ProblemsFound, text: str) -> Refusal:
    first = found.problems[0]
    return Refusal("alert.mistake", column=first.column, what=told(first, ctx.lang, text))


def _wish(ctx: Context, typed: str) -> Wish:
    if len(typed) > _LONGEST:
        raise Refusal("error.long", longest=_LONGEST)
    expires, repeats = ctx.now + _LIFE, False
    while found := _MODE.search(typed) or _UNTIL.search(typed):
        if found.re is _UNTIL:
            expires = _expiry(ctx, found[1])
        else:
            repeats = found[1].casefold() in {"repeat", "repeating", "重复"}
        typed = typed[: found.start()].strip()
    return Wish(typed, repeats, expires)


def _expiry(ctx: Context, word: str) -> datetime:
    try:
        if word.endswith(("d", "D")):
            end = ctx.now + timedelta(days=int(word[:-1]))
        else:
            end = datetime.combine(date.fromisoformat(word), time(23, 59, 59), ctx.zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal("cal.no_date", word=shown(word)) from None
    if not ctx.now < end <= ctx.now + _LONGEST_LIFE:
        raise Refusal("alert.expiry", word=shown(word), longest=_LONGEST_LIFE.days)
    return end


def _looked_at(ctx: Context, made: PersonalAlert) -> tuple[Standing | None, Rehearsal | None]:
    """Where the alert stands and what it would have fired; ``None`` where that can't be told."""
    rehearser = Rehearser(ctx.market, ctx.universe, ctx.desk.calendars)
    # As if it repeated: how often its condition came true is what its owner wants to know.
    spec = replace(made, repeats=True).spec()
    try:
        found = rehearser.stand([spec], ctx.now)
        return (found[0] if found else None), rehearser.rehearse(spec, ctx.now - _YEAR, ctx.now)
    except ProblemsFound as problems:
        raise _mistake(ctx, problems, spec.when.text) from None


async def keep(ctx: Context, made: PersonalAlert) -> None:
    """Keep the alert and the asker's subscription to it; refuse more than a person may have."""
    mine = await personal.of(ctx.desk.documents, made.owner)
    if len(mine) >= ctx.desk.most_alerts and made.id not in {item.id for item in mine}:
        raise Refusal("alert.too_many", most=ctx.desk.most_alerts)
    if made.price is None:
        await subscriptions(ctx.desk.documents).put(_subscription(made))
    # last, since the engine runs it from now on, and would find nobody to tell
    await personal.keep(ctx.desk.documents, made)


def _subscription(made: PersonalAlert) -> Subscription:
    matcher = Matcher("rule", made.rule_id)
    return Subscription(
        id=identity("S", made.owner, matcher),
        destination=made.owner,
        matcher=matcher,
        owner=made.owner,
        owner_name=made.owner_name,
        created_at=made.created_at,
    )


def _confirmation(ctx: Context, made: PersonalAlert, standing: Standing | None, rehearsal: Rehearsal | None) -> Message:
    lines: list[Line] = [line(ctx.say("alert.understood"), code(made.when))]
    if standing:
        lines.append(line(ctx.say("alert.holds") if standing.holds else nearness(ctx, standing)))
    if rehearsal:
        lines.append(line(_past(ctx, rehearsal)))
    mode = ctx.say("alert.repeats" if made.repeats else "alert.once")
    lines.append(line(ctx.say("alert.life", mode=mode, until=day_text(made.expires_at.date(), ctx.lang, year=True))))
    return Message(
        summary=f"{made.id}: {made.typed}",
        title=line("🔔 ", bold(made.typed), " · ", code(made.id)),
        blocks=(paragraph(*lines),),
        footer=line(ctx.say("alert.basis", at=moment(ctx, ctx.now))),
        buttons=((*button(ctx.say("button.undo"), "unalert", made.id), *button(ctx.say("button.alerts"), "alerts")),),
    )


def _past(ctx: Context, rehearsal: Rehearsal) -> str:
    if rehearsal.known_since is None:
        return ctx.say("alert.no_past")
    since = max(rehearsal.known_since, rehearsal.start).date()
    days = [day_text((item.observed_at or item.at).date(), ctx.lang, year=True) for item in rehearsal.fired[-3:]]
    listed = f"（{'、'.join(days)}）" if ctx.lang == "zh" else f" ({', '.join(days)})"
    shown_days = listed if days else ""
    return ctx.say(
        "alert.past", count=len(rehearsal.fired), days=shown_days, since=day_text(since, ctx.lang, year=True)
    )


async def alerts(ctx: Context, args: Arguments) -> Reply:
    """List my alerts, the nearest to firing first, with a button each to end them."""
    page = args.integer(1, low=1, high=99)
    args.done()
    mine = await personal.of(ctx.desk.documents, ctx.request.user.id)
    living = [item for item in mine if item.expires_at > ctx.now]
    if not living:
        return ctx.reply(note(ctx.say("alerts.nothing")))
    standing = await asyncio.to_thread(_standing_of, ctx, living)
    living.sort(key=lambda item: rank(standing.get(item.rule_id)))
    chosen = living[(page - 1) * _PAGE : page * _PAGE]
    fired = await _numbers(ctx)
    lines = [_entry(ctx, item, standing.get(item.rule_id), fired.get(item.rule_id, "")) for item in chosen]
    title = ctx.say("alerts.title", count=len(living))
    return ctx.reply(
        Message(
            summary=title,
            title=line("🔔 ", bold(title)),
            blocks=(paragraph(*lines),),
            footer=line(ctx.say("alert.basis", at=moment(ctx, ctx.now))),
            buttons=_list_buttons(chosen, page, len(living)),
        )
    )


def _standing_of(ctx: Context, items: Sequence[PersonalAlert]) -> dict[str, Standing]:
    rehearser = Rehearser(ctx.market, ctx.universe, ctx.desk.calendars)
    found: dict[str, Standing] = {}
    try:
        return {item.rule: item for item in rehearser.stand([item.spec() for item in items], ctx.now)}
    except ProblemsFound:
        # One that no longer compiles (its instrument left the universe) must not hide the others.
        for item in items:
            try:
                found |= {each.rule: each for each in rehearser.stand([item.spec()], ctx.now)}
            except ProblemsFound:
                continue
    return found


def _entry(ctx: Context, item: PersonalAlert, standing: Standing | None, number: str) -> Line:
    near = nearness(ctx, standing) if standing else ctx.say("alert.broken")
    fired = f" · {number}" if number else ""
    return line(code(item.id), " ", bold(item.typed), f" · {near}{fired}")


async def _numbers(ctx: Context) -> dict[str, str]:
    """The numbers of the alerts that personal rules fired, by rule."""
    stored = await ctx.desk.documents.all(NUMBERS)
    return {key.partition("{")[0]: text.strip('"') for key, text in stored.items() if is_personal(key)}


def _list_buttons(chosen: Sequence[PersonalAlert], page: int, count: int) -> tuple[tuple[Button, ...], ...]:
    ends = [choice for item in chosen for choice in button(f"✕ {item.typed[:20]}", "unalert", item.id)]
    rows = [tuple(ends[index : index + 3]) for index in range(0, len(ends), 3)]
    turns = (*(button("◀", "alerts", str(page - 1)) if page > 1 else ()),)
    turns += button("▶", "alerts", str(page + 1)) if page * _PAGE < count else ()
    return (*rows, turns) if turns else tuple(rows)


async def unalert(ctx: Context, args: Arguments) -> Reply:
    """End one of my alerts by its id, or ``all`` of them."""
    mine = {item.id: item for item in await personal.of(ctx.desk.documents, ctx.request.user.id)}
    if not args:
        return await alerts(ctx, args)
    everything = args.choice({"all": True, "全部": True}, default=False)
    chosen = args.choice({key.casefold(): item for key, item in mine.items()}, None)
    if not everything and chosen is None:
        if args.left and args.left[0].upper().startswith("P-"):
            return ctx.reply(note(ctx.say("unalert.nothing")), toast=ctx.say("unalert.nothing"))
        raise Refusal("unalert.usage")
    args.done()
    ended = list(mine.values()) if everything else [chosen] if chosen else []
    for item in ended:
        await personal.forget(ctx.desk.documents, item.id)
        await subscriptions(ctx.desk.documents).remove(identity("S", item.owner, Matcher("rule", item.rule_id)))
    what = ", ".join(item.typed for item in ended[:5]) + (" …" if len(ended) > 5 else "")
    text = ctx.say("unalert.done", count=len(ended), what=what)
    again = tuple(
        choice
        for item in ended[:1]
        for choice in button(
            ctx.say("button.again"), "alert", *item.typed.split(), *(["repeat"] if item.repeats else [])
        )
    )
    return ctx.reply(note(text, buttons=again), toast=text[:190])
