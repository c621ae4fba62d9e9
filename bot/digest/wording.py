"""Words that more than one view of a digest uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bot.digest.facts import Fact
from bot.digest.figure import day_text, weekday
from bot.digest.frame import Span
from bot.digest.layout import Layout
from bot.locale.sources import source_name
from rules import numbers
from rules.model import Lang, Localized

HEADINGS: dict[str, Localized] = {
    "indices": {"en": "Indices", "zh": "指数"},
    "cloud": {"en": "Cloud", "zh": "云业务"},
    "capex": {"en": "Capex", "zh": "资本开支"},
    "results": {"en": "Results", "zh": "财报"},
    "crypto": {"en": "Crypto", "zh": "加密"},
    "bitcoin": {"en": "Bitcoin", "zh": "比特币"},
    "crypto_equities": {"en": "Crypto equities", "zh": "加密股"},
    "next_week": {"en": "Next week", "zh": "下周"},
    "crypto_calendar": {"en": "Crypto calendar", "zh": "加密日程"},
}


class _Stated(Protocol):
    """What holds facts and the layout they were computed for."""

    @property
    def facts(self) -> Mapping[str, Fact]: ...

    @property
    def layout(self) -> Layout: ...

    @property
    def span(self) -> Span: ...


def sources_text(sources: str, lang: Lang) -> str:
    """The sources of a fact or figure, ``Farside; Yahoo``, as readers call them."""
    names = dict.fromkeys(source_name(source, lang) for source in sources.split("; ") if source)
    return ("；" if lang == "zh" else "; ").join(names)


def heading(name: str, lang: Lang) -> str:
    """The heading of a part."""
    return HEADINGS[name][lang]


def flows_heading(stated: _Stated, lang: Lang) -> str:
    """``Spot BTC ETFs``; in Chinese bitcoin's need no name."""
    asset = stated.layout.etf.asset
    return f"Spot {asset} ETFs" if lang == "en" else "现货ETF" if asset == "BTC" else f"{asset} 现货ETF"


def span_text(span: Span, lang: Lang) -> str:
    """The days and the ISO week: ``2024/10/28–11/01（第44周）``, ``28 Oct–1 Nov 2024 (week 44)``."""
    week = int(span.name.rpartition("W")[2])
    if lang == "zh":
        last = f"{span.last:%m/%d}" if span.first.year == span.last.year else f"{span.last:%Y/%m/%d}"
        return f"{span.first:%Y/%m/%d}–{last}（第{week}周）"
    begin = f" {span.first.year}" if span.first.year != span.last.year else ""
    return f"{day_text(span.first, lang)}{begin}–{day_text(span.last, lang)} {span.last.year} (week {week})"


def gap(stated: _Stated, ahead: str, behind: str, lang: Lang) -> str:
    """Who outperformed whom, in short names: ``费半跑输纳指100 2.5pct``; empty when it isn't known."""
    fact = stated.facts.get(f"rel.{ahead}.{behind}.week_pp")
    if fact is None or fact.number is None:
        return ""
    names = {ref.key: ref.short[lang] for ref in stated.layout.indices}
    size = numbers.points(abs(fact.number) / 100, lang, signed=False)
    if numbers.rounded(fact.number, 1) == 0:
        return f"{names[ahead]}与{names[behind]}持平" if lang == "zh" else f"{names[ahead]} level with {names[behind]}"
    if lang == "zh":
        return f"{names[ahead]}跑{'赢' if fact.number > 0 else '输'}{names[behind]} {size}"
    return f"{names[ahead]} {'leads' if fact.number > 0 else 'lags'} {names[behind]} by {size}"


def beside(first: str, second: str) -> str:
    """Two texts side by side in Chinese: a space stands only between Latin and Chinese writing."""
    return f"{first}{' ' if first[-1:].isascii() != second[:1].isascii() else ''}{second}"


def coverage_text(layout: Layout) -> Localized:
    """What the covered shares are called together: ``Coverage``, ``AI 覆盖标的``."""
    name = layout.coverage_name
    return {"en": name["en"], "zh": name["zh"] if name["zh"].endswith("标的") else beside(name["zh"], "标的")}


def missing_days(stated: _Stated, lang: Lang) -> str:
    """The days of the span whose total flow isn't known: ``周五``, ``Thu, Fri``; empty when all are."""
    asset = stated.layout.etf.asset
    days = [
        weekday(day, lang)
        for day in stated.span.days
        if (fact := stated.facts.get(f"etf.{asset}.{day.isoformat()}")) is not None and fact.number is None
    ]
    return ("、" if lang == "zh" else ", ").join(days)
