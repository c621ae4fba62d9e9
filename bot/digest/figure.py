"""A figure: one table of raw cells with what is needed to write or draw it. Every format is a view of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from bot.digest.facts import Fact, Standing
from rules import numbers
from rules.model import Lang, Localized

Form = Literal[
    "text",  # a word, or a text in each language
    "price",
    "coin",  # a price of bitcoin's size
    "pct0",  # signed, the value is in percent
    "pct1",
    "pct2",
    "ratio1",  # an unsigned percentage
    "ratio2",
    "pp1",  # signed percentage points
    "flow",  # signed money, in millions
    "flow0",  # the same without decimals, for large sums
    "cap",  # money, in the language's table unit, of the row's currency
    "statement",  # money of a company's statement, in the language's table unit
    "trillion",
    "count",
    "date",
]
Cell = float | str | Localized | None
Row = Mapping[str, Cell]

_PLAIN = {"pct0": 0, "pct1": 1, "pct2": 2, "ratio1": 1, "ratio2": 2, "pp1": 1}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the rows' key, the header, how cells are written, and the unit for the header."""

    key: str
    title: Localized
    form: Form = "text"
    unit: Localized | None = None

    @property
    def numeric(self) -> bool:
        """Whether the cells are right-aligned numbers."""
        return self.form not in {"text", "date"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure.

    ``group`` in a row heads a run of rows; ``form`` in a row replaces the columns' own; ``KEY_mark`` is written after
    the cell of the column ``KEY``.

    ``missing`` is the reason why there is nothing to show; then there are no rows.
    """

    number: int
    title: Localized
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    points: tuple[tuple[str | Localized, float], ...] = ()
    """What a chart shows beside the table: ISO dates or names, with raw values."""
    lines: Mapping[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)
    """What it shows over time, by name: ISO dates with raw values."""
    notes: tuple[Localized, ...] = ()
    source: str = ""
    as_of: datetime | None = None
    status: Standing = Standing.FINAL
    missing: Localized | None = None

    def to_json(self) -> dict[str, object]:
        """The figure as plain JSON: raw values, texts in both languages."""
        document: dict[str, object] = {
            "title": dict(self.title),
            "columns": [
                {"key": c.key, "title": dict(c.title), "form": c.form, "unit": dict(c.unit) if c.unit else None}
                for c in self.columns
            ],
            "rows": [{key: plain(cell) for key, cell in row.items()} for row in self.rows],
            "points": [[plain(name), plain(level)] for name, level in self.points],
            "lines": {name: [[day, plain(level)] for day, level in points] for name, points in self.lines.items()},
            "notes": [dict(note) for note in self.notes],
            "source": self.source,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "status": self.status.value,
        }
        return document | ({"missing": dict(self.missing)} if self.missing else {})


def plain(cell: Cell) -> object:
    """A cell as JSON has it; a float without its noise."""
    if isinstance(cell, float):
        return float(format(cell, ".12g"))
    return dict(cell) if isinstance(cell, Mapping) else cell


def written(cell: Cell, form: Form, lang: Lang) -> str:
    """A cell as readers see it; the unit of a money column stands in its header."""
    if cell is None:
        return numbers.MISSING
    if not isinstance(cell, float):
        return _word(cell, form, lang)
    if form in _PLAIN:
        text = numbers.number(cell, _decimals(cell, form), signed=not form.startswith("ratio"))
        return text + ("%" if form != "pp1" else "pct" if lang == "zh" else "pp")
    if form in {"price", "coin"}:
        return numbers.price(cell, lang, crypto=form == "coin")
    power, decimals = _TABLE_UNITS[form, lang]
    return numbers.amount(cell, power, decimals, comma=lang == "en")


_TABLE_UNITS: dict[tuple[str, Lang], tuple[int, int]] = {
    ("count", "zh"): (0, 0),
    ("count", "en"): (0, 0),
    ("flow", "zh"): (6, 1),
    ("flow", "en"): (6, 1),
    ("flow0", "zh"): (6, 0),
    ("flow0", "en"): (6, 0),
    ("trillion", "zh"): (12, 2),
    ("trillion", "en"): (12, 2),
    ("cap", "zh"): (8, 1),
    ("cap", "en"): (9, 2),
    ("statement", "zh"): (8, 2),
    ("statement", "en"): (6, 0),
}
CAP_UNIT: Localized = {"zh": "亿", "en": "bn"}
STATEMENT_UNIT: Localized = {"zh": "亿美元", "en": "$m"}
FLOW_UNIT: Localized = {"zh": "百万美元", "en": "$m"}
TRILLION_UNIT: Localized = {"zh": "万亿美元", "en": "$tn"}


def _decimals(cell: float, form: Form) -> int:
    """A change of 100% or more has no decimals."""
    return 0 if form == "pct1" and abs(numbers.rounded(cell, 1)) >= 100 else _PLAIN[form]


def _word(cell: str | Localized, form: Form, lang: Lang) -> str:
    if isinstance(cell, str):
        return day_text(date.fromisoformat(cell), lang) if form == "date" else cell
    return cell[lang]


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS: dict[Lang, tuple[str, ...]] = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}


def day_text(day: date, lang: Lang) -> str:
    """``1 Nov``, ``11-01``."""
    return f"{day:%m-%d}" if lang == "zh" else f"{day.day} {_MONTHS[day.month - 1]}"


def weekday(day: date, lang: Lang) -> str:
    """``Fri``, ``周五``."""
    return _DAYS[lang][day.weekday()]


def stale_mark(fact: Fact) -> str:
    """What stands behind a figure of an earlier day than the one wanted."""
    return numbers.STALE if fact.status is Standing.STALE else ""


def summary(facts: list[Fact]) -> tuple[str, datetime | None, Standing]:
    """Source, as-of time and weakest status of the facts that a figure shows; missing ones say nothing."""
    known = [fact for fact in facts if fact.known]
    if not known:
        return "", None, Standing.MISSING
    sources = dict.fromkeys(name for fact in known for name in fact.source.split("; ") if name)
    times = [fact.as_of for fact in known if fact.as_of]
    order = tuple(Standing)
    return "; ".join(sources), max(times, default=None), max((fact.status for fact in known), key=order.index)
