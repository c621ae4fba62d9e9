"""Figures 5 to 11: cloud revenue, capital expenditure and the quarters of four companies.

Everything is computed from raw figures in USD and rounded when it is written. Quarters are calendar quarters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.digest.facts import Fact, derived, difference, growth, missing, observed
from bot.digest.figure import STATEMENT_UNIT, Cell, Column, Figure, Row, summary
from bot.digest.frame import Frame
from bot.digest.wording import beside
from rules import numbers
from rules.model import Localized, Observation

LINES = ("revenue", "net_income", "gross_profit", "capex")


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A calendar quarter."""

    year: int
    number: int

    @classmethod
    def ended_by(cls, day: date) -> Quarter:
        """The last quarter that ended on or before ``day``."""
        return cls(day.year, (day.month - 1) // 3 + 1).back(0 if _next_is_quarter(day) else 1)

    @classmethod
    def of(cls, key: str) -> Quarter:
        """The quarter that ``key`` (``3Q24``) names."""
        return cls(2000 + int(key[2:]), int(key[0]))

    def back(self, quarters: int) -> Quarter:
        """The quarter so many before."""
        index = self.year * 4 + self.number - 1 - quarters
        return Quarter(index // 4, index % 4 + 1)

    @property
    def end(self) -> date:
        """Its last day."""
        return date(self.year + self.number // 4, self.number * 3 % 12 + 1, 1) - timedelta(days=1)

    @property
    def key(self) -> str:
        """``3Q24``."""
        return f"{self.number}Q{self.year % 100:02d}"

    def title(self, shift: int = 0) -> Localized:
        """The quarter as a header, with the fiscal quarter of a company that is ``shift`` quarters ahead."""
        return {
            "en": numbers.quarter(self.number, self.year, "en", fiscal_shift=shift),
            "zh": numbers.quarter(self.number, self.year, "zh", fiscal_shift=shift),
        }


def _next_is_quarter(day: date) -> bool:
    after = day + timedelta(days=1)
    return after.day == 1 and after.month % 3 == 1


Wanted = tuple[str, Quarter]
"""A series and a quarter."""


def one_source(frame: Frame, wanted: Sequence[Wanted]) -> dict[Wanted, Observation]:
    """The figures of one table, from one source as far as possible.

    The source that has most of them comes first, on a tie the one that gives more digits; what it lacks is filled
    from the others, and each fact names its own.
    """
    told = {want: [o for o in frame.data.told(want[0], want[1].end) if o.value is not None] for want in wanted}
    every = [item for items in told.values() for item in items]
    ranked = sorted(
        dict.fromkeys(item.source for item in every),
        key=lambda source: (-len(mine := [o for o in every if o.source == source]), -sum(map(_digits, mine))),
    )
    return {want: min(items, key=lambda item: ranked.index(item.source)) for want, items in told.items() if items}


def _digits(item: Observation) -> int:
    """The significant digits of a figure."""
    return len(f"{abs(item.value or 0):.0f}".rstrip("0"))


def latest_quarter(frame: Frame, series: Iterable[str]) -> Quarter | None:
    """The newest quarter, of the last four that ended, in which one of the series has a figure."""
    names = tuple(series)
    newest = Quarter.ended_by(frame.span.last)
    for quarter in (newest.back(n) for n in range(4)):
        if any((found := frame.data.on(name, quarter.end)) and found.value is not None for name in names):
            return quarter
    return None


def state_reported(frame: Frame) -> None:
    """Fact ``results.reported``: the companies whose newest quarter became known within the span's week."""
    lines = {part.symbol: part.field for part in frame.layout.cloud if frame.layout.shows("cloud")}
    series = [f"fundamentals.{symbol}.{field}" for symbol, field in lines.items()]
    if frame.layout.shows("capex"):
        series += [f"fundamentals.{symbol}.capex" for symbol in frame.layout.capex]
    series += [f"fundamentals.{symbol}.revenue" for symbol in shown_companies(frame)]
    fresh = _fresh(frame, series)
    inputs = [Fact(1.0, "", item.source, item.known_at) for item in fresh.values()]
    frame.facts.state("results.reported", derived(tuple(fresh), "symbols", inputs))


def reporting(frame: Frame) -> tuple[str, ...]:
    """The companies with a table whose newest quarter became known within the span."""
    return tuple(_fresh(frame, [f"fundamentals.{symbol}.revenue" for symbol in shown_companies(frame)]))


def _fresh(frame: Frame, series: Sequence[str]) -> dict[str, Observation]:
    """By company, what was told first of its newest quarter, where that wasn't known before the span."""
    quarter = latest_quarter(frame, series)
    told = [item for name in series if quarter for item in frame.data.told(name, quarter.end) if item.value is not None]
    first: dict[str, Observation] = {}
    for item in sorted(told, key=lambda item: item.known_at):
        first.setdefault(item.series.split(".")[1], item)
    return {symbol: item for symbol, item in first.items() if item.known_at.date() >= frame.span.first}


def state_capex(frame: Frame) -> None:
    """Facts ``capex.SYMBOL`` with ``.previous``, ``.year_ago``, ``.yoy_pct``, ``.qoq_pct``, and ``capex.quarter``."""
    names = {symbol: f"fundamentals.{symbol}.capex" for symbol in frame.layout.capex}
    quarter = latest_quarter(frame, names.values())
    if quarter is None:
        frame.facts.state("capex.quarter", missing("quarter", "no capital expenditure is known", "缺资本开支数据"))
        return
    frame.facts.state("capex.quarter", Fact(quarter.key, "quarter"))
    spans = {"": quarter, ".previous": quarter.back(1), ".year_ago": quarter.back(4)}
    found = one_source(frame, [(name, when) for name in names.values() for when in spans.values()])
    for symbol, name in names.items():
        now, previous, before = (
            frame.facts.state(f"capex.{symbol}{suffix}", _reported(found.get((name, when)), symbol, "capex", when))
            for suffix, when in spans.items()
        )
        frame.facts.state(f"capex.{symbol}.yoy_pct", growth(now, before))
        frame.facts.state(f"capex.{symbol}.qoq_pct", growth(now, previous))


def state_cloud(frame: Frame) -> None:
    """Facts ``cloud.SYMBOL`` with ``.yoy_pct`` and ``.qoq_pct``, ``cloud.SYMBOL.2Q24`` …, and ``cloud.quarter``."""
    series = {part.symbol: f"fundamentals.{part.symbol}.{part.field}" for part in frame.layout.cloud}
    quarter = latest_quarter(frame, series.values())
    if quarter is None:
        frame.facts.state("cloud.quarter", missing("quarter", "no segment revenue is known", "缺分部收入数据"))
        return
    frame.facts.state("cloud.quarter", Fact(quarter.key, "quarter"))
    before = [quarter.back(n) for n in range(frame.layout.quarters + 4)]
    for symbol, name in series.items():
        found = one_source(frame, [(name, when) for when in before])
        told = {when: _reported(found.get((name, when)), symbol, "cloud revenue", when) for when in before}
        now = frame.facts.state(f"cloud.{symbol}", told[quarter])
        frame.facts.state(f"cloud.{symbol}.yoy_pct", growth(now, told[quarter.back(4)]))
        frame.facts.state(f"cloud.{symbol}.qoq_pct", growth(now, told[quarter.back(1)]))
        for when in reversed(before[: frame.layout.quarters]):
            if told[when].known:
                frame.facts.state(f"cloud.{symbol}.{when.key}", told[when])
                grown = growth(told[when], told[when.back(4)])
                if grown.known:
                    frame.facts.state(f"cloud.{symbol}.{when.key}.yoy_pct", grown)


def shown_companies(frame: Frame) -> tuple[str, ...]:
    """The companies whose tables a section shows, in the layout's order."""
    return tuple(dict.fromkeys(item.symbol for item in frame.layout.companies if item.figure in frame.layout.figures))


def state_company(frame: Frame, symbol: str) -> None:
    """Facts ``company.SYMBOL.QUARTER.LINE`` with ``_yoy_pct``, ``_qoq_pct``, and the gross margin with its changes.

    LINE is ``revenue``, ``net_income`` or ``capex`` (USD); ``gross_margin`` is in percent, its changes in points.
    """
    quarters = company_quarters(frame, symbol)
    if not quarters:
        return
    wanted = [(f"fundamentals.{symbol}.{line}", quarter) for quarter in quarters for line in LINES]
    found = one_source(frame, wanted)
    for quarter in quarters:
        figures = {
            line: _reported(found.get((f"fundamentals.{symbol}.{line}", quarter)), symbol, line, quarter)
            for line in LINES
        }
        margin = _share(figures.pop("gross_profit"), figures["revenue"])
        key = f"company.{symbol}.{quarter.key}"
        for line, fact in {**figures, "gross_margin": margin}.items():
            frame.facts.state(f"{key}.{line}", fact)
        for name, back in (("yoy", 4), ("qoq", 1)):
            before = f"company.{symbol}.{quarter.back(back).key}"
            if f"{before}.revenue" not in frame.facts:
                continue
            for line, fact in figures.items():
                frame.facts.state(f"{key}.{line}_{name}_pct", growth(fact, frame.facts[f"{before}.{line}"]))
            change = difference(margin, frame.facts[f"{before}.gross_margin"], "pp")
            frame.facts.state(f"{key}.gross_margin_{name}_pp", change)


def company_quarters(frame: Frame, symbol: str) -> tuple[Quarter, ...]:
    """The quarters that the company's table shows, oldest first; none when nothing is known."""
    newest = latest_quarter(frame, [f"fundamentals.{symbol}.revenue"])
    return () if newest is None else tuple(newest.back(n) for n in reversed(range(frame.layout.quarters)))


def _reported(found: Observation | None, symbol: str, line: str, quarter: Quarter) -> Fact:
    return observed(found, "USD", f"{symbol} {line} {quarter.key}")


def _share(part: Fact, whole: Fact) -> Fact:
    if part.number is None or not whole.number:
        return derived(None, "%", (part, whole))
    return derived(part.number / whole.number * 100, "%", (part, whole))


_YOY: Localized = {"en": "YoY", "zh": "同比"}
_QOQ: Localized = {"en": "QoQ", "zh": "环比"}


def cloud_figure(frame: Frame, number: int) -> Figure:
    """Figure 5 (revenue) or 6 (growth)."""
    title: Localized = (
        {"en": "Cloud revenue", "zh": "云业务收入"}
        if number == 5
        else {"en": "Cloud revenue growth", "zh": "云业务收入增速"}
    )
    key = frame.facts["cloud.quarter"].value
    if not isinstance(key, str):
        return Figure(number=number, title=title, missing=frame.facts["cloud.quarter"].reason)
    rows: list[Row] = []
    shown: list[Fact] = []
    for part in frame.layout.cloud:
        now, yoy, qoq = (frame.facts[f"cloud.{part.symbol}{name}"] for name in ("", ".yoy_pct", ".qoq_pct"))
        shown += [now, yoy, qoq]
        cells: dict[str, Cell] = {"symbol": part.symbol, "name": frame.name(part.symbol), "segment": part.name}
        cells |= {"revenue": now.number, "yoy_pct": yoy.number, "qoq_pct": qoq.number}
        rows.append(cells | (_by_quarter(frame, part.symbol) if number == 5 else {}))
    source, as_of, status = summary(shown)
    name_columns = (
        Column("name", {"en": "Company", "zh": "公司"}),
        Column("segment", {"en": "Segment", "zh": "业务"}),
    )
    revenue = Column(
        "revenue", {"en": f"Revenue {Quarter.of(key).title()['en']}", "zh": f"{key} 收入"}, "statement", STATEMENT_UNIT
    )
    changes = (Column("yoy_pct", _YOY, "pct1"), Column("qoq_pct", _QOQ, "pct1"))
    return Figure(
        number=number,
        title=title,
        columns=(*name_columns, revenue, *changes) if number == 5 else (*name_columns, *changes),
        rows=tuple(rows),
        source=source,
        as_of=as_of,
        status=status,
    )


def _by_quarter(frame: Frame, symbol: str) -> dict[str, Cell]:
    """What the chart shows beside the table: ``2Q24`` and ``2Q24_yoy_pct`` for each quarter that is known."""
    stem = f"cloud.{symbol}."
    known = {key.removeprefix(stem): fact.number for key, fact in frame.facts.items() if key.startswith(stem)}
    return {key.replace(".", "_"): number for key, number in known.items() if key[0].isdigit()}


def capex_figure(frame: Frame) -> Figure:
    """Figure 7."""
    title: Localized = {"en": "Capital expenditure of four clouds", "zh": "四大云厂商资本开支"}
    key = frame.facts["capex.quarter"].value
    if not isinstance(key, str):
        return Figure(number=7, title=title, missing=frame.facts["capex.quarter"].reason)
    quarter = Quarter.of(key)
    rows: list[Row] = []
    shown: list[Fact] = []
    for symbol in frame.layout.capex:
        names = ("", ".previous", ".year_ago", ".yoy_pct", ".qoq_pct")
        facts = [frame.facts[f"capex.{symbol}{name}"] for name in names]
        shown += facts
        values = dict(zip(("now", "previous", "year_ago", "yoy_pct", "qoq_pct"), facts, strict=True))
        cells: dict[str, Cell] = {name: fact.number for name, fact in values.items()}
        rows.append({"symbol": symbol, "name": frame.name(symbol), **cells})
    source, as_of, status = summary(shown)
    return Figure(
        number=7,
        title=title,
        columns=(
            Column("symbol", {"en": "Code", "zh": "代码"}),
            Column("name", {"en": "Company", "zh": "公司"}),
            Column("now", quarter.title(), "statement", STATEMENT_UNIT),
            Column("previous", quarter.back(1).title(), "statement", STATEMENT_UNIT),
            Column("year_ago", quarter.back(4).title(), "statement", STATEMENT_UNIT),
            Column("yoy_pct", _YOY, "pct0"),
            Column("qoq_pct", _QOQ, "pct0"),
        ),
        rows=tuple(rows),
        notes=({"en": "Calendar quarters.", "zh": "按自然季度列示。"},),
        source=source,
        as_of=as_of,
        status=status,
    )


def company_figure(frame: Frame, number: int, symbol: str) -> Figure:
    """Figures 8 to 11: lines down, quarters across."""
    name = frame.name(symbol)
    title: Localized = {"en": f"{name['en']}: quarterly results", "zh": beside(name["zh"], "主要财务指标")}
    quarters = company_quarters(frame, symbol)
    if not quarters:
        reason: Localized = {"en": f"no statements of {symbol} are known", "zh": f"缺 {symbol} 财报数据"}
        return Figure(number=number, title=title, missing=reason)
    shift = frame.fiscal_shift(symbol)
    facts = [
        frame.facts[f"company.{symbol}.{quarter.key}.{line}"] for quarter in quarters for line in ("revenue", "capex")
    ]
    source, as_of, status = summary(facts)
    return Figure(
        number=number,
        title=title,
        columns=(
            Column("line", {"en": "", "zh": ""}),
            *(Column(quarter.key, quarter.title(shift), "statement") for quarter in quarters),
        ),
        rows=tuple(_company_rows(frame, symbol, quarters)),
        notes=(
            {
                "en": "Amounts in $m; margin changes in percentage points.",
                "zh": "金额单位：亿美元；毛利率变动单位：pct。",
            },
        ),
        source=source,
        as_of=as_of,
        status=status,
    )


_LINES: tuple[tuple[str, Localized], ...] = (
    ("revenue", {"en": "Revenue", "zh": "营业收入"}),
    ("net_income", {"en": "Net income", "zh": "净利润"}),
    ("gross_margin", {"en": "Gross margin", "zh": "毛利率"}),
    ("capex", {"en": "Capital expenditure", "zh": "资本开支"}),
)


def _company_rows(frame: Frame, symbol: str, quarters: tuple[Quarter, ...]) -> Iterable[Row]:
    for line, title in _LINES:
        margin = line == "gross_margin"
        suffix, form = ("pp", "pp1") if margin else ("pct", "pct1")
        yield _across(frame, symbol, quarters, line, {"line": title, "form": "ratio1" if margin else "statement"})
        yield _across(frame, symbol, quarters, f"{line}_yoy_{suffix}", {"line": _indented(_YOY), "form": form})
        yield _across(frame, symbol, quarters, f"{line}_qoq_{suffix}", {"line": _indented(_QOQ), "form": form})


def _indented(title: Localized) -> Localized:
    return {"en": f"– {title['en']}", "zh": f"– {title['zh']}"}


def _across(
    frame: Frame, symbol: str, quarters: tuple[Quarter, ...], name: str, head: dict[str, Cell]
) -> dict[str, Cell]:
    return head | {q.key: frame.facts.number(f"company.{symbol}.{q.key}.{name}") for q in quarters}
