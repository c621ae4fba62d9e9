"""``/flows``: what the US spot ETFs took in, by fund and by day, with the run that it continues or ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from adapters.chat.port import Reply
from adapters.message import Block, Button, Line, Message, Move, Table
from bot.commands.alerts import keep, own_alert
from bot.commands.arguments import Arguments
from bot.commands.asof import Seen, day_text, footer, is_preliminary
from bot.commands.context import Context, bold, line, note, paragraph
from bot.commands.errors import button
from bot.locale.sources import source_name
from bot.market.flow_run import flow_run
from bot.market.view import Figure
from bot.market.windows import Window, base_session
from rules.numbers import amount, money, preliminary
from rules.spec import SeriesSpec
from rules.universe import Instrument, Kind

ASSETS = {"btc": "BTC", "比特币": "BTC", "eth": "ETH", "以太坊": "ETH"}
SPANS = {"1d": 1, "5d": 5, "15d": 15, "week": 0, "本周": 0, "周": 0, "mtd": -1, "本月": -1}
_NAMES = {1: "1d", 5: "5d", 15: "15d", 0: "week", -1: "mtd"}
_AWAITED = timedelta(days=5)
"""After this long nobody waits for a day's flows any more."""
_PUBLISHED = timedelta(hours=8)
"""How long after New York's close a day's flows are usually complete (Farside: 01:00 to 04:00 UTC)."""


async def flows(ctx: Context, args: Arguments) -> Reply:
    """Show net flows: ``[btc|eth] [1d|5d|15d|week|mtd] [TICKER]``."""
    span = args.span(SPANS, 5, example="/flows btc 5d")
    notify = args.choice({"notify": True, "提醒": True}, default=False)
    asset, fund = _subject(ctx, args)
    args.done(ctx.universe, ctx.lang)
    if notify:
        return await _notify(ctx, asset)
    days = _days(ctx, asset, span)
    if not days:
        text = ctx.say("flows.nothing", asset=asset)
        return ctx.reply(Message(summary=text, title=line(text)))
    return ctx.reply(_message(ctx, asset, fund, span, days))


async def _notify(ctx: Context, asset: str) -> Reply:
    """Tell the asker, once, when every fund of the newest session has reported; where that is out, show it."""
    day = awaited(ctx, asset)
    if day is None:
        return await flows(ctx, Arguments("flows", (asset.lower(), "1d")))
    name = f"{asset}_ETF"
    made = own_alert(
        ctx,
        typed=ctx.say("flows.wish", asset=asset, day=day_text(day, ctx.lang)),
        when=f"fresh({name}, {_newer_than_now(ctx, asset)}h) and final({name})",
        series={name: SeriesSpec(name, "etf_flows", asset, "total", "USD", "XNYS")},
        expires_at=ctx.now + _AWAITED,
    )
    await keep(ctx, made)
    undo = (*button(ctx.say("button.undo"), "unalert", made.id), *button(ctx.say("button.alerts"), "alerts"))
    text = ctx.say("flows.notify", asset=asset, day=day_text(day, ctx.lang))
    return ctx.reply(note(text, buttons=undo), edit=False, toast=text)


def _newer_than_now(ctx: Context, asset: str) -> int:
    """An age in hours that the newest figure has passed, and that the next one will not have for a day."""
    last = ctx.market.latest(f"etf_flows.{asset}.total")
    hours = int((ctx.now - last.at) / timedelta(hours=1)) if last else 24
    return max(hours // 24 * 24 or hours - 1, 1)


def _subject(ctx: Context, args: Arguments) -> tuple[str, str]:
    """The asset and, where one is named, the fund. ``BTC`` first means the asset, a second time Grayscale's fund."""
    asset = args.choice(ASSETS, "")
    funds: dict[str, Instrument] = {}
    for item in ctx.universe.instruments:
        if item.kind is Kind.FUND:
            funds |= dict.fromkeys((item.symbol.casefold(), f"={item.symbol}".casefold()), item)
    found = args.choice(funds, None)
    if found is None:
        return asset or "BTC", ""
    return found.underlying, found.symbol


def _days(ctx: Context, asset: str, span: int) -> tuple[Figure, ...]:
    """The totals of the days that ``span`` means, oldest first."""
    series = f"etf_flows.{asset}.total"
    known = [figure for figure in ctx.market.history(series) if figure.value is not None]
    if not known or span > 0:
        return tuple(known[-span:])
    calendar = ctx.market.calendar_of(series)
    base = base_session(calendar, Window.WEEK if span == 0 else Window.MONTH, known[-1].session)
    return tuple(figure for figure in known if figure.session > base)


def _message(ctx: Context, asset: str, fund: str, span: int, days: Sequence[Figure]) -> Message:
    own = _own(ctx, asset, fund, days) if fund else days
    last, total = days[-1], sum(figure.value or 0.0 for figure in own)
    calendar = ctx.market.calendar_of(f"etf_flows.{asset}.total")
    seen: list[Seen] = [(calendar, last)]
    name = _NAMES[span]
    title = ctx.say("flows.title", asset=asset)
    subject = ctx.say("flows.fund", fund=fund) if fund else ""
    label = _label(ctx, name, len(days))
    blocks: list[Block] = [paragraph(*_waiting(ctx, asset, last))] if _waiting(ctx, asset, last) else []
    run = () if fund else _run_line(ctx, asset)
    blocks.append(paragraph(_headline(ctx, (asset, fund), last, label, total), *run))
    blocks += _one_fund(ctx, asset, fund, days) if fund else _tables(ctx, asset, days, label)
    blocks.append(paragraph(line(_note(ctx, asset))))
    again = f"/flows {asset.lower()} {name}" + (f" {fund}" if fund else "")
    return Message(
        summary=f"{title}{subject}: {money(own[-1].value if own else None, 'USD', ctx.lang, signed=True)}",
        title=line("🏦 ", bold(title), f"{subject} · {label}"),
        blocks=tuple(blocks),
        footer=footer(ctx, seen, again),
        buttons=_buttons(ctx, asset, fund, name),
    )


def _buttons(ctx: Context, asset: str, fund: str, name: str) -> tuple[tuple[Button, ...], ...]:
    """The other spans, and where figures are awaited, a word when they are there."""
    spans = tuple(
        choice
        for other in _NAMES.values()
        if other != name
        for choice in button(_label(ctx, other), "flows", asset.lower(), other, *([f"={fund}"] if fund else []))
    )
    waits = awaited(ctx, asset) is not None
    notify = button(ctx.say("button.notify"), "flows", asset.lower(), "notify") if waits else ()
    return tuple(row for row in (spans, notify) if row)


def _label(ctx: Context, name: str, count: int | None = None) -> str:
    """What a span is called; one of days has as many as there are."""
    return ctx.say(f"flows.span.{name}", count=int(name[:-1]) if count is None and name[:-1].isdigit() else count)


def _own(ctx: Context, asset: str, fund: str, days: Sequence[Figure]) -> list[Figure]:
    """The fund's figures of the same days, where it has any."""
    found = (ctx.market.on(f"etf_flows.{asset}.{fund}", day.session) for day in days)
    return [figure for figure in found if figure]


def _headline(ctx: Context, subject: tuple[str, str], last: Figure, label: str, total: float) -> Line:
    """The newest session of all funds, or of one; and the sum of the span."""
    asset, fund = subject
    newest = ctx.market.on(f"etf_flows.{asset}.{fund}", last.session) if fund else last
    value = newest.value if newest else None
    reported, funds = _reported(ctx, asset, last.session)
    if is_preliminary(last):
        status = preliminary(reported, funds, ctx.lang)
    else:
        status = ctx.say("flows.final", reported=reported, funds=funds)
    return line(
        f"{day_text(last.session, ctx.lang, weekday=True)} ",
        bold(money(value, "USD", ctx.lang, signed=True)),
        f" · {status} · {label} ",
        bold(money(total, "USD", ctx.lang, signed=True)),
    )


def _reported(ctx: Context, asset: str, day: date) -> tuple[int, int]:
    found = [ctx.market.on(f"etf_flows.{asset}.{fund}", day) for fund in _funds(ctx, asset)]
    known = [figure for figure in found if figure]
    return sum(figure.value is not None for figure in known), len(known)


def _funds(ctx: Context, asset: str) -> list[str]:
    return [name for name in ctx.market.fields("etf_flows", asset) if name != "total"]


def _run_line(ctx: Context, asset: str) -> tuple[Line, ...]:
    found = flow_run(ctx.market, asset)
    if found is None:
        return ()
    inflow = found.total > 0
    key = f"flows.{'ended' if found.ended else 'running'}_{'in' if inflow else 'out'}"
    text = ctx.say(key, days=found.days, total=money(found.total, "USD", ctx.lang, signed=True))
    return ((Move(text, 1 if inflow != found.ended else -1),),)


def awaited(ctx: Context, asset: str) -> date | None:
    """The newest session that is over and whose flows aren't out, if there is one."""
    series = f"etf_flows.{asset}.total"
    calendar = ctx.market.calendar_of(series)
    session = calendar.session_of(ctx.now)
    if calendar.close(session) > ctx.now:
        session = calendar.previous(session)
    last = ctx.market.latest(series)
    return session if last is None or last.session < session else None


def _waiting(ctx: Context, asset: str, last: Figure) -> tuple[Line, ...]:
    """Say when the newest session's flows aren't out, and when they are overdue."""
    session = awaited(ctx, asset)
    if session is None:
        return ()
    calendar = ctx.market.calendar_of(f"etf_flows.{asset}.total")
    shown = day_text(session, ctx.lang)
    overdue = calendar.close(session) + _PUBLISHED < ctx.now
    have = day_text(last.session, ctx.lang)
    return (
        line(
            ctx.say(
                "flows.overdue" if overdue else "flows.waiting",
                day=shown,
                have=have,
                source=source_name(last.source, ctx.lang),
            )
        ),
    )


def _tables(ctx: Context, asset: str, days: Sequence[Figure], label: str) -> list[Block]:
    last = days[-1].session
    sums: list[tuple[str, float | None, float]] = []
    for fund in _funds(ctx, asset):
        series = f"etf_flows.{asset}.{fund}"
        figures = ctx.market.history(series, days[0].session, last)
        today = ctx.market.on(series, last)
        if figures:
            sums.append((fund, today.value if today else None, sum(figure.value or 0.0 for figure in figures)))
    sums.sort(key=lambda row: -abs(row[2]))
    rows = tuple((_starred(fund, asset), _cell(today), _cell(total)) for fund, today, total in sums)
    header = ("", day_text(last, ctx.lang), label)
    tables: list[Block] = [Table(rows=rows, align="lrr", header=header)] if len(days) > 1 else []
    if len(days) == 1:
        tables.append(Table(rows=tuple(row[:2] for row in rows), align="lr"))
    else:
        tables.insert(0, _by_day(ctx, days))
    return tables


def _by_day(ctx: Context, days: Sequence[Figure]) -> Table:
    marks = (("*" if is_preliminary(figure) else "") for figure in days)
    rows = tuple(
        (f"{day_text(figure.session, ctx.lang)}{mark}", _cell(figure.value))
        for figure, mark in zip(days, marks, strict=True)
    )
    return Table(rows=rows, align="lr")


def _one_fund(ctx: Context, asset: str, fund: str, days: Sequence[Figure]) -> list[Block]:
    figures = [ctx.market.on(f"etf_flows.{asset}.{fund}", day.session) for day in days]
    rows = tuple(
        (day_text(day.session, ctx.lang), _cell(figure.value if figure else None))
        for day, figure in zip(days, figures, strict=True)
    )
    total = sum(figure.value or 0.0 for figure in figures if figure)
    return [Table(rows=(*rows, (ctx.say("flows.sum"), _cell(total))), align="lr")]


def _cell(value: float | None) -> str:
    return amount(value, 6, 1, signed=True)


def _starred(fund: str, asset: str) -> str:
    return f"{fund}*" if fund == asset else fund


def _note(ctx: Context, asset: str) -> str:
    mini = ctx.universe.by_symbol.get(asset)
    star = f" · *{mini.name[ctx.lang]}" if mini and mini.kind is Kind.FUND else ""
    return ctx.say("flows.unit") + star
