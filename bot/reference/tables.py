"""The printed tables as they are bundled: text cells, in the report's units and precision."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Close:
    """Friday's close of one instrument: ``close`` and market cap in ``currency``, changes in percent, as printed."""

    list: str
    symbol: str
    vendor_code: str
    calendar: str
    currency: str
    close: str
    market_cap_100m: str
    week_pct: str
    month_pct: str
    year_pct: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One UTC day of bitcoin in USD; ``prices`` holds what is known of open, high, low and close."""

    day: date
    prices: Mapping[str, float]


def closes() -> tuple[Close, ...]:
    """Indices, coverage and crypto equities."""
    return tuple(Close(**row) for row in _rows("closes.csv"))


def bitcoin_daily() -> tuple[Bar, ...]:
    """Bitcoin's days, oldest first."""
    names = ("open", "high", "low", "close")
    return tuple(
        Bar(date.fromisoformat(row["day"]), {name: float(row[name]) for name in names if row[name]})
        for row in _rows("bitcoin_daily.csv")
    )


def flows() -> dict[date, dict[str, str]]:
    """Net flow in USD m by day, then by fund and ``total``."""
    rows = _rows("flows_usd_m.csv")
    days = [name for name in rows[0] if name != "fund"]
    return {date.fromisoformat(day): {row["fund"]: row[day] for row in rows} for day in days}


def funds() -> tuple[Row, ...]:
    """The fund table's summary, 11 January to 1 November 2024: ``fee_pct``, and USD m."""
    return _rows("funds_usd_m.csv")


def capex() -> tuple[Row, ...]:
    """Figure 7: capital expenditure by calendar quarter, in 100 m USD."""
    return _rows("capex_usd_100m.csv")


def quarters() -> tuple[Row, ...]:
    """Figures 8-11 by calendar quarter: 100 m USD, gross margin in percent."""
    return _rows("quarters_usd_100m.csv")


def cloud() -> tuple[Row, ...]:
    """Figures 5 and 6: cloud revenue in 100 m USD."""
    return _rows("cloud_usd_100m.csv")


def events() -> tuple[Row, ...]:
    """Figures 12 and 21: dates in the place's own time."""
    return _rows("events.csv")


def crypto() -> dict[str, Any]:
    """Figures 13 to 15."""
    document: dict[str, Any] = json.loads(_text("crypto.json"))
    return document


def printed() -> dict[str, Any]:
    """What the report printed beside the figures above: its own top lists and the currencies of its headers."""
    document: dict[str, Any] = json.loads(_text("printed.json"))
    return document


def _rows(name: str) -> tuple[Row, ...]:
    return tuple(csv.DictReader(_text(name).splitlines()))


def _text(name: str) -> str:
    return (files("bot.reference") / name).read_text(encoding="utf-8")
