"""``/chart``: the price of an instrument, or how it did against another, as a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from adapters.chat.port import Reply
from adapters.message import Instant, Line, Message, Paragraph
from bot.alerts.charts import chart_of
from bot.charts.candles import Candle, candles
from bot.charts.fires import Marked, fired_line
from bot.charts.lines import area
from bot.charts.png import label_language
from bot.charts.svg import Frame
from bot.commands.arguments import Arguments, labelled
from bot.commands.asof import day_text, delays, footer
from bot.commands.context import Context, bold, code, line
from bot.commands.errors import Refusal, button
from bot.commands.fired import Marks, marks_on, programs_watching
from bot.commands.incidents import companions, history, numbered
from bot.commands.names import close_series, ticker, typed
from bot.commands.pictures import Drawing, frame, illustrated
from bot.commands.quote import followed, moved
from bot.locale.sources import source_name
from bot.market.view import Figure
from rules.model import SeriesName, TransitionKind
from rules.numbers import number, price
from rules.universe import Instrument, Kind

SPANS = {"1mo": 30, "3mo": 91, "6mo": 182, "1y": 365, "3y": 1095}
_MARKS = {"alerts": True, "提醒": True}
_MOST_CANDLES = 70
_LISTED = 8
_SMALL_PRICE = 20.0
"""Below this the axis, which has whole numbers, says nothing; the line then starts at 100."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line of closes, oldest first, with how each is written; ``rebased`` when the first is 100."""

    days: tuple[date, ...]
    values: tuple[float, ...]
    written: tuple[str, ...]
    rebased: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be drawn: one instrument, or one over another, over so many days; with the rules' marks or without."""

    items: tuple[Instrument, ...]
    days: int
    marked: bool = False

    @property
    def span(self) -> str:
        """The span as it is typed."""
        return next(text for text, count in SPANS.items() if count == self.days)


async def chart(ctx: Context, args: Arguments) -> Reply:
    """Draw ``SYM [1mo|3mo|6mo|1y|3y] [vs SYM2] [alerts]``, or what an alert was about by its number."""
    days = args.span(SPANS, 91, example="/chart NVDA 3mo")
    wants_marks = args.choice(_MARKS, default=False)
    args.choice({"vs": True, "对比": True}, default=False)
    number = next((numbered(word) for word in args.left if numbered(word)), "")
    if number:
        args.rest()
        return await _of_alert(ctx, number, days)
    items = args.instruments(ctx.universe, ctx.lang, most=2)
    args.done(ctx.universe, ctx.lang)
    asked = Asked(tuple(items or (await followed(ctx))[:1]), days, marked=wants_marks and len(items) < 2)
    return await _of_price(ctx, asked)


async def _of_price(ctx: Context, asked: Asked) -> Reply:
    first = ctx.now.date() - timedelta(days=asked.days)
    known = [_closes(ctx, item, first) for item in asked.items]
    if min(len(figures) for figures in known) < 2:
        raise Refusal("chart.nothing", name=" / ".join(labelled(item, ctx.lang) for item in asked.items))
    drawn = _against(known[0], known[1]) if len(asked.items) == 2 else _line(ctx, asked.items[0], known[0])
    watching = await programs_watching(ctx, asked.items[0]) if asked.marked else ()
    named = (source_name(figure.source, label_language(ctx.lang)) for figures in known for figure in figures)
    sources = ", ".join(dict.fromkeys(named))

    def work() -> tuple[Drawing, Marks | None]:
        found = marks_on(ctx, asked.items[0], watching, drawn.days[0]) if asked.marked else None
        svg = _draw(ctx, asked.items, drawn, sources, found)
        return Drawing(svg, f"{ticker(asked.items[0])}-{asked.span}", _title(ctx, asked.items)), found

    drawing, marks = await asyncio.to_thread(work)
    return ctx.reply(await illustrated(ctx, _message(ctx, asked, drawn, marks), drawing), edit=False)


async def _of_alert(ctx: Context, number: str, days: int) -> Reply:
    """The picture that follows the alert; where it has none, the price that it is about."""
    told = [(each.number, await history(ctx, each.number)) for each in await companions(ctx, number)]
    if not told:
        raise Refusal("error.no_alert", word=number)
    fired = [next((item for item in past if item.kind is TransitionKind.FIRED), past[-1]) for _, past in told]
    title = f"{fired[0].title[ctx.lang]} · {number}"

    svg = await asyncio.to_thread(chart_of, fired, ctx.market, label_language(ctx.lang), ctx.reader.colour)
    if svg is None:
        keys = [SeriesName.parse(name).key for item in fired for name in item.series]
        items = tuple(ctx.universe.by_symbol[key] for key in keys[:1] if key in ctx.universe.by_symbol)
        if not items:
            raise Refusal("chart.no_picture", number=number)
        return await _of_price(ctx, Asked(items, days, marked=True))
    calendar = ctx.desk.calendars.get(fired[0].calendar)
    moment = Instant(fired[0].observed_at or fired[0].at, str(calendar.tz), ctx.say("asof.at"))
    sources = dict.fromkeys(source_name(name, ctx.lang) for item in fired for name in item.sources)
    footed = line(moment, " · ".join(("", *sources, f"/chart {number}")))
    message = Message(summary=title, title=line("📈 ", bold(title)), footer=footed)
    return ctx.reply(await illustrated(ctx, message, Drawing(svg, number, title)), edit=False)


def _closes(ctx: Context, item: Instrument, first: date) -> list[Figure]:
    return [figure for figure in ctx.market.history(close_series(item), first) if figure.value is not None]


def _line(ctx: Context, item: Instrument, figures: Sequence[Figure]) -> Drawn:
    values = [figure.value or 0.0 for figure in figures]
    days = tuple(figure.session for figure in figures)
    if max(values) < _SMALL_PRICE:
        return _rebased(days, values)
    written = tuple(price(value, ctx.lang, crypto=item.kind is Kind.CRYPTO) for value in values)
    return Drawn(days, tuple(values), written, rebased=False)


def _rebased(days: tuple[date, ...], values: Sequence[float]) -> Drawn:
    scaled = tuple(100 * value / values[0] for value in values)
    return Drawn(days, scaled, tuple(number(value, 1) for value in scaled), rebased=True)


def _against(one: Sequence[Figure], other: Sequence[Figure]) -> Drawn:
    """The first instrument's closes over the second's on the sessions that both have."""
    base = {figure.session: figure.value for figure in other}
    pairs = [(f.session, (f.value or 0.0) / below) for f in one if (below := base.get(f.session))]
    if len(pairs) < 2:
        raise Refusal("chart.apart")
    return _rebased(tuple(day for day, _ in pairs), [value for _, value in pairs])


def _title(ctx: Context, items: Sequence[Instrument]) -> str:
    if len(items) == 2:
        return ctx.say("chart.versus", one=items[0].name[ctx.lang], other=items[1].name[ctx.lang])
    return labelled(items[0], ctx.lang)


def _draw(ctx: Context, items: Sequence[Instrument], drawn: Drawn, sources: str, marks: Marks | None) -> str:
    lang = label_language(ctx.lang)
    title = " / ".join(item.name[lang] for item in items)
    unit = f"{day_text(drawn.days[0], lang, year=True)} = 100" if drawn.rebased else items[0].currency
    empty = frame(ctx, title, unit, sources)
    if marks is not None:
        return _with_marks(ctx, items[0], empty, drawn, marks)
    days = _candles(ctx, items[0], drawn) if len(items) == 1 and not drawn.rebased else []
    if days and len(days) <= _MOST_CANDLES:
        top = max(days, key=lambda day: max(day.known))
        peak = price(max(top.known), lang, crypto=items[0].kind is Kind.CRYPTO)
        return candles(empty, days, peak, drawn.written[-1])
    labels = [f"{day:%m-%d}" for day in drawn.days]
    return area(empty, list(zip(labels, drawn.values, drawn.written, strict=True)))


def _with_marks(ctx: Context, item: Instrument, empty: Frame, drawn: Drawn, marks: Marks) -> str:
    """Closes with a triangle where a rule fired, and the thresholds; a rebased line has the marks alone."""
    rows = {day: row for row, day in enumerate(drawn.days)}
    fires = [Marked(rows[day], None, f"{day} {rule}") for day, rule in marks.fires if day in rows]
    crypto = item.kind is Kind.CRYPTO
    levels = [(value, f"{rule} {price(value, ctx.lang, crypto=crypto)}") for value, rule in marks.levels]
    days = np.array(drawn.days, dtype="datetime64[D]")
    return fired_line(empty, days, np.array(drawn.values), fires, levels=[] if drawn.rebased else levels)


def _candles(ctx: Context, item: Instrument, drawn: Drawn) -> list[Candle]:
    """The days' bars; none where only closes are known."""
    bars = []
    for day in drawn.days:
        found = [ctx.market.on(f"prices.{item.symbol}.{name}", day) for name in ("open", "high", "low", "close")]
        bars.append(Candle(f"{day:%m-%d}", *(figure.value if figure else None for figure in found)))
    return bars if any(bar.high is not None for bar in bars) else []


def _message(ctx: Context, asked: Asked, drawn: Drawn, marks: Marks | None) -> Message:
    items, name = asked.items, asked.span
    title = _title(ctx, items)
    seen = [
        (ctx.desk.calendars.get(item.calendar), last)
        for item in items
        if (last := ctx.market.latest(close_series(item)))
    ]
    change = moved(drawn.values[-1] / drawn.values[0] - 1)
    start = day_text(drawn.days[0], ctx.lang, year=True)
    lines = [*delays(ctx, seen), line(ctx.say("chart.since", day=start), change), *_marks_lines(ctx, marks)]
    symbols = [f"={item.symbol}" for item in items]
    more = ("alerts",) if asked.marked else ()
    spans = [c for other in SPANS if other != name for c in button(other.upper(), "chart", *symbols, other, *more)]
    alerts = (
        () if asked.marked or len(items) > 1 else button(ctx.say("button.marks"), "chart", *symbols, name, "alerts")
    )
    return Message(
        summary=f"{title}: {change.text}",
        title=line("📈 ", bold(title)),
        blocks=(Paragraph(tuple(lines)),),
        footer=footer(ctx, seen, " ".join(["/chart", *(typed(item, ctx.universe) for item in items), name, *more])),
        buttons=tuple(row for row in (tuple(spans), alerts) if row),
    )


def _marks_lines(ctx: Context, marks: Marks | None) -> list[Line]:
    """What the triangles stand for, the newest first."""
    if marks is None:
        return []
    lines: list[Line] = [line(ctx.say("chart.fired", count=len(marks.fires)))]
    for day, rule in marks.fires[: -_LISTED - 1 : -1]:
        lines.append(line(f"• {day_text(day, ctx.lang)} ", code(rule)))
    return lines
