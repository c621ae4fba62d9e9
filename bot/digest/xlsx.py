"""The digest as a workbook: one sheet a figure, real numbers with their formats, then sentences, facts and checks."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from adapters.message import Reader
from bot.charts.svg import text_width
from bot.digest.document import Digest
from bot.digest.figure import Cell, Column, Figure, Row, written
from bot.digest.html import STANDINGS, header, source_line
from bot.digest.wording import sources_text, span_text
from rules.model import Lang

_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")
_LONGEST_NAME = 31
_PIXELS, _FILLED = 13, 0.92
"""The height of a character, and the part of a line that words fill."""

_NUMBERS: dict[str, tuple[float, str]] = {
    "pct0": (0.01, "+0%;-0%;0%"),
    "pct1": (0.01, "+0.0%;-0.0%;0.0%"),
    "pct2": (0.01, "+0.00%;-0.00%;0.00%"),
    "ratio1": (0.01, "0.0%"),
    "ratio2": (0.01, "0.00%"),
    "flow": (1e-6, "#,##0.0;-#,##0.0;0.0"),
    "flow0": (1e-6, "#,##0;-#,##0;0"),
    "trillion": (1e-12, "0.00"),
    "count": (1, "0"),
}
"""By form: what a raw value is multiplied with, and the number format. Money is in the unit of the column's header."""

_BY_LANGUAGE: dict[tuple[str, Lang], tuple[float, str]] = {
    ("cap", "zh"): (1e-8, "#,##0.0"),
    ("cap", "en"): (1e-9, "#,##0.00"),
    ("statement", "zh"): (1e-8, "#,##0.00"),
    ("statement", "en"): (1e-6, "#,##0"),
    ("pp1", "zh"): (1, '+0.0"pct";-0.0"pct";0.0"pct"'),
    ("pp1", "en"): (1, '+0.0"pp";-0.0"pp";0.0"pp"'),
}
_WORDS: dict[Lang, dict[str, str]] = {
    "en": {
        "summary": "Summary",
        "facts": "Facts",
        "checks": "Checks",
        "missing": "Not shown",
        "figure": "Figure",
        "empty": "Not filled in yet",
    },
    "zh": {"summary": "要点", "facts": "数据", "checks": "核对", "missing": "暂缺", "figure": "图", "empty": "待填写"},
}
_FACTS_HEADS: dict[Lang, tuple[str, ...]] = {
    "en": ("key", "value", "unit", "source", "as of (UTC)", "status"),
    "zh": ("键", "数值", "单位", "来源", "截至（UTC）", "状态"),
}
_CHECKS_HEADS: dict[Lang, tuple[str, ...]] = {"en": ("code", "message", "evidence"), "zh": ("代码", "说明", "依据")}
_LOOSE_ENDS = frozenset({"a", "and", "by", "of", "the"})


def render(digest: Digest, reader: Reader) -> bytes:
    """The workbook in the reader's language. Texts are written as texts: none of them can become a formula."""
    import xlsxwriter  # noqa: PLC0415 - only when a workbook is wanted

    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        book.set_properties({"title": f"{digest.layout.title[reader.lang]} {span_text(digest.span, reader.lang)}"})
        book.set_properties({"created": digest.now.replace(tzinfo=None)})
        writer = _Writer(book, reader)
        writer.summary(digest)
        for figure in digest.figures.values():
            writer.figure(figure)
        writer.facts(digest)
        writer.checks(digest)
    return target.getvalue()


def _height(*cells: tuple[str, float]) -> float:
    """How high a row is, in points, whose texts are wrapped in columns so many characters wide.

    Not every program fits a row to its texts when it opens a workbook.
    """
    lines = [
        math.ceil(text_width(line, _PIXELS) / (width * 7 * _FILLED)) or 1
        for text, width in cells
        for line in [text.replace("\n", " " * int(width))]
    ]
    return 13.5 * max(lines)


def _sheet_name(title: str) -> str:
    """What a sheet is called: the title up to its first colon or bracket, cut between words where that is too long."""
    name = " ".join(_SHEET_NAME.sub(" ", re.split("[:：(（]", title)[0]).split())
    while len(name) > _LONGEST_NAME:
        name = name.rpartition(" ")[0] or name[:_LONGEST_NAME]
    while name.rpartition(" ")[2] in _LOOSE_ENDS:
        name = name.rpartition(" ")[0]
    return name


class _Writer:
    def __init__(self, book: Any, reader: Reader) -> None:
        self.book = book
        self.reader = reader
        self.lang: Lang = reader.lang
        self.words = _WORDS[reader.lang]
        self._formats: dict[tuple[tuple[str, object], ...], Any] = {}

    def style(self, **properties: object) -> Any:
        """A format with these properties, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"font_name": "Arial", "font_size": 10, **properties})
        return self._formats[key]

    def _sheet(self, name: str) -> Any:
        """A sheet that prints on A4, as wide as the paper."""
        sheet = self.book.add_worksheet(name)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return sheet

    def summary(self, digest: Digest) -> None:
        """Title, sentences, and the analyst's texts."""
        sheet = self._sheet(self.words["summary"])
        sheet.set_column(0, 0, 20)
        sheet.set_column(1, 1, 120)
        sheet.write_string(0, 0, digest.layout.title[self.lang], self.style(bold=True, font_size=14))
        sheet.write_string(1, 0, span_text(digest.span, self.lang), self.style())
        texts = [(part.heading[self.lang], part.text[self.lang]) for part in digest.paragraphs]
        texts += [
            (slot.title[self.lang], digest.words(slot, self.lang) or self.words["empty"])
            for slot in digest.layout.slots
        ]
        for index, (heading, text) in enumerate(texts, 3):
            sheet.set_row(index, _height((heading, 20), (text, 120)))
            sheet.write_string(index, 0, heading, self.style(bold=True, valign="top", text_wrap=True))
            sheet.write_string(index, 1, text, self.style(text_wrap=True, valign="top"))

    def figure(self, figure: Figure) -> None:
        """One figure: title, header, rows, notes and source."""
        title = f"{self.words['figure']} {figure.number} {figure.title[self.lang]}"
        sheet = self._sheet(_sheet_name(title))
        sheet.write_string(0, 0, title, self.style(bold=True, font_size=12))
        if figure.missing:
            sheet.write_string(2, 0, f"{self.words['missing']}: {figure.missing[self.lang]}", self.style(italic=True))
            return
        heads = [header(column, self.lang) for column in figure.columns]
        for index, (head, column) in enumerate(zip(heads, figure.columns, strict=True)):
            align = "right" if column.numeric else "left"
            sheet.write_string(2, index, head, self.style(bold=True, bottom=1, align=align, text_wrap=True))
        line = self._rows(sheet, figure, 3)
        sheet.freeze_panes(3, 1)
        for index, column in enumerate(figure.columns):
            texts = [
                written(row.get(column.key), "text" if column.form == "date" else column.form, self.lang)
                for row in figure.rows
                if not isinstance(row.get(column.key), Mapping)
            ]
            texts += [cell[self.lang] for row in figure.rows if isinstance(cell := row.get(column.key), Mapping)]
            widest = max((text_width(text, 7) for text in [heads[index], *texts]), default=40) / 4.4
            sheet.set_column(index, index, min(max(widest + 2, 9), 42))
        for text in [*(note[self.lang] for note in figure.notes), source_line(figure, self.reader)]:
            line += 1
            sheet.write_string(line, 0, text, self.style(font_color="#5c6773", font_size=9))

    def _rows(self, sheet: Any, figure: Figure, line: int) -> int:
        """Write the rows from ``line`` on, each group under its heading; return the line after them."""
        heading = ""
        for row in figure.rows:
            group = row.get("group")
            name = group[self.lang] if isinstance(group, Mapping) else ""
            if name and name != heading:
                sheet.write_string(line, 0, name, self.style(bold=True, font_color="#0b3d6e"))
                line += 1
            heading = name
            for index, column in enumerate(figure.columns):
                self._cell(sheet, line, index, column, row)
            line += 1
        return line

    def _cell(self, sheet: Any, line: int, index: int, column: Column, row: Row) -> None:
        cell: Cell = row.get(column.key)
        if isinstance(cell, float):
            own = row.get("form")
            factor, layout = self._number(own if isinstance(own, str) else column.form, cell)
            sheet.write_number(line, index, cell * factor, self.style(num_format=layout))
        elif cell is None:
            if column.numeric:
                sheet.write_string(line, index, "—", self.style(align="right"))
        elif column.form == "date" and isinstance(cell, str):
            day = datetime.combine(date.fromisoformat(cell), datetime.min.time())
            sheet.write_datetime(line, index, day, self.style(num_format="yyyy-mm-dd", align="left"))
        else:
            sheet.write_string(line, index, written(cell, "text", self.lang), self.style())

    def _number(self, form: str, cell: float) -> tuple[float, str]:
        if form in {"price", "coin"}:  # as many decimals as on the page
            shown = written(cell, "coin" if form == "coin" else "price", "en")
            return 1, "#,##0" + (f".{'0' * len(shown.partition('.')[2])}" if "." in shown else "")
        return _NUMBERS.get(form) or _BY_LANGUAGE[form, self.lang]

    def facts(self, digest: Digest) -> None:
        """Every fact with unit, source, time and status."""
        rows = [
            (
                key,
                fact.value,
                fact.unit,
                sources_text(fact.source, self.lang),
                fact.as_of.isoformat() if fact.as_of else "",
                STANDINGS[fact.status][self.lang],
            )
            for key, fact in digest.facts.items()
        ]
        self._table(self.words["facts"], _FACTS_HEADS[self.lang], rows, (44, 22, 10, 46, 27, 12))

    def checks(self, digest: Digest) -> None:
        """Findings with their evidence."""
        rows = [
            (finding.code, finding.message[self.lang], line[self.lang] if line else "")
            for finding in digest.findings
            for line in finding.evidence or (None,)
        ]
        self._table(self.words["checks"], _CHECKS_HEADS[self.lang], rows, (20, 90, 70))

    def _table(
        self, name: str, heads: Sequence[str], rows: Sequence[Sequence[object]], widths: Sequence[float]
    ) -> None:
        sheet = self._sheet(name)
        for index, (head, width) in enumerate(zip(heads, widths, strict=True)):
            sheet.set_column(index, index, width)
            sheet.write_string(0, index, head, self.style(bold=True, bottom=1))
        for line, row in enumerate(rows, 1):
            texts = [", ".join(value) if isinstance(value, tuple) else str(value or "") for value in row]
            sheet.set_row(line, _height(*zip(texts, widths, strict=True)))
            for index, value in enumerate(row):
                if isinstance(value, float):
                    sheet.write_number(line, index, float(format(value, ".12g")), self.style(valign="top"))
                else:
                    sheet.write_string(line, index, texts[index], self.style(valign="top", text_wrap=True))
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(len(rows), 1), len(heads) - 1)
