"""Checks before publication: what an editor would otherwise have to find by hand, each with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import fsum

from bot.digest.companies import LINES, Quarter, company_quarters, latest_quarter, shown_companies
from bot.digest.data import Imported, ImportedMove
from bot.digest.facts import Standing
from bot.digest.figure import Figure
from bot.digest.flows import flow_days, fund_names
from bot.digest.frame import Frame
from bot.digest.markets import coverage
from bot.digest.wording import sources_text
from rules import numbers
from rules.model import Localized, Observation

_LINE_ZH = {"revenue": "收入", "net_income": "净利润", "gross_profit": "毛利", "capex": "资本开支"}
_PRINTED_UNIT = 10**8
"""Statements are compared in the unit that reports print, 100 m."""

_FLOW_TOLERANCE = 0.051e6
"""Half of the table's last digit for each fund would be more; sources round the total, not the sum."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an editor should look at. ``brief`` fits into a chat; ``evidence`` is one line a figure."""

    code: str
    brief: Localized
    message: Localized
    evidence: tuple[Localized, ...]

    def to_json(self) -> dict[str, object]:
        """The finding as plain JSON; ``message`` and ``evidence`` are in English, ``text`` holds both languages."""
        return {
            "code": self.code,
            "message": self.message["en"],
            "text": dict(self.message),
            "evidence": [line["en"] for line in self.evidence],
        }


def run(frame: Frame, figures: Iterable[Figure]) -> tuple[Finding, ...]:
    """Every finding, the gravest kind first."""
    shown = {figure.number: figure for figure in figures}
    return (
        *_missing_movers(frame),
        *_two_values(frame),
        *_header_currency(frame, shown),
        *_sums(frame),
        *_unfirm(frame),
    )


def _missing_movers(frame: Frame) -> Iterator[Finding]:
    """An instrument of the coverage that moved more than the last line of an imported top list, and isn't in it."""
    imported = frame.imported
    if imported is None:
        return
    for lines, direction in ((imported.gainers, 1), (imported.losers, -1)):
        if lines:
            yield from _missing_from(frame, imported, lines, direction)


def _missing_from(frame: Frame, imported: Imported, lines: Sequence[ImportedMove], direction: int) -> Iterator[Finding]:
    listed = {line.symbol for line in lines}
    least = min(abs(Decimal(line.change_pct)) + _half_digit(line.change_pct) for line in lines)
    for item in coverage(frame):
        change = frame.facts.number(f"equity.{item.symbol}.week_pct")
        if change is None or item.symbol in listed or change * direction <= float(least):
            continue
        shown = numbers.percent(change / 100)
        last = min(lines, key=lambda line: abs(Decimal(line.change_pct)))
        yield Finding(
            "mover-missing",
            {
                "en": f"imported top {len(lines)} lacks {item.symbol} ({shown})",
                "zh": f"外部 TOP{len(lines)} 与覆盖表不一致（{item.symbol} {shown}）",
            },
            {
                "en": f"{item.symbol} ({shown}) is absent from the imported top {len(lines)}",
                "zh": f"{item.symbol} {item.name['zh']}（{shown}）未列入外部榜单前 {len(lines)}",
            },
            (
                _sourced(_same(f"{item.symbol} {shown}"), frame.facts[f"equity.{item.symbol}.week_pct"].source),
                _sourced(
                    {
                        "en": f"last in the list: {last.symbol} {last.change_pct}%",
                        "zh": f"榜单末位：{last.symbol} {last.change_pct}%",
                    },
                    imported.source,
                ),
            ),
        )


def _sourced(said: Localized, source: str) -> Localized:
    """What is said, and who says so."""
    return {
        "en": f"{said['en']} · {sources_text(source, 'en')}",
        "zh": f"{said['zh']} · {sources_text(source, 'zh')}",
    }


def _same(text: str) -> Localized:
    """What reads the same in both languages."""
    return {"en": text, "zh": text}


def _half_digit(text: str) -> Decimal:
    """Half of the last printed digit."""
    exponent = Decimal(text).as_tuple().exponent
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0) / 2


@dataclass(frozen=True, slots=True)
class _Pair:
    """One quarter's figure as two sources print it, each with the decimals of its column."""

    symbol: str
    line: str
    quarter: Quarter
    printed: tuple[tuple[str, str, int], ...]

    @property
    def contradicts(self) -> bool:
        """Whether the figures differ by more than their rounding explains."""
        (_, first, places_1), (_, second, places_2) = self.printed
        slack = (Decimal(1).scaleb(-places_1) + Decimal(1).scaleb(-places_2)) / 2
        return abs(Decimal(first) - Decimal(second)) > slack

    def __str__(self) -> str:
        return f"{self.quarter.key} " + " / ".join(text for _, text, _ in self.printed)


def _two_values(frame: Frame) -> Iterator[Finding]:
    """The same figure with two values: a contradiction, or one figure in two precisions."""
    rounding: list[_Pair] = []
    capex = frame.layout.capex if frame.layout.shows("capex") else ()
    for symbol in dict.fromkeys((*capex, *shown_companies(frame))):
        pairs = [pair for line in LINES for pair in _pairs(frame, symbol, line)]
        if any(pair.contradicts for pair in pairs):
            yield _contradiction(symbol, pairs)
        else:
            rounding += pairs
    if rounding:
        shown = ", ".join(f"{pair.symbol} {pair.line} {pair}" for pair in rounding)
        shown_zh = "，".join(f"{pair.symbol} {_LINE_ZH[pair.line]} {pair}" for pair in rounding)
        yield Finding(
            "mixed-precision",
            {"en": f"{len(rounding)} figures in two precisions", "zh": f"{len(rounding)} 处数据精度不一"},
            {
                "en": f"The same figures stand in two precisions: {shown}",
                "zh": f"同一数据以不同精度列示：{shown_zh}",
            },
            tuple(line for pair in rounding for line in _evidence(pair)),
        )


def _contradiction(symbol: str, pairs: Sequence[_Pair]) -> Finding:
    ordered = sorted(pairs, key=lambda pair: not pair.contradicts)
    shown = ", ".join(f"{pair.line} {pair}" for pair in ordered)
    shown_zh = "，".join(f"{_LINE_ZH[pair.line]} {pair}" for pair in ordered)
    worst = ordered[0]
    return Finding(
        "two-values",
        {"en": f"{symbol} {worst.line} {worst}", "zh": f"{symbol} {_LINE_ZH[worst.line]} {worst}"},
        {
            "en": f"{symbol}: the same figure stands with two values: {shown} (100m USD)",
            "zh": f"{symbol}：同一数据出现两个数值：{shown_zh}（亿美元）",
        },
        tuple(line for pair in ordered for line in _evidence(pair)),
    )


def _evidence(pair: _Pair) -> Iterator[Localized]:
    for source, text, _ in pair.printed:
        stated: Localized = {
            "en": f"{pair.symbol} {pair.line} {pair.quarter.key} = {text}",
            "zh": f"{pair.symbol} {_LINE_ZH[pair.line]} {pair.quarter.key} = {text}",
        }
        yield _sourced(stated, source)


def _pairs(frame: Frame, symbol: str, line: str) -> Iterator[_Pair]:
    series = f"fundamentals.{symbol}.{line}"
    quarters = _quarters(frame, symbol)
    told = {quarter: frame.data.told(series, quarter.end) for quarter in quarters}
    places = _places([item for items in told.values() for item in items])
    for quarter in reversed(quarters):
        known = [item for item in told[quarter] if item.value is not None]
        texts = [(item.source, _printed(item), places[item.source]) for item in known]
        if len({text for _, text, _ in texts}) > 1:
            yield _Pair(symbol, line, quarter, (texts[0], next(text for text in texts if text[1] != texts[0][1])))


def _quarters(frame: Frame, symbol: str) -> tuple[Quarter, ...]:
    newest = latest_quarter(frame, [f"fundamentals.{symbol}.capex"])
    return company_quarters(frame, symbol) or (() if newest is None else (newest.back(4), newest.back(1), newest))


def _places(items: Sequence[Observation]) -> dict[str, int]:
    """The decimals that each source's column prints."""
    places: dict[str, int] = {}
    for item in items:
        if item.value is not None:
            exponent = Decimal(_printed(item)).as_tuple().exponent
            places[item.source] = max(places.get(item.source, 0), -exponent if isinstance(exponent, int) else 0)
    return places


def _printed(item: Observation) -> str:
    text = format((item.value or 0.0) / _PRINTED_UNIT, ".10g")
    return format(Decimal(text), "f")


def _header_currency(frame: Frame, figures: dict[int, Figure]) -> Iterator[Finding]:
    """A header that names one currency over rows in another."""
    imported = frame.imported
    for number, currency in (imported.header_currency or {}).items() if imported else ():
        rows = figures[number].rows if number in figures else ()
        others = [row for row in rows if row.get("currency") not in {currency, None}]
        if imported and others:
            symbols = ", ".join(str(row["symbol"]) for row in others)
            actual = ", ".join(dict.fromkeys(str(row["currency"]) for row in others))
            yield Finding(
                "header-currency",
                {
                    "en": f"figure {number}: {currency} header over {actual} rows ({symbols})",
                    "zh": f"图 {number} 表头 {currency}、行内 {actual}（{symbols}）",
                },
                {
                    "en": f"Figure {number} is printed under a {currency} header, but {symbols} are in {actual}",
                    "zh": f"图 {number} 表头标注 {currency}，但 {symbols} 实为 {actual}",
                },
                tuple(
                    _sourced(
                        {
                            "en": f"{row['symbol']} close {row['close']} {row['currency']}, header {currency}",
                            "zh": f"{row['symbol']} 收盘 {row['close']} {row['currency']}，表头 {currency}",
                        },
                        imported.source,
                    )
                    for row in others
                ),
            )


def _sums(frame: Frame) -> Iterator[Finding]:
    """A day whose funds don't sum to its total, once the day is final."""
    for item in flow_days(frame) if frame.layout.shows("flows") else ():
        known = [value for value in item.funds.values() if value is not None]
        if item.status is not Standing.FINAL or item.total is None or not known:
            continue
        total = fsum(known)
        if abs(total - item.total) > _FLOW_TOLERANCE * max(1, len(known) // 4):
            summed, stated = numbers.amount(total, 6, 1), numbers.amount(item.total, 6, 1)
            yield Finding(
                "sum",
                {"en": f"ETF flows of {item.day} don't sum up", "zh": f"{item.day} ETF 分项与合计不符"},
                {
                    "en": f"ETF flows of {item.day}: the funds sum to {summed}, the total says {stated} ($m)",
                    "zh": f"{item.day} ETF 资金流：分基金合计 {summed}，表列合计 {stated}（百万美元）",
                },
                tuple(_same(f"{fund} {numbers.amount(item.funds[fund], 6, 1)}") for fund in fund_names(frame)),
            )


def _unfirm(frame: Frame) -> Iterator[Finding]:
    """Facts that rest on a stale, partial, pending or provisional figure."""
    for standing, zh in (
        (Standing.STALE, "过期"),
        (Standing.PENDING, "待公布"),
        (Standing.PARTIAL, "不完整"),
        (Standing.PROVISIONAL, "初值"),
    ):
        keys = [key for key, fact in frame.facts.items() if fact.status is standing]
        if keys:
            yield Finding(
                f"{standing.value}-input",
                {"en": f"{len(keys)} facts {standing.value}", "zh": f"{len(keys)} 项{zh}"},
                {"en": f"{len(keys)} facts are {standing.value}", "zh": f"{len(keys)} 项数据为{zh}"},
                tuple(
                    _sourced(_same(f"{key} · {frame.facts[key].as_of or ''}"), frame.facts[key].source) for key in keys
                ),
            )
