"""``/replay``: what a rule would have fired, and what followed."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from adapters.chat.port import Reply
from adapters.message import Line, Message, Table
from bot.commands.arguments import Arguments, shown
from bot.commands.asof import day_text
from bot.commands.context import Context, bold, code, line, paragraph
from bot.commands.errors import Refusal, button
from bot.commands.incidents import recent
from bot.commands.nearness import figure
from bot.commands.pictures import Drawing, illustrated
from bot.commands.replayed import Replayed, drawing_of, replayed
from bot.commands.rulebook import nearest_rules, rule_from
from bot.market.view import MarketView
from rules.model import Transition
from rules.numbers import MISSING, percent
from rules.spec import RuleSpec

SPANS = {"1mo": 30, "3mo": 91, "6mo": 182, "1y": 365, "3y": 1095}
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")
_SHOWN = 12
_AHEAD = (1, 5)


@dataclass(frozen=True, slots=True)
class Span:
    """What part of the past is wanted; ``name`` is how it is typed."""

    start: datetime
    end: datetime
    name: str


async def replay(ctx: Context, args: Arguments) -> Reply:
    """Evaluate ``RULE`` over ``[1mo|3mo|6mo|1y|3y|FROM..TO]``; without a rule, that of the newest alert."""
    span = _span(ctx, args)
    spec = await rule_from(ctx, args, example="/replay btc-73k 1y") if args else await _usual(ctx)
    args.done()

    def work() -> tuple[Replayed, Drawing | None]:
        found = replayed(ctx, spec, span.start, span.end)
        return found, drawing_of(ctx, found)

    found, drawing = await asyncio.to_thread(work)
    return ctx.reply(await illustrated(ctx, _message(ctx, found, span), drawing), edit=False)


async def _usual(ctx: Context) -> RuleSpec:
    """The rule of the newest alert, or else the one that is nearest to firing."""
    known = {spec.id: spec for spec in ctx.rules}
    rule = await anext((told[-1].rule async for _, told in recent(ctx) if told[-1].rule in known), "")
    if not rule and (near := await asyncio.to_thread(nearest_rules, ctx)):
        rule = near[0].rule
    if not rule:
        raise Refusal("error.which_rule", example="/replay btc-73k 1y")
    return known[rule]


def _span(ctx: Context, args: Arguments) -> Span:
    for word in args.left:
        match = _RANGE.fullmatch(word)
        if match:
            args.choice({word.casefold(): True}, default=False)
            try:
                first, last = (date.fromisoformat(text) for text in match.groups())
            except ValueError:
                raise Refusal("cal.no_date", word=shown(word)) from None
            start = datetime.combine(first, time(), UTC)
            end = min(datetime.combine(last, time(23, 59, 59), UTC), ctx.now)
            if not start < end or first.year < 2000:
                raise Refusal("replay.no_span", word=shown(word))
            return Span(start, end, word)
    days = args.span(SPANS, 365, example="/replay btc-73k 1y")
    name = next(text for text, count in SPANS.items() if count == days)
    return Span(ctx.now - timedelta(days=days), ctx.now, name)


def _message(ctx: Context, found: Replayed, span: Span) -> Message:
    spec, fired = found.spec, found.rehearsal.fired
    title = ctx.say("replay.title", rule=spec.id, span=span.name)
    told = ("",) if found.on_closes is not None else ()
    rows = tuple(_row(ctx, item, found) for item in sorted(fired, key=found.session, reverse=True)[:_SHOWN])
    header = (ctx.say("replay.date"), "", ctx.say("replay.value"), "+1d", "+5d", *told)
    table = (Table(rows=rows, align="llrrrl"[: len(header)], header=header),) if rows else ()
    others = [other for other in ("3mo", "1y", "3y") if other != span.name]
    choices = [choice for other in others for choice in button(other.upper(), "replay", spec.id, other)]
    return Message(
        summary=f"{title}: {len(fired)}",
        title=line("⏪ ", bold(title), " · ", code(spec.when.text)),
        blocks=(paragraph(*_counts(ctx, found)), *table, paragraph(line(_basis(ctx, found)))),
        footer=line(f"{found.sources} · /replay {spec.id} {span.name} · /sub {spec.id}".removeprefix(" · ")),
        buttons=((*choices, *button(ctx.say("button.sub"), "sub", spec.id, "dm")),),
    )


def _counts(ctx: Context, found: Replayed) -> list[Line]:
    count = ctx.say("replay.count", count=len(found.rehearsal.fired))
    if found.raw > len(found.rehearsal.fired):
        count += ctx.say("replay.raw", count=found.raw)
    facts = []
    if found.median_gap is not None:
        facts.append(ctx.say("replay.gap", days=found.median_gap))
    if found.longest is not None:
        facts.append(ctx.say("replay.longest", days=found.longest))
    if found.missing is not None:
        facts.append(ctx.say("replay.holes", count=found.missing))
    return [line(count), *([line(" · ".join(facts))] if facts else [])]


def _basis(ctx: Context, found: Replayed) -> str:
    since = found.rehearsal.known_since
    if since is None:
        return ctx.say("alert.no_past")
    text = ctx.say("replay.basis", since=day_text(since.date(), ctx.lang, year=True))
    return text if found.on_closes is None else ctx.say("replay.intraday", count=len(found.on_closes)) + text


def _row(ctx: Context, item: Transition, found: Replayed) -> tuple[str, ...]:
    symbol = item.labels.get("symbol", "")
    series = f"prices.{symbol}.close" if symbol else found.price
    day = found.session(item)
    ahead = (
        [percent(forward(ctx.market, series, day, count)) for count in _AHEAD] if series else [MISSING] * len(_AHEAD)
    )
    cells = (day_text(day, ctx.lang, year=True), symbol, figure(ctx, item.value, item.unit, item.series), *ahead)
    if found.on_closes is None:
        return cells
    return (*cells, ctx.say("replay.close_too" if day in found.on_closes else "replay.intraday_only"))


def forward(market: MarketView, series: str, day: date, sessions: int) -> float | None:
    """The return from the close of ``day`` to the close ``sessions`` later; ``None`` where one isn't known."""
    calendar = market.calendar_of(series)
    start = market.on(series, calendar.session_on_or_before(day))
    end = market.on(series, calendar.next(day, sessions))
    if not (start and end) or not start.value or end.value is None:
        return None
    return end.value / start.value - 1
