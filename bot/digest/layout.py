"""What a digest is made of: which sections, instruments, lists and sources fill its figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from rules.model import Lang, Localized

FIGURES: dict[int, str] = {
    1: "indices",
    2: "top gainers",
    3: "top losers",
    4: "coverage by sector",
    5: "cloud revenue",
    6: "cloud revenue growth",
    7: "capital expenditure",
    12: "next week's results and events",
    13: "crypto market cap and volume",
    14: "crypto volume, year to date",
    15: "fear and greed",
    16: "crypto equities by group",
    17: "ETF flows by fund",
    18: "daily ETF flow",
    19: "cumulative ETF flow",
    20: "bitcoin",
    21: "crypto calendar",
}
"""The figures that have a number of their own; companies' tables take numbers that the layout gives them."""

PARTS: dict[str, frozenset[int]] = {
    "indices": frozenset({1}),
    "movers": frozenset({2, 3}),
    "coverage": frozenset({2, 3, 4}),
    "cloud": frozenset({5, 6}),
    "capex": frozenset({7}),
    "crypto": frozenset({13, 14, 15}),
    "crypto_equities": frozenset({16}),
    "flows": frozenset({17, 18, 19}),
    "bitcoin": frozenset({20}),
    "next_week": frozenset({12}),
    "crypto_calendar": frozenset({21}),
}
"""What a digest speaks of, by the figures that show it; ``results`` are the companies' tables."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with its figures' numbers in order."""

    id: str
    title: Localized
    figures: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IndexRef:
    """An index: the key that facts use (``SOX``), its symbol in the universe (``^SOX``), a short name for chats."""

    key: str
    symbol: str
    short: Localized


@dataclass(frozen=True, slots=True)
class Segment:
    """A company's cloud business and the field of ``fundamentals.SYMBOL`` that holds its revenue."""

    symbol: str
    field: str
    name: str


@dataclass(frozen=True, slots=True)
class Company:
    """A company's quarterly table; its fiscal year runs ``fiscal_shift`` quarters ahead of the calendar's."""

    figure: int
    symbol: str
    fiscal_shift: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """What spot ETFs hold, and their first day in the US."""

    name: Localized
    launch: date


HELD: dict[str, Held] = {
    "BTC": Held({"en": "bitcoin", "zh": "比特币"}, date(2024, 1, 11)),
    "ETH": Held({"en": "ether", "zh": "以太坊"}, date(2024, 7, 23)),
}


@dataclass(frozen=True, slots=True)
class Flows:
    """The spot ETFs: whose flows, how many days the table shows, and the funds that sentences and chats name."""

    asset: str
    days: int
    named: tuple[str, ...]

    @property
    def held(self) -> Held:
        """What the funds hold."""
        return HELD[self.asset]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for an analyst's own words, under ``figure`` or (0) among the notes at the end.

    ``text`` stands there as long as nobody wrote any. A required slot that is empty blocks publication.
    """

    name: str
    title: Localized
    required: bool = False
    figure: int = 0
    text: Localized | None = None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The parts of a digest. ``coverage`` and ``crypto`` are lists (tags) of the universe."""

    title: Localized
    languages: tuple[Lang, ...]
    sections: tuple[Section, ...]
    indices: tuple[IndexRef, ...]
    comparisons: tuple[tuple[str, str], ...]
    coverage: str
    coverage_name: Localized
    crypto: str
    top: int
    cloud: tuple[Segment, ...]
    capex: tuple[str, ...]
    companies: tuple[Company, ...]
    quarters: int
    provider: str
    fear_greed: str
    bitcoin: str
    etf: Flows
    slots: tuple[Slot, ...]

    def shows(self, part: str) -> bool:
        """Whether a section shows a figure of ``part`` (``movers``, ``flows`` …); what is said of it goes with that."""
        own = {company.figure for company in self.companies} if part == "results" else PARTS[part]
        return not own.isdisjoint(self.figures)

    @cached_property
    def figures(self) -> frozenset[int]:
        """The numbers of every figure that a section shows."""
        return frozenset(number for section in self.sections for number in section.figures)
