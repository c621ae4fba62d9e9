"""``/replay``: what a rule would have fired, and what followed."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import median

from adapters.chat.port import Reply
from adapters.message import Line, Message, Table
from bot.commands.arguments import Arguments, shown
from bot.commands.asof import day_text
from bot.commands.context import Context, bold, code, line, paragraph
from bot.commands.errors import Refusal, button
from bot.commands.rulebook import rule_from
from bot.market import MarketView
from bot.rehearsal import Rehearsal, Rehearser
from rules.engine import Engine
from rules.model import Transition
from rules.numbers import MISSING, percent, quantity
from rules.spec import RuleSpec

SPANS = {"1mo": 30, "3mo": 91, "6mo": 182, "1y": 365, "3y": 1095}
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")
_SHOWN = 12
_AHEAD = (1, 5)


async def replay(ctx: Context, args: Arguments) -> Reply:
    """Evaluate ``RULE`` over ``[1mo|3mo|6mo|1y|3y|FROM..TO]``."""
    start, end, name = _span(ctx, args)
    spec = await rule_from(ctx, args, example="/replay btc-73k 1y")
    args.done()
    rehearser = Rehearser(ctx.market, ctx.universe, ctx.desk.calendars)
    rehearsal = await asyncio.to_thread(rehearser.rehearse, spec, start, end)
    return ctx.reply(_message(ctx, spec, rehearsal, name), edit=False)


def _span(ctx: Context, args: Arguments) -> tuple[datetime, datetime, str]:
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
                raise Refusal("replay.span", word=shown(word))
            return start, end, word
    days = args.span(SPANS, 365, example="/replay btc-73k 1y")
    name = next(text for text, count in SPANS.items() if count == days)
    return ctx.now - timedelta(days=days), ctx.now, name


def _message(ctx: Context, spec: RuleSpec, rehearsal: Rehearsal, name: str) -> Message:
    fired = rehearsal.fired
    title = ctx.say("replay.title", rule=spec.id, span=name)
    lines: list[Line] = [line(ctx.say("replay.count", count=len(fired)))]
    basis = _basis(ctx, rehearsal)
    days = sorted({(item.observed_at or item.at).date() for item in fired})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    if gaps:
        lines.append(line(ctx.say("replay.gap", days=round(median(gaps)))))
    symbol = _followed(ctx, spec)
    rows = tuple(_row(ctx, item, symbol) for item in reversed(fired[-_SHOWN:]))
    header = (ctx.say("replay.date"), "", ctx.say("replay.value"), "+1d", "+5d")
    table = (Table(rows=rows, align="llrrr", header=header),) if rows else ()
    return Message(
        summary=f"{title}: {len(fired)}",
        title=line("⏪ ", bold(title), " · ", code(spec.when.text)),
        blocks=(paragraph(*lines), *table, paragraph(line(basis))),
        footer=line(f"/replay {spec.id} {name} · /sub {spec.id}"),
        buttons=(
            tuple(
                choice
                for other in ("3mo", "1y", "3y")
                if other != name
                for choice in button(other, "replay", spec.id, other)
            ),
        ),
    )


def _basis(ctx: Context, rehearsal: Rehearsal) -> str:
    if rehearsal.known_since is None:
        return ctx.say("alert.no_past")
    since = day_text(rehearsal.known_since.date(), ctx.lang, year=True)
    return ctx.say("replay.basis", since=since)


def _followed(ctx: Context, spec: RuleSpec) -> str:
    """The instrument whose later closes are shown where a fire has no symbol of its own; ``""`` without one."""
    program = Engine([spec], ctx.universe, ctx.desk.calendars).programs
    anchor = program[0].when.anchor if program else None
    return anchor.key if anchor and anchor.feed == "prices" else ""


def _row(ctx: Context, item: Transition, symbol: str) -> tuple[str, ...]:
    subject = item.labels.get("symbol", "")
    day = (item.observed_at or item.at).date()
    series = f"prices.{subject or symbol}.close"
    ahead = [percent(forward(ctx.market, series, day, count)) for count in _AHEAD] if subject or symbol else []
    cells = (*ahead, *[MISSING] * (len(_AHEAD) - len(ahead)))
    return (day_text(day, ctx.lang, year=True), subject, quantity(item.value, item.unit, ctx.lang), *cells)


def forward(market: MarketView, series: str, day: date, sessions: int) -> float | None:
    """The return from the close of ``day`` to the close ``sessions`` later; ``None`` where one isn't known."""
    calendar = market.calendar_of(series)
    start = market.on(series, calendar.session_on_or_before(day))
    end = market.on(series, calendar.next(day, sessions))
    if not (start and end) or not start.value or end.value is None:
        return None
    return end.value / start.value - 1
