"""``/earn`` and ``/capex``: quarters from companies' filings, computed from raw values and rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from adapters.chat.port import Reply
from adapters.message import Block, Button, Line, Message, Table
from bot.commands.arguments import Arguments, labelled
from bot.commands.asof import Seen, day_text
from bot.commands.context import Context, bold, line, note, paragraph
from bot.commands.errors import Refusal, button
from bot.commands.names import ticker
from bot.locale.sources import source_name
from bot.market.view import Figure
from rules.calendars.schedule import CONTINUOUS
from rules.numbers import MISSING, amount, percent, points, quarter
from rules.universe import Instrument

FISCAL_SHIFTS = {"MSFT": 2}
"""How many quarters a company's fiscal year runs ahead of the calendar's."""
_QUARTERS = {f"{count}q": count for count in (2, 4, 6, 8, 12)}


async def earn(ctx: Context, args: Arguments) -> Reply:
    """Show a company's quarters: ``SYM [6q]``."""
    count = args.span(_QUARTERS, 6, example="/earn AMZN 6q")
    items = args.instruments(ctx.universe, ctx.lang, most=1)
    args.done(ctx.universe, ctx.lang)
    known = _reporting(ctx)
    if not items and not known:
        raise Refusal("error.which_symbol", example="/earn AMZN")
    item = items[0] if items else known[0]
    quarters = [figure.session for figure in _known(ctx, item, "revenue")][-count:]
    if not quarters:
        raise Refusal("earn.nothing", name=labelled(item, ctx.lang), buttons=_companies(ctx))
    return ctx.reply(_quarters(ctx, item, quarters, count))


def _reporting(ctx: Context) -> list[Instrument]:
    """The companies with known quarters, who reported last first."""
    newest = [
        (item, ctx.market.latest(f"fundamentals.{item.symbol}.revenue")) for item in ctx.universe.tagged("coverage")
    ]
    known = [(item, (figure.session, figure.known_at)) for item, figure in newest if figure]
    return [item for item, _ in sorted(known, key=lambda pair: pair[1], reverse=True)]


def _companies(ctx: Context, but: Instrument | None = None) -> tuple[Button, ...]:
    others = [item for item in _reporting(ctx) if item is not but]
    return tuple(choice for item in others[:6] for choice in button(ticker(item), "earn", f"={item.symbol}"))


def _known(ctx: Context, item: Instrument, field: str) -> tuple[Figure, ...]:
    return tuple(f for f in ctx.market.history(f"fundamentals.{item.symbol}.{field}") if f.value is not None)


def _quarters(ctx: Context, item: Instrument, quarters: Sequence[date], count: int) -> Message:
    rows = tuple(_quarter_row(ctx, item, day) for day in quarters)
    header = ("", *(ctx.say(f"earn.{name}") for name in ("revenue", "net_income", "margin", "capex")))
    newest = quarters[-1]
    seen: list[Seen] = [
        (ctx.desk.calendars.get(CONTINUOUS), found)
        for field in ("revenue", "capex")
        if (found := ctx.market.on(f"fundamentals.{item.symbol}.{field}", newest))
    ]
    blocks: list[Block] = [
        Table(rows=rows, align="lrrrr", header=header),
        Table(
            rows=tuple(_growth(ctx, item, name, newest) for name in ("revenue", "net_income", "margin", "capex")),
            align="lrr",
            header=(_quarter(ctx, item, newest), ctx.say("earn.yoy"), ctx.say("earn.qoq")),
        ),
        paragraph(line(ctx.say("earn.unit"))),
    ]
    event = ctx.market.next_earnings(item.symbol, ctx.now.date())
    if event:
        blocks.append(paragraph(line(ctx.say("earn.next", day=event.start))))
    title = labelled(item, ctx.lang)
    return Message(
        summary=ctx.say("earn.title", name=title),
        title=line("🧾 ", bold(title), f" · {ctx.say('earn.quarters', count=len(quarters))}"),
        blocks=tuple(blocks),
        footer=_footer(ctx, seen, f"/earn {ticker(item)} {count}q"),
        buttons=(_companies(ctx, item),),
    )


def _footer(ctx: Context, seen: Sequence[Seen], again: str) -> Line:
    """When the newest figure became known, from whom, and what to type: a quarter's own end says nothing of that."""
    newest = max((figure.known_at for _, figure in seen), default=None)
    at = [ctx.say("earn.known", at=day_text(newest.astimezone(ctx.zone).date(), ctx.lang, year=True))] if newest else []
    sources = dict.fromkeys(source_name(figure.source, ctx.lang) for _, figure in seen)
    return line(" · ".join([*at, *sources, again]))


def _quarter_row(ctx: Context, item: Instrument, day: date) -> tuple[str, ...]:
    margin = _margin(ctx, item, day)
    cells = [_cell(ctx, _value(ctx, item, name, day)) for name in ("revenue", "net_income")]
    capex = _cell(ctx, _value(ctx, item, "capex", day))
    return (_quarter(ctx, item, day), *cells, percent(margin, signed=False), capex)


def _growth(ctx: Context, item: Instrument, name: str, day: date) -> tuple[str, str, str]:
    year_ago, before = quarters_before(day, 4), quarters_before(day, 1)
    label = ctx.say(f"earn.{name}")
    if name == "margin":
        now = _margin(ctx, item, day)
        then = [_margin(ctx, item, other) for other in (year_ago, before)]
        cells = [points(now - old, ctx.lang) if now is not None and old is not None else MISSING for old in then]
        return (label, cells[0], cells[1])
    values = [_value(ctx, item, name, other) for other in (day, year_ago, before)]
    return (label, growth(values[0], values[1]), growth(values[0], values[2]))


def growth(now: float | None, then: float | None) -> str:
    """The change of a quarter's figure; from or to a loss there is none."""
    if now is None or not then or then < 0 or now < 0:
        return MISSING
    return percent(now / then - 1, decimals=0)


def quarters_before(day: date, count: int) -> date:
    """The end of the calendar quarter ``count`` quarters before the one that ends on ``day``."""
    index = day.year * 4 + (day.month - 1) // 3 - count
    year, number = divmod(index, 4)
    return date(year, 3 * number + 3, 30 if number in {1, 2} else 31)


def _quarter(ctx: Context, item: Instrument, day: date) -> str:
    return quarter((day.month + 2) // 3, day.year, ctx.lang, fiscal_shift=FISCAL_SHIFTS.get(item.symbol, 0))


def _value(ctx: Context, item: Instrument, field: str, day: date) -> float | None:
    found = ctx.market.on(f"fundamentals.{item.symbol}.{field}", day)
    return found.value if found else None


def _margin(ctx: Context, item: Instrument, day: date) -> float | None:
    profit, revenue = (_value(ctx, item, name, day) for name in ("gross_profit", "revenue"))
    return profit / revenue if profit is not None and revenue else None


def _cell(ctx: Context, value: float | None) -> str:
    return amount(value, 8, 1) if ctx.lang == "zh" else amount(value, 9, 2)


async def capex(ctx: Context, args: Arguments) -> Reply:
    """Show the capital expenditure of the cloud providers: the newest quarter, the one before and a year ago."""
    wanted = _wanted_quarter(args)
    args.done()
    items = [item for item in ctx.universe.tagged("cloud") if _known(ctx, item, "capex")]
    if not items:
        return ctx.reply(note(ctx.say("capex.nothing")))
    newest = wanted or max(_known(ctx, item, "capex")[-1].session for item in items)
    days = (newest, quarters_before(newest, 1), quarters_before(newest, 4))
    names = [quarter((day.month + 2) // 3, day.year, ctx.lang) for day in days]
    seen: list[Seen] = []
    rows = []
    for item in items:
        found = [ctx.market.on(f"fundamentals.{item.symbol}.capex", day) for day in days]
        now, before, year_ago = (figure.value if figure else None for figure in found)
        seen += [(ctx.desk.calendars.get(CONTINUOUS), figure) for figure in found[:1] if figure]
        cells = (_cell(ctx, now), _cell(ctx, before), _cell(ctx, year_ago))
        rows.append((ticker(item), *cells, growth(now, year_ago), growth(now, before)))
    header = ("", *names, ctx.say("earn.yoy"), ctx.say("earn.qoq"))
    title = ctx.say("capex.title", quarter=names[0])
    message = Message(
        summary=title,
        title=line("🏗 ", bold(title)),
        blocks=(Table(rows=tuple(rows), align="lrrrrr", header=header), paragraph(line(ctx.say("earn.unit")))),
        footer=_footer(ctx, seen, "/capex"),
        buttons=(tuple(choice for item in items for choice in button(ticker(item), "earn", f"={item.symbol}")),),
    )
    return ctx.reply(message)


def _wanted_quarter(args: Arguments) -> date | None:
    options = {f"{n}q{year % 100:02d}": date(year, 3 * n, 30 if n in {2, 3} else 31)
        for year in range(2009, 2040) for n in (1, 2, 3, 4)}  # fmt: skip
    return args.choice(options, None, offered=False)
