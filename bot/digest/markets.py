"""Figures 1 to 4 and 16: indices, movers, coverage and crypto equities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal

from bot.digest.facts import Fact, difference, observed
from bot.digest.figure import CAP_UNIT, Cell, Column, Figure, Form, Row, stale_mark, summary
from bot.digest.frame import Frame
from bot.digest.wording import coverage_text
from bot.locale.sources import source_name
from rules.calendars.sessions import Period
from rules.model import Localized
from rules.universe import Instrument

PERIODS: tuple[Period, ...] = ("week", "month", "year")
Direction = Literal[1, -1]

_SPLIT_RATIOS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 1.5)
_SPLIT_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Mover:
    """An instrument with its change over the span, in percent."""

    instrument: Instrument
    change: float


def state_indices(frame: Frame) -> None:
    """Facts ``index.KEY.close``, ``.week_pct``, ``.month_pct``, ``.year_pct`` and ``rel.A.B.week_pp``."""
    for ref in frame.layout.indices:
        _state_changes(frame, f"index.{ref.key}", ref.symbol, "points")
    for ahead, behind in frame.layout.comparisons:
        gap = difference(frame.facts[f"index.{ahead}.week_pct"], frame.facts[f"index.{behind}.week_pct"], "pp")
        frame.facts.state(f"rel.{ahead}.{behind}.week_pp", gap)


def state_equities(frame: Frame) -> None:
    """Facts ``equity.SYMBOL.…`` for coverage and crypto equities: close, market cap and changes."""
    shown = coverage(frame) if frame.layout.shows("coverage") else ()
    shown += crypto_equities(frame) if frame.layout.shows("crypto_equities") else ()
    for item in {item.symbol: item for item in shown}.values():
        _state_changes(frame, f"equity.{item.symbol}", item.symbol, item.currency)
        cap = frame.data.last(f"prices.{item.symbol}.market_cap", frame.span.last)
        what = f"{item.symbol} market cap"
        frame.facts.state(f"equity.{item.symbol}.market_cap", observed(cap, item.currency, what))


def _state_changes(frame: Frame, key: str, symbol: str, unit: str) -> None:
    close = frame.facts.state(f"{key}.close", frame.close(symbol, unit))
    for period in PERIODS:
        frame.facts.state(f"{key}.{period}_pct", frame.change(symbol, close, period))


def coverage(frame: Frame) -> tuple[Instrument, ...]:
    """The desk's coverage."""
    return frame.listed(frame.layout.coverage)


def crypto_equities(frame: Frame) -> tuple[Instrument, ...]:
    """Listed companies of the crypto list."""
    return tuple(item for item in frame.listed(frame.layout.crypto) if item.kind.value == "equity")


def movers(frame: Frame, listed: Sequence[Instrument], direction: Direction, count: int) -> tuple[Mover, ...]:
    """The ``count`` largest moves of the span in one direction, ranked on raw values; the unmoved are in neither."""
    changes = ((item, frame.facts.number(f"equity.{item.symbol}.week_pct")) for item in listed)
    moved = [Mover(item, change) for item, change in changes if change is not None and change * direction > 0]
    return tuple(sorted(moved, key=lambda mover: -direction * mover.change)[:count])


def looks_like_split(change_pct: float) -> bool:
    """Whether the move is that of a split: the ratio of the closes is near a whole number, or one over it."""
    ratio = 1 + change_pct / 100
    if ratio <= 0 or abs(change_pct) < 25:
        return False
    return any(
        abs(ratio * factor - 1) < _SPLIT_TOLERANCE or abs(ratio / factor - 1) < _SPLIT_TOLERANCE
        for factor in _SPLIT_RATIOS
    )


def indices_figure(frame: Frame) -> Figure:
    """Figure 1."""
    rows: list[Row] = []
    shown: list[Fact] = []
    notes: list[Localized] = []
    for ref in frame.layout.indices:
        facts = {name: frame.facts[f"index.{ref.key}.{name}"] for name in ("close", *(f"{p}_pct" for p in PERIODS))}
        shown.extend(facts.values())
        rows.append(
            {
                "name": frame.name(ref.symbol),
                "symbol": ref.symbol,
                **{name: fact.number for name, fact in facts.items()},
                "close_mark": stale_mark(facts["close"]),
            }
        )
        reason = next((fact.reason for fact in facts.values() if fact.reason), None)
        if reason:
            notes.append({"en": f"{reason['en'][:1].upper()}{reason['en'][1:]}.", "zh": f"{reason['zh']}。"})
    source, as_of, status = summary(shown)
    title: Localized = {"en": "Indices: level and change", "zh": "主要指数表现"}
    if not source:
        return Figure(number=1, title=title, missing=_NO_PRICES)
    columns = (
        Column("name", {"en": "Index", "zh": "指数"}),
        Column("symbol", {"en": "Code", "zh": "代码"}),
        Column("close", {"en": "Close", "zh": "收盘"}, "price", {"en": "points", "zh": "点"}),
        *change_columns("pct1", "pct1"),
    )
    notes.append(
        {
            "en": "Changes run from the last close before the week, month and year on each exchange's own calendar.",
            "zh": "涨跌幅以各交易所日历中本周、本月、本年之前最后一个收盘价为基准。",
        }
    )
    return Figure(
        number=1,
        title=title,
        columns=columns,
        rows=tuple(rows),
        notes=tuple(notes),
        source=source,
        as_of=as_of,
        status=status,
    )


def movers_figure(frame: Frame, direction: Direction) -> Figure:
    """Figure 2 (up) or 3 (down): the coverage's own list, then the imported one of a wider universe."""
    listed = coverage(frame)
    top = movers(frame, listed, direction, frame.layout.top)
    lacking = _without(frame, listed, "week_pct")
    share = str(len(listed)) if not lacking else f"{len(listed) - len(lacking)}/{len(listed)}"
    covered = coverage_text(frame.layout)
    own: Localized = {"en": f"{covered['en']} ({share})", "zh": f"{covered['zh']}（{share} 只）"}
    rows: list[Row] = [
        {"group": own, "own": "yes", "symbol": m.instrument.symbol, "name": m.instrument.name, "week_pct": m.change}
        for m in top
    ]
    notes: list[Localized] = []
    imported = frame.imported
    lines = () if imported is None else imported.gainers if direction > 0 else imported.losers
    if imported and lines:
        wider: Localized = {
            "en": f"Wider universe: {source_name(imported.source, 'en')}",
            "zh": f"更宽样本：{source_name(imported.source, 'zh')}",
        }
        rows += [
            {
                "group": wider,
                "symbol": line.symbol,
                "name": line.name,
                "week_pct": float(line.change_pct),
                "form": "pct0",
            }
            for line in lines
        ]
        notes.append({"en": "The wider list is printed as received.", "zh": "更宽样本为外部榜单，按原表列示。"})
    notes += [_split_note(mover) for mover in top if looks_like_split(mover.change)]
    notes += _lacking_notes({"week_pct": lacking}, len(listed))
    source, as_of, status = summary([frame.facts[f"equity.{item.symbol}.week_pct"] for item in listed])
    up = direction > 0
    number = 2 if up else 3
    title: Localized = {
        "en": f"Top {frame.layout.top} {'gainers' if up else 'losers'} of the week",
        "zh": f"本周{'涨' if up else '跌'}幅前 {frame.layout.top}",
    }
    if not rows:
        return Figure(number=number, title=title, missing=_NO_PRICES if not source else _NO_MOVERS[direction])
    return Figure(
        number=number,
        title=title,
        columns=(
            Column("symbol", {"en": "Code", "zh": "代码"}),
            Column("name", {"en": "Name", "zh": "名称"}),
            Column("week_pct", {"en": "Week", "zh": "周涨跌幅"}, "pct1"),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
        source=source,
        as_of=as_of,
        status=status,
    )


_NO_PRICES: Localized = {"en": "no prices are known for these days", "zh": "缺该区间行情数据"}
_NO_MOVERS: dict[Direction, Localized] = {
    1: {"en": "nothing in the coverage rose", "zh": "覆盖标的无上涨"},
    -1: {"en": "nothing in the coverage fell", "zh": "覆盖标的无下跌"},
}


def _without(frame: Frame, listed: Sequence[Instrument], name: str) -> list[str]:
    """The symbols of ``listed`` for which the fact isn't known."""
    return [item.symbol for item in listed if frame.facts.number(f"equity.{item.symbol}.{name}") is None]


_MISSED: dict[str, Localized] = {
    "close": {"en": "close", "zh": "收盘价"},
    "market_cap": {"en": "market cap", "zh": "市值"},
    "week_pct": {"en": "change over the week", "zh": "周涨跌幅"},
}
_NAMED = 6


def _lacking_notes(lacking: Mapping[str, Sequence[str]], of: int) -> list[Localized]:
    """What isn't known, of whom."""
    notes: list[Localized] = []
    for name, symbols in lacking.items():
        if symbols:
            what, every = _MISSED[name], len(symbols) == of
            named = ", ".join(symbols[:_NAMED]) + (" …" if len(symbols) > _NAMED else "")
            notes.append(
                {
                    "en": f"No {what['en']} is known of {'any' if every else named}.",
                    "zh": f"缺{what['zh']}：{'全部标的' if every else named}。",
                }
            )
    return notes


def _split_note(mover: Mover) -> Localized:
    symbol = mover.instrument.symbol
    return {
        "en": f"{symbol}: the move looks like a split; check for a corporate action.",
        "zh": f"{symbol}：涨跌幅形似拆并股，请核对公司行动。",
    }


def equities_figure(frame: Frame, number: int) -> Figure:
    """Figure 4 (coverage) or 16 (crypto equities): by sector, in each row's own currency."""
    listed = coverage(frame) if number == 4 else crypto_equities(frame)
    short: Form = "pct1" if number == 4 else "pct0"
    shown: list[Fact] = []
    rows: list[Row] = []
    for item in listed:
        names = ("market_cap", "close", *(f"{period}_pct" for period in PERIODS))
        facts = {name: frame.facts[f"equity.{item.symbol}.{name}"] for name in names}
        shown.extend(facts.values())
        cells: dict[str, Cell] = {name: fact.number for name, fact in facts.items()}
        rows.append(
            {
                "group": item.sector or {"en": "Other", "zh": "其他"},
                "subsector": item.subsector or {"en": "", "zh": ""},
                "symbol": item.symbol,
                "name": item.name,
                "currency": item.currency,
                "close_mark": stale_mark(facts["close"]),
                **cells,
            }
        )
    source, as_of, status = summary(shown)
    covered = coverage_text(frame.layout)
    title: Localized = (
        {"en": f"{covered['en']} by sector", "zh": f"{covered['zh']}行情"}
        if number == 4
        else {"en": "Crypto equities by group", "zh": "加密相关股票行情"}
    )
    if not source:
        return Figure(number=number, title=title, missing=_NO_PRICES)
    subsector = (Column("subsector", {"en": "Subsector", "zh": "细分"}),) if number == 4 else ()
    return Figure(
        number=number,
        title=title,
        columns=(
            Column("symbol", {"en": "Code", "zh": "代码"}),
            Column("name", {"en": "Name", "zh": "名称"}),
            *subsector,
            Column("currency", {"en": "Currency", "zh": "币种"}),
            Column("market_cap", {"en": "Market cap", "zh": "市值"}, "cap", CAP_UNIT),
            Column("close", {"en": "Close", "zh": "收盘价"}, "price"),
            *change_columns(short, "pct0"),
        ),
        rows=_in_runs(rows),
        points=_means(rows, "subsector" if number == 4 else "group"),
        notes=(
            {
                "en": "Market cap and close in each row's own currency; closes are adjusted for splits, not dividends.",
                "zh": "市值与收盘价均为该行所列币种；收盘价经拆股调整，未作股息调整。",
            },
            *_lacking_notes({name: _without(frame, listed, name) for name in _MISSED}, len(listed)),
        ),
        source=source,
        as_of=as_of,
        status=status,
    )


def _means(rows: Sequence[Row], key: str) -> tuple[tuple[Localized, float], ...]:
    """The mean change over the week of each group by ``key``, in file order; what has no change isn't in it."""
    groups: dict[str, tuple[Localized, list[float]]] = {}
    for row in rows:
        name, change = row[key], row["week_pct"]
        if isinstance(name, Mapping) and isinstance(change, float):
            groups.setdefault(name["en"], (name, []))[1].append(change)
    return tuple((name, fsum(changes) / len(changes)) for name, changes in groups.values())


def change_columns(short: Form, year: Form) -> tuple[Column, ...]:
    """The columns for week, month and year."""
    return (
        Column("week_pct", {"en": "Week", "zh": "周"}, short),
        Column("month_pct", {"en": "Month", "zh": "月"}, short),
        Column("year_pct", {"en": "Year", "zh": "年初至今"}, year),
    )


def _in_runs(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with those of one group together, groups in the order of their first row."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(row["group"]), []).append(row)
    return tuple(row for group in groups.values() for row in group)
