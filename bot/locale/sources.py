"""What sources and places are called in Chinese, where their own name is a description."""

from __future__ import annotations

from collections.abc import Mapping

from rules.model import Lang

_SOURCES: Mapping[str, str] = {
    "Wind (printed weekly)": "Wind（周报刊载）",
    "Wind (printed weekly, figure 7)": "Wind（周报图7）",
    "Company filings (printed weekly, figures 8-11)": "公司公告（周报图8–11）",
    "Printed weekly": "周报刊载",
    "Printed weekly, calendar": "周报日历",
    "Public daily bars (UTC days)": "公开日线（UTC 日）",
    "SEC filings": "SEC 公告",
}
_PLACES: Mapping[str, str] = {
    "US": "美国",
    "United States": "美国",
    "Hong Kong": "香港",
    "China": "中国",
    "Japan": "日本",
    "Europe": "欧洲",
    "Euro area": "欧元区",
    "UK": "英国",
}


def source_name(source: str, lang: Lang) -> str:
    """The source as a reader of ``lang`` calls it; a proper name stays as it is."""
    return _SOURCES.get(source, source) if lang == "zh" else source


def place_name(place: str, lang: Lang) -> str:
    """The place as a reader of ``lang`` calls it."""
    return _PLACES.get(place, place) if lang == "zh" else place
