"""Flow figures in the documented form of each source, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

Cells = Mapping[str, str]

NOW = datetime(2026, 7, 24, 12, tzinfo=UTC)
"""Friday noon: Thursday the 23rd is the newest session that has closed."""

WEEK: Mapping[str, Mapping[str, float]] = {
    "2026-07-20": {"IBIT": 116.5, "FBTC": 24.1, "GBTC": -44.5, "BTC": 42.3},
    "2026-07-21": {"IBIT": 163.9, "FBTC": 23.1, "GBTC": 0.0, "BTC": 16.2},
    "2026-07-22": {"IBIT": 38.8, "FBTC": 21.5, "GBTC": -38.3, "BTC": 0.0},
}
"""Net flows in US$ millions."""


def farside_page(
    rows: Sequence[tuple[str, Sequence[str]]], tickers: Sequence[str] = ("IBIT", "FBTC", "GBTC", "BTC")
) -> str:
    """A page with ``rows`` of a date and its cells (funds, then the total), as Farside writes it."""
    logos = "".join("<th><img src='/logo.jpg'></th>" for _ in tickers)
    names = "".join(f'<th><div align="right"><span class="tabletext">  {name}</span></div></th>' for name in tickers)
    fees = "".join("<th><span>0.25%</span></th>" for _ in tickers)
    head = (
        f'<tr><th></th>{logos}<th><span class="tabletext">   Total</span></th></tr>'
        f"<tr><th></th>{names}<th></th></tr><tr><th>Fee</th>{fees}<th></th></tr>"
    )
    body = "".join(f"<tr><td><span>{day}</span></td>{''.join(map(_cell, cells))}</tr>" for day, cells in rows)
    return (
        "<!DOCTYPE html><html><body><p>Bitcoin ETF Flow (US$m)</p><table><tr><td>menu</td></tr></table>"
        f'<table class="etf"><thead>{head}</thead><tbody>{body}</tbody></table></body></html>'
    )


def _cell(text: str) -> str:
    if text.startswith("("):
        return f'<td><div align="right"><span class="redFont">{text}</span></div></td>'
    return f'<td class="{"zero-flow" if text in {"-", "0.0"} else ""}"><span class="tabletext">{text}</span></td>'


def farside_rows(week: Mapping[str, Mapping[str, float]] = WEEK) -> list[tuple[str, list[str]]]:
    """``week`` as rows of the page: ``(44.5)`` is negative, the total is last."""
    rows = []
    for day, funds in week.items():
        written = [*map(_printed, funds.values()), _printed(sum(funds.values()))]
        rows.append((date.fromisoformat(day).strftime("%d %b %Y"), written))
    return rows


def _printed(value: float) -> str:
    return f"({abs(value):,.1f})" if round(value, 1) < 0 else f"{abs(value):,.1f}"


FOOTER = [
    ("Total", ["60,809", "10,048", "(26,000)", "1,500", "46,357"]),
    ("Average", ["96.1", "15.9", "(41.0)", "3.2", "74.2"]),
    ("Maximum", ["1,119.9", "473.4", "63.0", "191.1", "1,373.8"]),
    ("Minimum", ["(528.3)", "(356.6)", "(642.5)", "(8.0)", "(1,113.7)"]),
]


def bitbo_page(week: Mapping[str, Mapping[str, float]] = WEEK) -> str:
    """``week`` as Bitbo's page, newest first: ``Jul 22, 2026`` and ``-12.3``."""
    tickers = list(next(iter(week.values())))
    head = "".join(f"<th>{name}</th>" for name in ("Date", *tickers, "Totals"))
    rows = []
    for day, funds in sorted(week.items(), reverse=True):
        cells = (f"{value:,.1f}" for value in (*funds.values(), sum(funds.values())))
        rows.append(
            f"<tr><td>{date.fromisoformat(day):%b %d, %Y}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        )
    return f"<html><body><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></body></html>"


def theblock_chart(week: Mapping[str, Mapping[str, float]] = WEEK) -> dict[str, Any]:
    """``week`` as The Block's chart data."""
    series: dict[str, Any] = {}
    for day, funds in week.items():
        for ticker, value in funds.items():
            point = {"Timestamp": _midnight(day), "Result": value * 1e6}
            series.setdefault(ticker, {"Data": []})["Data"].append(point)
    return {"Frequency": "Daily", "UpdatedAt": _midnight(max(week)), "Series": series}


def tftc_table(week: Mapping[str, Mapping[str, float]] = WEEK) -> dict[str, Any]:
    """``week`` as TFTC's document."""
    days = [
        {
            "date": day,
            "netFlowUsd": sum(funds.values()) * 1e6,
            "perEtfUsd": {ticker: value * 1e6 for ticker, value in funds.items()},
        }
        for day, funds in week.items()
    ]
    return {"license": "CC BY 4.0", "units": "USD", "updatedThrough": max(week), "days": days}


def cmc_chart(week: Mapping[str, Mapping[str, float]] = WEEK) -> dict[str, Any]:
    """``week`` as CoinMarketCap's chart of totals."""
    points = [
        {"value": sum(funds.values()) * 1e6, "timestamp": str(_midnight(day) * 1000), "cryptoPrice": 64000.5}
        for day, funds in week.items()
    ]
    return {
        "data": {"points": points, "aggregation": "daily"},
        "status": {"error_code": "0", "error_message": "SUCCESS"},
    }


def soso(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``rows`` in SoSoValue's envelope."""
    return {"code": 0, "message": "success", "data": list(rows), "details": None}


def soso_history(ticker: str, week: Mapping[str, Mapping[str, float]] = WEEK) -> dict[str, Any]:
    """One fund's history, newest first, the newest day still pending."""
    rows = [{"date": day, "ticker": ticker, "net_inflow": funds[ticker] * 1e6} for day, funds in week.items()]
    return soso([{"date": "2026-07-23", "ticker": ticker, "net_inflow": None}, *reversed(rows)])


def soso_summary(week: Mapping[str, Mapping[str, float]] = WEEK) -> dict[str, Any]:
    """The totals; the pending day is a zero."""
    rows = [{"date": day, "total_net_inflow": sum(funds.values()) * 1e6} for day, funds in week.items()]
    return soso([{"date": "2026-07-23", "total_net_inflow": 0}, *reversed(rows)])


def _midnight(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())
