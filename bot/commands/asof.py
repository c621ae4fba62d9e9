"""As of when, and from whom: the last line of every answer, and the marks on figures that are late or preliminary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from adapters.feeds.port import source_names
from adapters.message import Instant, Line, Span, Text
from adapters.rendering.times import zone_name
from bot.commands.context import Context
from bot.locale import say
from bot.locale.holidays import holiday_name
from bot.locale.sources import source_name
from bot.market.view import Figure
from bot.market.windows import due_session
from rules.calendars.holidays import holiday
from rules.calendars.sessions import Calendar
from rules.model import Lang, Status
from rules.numbers import STALE

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAYS_ZH = "一二三四五六日"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MARKETS = {"XNYS": "market.XNYS", "XHKG": "market.XHKG"}

Seen = tuple[Calendar, Figure]
"""A figure with the calendar that its session belongs to."""


def day_text(day: date, lang: Lang, *, weekday: bool = False, year: bool = False) -> str:
    """``1 Nov``, ``Fri 1 Nov 2024``; ``11-01``, ``2024-11-01（周五）``."""
    if lang == "zh":
        text = f"{day:%Y-%m-%d}" if year else f"{day:%m-%d}"
        return f"{text}（周{_DAYS_ZH[day.weekday()]}）" if weekday else text
    text = f"{day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")
    return f"{_DAYS[day.weekday()]} {text}" if weekday else text


def market_name(calendar: Calendar, lang: Lang) -> str:
    """``HK``, ``港股``; the calendar's own name for a market without one."""
    return say(lang, _MARKETS[calendar.name]) if calendar.name in _MARKETS else calendar.name


def instant_of(ctx: Context, calendar: Calendar, figure: Figure) -> Instant:
    """When the figure was true: a close is called one."""
    is_close = calendar.name in _MARKETS and figure.at == calendar.close(figure.session)
    return Instant(figure.at, str(calendar.tz), ctx.say("asof.close" if is_close else "asof.at"))


def footer(ctx: Context, seen: Iterable[Seen], *more: str) -> Line:
    """The newest instant of each calendar, the sources, then ``more`` (the command that repeats this)."""
    newest: dict[str, Seen] = {}
    sources: dict[str, None] = {}
    for calendar, figure in seen:
        sources[figure.source] = None
        if calendar.name not in newest or figure.at > newest[calendar.name][1].at:
            newest[calendar.name] = (calendar, figure)
    spans: list[Span] = []
    for calendar, figure in sorted(newest.values(), key=lambda item: item[1].at, reverse=True):
        spans += [Text(" · ")] * bool(spans) + [instant_of(ctx, calendar, figure)]
    named = dict.fromkeys(source_name(source, ctx.lang) for source in sources if source)
    rest = [*named, *(part for part in more if part)]
    joined = " · ".join(rest)
    return (*spans, Text(f" · {joined}" if spans and joined else joined))


def moment(ctx: Context, at: datetime) -> str:
    """An instant of ours (not of a market) in the reader's zone: ``2 Nov 02:00 UTC``, ``北京时间 11-02 10:00``."""
    local = at.astimezone(ctx.zone)
    year = local.year != ctx.now.astimezone(ctx.zone).year
    when, zone = f"{day_text(local.date(), ctx.lang, year=year)} {local:%H:%M}", zone_name(ctx.reader.tz, at, ctx.lang)
    if ctx.lang == "en":
        return f"{when} {zone}"
    return f" {zone} {when}" if zone.isascii() else f"{zone}时间 {when}"


def marked(text: str, *, stale: bool) -> str:
    """``text`` with the mark of a figure that a newer one should have replaced."""
    return f"{text}{STALE}" if stale else text


def delays(ctx: Context, seen: Sequence[Seen]) -> tuple[Line, ...]:
    """One line for each source whose figures are late, and for each market that rests today."""
    lines: list[Line] = []
    late: dict[str, Seen] = {}
    for calendar, figure in seen:
        due = due_session(calendar, ctx.now)
        if figure.session < due and (figure.source not in late or figure.session > late[figure.source][1].session):
            late[figure.source] = (calendar, figure)
    for source, (calendar, figure) in late.items():
        lines.append((Text(_delay(ctx, source, calendar, figure)),))
    for calendar in {calendar.name: calendar for calendar, _ in seen}.values():
        lines += _rest(ctx, calendar, seen)
    return tuple(lines)


def _delay(ctx: Context, source: str, calendar: Calendar, figure: Figure) -> str:
    count = _sessions_between(calendar, figure.session, due_session(calendar, ctx.now))
    behind = ctx.say("asof.session" if count == 1 else "asof.sessions", count=count)
    shown, named = _past_day(ctx, figure.session), source_name(source, ctx.lang)
    known = (ctx.market.health.get(name) for name in source_names(source))
    health = next((each for each in known if each and each.degraded_since), None)
    if health and health.degraded_since:
        since = _clock(health.degraded_since, ctx)
        return ctx.say("asof.down", source=named, since=since, day=shown, behind=behind)
    return ctx.say("asof.late", source=named, day=shown, behind=behind)


def _rest(ctx: Context, calendar: Calendar, seen: Sequence[Seen]) -> list[Line]:
    today = ctx.now.astimezone(calendar.tz).date()
    if calendar.name not in _MARKETS or today.weekday() >= 5 or calendar.is_session(today):
        return []
    newest = max(figure.session for other, figure in seen if other.name == calendar.name)
    name = holiday_name(holiday(calendar.name, today), ctx.lang)
    market, day, why = market_name(calendar, ctx.lang), _past_day(ctx, newest), f"（{name}）" if name else ""
    return [(Text(ctx.say("asof.closed", market=market, day=day, why=why)),)]


def _past_day(ctx: Context, day: date) -> str:
    """The day, with its year unless that is the running one."""
    return day_text(day, ctx.lang, year=day.year != ctx.now.astimezone(ctx.zone).year)


def _sessions_between(calendar: Calendar, first: date, last: date) -> int:
    count, day = 0, last
    while day > first and count < 99:
        day = calendar.previous(day)
        count += 1
    return count


def _clock(instant: datetime, ctx: Context) -> str:
    local = instant.astimezone(ctx.zone)
    return f"{local:%H:%M}" if local.date() == ctx.now.astimezone(ctx.zone).date() else f"{local:%m-%d %H:%M}"


def is_preliminary(figure: Figure) -> bool:
    """Whether the figure may still be completed."""
    return figure.status is not Status.FINAL
