"""What sources and places are called: as they write themselves, and in Chinese where the name is a description."""

from __future__ import annotations

from collections.abc import Mapping

from rules.model import Lang

_NAMES: Mapping[str, str] = {
    "alternative_me": "alternative.me", "bitbo": "Bitbo", "cmc": "CoinMarketCap", "coinbase": "Coinbase",
    "coingecko": "CoinGecko", "coinmarketcap": "CoinMarketCap", "csv": "CSV", "desk": "Desk", "eastmoney": "Eastmoney",
    "farside": "Farside", "nasdaq": "Nasdaq", "sec": "SEC", "sosovalue": "SoSoValue", "tencent": "Tencent",
    "tftc": "TFTC", "theblock": "The Block", "yahoo": "Yahoo", "yahoo_stream": "Yahoo",
}  # fmt: skip
_CHINESE: Mapping[str, str] = {
    "Company filings (printed weekly, figures 5-6)": "公司公告（周报图5–6）",
    "Company filings (printed weekly, figures 8-11)": "公司公告（周报图8–11）",
    "Company filings": "公司公告",
    "Printed weekly, calendar": "周报日历",
    "Printed weekly": "周报日历",
    "Public daily bars": "公开日线",
    "Public daily bars (UTC days)": "公开日线（UTC 日）",
    "Wind (printed weekly)": "Wind（周报刊载）",
    "Wind (printed weekly, figure 7)": "Wind（周报图7）",
    "desk": "本组录入",
    "eastmoney": "东方财富",
    "tencent": "腾讯",
}
_PLACES: Mapping[str, str] = {
    "China": "中国", "Europe": "欧洲", "Frankfurt": "法兰克福", "Hong Kong": "香港", "Japan": "日本",
    "Thailand": "泰国", "Tokyo": "东京", "UK": "英国", "US": "美国", "Washington, D.C.": "华盛顿",
}  # fmt: skip


def source_name(source: str, lang: Lang) -> str:
    """What a reader of ``lang`` calls a source; ``a+b (single source)`` is named part by part."""
    if lang == "zh" and source in _CHINESE:
        return _CHINESE[source]
    names, bracket, remark = source.partition(" (")
    shown = "+".join(dict.fromkeys(_one(name, lang) for name in names.split("+")))
    if lang == "zh" and remark == "single source)":
        return f"{shown}（单一来源）"
    return f"{shown}{bracket}{remark}"


def _one(name: str, lang: Lang) -> str:
    return _CHINESE.get(name, _NAMES.get(name, name)) if lang == "zh" else _NAMES.get(name, name)


def place_name(place: str, lang: Lang) -> str:
    """What a reader of ``lang`` calls the place."""
    return _PLACES.get(place, place) if lang == "zh" else place
