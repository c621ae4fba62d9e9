"""``/movers``: who moved most on a list, up and down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from adapters.chat.port import Reply
from adapters.message import Block, Button, Line, Message, Move, Table, Text
from bot.commands.arguments import Arguments
from bot.commands.asof import Seen, day_text, delays, footer
from bot.commands.context import Context, bold, line, paragraph
from bot.commands.errors import button
from bot.commands.names import close_series, list_name, lists, members, ticker
from bot.market.view import Ratio
from bot.market.windows import Window, base_session, ratios
from rules.numbers import percent, rounded
from rules.universe import Instrument

Side = Literal["up", "down", "both"]
SIDES: dict[str, Side] = {"up": "up", "down": "down", "涨": "up", "上涨": "up", "跌": "down", "下跌": "down"}
_ENOUGH_TO_JUDGE = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What a ranking is wanted of."""

    tag: str
    window: Window
    side: Side
    count: int

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments that ask for this."""
        tag = "all" if self.tag == "equities" else self.tag
        return (tag, self.window.value, str(self.count), *(() if self.side == "both" else (self.side,)))


@dataclass(frozen=True, slots=True)
class Ranking:
    """A list's changes, the best first; ``missing`` have no figure and ``late`` lack their market's newest session."""

    moved: tuple[tuple[Instrument, Ratio], ...]
    missing: tuple[Instrument, ...]
    late: tuple[Instrument, ...]
    decimals: int | None
    """Zero where the source gives whole percents only; ``None`` for the usual precision."""


async def movers(ctx: Context, args: Arguments) -> Reply:
    """Rank a list over a window: ``[LIST] [1d|1w|mtd|ytd] [N] [up|down]``."""
    asked = Asked(
        tag=args.choice(lists(ctx.universe), "equities"),
        window=args.window(Window.DAY, example="/movers crypto 1w"),
        side=args.choice(SIDES, "both"),
        count=args.integer(5, low=1, high=15),
    )
    args.done()
    day = ctx.now.date()
    ranking = ctx.market.remembered(
        ("movers", asked.tag, asked.window, day),
        lambda: rank(ctx, members(ctx.universe, asked.tag, day), asked.window),
    )
    return ctx.reply(_message(ctx, ranking, asked))


def rank(ctx: Context, items: Sequence[Instrument], window: Window) -> Ranking:
    """Order ``items`` by what they changed, on raw values."""
    changes = list(zip(items, ratios(ctx.market, [close_series(item) for item in items], window), strict=True))
    known = [(item, found) for item, found in changes if found]
    newest: dict[str, date] = {}
    for item, found in known:
        newest[item.calendar] = max(found.session, newest.get(item.calendar, date.min))
    moved = [(item, found) for item, found in known if found.session == newest[item.calendar]]
    whole = len(moved) >= _ENOUGH_TO_JUDGE and all(_is_whole(found.ratio) for _, found in moved)
    return Ranking(
        moved=tuple(sorted(moved, key=lambda pair: -pair[1].ratio)),
        missing=tuple(item for item, found in changes if not found),
        late=tuple(item for item, found in known if found.session != newest[item.calendar]),
        decimals=0 if whole else None,
    )


def _is_whole(ratio: float) -> bool:
    tenths = rounded(ratio * 100, 1)
    return tenths == tenths.to_integral_value()


def _message(ctx: Context, ranking: Ranking, asked: Asked) -> Message:
    seen = _seen(ctx, ranking)
    title = _title(ctx, ranking, asked)
    blocks: list[Block] = [paragraph(*late)] if (late := delays(ctx, seen)) else []
    for direction, wanted in ((1, "up"), (-1, "down")):
        if asked.side in {wanted, "both"}:
            blocks += _half(ctx, ranking, 1 if direction == 1 else -1, asked.count)
    blocks.append(paragraph(_sample(ctx, ranking)))
    return Message(
        summary=f"{title}: " + ", ".join(f"{ticker(i)} {percent(c.ratio)}" for i, c in ranking.moved[:3]),
        title=line("📊 ", bold(title)),
        blocks=tuple(blocks),
        footer=footer(ctx, seen, " ".join(("/movers", *asked.words))),
        buttons=_buttons(ctx, asked),
    )


def _seen(ctx: Context, ranking: Ranking) -> list[Seen]:
    """One figure of each market and source: the ranking's changes end with the same session of their market."""
    examples = {(item.calendar, found.source): item for item, found in ranking.moved}
    figures = [(item, ctx.market.latest(close_series(item))) for item in examples.values()]
    return [(ctx.desk.calendars.get(item.calendar), figure) for item, figure in figures if figure]


def _title(ctx: Context, ranking: Ranking, asked: Asked) -> str:
    name = list_name(ctx, asked.tag)
    if not ranking.moved:
        return ctx.say("movers.title_empty", list=name)
    session = max(found.session for _, found in ranking.moved)
    item, _ = max(ranking.moved, key=lambda pair: pair[1].session)
    calendar = ctx.desk.calendars.get(item.calendar)
    first = calendar.next(base_session(calendar, asked.window, session))
    span = f"{first:%Y/%m/%d}–{session:%m/%d}" if first < session else f"{session:%Y/%m/%d}"
    day = day_text(session, ctx.lang, year=True)
    return ctx.say(f"movers.title.{asked.window.value}", list=name, count=asked.count, span=span, day=day)


def _half(ctx: Context, ranking: Ranking, direction: Literal[-1, 1], count: int) -> list[Block]:
    ordered = ranking.moved if direction == 1 else ranking.moved[::-1]
    side = [(item, found) for item, found in ordered if found.ratio * direction > 0][:count]
    heading: Line = (Move(ctx.say("movers.up" if direction == 1 else "movers.down"), direction),)
    if not side:
        return [paragraph((*heading, Text(ctx.say("movers.nobody"))))]
    rows = tuple(
        (ticker(item), percent(found.ratio, decimals=ranking.decimals), item.name[ctx.lang]) for item, found in side
    )
    return [paragraph(heading), Table(rows=rows, align="lrl")]


def _sample(ctx: Context, ranking: Ranking) -> Line:
    size = len(ranking.moved) + len(ranking.missing) + len(ranking.late)
    parts = [ctx.say("movers.universe", size=size)]
    for key, items in (("movers.missing", ranking.missing), ("movers.late", ranking.late)):
        if items:
            names = " ".join(ticker(item) for item in items[:6]) + (" …" if len(items) > 6 else "")
            parts.append(ctx.say(key, count=len(items), names=names))
    if not (ranking.missing or ranking.late):
        parts.append(ctx.say("movers.complete"))
    return line(" · ".join([*parts, ctx.say("movers.basis")]))


def _buttons(ctx: Context, asked: Asked) -> tuple[tuple[Button, ...], ...]:
    windows = tuple(
        choice
        for other in Window
        if other is not asked.window
        for choice in button(other.value.upper(), "movers", *replace(asked, window=other).words)
    )
    return (windows, button(ctx.say("button.refresh"), "movers", *asked.words))
