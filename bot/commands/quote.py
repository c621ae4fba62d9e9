"""``/quote``: one card per instrument; also ``$NVDA`` in text and ``@bot NVDA`` in any chat."""

from __future__ import annotations

from datetime import date, timedelta

from adapters.chat.port import Reply
from adapters.message import Line, Message, Move, Paragraph, Span, Text
from bot.commands.arguments import Arguments, labelled
from bot.commands.asof import Seen, day_text, delays, footer, marked
from bot.commands.concerning import programs_about
from bot.commands.context import Context, bold, line
from bot.commands.errors import button
from bot.commands.names import close_series, ticker, typed
from bot.market.view import Figure
from bot.market.windows import Window, change, is_stale
from bot.routing.subscriptions import subscriptions
from rules.model import CalendarEvent, Status
from rules.numbers import MISSING, money, percent, price
from rules.universe import Instrument, Kind

MOST = 5
_MOST_RULES = 4
_USUAL = ("^NDX", "^SOX", "^HSI", "BTC-USD", "NVDA")


async def quote(ctx: Context, args: Arguments) -> Reply:
    """Show price, changes, market cap, next earnings and rules of up to five instruments, or of what I follow."""
    items = args.instruments(ctx.universe, ctx.lang, most=MOST)
    args.done(ctx.universe, ctx.lang)
    return ctx.reply(card(ctx, items or await followed(ctx)))


async def followed(ctx: Context) -> list[Instrument]:
    """The instruments that the asker subscribed to, or else those that most people ask for."""
    mine = await subscriptions(ctx.desk.documents).at(ctx.request.user.id)
    symbols = [item.matcher.name for item in mine if item.matcher.subject == "symbol"]
    found = [ctx.universe.by_symbol[symbol] for symbol in symbols or _USUAL if symbol in ctx.universe.by_symbol]
    return found[:MOST] or list(ctx.universe.tagged("coverage"))[:MOST]


def card(ctx: Context, items: list[Instrument]) -> Message:
    """The message about ``items``."""
    seen: list[Seen] = []
    paragraphs = [_paragraph(ctx, item, seen) for item in items]
    if len(items) == 1 and (rules := _rules(ctx, items[0])):
        paragraphs.append(Paragraph((line(rules),)))
    late = delays(ctx, seen)
    title = labelled(items[0], ctx.lang) if len(items) == 1 else " · ".join(ticker(item) for item in items)
    symbols = [f"={item.symbol}" for item in items]
    return Message(
        summary=title,
        title=line("📈 ", bold(title)),
        blocks=(*((Paragraph(late),) if late else ()), *paragraphs),
        footer=footer(ctx, seen, "/quote " + " ".join(typed(item, ctx.universe) for item in items)),
        buttons=(button(ctx.say("button.refresh"), "quote", *symbols),),
    )


def _paragraph(ctx: Context, item: Instrument, seen: list[Seen]) -> Paragraph:
    if item.kind is Kind.FUND:
        return Paragraph(_flow_lines(ctx, item, seen))
    last = ctx.market.latest(close_series(item))
    if last is None:
        reason = "quote.no_figure" if item.priced else "quote.unpriced"
        return Paragraph((line(bold(ticker(item)), f" {MISSING} ", ctx.say(reason)),))
    seen.append((ctx.desk.calendars.get(item.calendar), last))
    stale = is_stale(ctx.market, close_series(item), last, ctx.now)
    lines = [_headline(ctx, item, last, stale=stale), _changes(ctx, item)]
    if facts := _facts(ctx, item, last):
        lines.append(line(facts))
    return Paragraph(tuple(lines))


def _rules(ctx: Context, item: Instrument) -> str:
    """The rules that may tell of the instrument, the first few by name."""
    about = programs_about(ctx, item)
    ids = ctx.say("list.comma").join(each.spec.id for each in about[:_MOST_RULES])
    more = " …" if len(about) > _MOST_RULES else ""
    return ctx.say("quote.rules", count=len(about), rules=ids + more) if about else ""


def _headline(ctx: Context, item: Instrument, last: Figure, *, stale: bool) -> Line:
    text = marked(price(last.value, ctx.lang, crypto=item.kind is Kind.CRYPTO), stale=stale)
    unit = "" if item.kind is Kind.INDEX or text.startswith("$") else f" {item.currency}"
    live = f" · {ctx.say('status.partial')}" if last.status is Status.PARTIAL else ""
    return line(bold(f"{ticker(item)} {text}{unit}"), f" {item.name[ctx.lang]}{live}")


def _changes(ctx: Context, item: Instrument) -> Line:
    spans: list[Span] = []
    for window in Window:
        found = change(ctx.market, close_series(item), window)
        spans.append(Text(f"{' · ' if spans else ''}{window.value.upper()} "))
        spans.append(moved(found.ratio) if found else Text(MISSING))
    return tuple(spans)


def moved(ratio: float) -> Move:
    """A change with its arrow; one that rounds to nothing has none."""
    text = percent(ratio)
    return Move(text, 1 if text.startswith("+") else -1 if text.startswith("-") else 0)


def _facts(ctx: Context, item: Instrument, last: Figure) -> str:
    parts = []
    cap = ctx.market.latest(f"prices.{item.symbol}.market_cap")
    if cap:
        text = money(cap.value, item.currency, ctx.lang)
        dated = "" if cap.session == last.session else ctx.say("quote.cap_of", day=day_text(cap.session, ctx.lang))
        parts.append(ctx.say("quote.cap", cap=text + dated))
    event = ctx.market.next_earnings(item.symbol, ctx.now.date())
    if event:
        parts.append(ctx.say("quote.earnings", when=earnings_text(ctx, event)))
    return " · ".join(parts)


def earnings_text(ctx: Context, event: CalendarEvent) -> str:
    """``6 Nov, after close (expected)``."""
    text = day_text(date.fromisoformat(event.start), ctx.lang)
    if event.session != "unknown":
        text += ctx.say(f"session.{event.session}")
    return text if event.status is Status.FINAL else text + ctx.say("quote.expected")


def _flow_lines(ctx: Context, item: Instrument, seen: list[Seen]) -> tuple[Line, ...]:
    series = f"etf_flows.{item.underlying}.{item.symbol}"
    last = ctx.market.latest(series)
    name = line(bold(item.symbol), f" {item.name[ctx.lang]}")
    if last is None:
        return (line(bold(item.symbol), f" {MISSING} ", ctx.say("quote.no_figure")),)
    calendar = ctx.market.calendar_of(series)
    seen.append((calendar, last))
    monday = last.session - timedelta(days=last.session.weekday())
    week = sum(figure.value or 0.0 for figure in ctx.market.history(series, monday, last.session))
    text = ctx.say(
        "quote.flow",
        day=day_text(last.session, ctx.lang),
        flow=money(last.value, "USD", ctx.lang, signed=True),
        week=money(week, "USD", ctx.lang, signed=True),
    )
    return (name, line(text))
