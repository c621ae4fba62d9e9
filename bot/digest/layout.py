"""What a digest is made of: which instruments, lists and sources fill its figures. The default is the weekly's."""

from __future__ import annotations

from dataclasses import dataclass, field

from rules.model import Localized


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
class Slot:
    """A place for an analyst's own words. A required slot that is empty blocks publication."""

    name: str
    title: Localized
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The parts of a digest.

    ``coverage`` and ``crypto`` are lists (tags) of the universe; ``companies`` maps a figure's number to the company
    whose quarters it shows; ``fiscal_shift`` tells by how many quarters a fiscal year runs ahead of the calendar's.
    """

    title: Localized = field(
        default_factory=lambda: {"en": "Overseas tech and crypto weekly", "zh": "海外科技与加密周报"}
    )
    figures: tuple[int, ...] = tuple(range(1, 22))
    indices: tuple[IndexRef, ...] = (
        IndexRef("SPX", "^GSPC", {"en": "S&P", "zh": "标普"}),
        IndexRef("NDX", "^NDX", {"en": "NDX", "zh": "纳指100"}),
        IndexRef("SOX", "^SOX", {"en": "SOX", "zh": "费半"}),
        IndexRef("HSI", "^HSI", {"en": "HSI", "zh": "恒指"}),
        IndexRef("HSTECH", "HSTECH.HK", {"en": "HSTECH", "zh": "恒科"}),
        IndexRef("TAMAMA", "8884057.WI", {"en": "TAMAMA", "zh": "TAMAMA"}),
        IndexRef("CSI_TECH", "931734.CSI", {"en": "CSI tech", "zh": "中美科技"}),
    )
    comparisons: tuple[tuple[str, str], ...] = (("SOX", "NDX"), ("HSTECH", "HSI"))
    coverage: str = "coverage"
    crypto: str = "crypto"
    top: int = 5
    cloud: tuple[Segment, ...] = (
        Segment("MSFT", "segment_intelligent_cloud", "Intelligent Cloud"),
        Segment("AMZN", "segment_aws", "AWS"),
        Segment("GOOGL", "segment_google_cloud", "Google Cloud"),
    )
    capex: tuple[str, ...] = ("MSFT", "GOOGL", "AMZN", "META")
    companies: tuple[tuple[int, str], ...] = ((8, "GOOGL"), (9, "META"), (10, "AMZN"), (11, "MSFT"))
    fiscal_shift: tuple[tuple[str, int], ...] = (("MSFT", 2),)
    quarters: int = 6
    provider: str = "coinmarketcap"
    etf: str = "BTC"
    etf_days: int = 15
    etf_named: tuple[str, ...] = ("IBIT", "FBTC", "GBTC")
    """The funds that sentences and chats name."""
    bitcoin: str = "BTC-USD"
    slots: tuple[Slot, ...] = (
        Slot("view", {"en": "Investment view", "zh": "投资观点"}),
        Slot("reasons", {"en": "Reasons for the moves", "zh": "涨跌原因"}),
        Slot("guidance", {"en": "Capital expenditure guidance", "zh": "资本开支指引"}),
        Slot("risks", {"en": "Risks", "zh": "风险提示"}),
        Slot("disclaimer", {"en": "Disclaimer", "zh": "免责声明"}),
    )
