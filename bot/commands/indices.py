"""``/idx``: the index table of the weekly, and who out- or underperformed whom."""

from __future__ import annotations

from adapters.chat.port import Reply
from adapters.message import Block, Line, Message, Table
from bot.commands.arguments import Arguments
from bot.commands.asof import Seen, delays, footer, marked
from bot.commands.context import Context, bold, line, paragraph
from bot.commands.errors import button
from bot.commands.names import close_series, ticker
from bot.market.windows import Window, change, is_stale
from rules.numbers import MISSING, percent, points, price
from rules.universe import Instrument

_SPREADS = (("^SOX", "^NDX"), ("HSTECH.HK", "^HSI"))


async def idx(ctx: Context, args: Arguments) -> Reply:
    """Show each index's level and changes, and the spreads over ``[1d|1w|mtd|ytd]``."""
    window = args.window(Window.WEEK, example="/idx 1w")
    args.done()
    items = ctx.universe.tagged("indices")
    windows = [*([Window.DAY] if window is Window.DAY else []), Window.WEEK, Window.MONTH, Window.YEAR]
    seen: list[Seen] = []
    rows = tuple(_row(ctx, item, windows, seen) for item in items)
    header = ("", ctx.say("idx.level"), *(each.value.upper() for each in windows), "")
    table = Table(rows=rows, align="lr" + "r" * len(windows) + "l", header=header)
    spreads = [spread for pair in _SPREADS if (spread := _spread(ctx, pair, window))]
    blocks: list[Block] = [paragraph(*late)] if (late := delays(ctx, seen)) else []
    blocks.append(table)
    if spreads:
        blocks.append(paragraph(*spreads))
    unpriced = [item for item in items if not item.priced and ctx.market.latest(close_series(item)) is None]
    if unpriced:
        names = ", ".join(item.name[ctx.lang] for item in unpriced)
        blocks.append(paragraph(line(ctx.say("idx.unpriced", names=names))))
    message = Message(
        summary=ctx.say("idx.title"),
        title=line("📊 ", bold(ctx.say("idx.title"))),
        blocks=tuple(blocks),
        footer=footer(ctx, seen, f"/idx {window.value}"),
        buttons=(
            tuple(
                choice for each in Window if each is not window for choice in button(each.value.upper(), "idx", each)
            ),
        ),
    )
    return ctx.reply(message)


def _row(ctx: Context, item: Instrument, windows: list[Window], seen: list[Seen]) -> tuple[str, ...]:
    series = close_series(item)
    last = ctx.market.latest(series)
    if last is None:
        return (ticker(item), MISSING, *[MISSING] * len(windows), item.name[ctx.lang])
    seen.append((ctx.market.calendar_of(series), last))
    changes = [change(ctx.market, series, window) for window in windows]
    level = marked(price(last.value, ctx.lang), stale=is_stale(ctx.market, series, last, ctx.now))
    return (ticker(item), level, *(percent(found.ratio if found else None) for found in changes), item.name[ctx.lang])


def _spread(ctx: Context, pair: tuple[str, str], window: Window) -> Line | None:
    """``PHLX Semiconductor vs Nasdaq 100: -2.5pp``; nothing unless both changes are known for the same session."""
    items = [ctx.universe.by_symbol.get(symbol) for symbol in pair]
    if not (items[0] and items[1]):
        return None
    one, other = (change(ctx.market, close_series(item), window) for item in items if item)
    if not (one and other) or one.last.session != other.last.session:
        return None
    gap = one.ratio - other.ratio
    key = "idx.ahead" if gap >= 0 else "idx.behind"
    names = {"one": items[0].name[ctx.lang], "other": items[1].name[ctx.lang]}
    return line(
        ctx.say(key, **names, gap=points(abs(gap), ctx.lang, signed=False), window=ctx.say(f"window.{window.value}"))
    )
