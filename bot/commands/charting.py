"""``/chart``: the price of an instrument, or how it did against another, as a picture."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from adapters.chat.port import Reply
from adapters.message import Attachment, Colour, Message, Paragraph
from bot.charts.candles import Candle, candles
from bot.charts.lines import area
from bot.charts.png import label_language, picture
from bot.charts.svg import Frame, plain_palette
from bot.commands.arguments import Arguments, labelled
from bot.commands.asof import day_text, delays, footer
from bot.commands.context import Context, bold, line
from bot.commands.errors import Refusal, button
from bot.commands.names import close_series, ticker, typed
from bot.commands.quote import moved
from bot.files import write_whole
from bot.market import Figure
from rules.numbers import number, price
from rules.universe import Instrument, Kind

SPANS = {"1mo": 30, "3mo": 91, "6mo": 182, "1y": 365, "3y": 1095}
_WIDTH = 720
_MOST_CANDLES = 70
_KEPT = 200
_SMALL_PRICE = 20.0
"""Below this the axis, which has whole numbers, says nothing; the line then starts at 100."""
_UP_IS = {Colour.CN: "red", Colour.US: "green", Colour.NONE: "none"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line of closes, oldest first, with how each is written; ``rebased`` when the first is 100."""

    days: tuple[date, ...]
    values: tuple[float, ...]
    written: tuple[str, ...]
    rebased: bool


async def chart(ctx: Context, args: Arguments) -> Reply:
    """Draw ``SYM [1mo|3mo|6mo|1y|3y] [vs SYM2]``."""
    days = args.span(SPANS, 91, example="/chart NVDA 3mo")
    args.choice({"vs": True, "对比": True}, default=False)
    items = args.instruments(ctx.universe, ctx.lang, most=2)
    args.done(ctx.universe, ctx.lang)
    if not items:
        raise Refusal("error.which_symbol", example="/chart NVDA 3mo")
    first = ctx.now.date() - timedelta(days=days)
    known = [_closes(ctx, item, first) for item in items]
    if min(len(figures) for figures in known) < 2:
        raise Refusal("chart.nothing", name=" / ".join(labelled(item, ctx.lang) for item in items))
    drawn = _against(known[0], known[1]) if len(items) == 2 else _line(ctx, items[0], known[0])
    name = next(text for text, count in SPANS.items() if count == days)
    path = await asyncio.to_thread(_draw, ctx, items, drawn, known[0])
    return ctx.reply(_message(ctx, items, drawn, path, name), edit=False)


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


def _draw(ctx: Context, items: Sequence[Instrument], drawn: Drawn, figures: Sequence[Figure]) -> Path:
    lang = label_language(ctx.lang)
    title = " / ".join(item.name[lang] for item in items)
    unit = "= 100" if drawn.rebased else items[0].currency
    unit = f"{day_text(drawn.days[0], 'en', year=True)} {unit}" if drawn.rebased else unit
    palette = plain_palette(_UP_IS[ctx.reader.colour])
    sources = ", ".join(dict.fromkeys(figure.source for figure in figures))
    frame = Frame(_WIDTH, title, unit, sources, palette, alone=True)
    days = _candles(ctx, items[0], drawn) if len(items) == 1 and not drawn.rebased else []
    if days and len(days) <= _MOST_CANDLES:
        top = max(days, key=lambda day: max(day.known))
        peak = price(max(top.known), lang, crypto=items[0].kind is Kind.CRYPTO)
        svg = candles(frame, days, peak, drawn.written[-1])
    else:
        labels = [f"{day:%m-%d}" for day in drawn.days]
        svg = area(frame, list(zip(labels, drawn.values, drawn.written, strict=True)))
    name = hashlib.sha256(svg.encode()).hexdigest()[:20]
    path = write_whole(ctx.desk.pictures / f"{name}.png", picture(svg))
    _forget_old(ctx.desk.pictures)
    return path


def _candles(ctx: Context, item: Instrument, drawn: Drawn) -> list[Candle]:
    """The days' bars; none where only closes are known."""
    bars = []
    for day in drawn.days:
        found = [ctx.market.on(f"prices.{item.symbol}.{name}", day) for name in ("open", "high", "low", "close")]
        bars.append(Candle(f"{day:%m-%d}", *(figure.value if figure else None for figure in found)))
    return bars if any(bar.high is not None for bar in bars) else []


def _forget_old(folder: Path) -> None:
    pictures = sorted(folder.glob("*.png"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in pictures[_KEPT:]:
        path.unlink(missing_ok=True)


def _message(ctx: Context, items: Sequence[Instrument], drawn: Drawn, path: Path, name: str) -> Message:
    title = _title(ctx, items)
    seen = [
        (ctx.desk.calendars.get(item.calendar), last)
        for item in items
        if (last := ctx.market.latest(close_series(item)))
    ]
    change = moved(drawn.values[-1] / drawn.values[0] - 1)
    start = day_text(drawn.days[0], ctx.lang, year=True)
    late = delays(ctx, seen)
    symbols = [f"={item.symbol}" for item in items]
    again = " ".join(["/chart", *(typed(item, ctx.universe) for item in items), name])
    return Message(
        summary=f"{title}: {change.text}",
        title=line("📈 ", bold(title)),
        blocks=(Paragraph((*late, line(ctx.say("chart.since", day=start), change))),),
        footer=footer(ctx, seen, again),
        buttons=(
            tuple(c for other in SPANS if other != name for c in button(other.upper(), "chart", *symbols, other)),
        ),
        attachments=(Attachment(str(path), f"{ticker(items[0])}-{name}.png", "image/png", alt=title),),
    )
