"""``/crypto`` and ``/fng``: the size and the mood of the crypto market. Providers are never mixed in one figure."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from adapters.chat.port import Reply
from adapters.message import Block, Line, Message, Paragraph, Span, Table, Text
from bot.charts.gauge import gauge
from bot.charts.lines import area
from bot.charts.png import label_language
from bot.commands.arguments import Arguments
from bot.commands.asof import Seen, day_text, delays, footer
from bot.commands.context import Context, bold, line, paragraph
from bot.commands.errors import button
from bot.commands.names import ticker
from bot.commands.pictures import Drawing, frame, illustrated
from bot.commands.quote import moved
from bot.digest.crypto import BANDS, PROVIDERS, fear_greed_label
from bot.locale import say
from bot.locale.sources import source_name
from bot.market.view import Figure
from bot.market.windows import Window, change
from rules.calendars.schedule import CONTINUOUS
from rules.numbers import money, number, percent, price
from rules.universe import Kind


async def crypto(ctx: Context, args: Arguments) -> Reply:
    """Show market cap, volume, fear and greed, bitcoin and ether."""
    args.done()
    seen: list[Seen] = []
    lines = [*_overview(ctx, seen), *_mood(ctx, seen), *_coins(ctx, seen)]
    late = delays(ctx, seen)
    body = tuple(lines) or (line(ctx.say("crypto.nothing")),)
    message = Message(
        summary=ctx.say("crypto.title"),
        title=line("🪙 ", bold(ctx.say("crypto.title"))),
        blocks=(*((Paragraph(late),) if late else ()), Paragraph(body)),
        footer=footer(ctx, seen, "/crypto"),
        buttons=((*button(ctx.say("button.refresh"), "crypto"), *button("BTC ETF", "flows", "btc", "5d")),),
    )
    return ctx.reply(message)


def _overview(ctx: Context, seen: list[Seen]) -> list[Line]:
    """One line a provider: the market's value with its change over a week, the day's volume and their ratio."""
    lines = []
    for key, name in PROVIDERS.items():
        cap = ctx.market.latest(f"crypto.{key}.market_cap")
        if cap is None or cap.value is None:
            continue
        seen.append((ctx.desk.calendars.get(CONTINUOUS), cap))
        spans: list[Span] = [Text(ctx.say("crypto.cap", provider=name)), bold(money(cap.value, "USD", ctx.lang))]
        before = ctx.market.on(f"crypto.{key}.market_cap", cap.session - timedelta(days=7))
        if before and before.value:
            spans += [Text(" · 7D "), moved(cap.value / before.value - 1)]
        volume = ctx.market.on(f"crypto.{key}.volume", cap.session)
        if volume and volume.value:
            share = percent(volume.value / cap.value, decimals=2, signed=False)
            spans.append(Text(ctx.say("crypto.volume", volume=money(volume.value, "USD", ctx.lang), share=share)))
        dominance = ctx.market.on(f"crypto.{key}.btc_dominance", cap.session)
        if dominance and dominance.value is not None:
            spans.append(Text(ctx.say("crypto.dominance", share=percent(dominance.value, signed=False))))
        lines.append(tuple(spans))
    return lines


def _mood(ctx: Context, seen: list[Seen]) -> list[Line]:
    lines = []
    for key, name in PROVIDERS.items():
        found = ctx.market.latest(f"fear_greed.{key}.value")
        if found and found.value is not None:
            seen.append((ctx.desk.calendars.get(CONTINUOUS), found))
            lines.append(_mood_line(ctx, key, name, found))
    return lines


def _mood_line(ctx: Context, key: str, name: str, found: Figure) -> Line:
    value = found.value or 0.0
    return line(
        ctx.say("fng.label", provider=name), bold(number(value, 0)), f" · {fear_greed_label(key, value)[ctx.lang]}"
    )


def _coins(ctx: Context, seen: list[Seen]) -> list[Line]:
    lines = []
    for item in ctx.universe.instruments:
        series = f"prices.{item.symbol}.close"
        last = ctx.market.latest(series) if item.kind is Kind.CRYPTO else None
        if last is None:
            continue
        seen.append((ctx.desk.calendars.get(item.calendar), last))
        spans: list[Span] = [bold(f"{ticker(item)} {price(last.value, ctx.lang, crypto=True)}")]
        for window in (Window.DAY, Window.WEEK, Window.MONTH):
            if found := change(ctx.market, series, window):
                spans += [Text(f" · {window.value.upper()} "), moved(found.ratio)]
        lines.append(tuple(spans))
    return lines


async def fng(ctx: Context, args: Arguments) -> Reply:
    """Show fear and greed by provider, now and over ``[30d]``."""
    spans = {f"{days}d": days for days in (7, 30, 90, 365)}
    days = args.span(spans, 30, example="/fng 30d")
    args.done()
    seen: list[Seen] = []
    blocks: list[Block] = []
    for key, name in PROVIDERS.items():
        found = ctx.market.latest(f"fear_greed.{key}.value")
        if found and found.value is not None:
            seen.append((ctx.desk.calendars.get(CONTINUOUS), found))
            blocks += _provider(ctx, key, name, found, days)
    if not blocks:
        blocks.append(paragraph(line(ctx.say("fng.nothing"))))
    late = delays(ctx, seen)
    drawing = await asyncio.to_thread(_drawing, ctx, days) if seen else None
    message = Message(
        summary=ctx.say("fng.title"),
        title=line("🌡 ", bold(ctx.say("fng.title"))),
        blocks=(*((Paragraph(late),) if late else ()), *blocks),
        footer=footer(ctx, seen, f"/fng {days}d"),
        buttons=(tuple(c for span, each in spans.items() if each != days for c in button(span.upper(), "fng", span)),),
    )
    return ctx.reply(await illustrated(ctx, message, drawing), edit=False)


def _drawing(ctx: Context, days: int) -> Drawing:
    """The index of the provider whose past is known best: as a line, or as a gauge where only today's is known."""
    past = {key: _span_of(ctx, key, days) for key in PROVIDERS}
    key = max(past, key=lambda each: len(past[each]))
    figures, lang = past[key], label_language(ctx.lang)
    title = f"{say(lang, 'fng.title')} · {PROVIDERS[key]}"
    empty = frame(ctx, title, "", source_name(figures[-1].source, lang))
    scores = [figure.value or 0.0 for figure in figures]
    if len(figures) > 1:
        points = [
            (f"{each.session:%m-%d}", score, number(score, 0)) for each, score in zip(figures, scores, strict=True)
        ]
        return Drawing(area(empty, points), f"fear-greed-{days}d", title)
    reading = fear_greed_label(key, scores[-1])[lang]
    return Drawing(gauge(empty, scores[-1], number(scores[-1], 0), reading, BANDS[key]), "fear-greed", title)


def _span_of(ctx: Context, key: str, days: int) -> list[Figure]:
    series = f"fear_greed.{key}.value"
    last = ctx.market.latest(series)
    if last is None:
        return []
    return [f for f in ctx.market.history(series, last.session - timedelta(days=days - 1)) if f.value is not None]


def _provider(ctx: Context, key: str, name: str, found: Figure, days: int) -> list[Block]:
    series = f"fear_greed.{key}.value"
    rows = []
    for label, back in (("fng.yesterday", 1), ("fng.week_ago", 7), ("fng.month_ago", 30)):
        then = ctx.market.on(series, found.session - timedelta(days=back))
        if then and then.value is not None and back <= days:
            rows.append((ctx.say(label), number(then.value, 0), fear_greed_label(key, then.value)[ctx.lang]))
    span = _span_of(ctx, key, days)
    blocks: list[Block] = [paragraph(_mood_line(ctx, key, name, found))]
    if len(span) > 1:
        low, high = min(span, key=lambda f: f.value or 0.0), max(span, key=lambda f: f.value or 0.0)
        for label, figure in (("fng.low", low), ("fng.high", high)):
            value = figure.value or 0.0
            named = f"{ctx.say(label)} {day_text(figure.session, ctx.lang)}"
            rows.append((named, number(value, 0), fear_greed_label(key, value)[ctx.lang]))
    if rows:
        blocks.append(Table(rows=tuple(rows), align="lrl"))
    return blocks
