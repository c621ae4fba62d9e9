"""A digest's layout from YAML. Every mistake is told at once, with file, line and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar, cast

from bot.digest.crypto import BANDS, MARKETS
from bot.digest.layout import FIGURES, HELD, Company, Flows, IndexRef, Layout, Section, Segment, Slot
from rules.loading.fields import Report, Table
from rules.loading.yaml_source import MAX_BYTES, Items, Node, Scalar, read
from rules.model import Lang, Localized
from rules.problems import Problem, ProblemsFound, nearest
from rules.universe import Universe

T = TypeVar("T")
_SLOT = re.compile(r"[\w-]{1,40}")
"""A slot's name is the name of a file, and a word in chat."""

_KEYS = ("version", "title", "languages", "sections", "indices", "comparisons", "coverage", "coverage_name", "crypto",
    "top", "cloud", "capex", "companies", "quarters", "provider", "fear_greed", "bitcoin", "etf", "slots")  # fmt: skip


@cache
def shipped_layout() -> Layout:
    """The weekly that comes with Tapewatch."""
    return parse_layout("layout.yaml", (files("bot.digest") / "layout.yaml").read_bytes())


def load_layout(path: Path, universe: Universe) -> Layout:
    """The layout in ``path``, its symbols and lists checked against ``universe``; ``ProblemsFound`` or ``OSError``."""
    with path.open("rb") as file:
        return parse_layout(str(path), file.read(MAX_BYTES + 1), universe)


def parse_layout(file: str, content: bytes | str, universe: Universe | None = None) -> Layout:
    """Read one file. What it leaves out is as in the shipped layout, except for the title and the sections."""
    node, problems = read(file, content)
    report = Report()
    report.problems.extend(problems)
    table = report.table(node, "a layout", _KEYS) if node else None
    if table is None:
        empty = Problem(file, 1, 1, "empty", "the file is empty; a layout starts with `version: 1`")
        raise ProblemsFound(set(report.problems) or [empty])
    layout = _Reader(report, table, universe).layout()
    if report.problems or layout is None:
        raise ProblemsFound(set(report.problems))
    return layout


_COVERAGE: Localized = {"en": "Coverage", "zh": "覆盖标的"}


class _Reader:
    def __init__(self, report: Report, table: Table, universe: Universe | None) -> None:
        self.report = report
        self.table = table
        self.universe = universe

    def layout(self) -> Layout | None:
        """The layout, ``None`` when something that it can't do without is missing."""
        table = self.table
        if table.text("version") != "1":
            self.report.say(table.at("version") or table.node, "version", "a layout starts with `version: 1`")
        base = None if self.universe is None else shipped_layout()

        def part(key: str, make: Callable[[], T], default: Callable[[Layout], T]) -> T:
            return make() if key in table or base is None else default(base)

        companies = part("companies", self._companies, lambda b: b.companies)
        indices = part("indices", self._indices, lambda b: b.indices)
        title, sections = self._title(), self._sections(companies)
        if title is None:
            return None
        return Layout(
            title=title,
            languages=part("languages", self._languages, lambda b: b.languages),
            sections=sections,
            indices=indices,
            comparisons=part("comparisons", lambda: self._comparisons(indices), lambda b: _kept(b, indices)),
            coverage=part("coverage", lambda: self._list("coverage"), lambda b: b.coverage),
            coverage_name=table.localized("coverage_name") or _COVERAGE,
            crypto=part("crypto", lambda: self._list("crypto"), lambda b: b.crypto),
            top=part("top", lambda: table.parsed("top", _count, 5), lambda b: b.top),
            cloud=part("cloud", self._cloud, lambda b: b.cloud),
            capex=part("capex", self._capex, lambda b: b.capex),
            companies=companies,
            quarters=part("quarters", lambda: table.parsed("quarters", _count, 6), lambda b: b.quarters),
            provider=part("provider", lambda: self._provider("provider", MARKETS), lambda b: b.provider),
            fear_greed=part("fear_greed", lambda: self._provider("fear_greed", BANDS), lambda b: b.fear_greed),
            bitcoin=part("bitcoin", lambda: self._symbol(table, "bitcoin", "a layout"), lambda b: b.bitcoin),
            etf=part("etf", self._flows, lambda b: b.etf),
            slots=part("slots", lambda: self._slots(companies), lambda b: b.slots),
        )

    def _title(self) -> Localized | None:
        title = self.table.localized("title")
        if title is None and "title" not in self.table:
            self.report.say(self.table.node, "missing-key", "a layout has no 'title'")
        return title

    def _languages(self) -> tuple[Lang, ...]:
        found = self.table.words("languages")
        for word in found:
            if word not in {"en", "zh"}:
                self.report.say(self._at("languages"), "unknown-word", f"a language is en or zh, not {word!r}")
        if not found and isinstance(self.table.at("languages"), Items):
            self.report.say(self._at("languages"), "missing-key", "a digest has at least one language, en or zh")
        return cast("tuple[Lang, ...]", tuple(word for word in found if word in {"en", "zh"}))

    def _at(self, key: str) -> Node:
        return self.table.at(key) or self.table.node

    def _tables(self, key: str, what: str, known: Sequence[str]) -> list[Table]:
        nodes = self.report.items(self.table.at(key), repr(key))
        return [table for node in nodes if (table := self.report.table(node, what, known)) is not None]

    def _sections(self, companies: Sequence[Company]) -> tuple[Section, ...]:
        if "sections" not in self.table:
            self.report.say(self.table.node, "missing-key", "a layout has no 'sections'")
        numbers = {*FIGURES, *(company.figure for company in companies)}
        seen: set[int] = set()
        sections: list[Section] = []
        for table in self._tables("sections", "a section", ("id", "title", "figures")):
            ident, title = table.required("id", "a section"), table.localized("title")
            figures = self._figures(table, numbers, seen)
            if title is None and "title" not in table:
                self.report.say(table.node, "missing-key", "a section has no 'title'")
            if ident is not None and any(section.id == ident.value for section in sections):
                self.report.say(ident, "duplicate", f"a section {ident.value!r} is there already")
            elif ident is not None and title is not None:
                sections.append(Section(ident.value, title, figures))
        return tuple(sections)

    def _figures(self, table: Table, numbers: set[int], seen: set[int]) -> tuple[int, ...]:
        figures = []
        for node in self.report.items(table.at("figures"), "'figures'"):
            number = node.resolved if isinstance(node, Scalar) else None
            if not isinstance(number, int) or number not in numbers:
                wanted = ", ".join(str(known) for known in sorted(numbers))
                which = repr(node.value) if isinstance(node, Scalar) else "that"
                text = f"there is no figure {which}; there are {wanted}, and those of 'companies'"
                self.report.say(node, "unknown-figure", text)
            elif number in seen:
                self.report.say(node, "duplicate", f"figure {number} stands in the layout twice")
            else:
                seen.add(number)
                figures.append(number)
        return tuple(figures)

    def _indices(self) -> tuple[IndexRef, ...]:
        found = []
        for table in self._tables("indices", "an index", ("key", "symbol", "short")):
            key, symbol = table.required("key", "an index"), self._symbol(table, "symbol", "an index")
            if key is not None and symbol:
                short = table.localized("short") or {"en": key.value, "zh": key.value}
                found.append(IndexRef(key.value, symbol, short))
        return tuple(found)

    def _comparisons(self, indices: Sequence[IndexRef]) -> tuple[tuple[str, str], ...]:
        keys = [ref.key for ref in indices]
        pairs = []
        for node in self.report.items(self.table.at("comparisons"), "'comparisons'"):
            members = node.items if isinstance(node, Items) else ()
            texts = [member.value for member in members if isinstance(member, Scalar)]
            unknown = [text for text in texts if text not in keys]
            if len(texts) != 2 or len(members) != 2:
                self.report.say(node, "wrong-type", "a comparison is two keys of indices, such as [SOX, NDX]")
            elif unknown:
                text = f"no index has the key {unknown[0]!r}"
                self.report.say(node, "unknown-word", text, nearest(unknown[0], keys))
            else:
                pairs.append((texts[0], texts[1]))
        return tuple(pairs)

    def _list(self, key: str) -> str:
        found = self.table.scalar(key)
        if found is None:
            return ""
        if self.universe is not None and found.value not in self.universe.tags:
            hint, some = nearest(found.value, self.universe.tags), ", ".join(sorted(self.universe.tags)[:4])
            wanted = f"the universe has no list {found.value!r}; a list is a tag of its instruments, such as {some}"
            self.report.say(found, "unknown-list", wanted, hint)
        return found.value

    def _symbol(self, table: Table, key: str, what: str) -> str:
        found = table.required(key, what)
        return "" if found is None else self._known(found)

    def _known(self, node: Scalar) -> str:
        if self.universe is None or node.value in self.universe.by_symbol:
            return node.value
        meant = self.universe.resolve(node.value)
        hint = meant.symbol if meant else nearest(node.value, self.universe.by_symbol)
        self.report.say(node, "unknown-symbol", f"the universe has no symbol {node.value!r}", hint)
        return node.value

    def _cloud(self) -> tuple[Segment, ...]:
        found = []
        for table in self._tables("cloud", "a cloud business", ("symbol", "field", "name")):
            field, name = table.required("field", "a cloud business"), table.required("name", "a cloud business")
            symbol = self._symbol(table, "symbol", "a cloud business")
            if field is not None and name is not None and symbol:
                found.append(Segment(symbol, field.value, name.value))
        return tuple(found)

    def _capex(self) -> tuple[str, ...]:
        nodes = self.report.items(self.table.at("capex"), "'capex'")
        return tuple(self._known(node) for node in nodes if isinstance(node, Scalar))

    def _companies(self) -> tuple[Company, ...]:
        found: list[Company] = []
        for table in self._tables("companies", "a company", ("figure", "symbol", "fiscal_quarters_ahead")):
            figure = table.parsed("figure", _count, 0)
            shift = table.parsed("fiscal_quarters_ahead", _shift, 0)
            symbol = self._symbol(table, "symbol", "a company")
            taken = figure in FIGURES or any(company.figure == figure for company in found)
            if not figure:
                self.report.say(table.node, "missing-key", "a company has no 'figure'")
            elif taken:
                self.report.say(table.node, "duplicate", f"figure {figure} is taken; give the company another number")
            elif symbol:
                found.append(Company(figure, symbol, shift))
        return tuple(found)

    def _provider(self, key: str, known: Iterable[str]) -> str:
        found, names = self.table.scalar(key), tuple(known)
        if found is None or found.value in names:
            return found.value if found else ""
        wanted = f"{key} is one of {', '.join(names)}, not {found.value!r}"
        self.report.say(found, "unknown-word", wanted, nearest(found.value, names))
        return ""

    def _flows(self) -> Flows:
        table = self.report.table(self.table.at("etf"), "'etf'", ("asset", "days", "named"))
        if table is None:
            return Flows("BTC", 15, ())
        asset = table.text("asset", "BTC")
        if asset not in HELD:
            text = f"there are spot ETFs of {' and '.join(HELD)}, not of {asset!r}"
            self.report.say(table.at("asset") or table.node, "unknown-asset", text)
        return Flows(asset, table.parsed("days", _count, 15), table.words("named"))

    def _slots(self, companies: Sequence[Company]) -> tuple[Slot, ...]:
        found: list[Slot] = []
        numbers = {*FIGURES, *(company.figure for company in companies)}
        for table in self._tables("slots", "a slot", ("name", "title", "required", "figure", "text")):
            name = table.required("name", "a slot")
            title, text = table.localized("title"), table.localized("text")
            required, figure = table.flag("required", default=False), table.parsed("figure", _count, 0)
            if figure and figure not in numbers:
                self.report.say(table.at("figure") or table.node, "unknown-figure", f"there is no figure {figure}")
            if name is None:
                continue
            if not _SLOT.fullmatch(name.value):
                self.report.say(name, "bad-value", f"a slot's name is letters, digits, _ and -, not {name.value!r}")
            elif any(slot.name == name.value for slot in found):
                self.report.say(name, "duplicate", f"a slot {name.value!r} is there already")
            else:
                found.append(Slot(name.value, title or {"en": name.value, "zh": name.value}, required, figure, text))
        return tuple(found)


def _kept(base: Layout, indices: Sequence[IndexRef]) -> tuple[tuple[str, str], ...]:
    """The shipped comparisons between indices that are there."""
    keys = {ref.key for ref in indices}
    return tuple(pair for pair in base.comparisons if keys.issuperset(pair))


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 99:
        raise ValueError(f"wanted a whole number from 1 to 99, not {text!r}")
    return int(text)


def _shift(text: str) -> int:
    if text not in {"0", "1", "2", "3"}:
        raise ValueError(f"a fiscal year runs 0 to 3 quarters ahead of the calendar's, not {text!r}")
    return int(text)
