"""The digest as one self-contained page: no script from elsewhere, no font, no request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from adapters.message import Colour, Instant, Reader
from adapters.rendering.times import instant_text
from bot.charts.svg import PAGE, Palette, text_width
from bot.digest.checks import Finding
from bot.digest.document import Digest
from bot.digest.facts import Standing
from bot.digest.figure import Cell, Column, Figure, Form, Row, day_text, written
from bot.digest.graphics import draw
from bot.digest.layout import Section
from bot.digest.wording import sources_text, span_text
from bot.locale.sources import source_name
from rules.model import Lang, Localized

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True, slots=True)
class Widths:
    """How wide charts are drawn, in pixels: across the page, beside nothing, two or three abreast, on a phone."""

    full: int
    wide: int
    half: int
    third: int
    narrow: int

    def of(self, number: int, abreast: int = 1) -> int:
        """The width of a figure's charts, where so many figures stand side by side."""
        if abreast > 1:
            return self.half if abreast == 2 else self.third
        if number in {18, 19, 20}:
            return self.full
        return self.third if number == 5 else self.half if number in {2, 3, 13} else self.wide


SCREEN = Widths(1072, 620, 516, 330, 340)
PAPER = Widths(756, 580, 364, 238, 0)
_ABREAST = {13: 3, 14: 3, 15: 3}
"""How many figures of a kind stand side by side on paper; companies' tables by two, the others alone."""
_SHRUNK = 0.9
"""On paper charts are shown a little smaller than they are drawn, as the tables are."""
_PAPER_FONT = "Roboto,Arial,Noto Sans CJK SC,sans-serif"
_SIZE = re.compile(r' (width|height)="([\d.]+)"')
_FOLDED = frozenset({2, 3, 18, 19, 20})
"""Figures whose chart tells it all; their table is folded away."""
_SHEET_ROWS = 24
_FEW = 4
_EVIDENCE_ON_PAPER = 8
_CHANGES = frozenset({"pct0", "pct1", "pct2", "pp1", "flow", "flow0"})
_NUMBER = r"[+-]?(?:&lt;)?(?:HK)?\$?\d[\d,.]*"
_UNIT = r"(?:万?亿[美港]?元?|[美港]元|[点只个]|sessions?\b|pct|pp|[%MBT]|h\b)"
_TIME = r"(?:(?:美东|北京) )?(?:(?:\d\d-\d\d|[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2}) )?\d\d:\d\d(?: ET| UTC| HKT)?"
_DAY = r"\d{4}-\d\d-\d\d|\d\d-\d\d（周.）|\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b"
_QUANTITY = re.compile(rf"{_TIME}|{_DAY}|(?:[同环]比 )?{_NUMBER} ?{_UNIT}(?: (?:YoY|QoQ|w/w))?")


@dataclass(frozen=True, slots=True)
class CellView:
    """One cell as the page shows it."""

    text: str
    css: str
    sort: str
    """What the column sorts by: the raw number, or the text."""


@dataclass(frozen=True, slots=True)
class FigureView:
    """One figure as the page shows it."""

    number: int
    title: Markup
    wide: list[Markup]
    narrow: list[Markup]
    headers: list[tuple[str, str]]
    groups: list[tuple[str, list[list[CellView]]]]
    notes: list[Markup]
    footer: Markup
    missing: str
    slots: list[tuple[str, str]]
    """An analyst's words that belong under it: heading and text."""
    folded: bool
    few: bool
    """Whether its columns are too few to be spread over the page."""
    long: bool
    """Too long to stand on one sheet."""
    shares: list[float]
    """How wide the columns are, in percent, on paper."""


def render(digest: Digest, reader: Reader, *, paper: Palette | None = None) -> str:
    """The whole page in the reader's language, colours and time zone.

    With ``paper`` it is made for a program that prints and knows no script: charts in those plain colours.
    """
    lang = reader.lang
    view = _Viewer(reader, PAPER if paper else SCREEN, paper or PAGE)
    sections = [
        (part.id, part.title[lang], [view.row(digest, numbers) for numbers in _rows(digest, part, paper=bool(paper))])
        for part in digest.layout.sections
    ]
    shown, slots = [section for section in sections if section[2]], _slots(digest, lang, 0)
    page: str = _template().render(
        lang=lang,
        reader=reader,
        paper=paper is not None,
        words=_WORDS[lang],
        title=digest.layout.title[lang],
        span=span_text(digest.span, lang),
        as_of=_instant(digest.now, reader),
        paragraphs=[(part.heading[lang], bind(part.text[lang])) for part in digest.paragraphs],
        sections=shown,
        contents=_contents(shown, _WORDS[lang], slots=bool(slots), columns=2 if paper else 1),
        findings=[
            (f.code, bind(f.message[lang]), _evidence(f, lang, _EVIDENCE_ON_PAPER if paper else None))
            for f in digest.findings
        ],
        slots=slots,
        sources=_sources(digest, lang),
        css=Markup(paper_css(reader.colour) if paper else _asset("page.css")),  # noqa: S704 - our own file
        js=Markup(_asset("page.js")),  # noqa: S704 - our own file
    )
    return page


_Entry = tuple[str, str, list[FigureView]]


def _contents(
    sections: list[tuple[str, str, list[list[FigureView]]]], words: dict[str, str], *, slots: bool, columns: int
) -> list[list[_Entry]]:
    """The table of contents in so many columns of about the same length: anchor, title, and the figures below it."""
    entries: list[_Entry] = [("summary", words["summary"], [])]
    entries += [(ident, title, [figure for row in rows for figure in row]) for ident, title, rows in sections]
    entries += [(name, words[name], []) for name in ("slots", "checks", "sources") if slots or name != "slots"]
    length = sum(1 + len(figures) for _, _, figures in entries)
    filled: list[list[_Entry]] = [[]]
    for entry in entries:
        lines = sum(1 + len(figures) for _, _, figures in filled[-1])
        if lines and len(filled) < columns and lines + (1 + len(entry[2])) / 2 > length / columns:
            filled.append([])
        filled[-1].append(entry)
    return filled


def _rows(digest: Digest, part: Section, *, paper: bool) -> list[tuple[int, ...]]:
    """The figures of a section line by line: on paper what is small stands side by side, as far as it follows on."""
    companies = {company.figure for company in digest.layout.companies}
    rows: list[tuple[int, ...]] = []
    for number in part.figures:
        most = 2 if number in companies else _ABREAST.get(number, 1)
        together = rows and len(rows[-1]) < most and all(number in _alike(each, companies) for each in rows[-1])
        if paper and together:
            rows[-1] = (*rows[-1], number)
        else:
            rows.append((number,))
    return rows


def _alike(number: int, companies: set[int]) -> set[int]:
    """The figures that may stand beside ``number``."""
    if number in companies:
        return companies
    return {other for other, most in _ABREAST.items() if most == _ABREAST.get(number)}


_VARIABLE = re.compile(r"(--[a-z0-9]+):([^;}]+)")
_USE = re.compile(r"var\((--[a-z0-9]+)\)")
_MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")


@cache
def paper_css(colour: Colour) -> str:
    """The style sheet for a program that prints: light colours, variables replaced, rules for screens left out."""
    css = _MEDIA.sub("", _asset("page.css"))
    values = dict(_VARIABLE.findall(css.partition("}")[0]))
    up, down = {Colour.CN: ("--red", "--green"), Colour.US: ("--green", "--red")}.get(colour, ("--s1", "--s2"))
    values |= {"--up": values[up], "--down": values[down]}
    return _USE.sub(lambda found: values[found[1]], css[css.index("*{box-sizing") :])


def bind(text: str) -> Markup:
    """``text`` for the page, in which a line never breaks between a number and its unit, or inside a date."""
    return Markup(_QUANTITY.sub(r'<span class="q">\g<0></span>', str(escape(text))))  # noqa: S704 - escaped first


@dataclass(frozen=True, slots=True)
class _Viewer:
    """Turns figures into what the template shows."""

    reader: Reader
    widths: Widths
    palette: Palette

    def row(self, digest: Digest, numbers: tuple[int, ...]) -> list[FigureView]:
        return [self.figure(digest, digest.figures[number], len(numbers)) for number in numbers]

    def figure(self, digest: Digest, figure: Figure, abreast: int) -> FigureView:
        lang, paper = self.reader.lang, self.palette is not PAGE
        headers = [(header(column, lang), "num" if column.numeric else "") for column in figure.columns]
        groups = list(_groups(figure, lang))
        return FigureView(
            number=figure.number,
            title=bind(figure.title[lang]),
            wide=self._charts(figure, self.widths.of(figure.number, abreast)),
            narrow=[] if paper else self._charts(figure, self.widths.narrow),
            headers=headers,
            groups=groups,
            notes=[bind(note[lang]) for note in figure.notes],
            footer=bind(source_line(figure, self.reader)),
            missing=figure.missing[lang] if figure.missing else "",
            slots=_slots(digest, lang, figure.number),
            folded=figure.number in _FOLDED,
            few=len(headers) <= _FEW and abreast == 1,
            long=len(figure.rows) > _SHEET_ROWS,
            shares=_shares([text for text, _ in headers], [row for _, rows in groups for row in rows]) if paper else [],
        )

    def _charts(self, figure: Figure, width: int) -> list[Markup]:
        drawn = draw(figure, self.reader.lang, width, self.palette)
        drawn = drawn if self.palette is PAGE else [_on_paper(svg) for svg in drawn]
        return [Markup(svg) for svg in drawn]  # noqa: S704 - the charts escape every text


def _on_paper(svg: str) -> str:
    """The drawing at the size and with the font of paper: a program that prints knows no inherited one."""
    head, end, body = svg.partition(">")
    head = head.replace('font-family="inherit"', f'font-family="{_PAPER_FONT}"')
    return _SIZE.sub(lambda found: f' {found[1]}="{float(found[2]) * _SHRUNK:.1f}"', head) + end + body


def _slots(digest: Digest, lang: Lang, figure: int) -> list[tuple[str, str]]:
    """Heading and text of the slots under ``figure``; 0 for those at the end."""
    shown = digest.figures if figure == 0 else ()
    return [
        (slot.title[lang], digest.words(slot, lang))
        for slot in digest.layout.slots
        if slot.figure == figure or (figure == 0 and slot.figure not in shown)
    ]


_LONG_HEADER = 80


def _words(header: str) -> list[str]:
    """What of a column's heading stays on one line: all of it, or each of its words where it is long."""
    return re.split(r"[ （]", header) if text_width(header) > _LONG_HEADER else [header]


def _shares(headers: list[str], rows: list[list[CellView]]) -> list[float]:
    """Each column's part of the table's width, by its widest text."""
    cells = [
        max([*(text_width(word) for word in _words(header)), *(text_width(row[index].text) for row in rows)]) + 14
        for index, header in enumerate(headers)
    ]
    return [round(width / sum(cells) * 100, 1) for width in cells]


def header(column: Column, lang: Lang) -> str:
    """A column's heading with its unit."""
    unit = column.unit[lang] if column.unit else ""
    if not unit:
        return column.title[lang]
    return f"{column.title[lang]}（{unit}）" if lang == "zh" else f"{column.title[lang]} ({unit})"


def _groups(figure: Figure, lang: Lang) -> Iterator[tuple[str, list[list[CellView]]]]:
    """Runs of rows under their group's heading."""
    heading, run = None, list[list[CellView]]()
    for row in figure.rows:
        group = row.get("group")
        name = written(group, "text", lang) if group else ""
        if run and name != heading:
            yield heading or "", run
            run = []
        heading = name
        run.append([_cell(column, row, lang) for column in figure.columns])
    if run:
        yield heading or "", run


def _cell(column: Column, row: Row, lang: Lang) -> CellView:
    cell = row.get(column.key)
    form = _form(column, row, cell)
    text = written(cell, form, lang) if cell is not None or column.numeric else ""
    css = "num" if column.numeric else "day" if column.form == "date" else "word"
    if isinstance(cell, float) and form in _CHANGES:
        css += " up" if cell > 0 else " down" if cell < 0 else ""
    mark = str(row.get(f"{column.key}_mark") or "")
    sort = format(cell, ".12g") if isinstance(cell, float) else cell if isinstance(cell, str) else text
    return CellView(text + mark, css, sort)


def _form(column: Column, row: Row, cell: Cell) -> Form:
    """The row's own form for numbers, if it has one, else the column's; a word in a column of dates stays a word."""
    own = row.get("form")
    if own is not None and isinstance(cell, float):
        return own  # type: ignore[return-value]
    return "text" if isinstance(cell, dict) else column.form


def source_line(figure: Figure, reader: Reader) -> str:
    """Source, as-of time and status of a figure."""
    if not figure.source:
        return ""
    zh = reader.lang == "zh"
    named = sources_text(figure.source, reader.lang)
    parts = [f"资料来源：{named}" if zh else f"Source: {named}"]
    if figure.as_of:
        parts.append(("截至 " if zh else "as of ") + _as_of(figure.as_of, reader))
    parts.append(STANDINGS[figure.status][reader.lang])
    return " · ".join(parts)


def _as_of(at: datetime, reader: Reader) -> str:
    """A session's instant, or the day alone where the figure stands for a UTC day or a quarter."""
    if (at.hour, at.minute, at.second) != (23, 59, 59):
        return _instant(at, reader)
    return f"{at:%Y-%m-%d}" if reader.lang == "zh" else f"{day_text(at.date(), 'en')} {at.year}"


def _instant(at: datetime, reader: Reader) -> str:
    return instant_text(Instant(at, "America/New_York"), reader)


def _evidence(finding: Finding, lang: Lang, most: int | None) -> list[str]:
    """The lines of evidence, as many as there is room for, and how many there are besides."""
    lines = [line[lang] for line in finding.evidence]
    more = len(lines) - len(lines[:most])
    return [*lines[:most], *([f"另有 {more} 条" if lang == "zh" else f"and {more} more"] if more else [])]


def _sources(digest: Digest, lang: Lang) -> list[str]:
    names = (name for figure in digest.figures.values() for name in figure.source.split("; ") if name)
    return list(dict.fromkeys(source_name(name, lang) for name in names))


STANDINGS: dict[Standing, Localized] = {
    Standing.FINAL: {"en": "final", "zh": "终值"},
    Standing.PROVISIONAL: {"en": "expected or preliminary", "zh": "预计或初值"},
    Standing.PARTIAL: {"en": "partial", "zh": "不完整"},
    Standing.STALE: {"en": "stale", "zh": "数据过期"},
    Standing.PENDING: {"en": "not published yet", "zh": "待公布"},
    Standing.MISSING: {"en": "missing", "zh": "缺失"},
}

_WORDS: dict[Lang, dict[str, str]] = {
    "en": {
        "contents": "Contents",
        "summary": "The week in brief",
        "figure": "Figure",
        "missing": "Not shown",
        "checks": "Checks before publication",
        "slots": "Analyst's notes",
        "empty": "Not filled in yet",
        "sources": "Sources",
        "known": "Figures as known at",
        "sort": "Select a column heading to sort.",
        "none": "Nothing found.",
        "silent": "Nothing can be said from what is known.",
        "evidence": "Evidence",
        "table": "As a table",
    },
    "zh": {
        "contents": "目录",
        "summary": "本周要点",
        "figure": "图",
        "missing": "暂缺",
        "checks": "发布前核对",
        "slots": "分析师填写",
        "empty": "待填写",
        "sources": "资料来源",
        "known": "数据截至",
        "sort": "点击表头可排序。",
        "none": "未发现问题。",
        "silent": "现有数据不足以成文。",
        "evidence": "依据",
        "table": "数据表",
    },
}


@cache
def _template() -> Template:
    from jinja2 import Environment  # noqa: PLC0415 - only when a page is wanted

    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_asset("page.html"))


@cache
def _asset(name: str) -> str:
    return (files("bot.digest") / name).read_text(encoding="utf-8")
