"""Answers of calendars and filings in the documented form of each source, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def nasdaq_day(day: str, rows: Sequence[Mapping[str, str]] | None) -> dict[str, Any]:
    """Nasdaq's calendar of one day, ``day`` as it writes it (``Mon, Jul 27, 2026``)."""
    return {
        "data": {
            "asOf": day,
            "headers": {"time": "Time", "symbol": "Symbol"},
            "rows": None if rows is None else list(rows),
        },
        "message": None,
        "status": {"rCode": 200, "bCodeMessage": None, "developerMessage": None},
    }


def nasdaq_row(symbol: str, time: str = "time-after-hours", name: str = "Example Inc.") -> dict[str, str]:
    """One company's row."""
    return {"symbol": symbol, "name": name, "time": time, "epsForecast": "($0.12)", "lastYearRptDt": "N/A"}


def yahoo_calendar(rows: Sequence[tuple[str, str, str, str]]) -> dict[str, Any]:
    """Yahoo's calendar: rows of symbol, company, instant and AMC/BMO/TAS."""
    columns = [
        {"id": "ticker", "label": "Symbol", "type": "STRING"},
        {"id": "companyshortname", "label": "Company Name", "type": "STRING"},
        {"id": "startdatetime", "label": "Event Start Date", "type": "DATE"},
        {"id": "startdatetimetype", "label": "Event Start Date", "type": "STRING"},
    ]
    document = {"entityIdType": "SP_EARNINGS", "columns": columns, "rows": [list(row) for row in rows]}
    return {"finance": {"result": [{"total": len(rows), "documents": [document]}], "error": None}}


def yahoo_company(stamps: Sequence[int], estimate: bool | None) -> dict[str, Any]:
    """Yahoo's summary of one company's next report."""
    earnings: dict[str, Any] = {"earningsDate": list(stamps), "earningsAverage": 1.5}
    if estimate is not None:
        earnings["isEarningsDateEstimate"] = estimate
    return {"quoteSummary": {"result": [{"calendarEvents": {"maxAge": 1, "earnings": earnings}}], "error": None}}


def yahoo_series(quarters: Mapping[str, Mapping[str, float]], currency: str = "USD") -> dict[str, Any]:
    """Yahoo's time series: values by quarter end by type."""
    results = [
        {
            "meta": {"symbol": ["NVDA"], "type": [name]},
            "timestamp": [1_700_000_000 for _ in values],
            name: [
                {"asOfDate": end, "periodType": "3M", "currencyCode": currency, "reportedValue": {"raw": value}}
                for end, value in values.items()
            ],
        }
        for name, values in quarters.items()
    ]
    return {"timeseries": {"result": results, "error": None}}


def sec_fact(start: str, end: str, value: float, filed: str, form: str = "10-Q") -> dict[str, Any]:
    """One fact as companyfacts gives it."""
    return {"start": start, "end": end, "val": value, "accn": "0000000000-26-000001", "form": form, "filed": filed}


def company_facts(concepts: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """A company's facts under US accounting rules."""
    return {
        "cik": 1018724,
        "entityName": "EXAMPLE, INC.",
        "facts": {
            "dei": {"EntityPublicFloat": {"label": "Float", "units": {"USD": []}}},
            "us-gaap": {
                name: {"label": name, "description": "…", "units": {"USD": list(facts)}}
                for name, facts in concepts.items()
            },
        },
    }


def submissions(rows: Sequence[tuple[str, str, str, str, str]]) -> dict[str, Any]:
    """A company's filings: rows of accession, form, filing date, period end and document, as columns."""
    names = ("accessionNumber", "form", "filingDate", "reportDate", "primaryDocument")
    columns: list[Sequence[str]] = list(zip(*rows, strict=True)) if rows else [() for _ in names]
    return {"cik": "1018724", "filings": {"recent": dict(zip(names, map(list, columns), strict=True)), "files": []}}


def instance(facts: Sequence[tuple[str, str, Mapping[str, str], float]], *, prolog: str = "") -> str:
    """An XBRL instance: facts of start, end, members by axis, and revenue in USD."""
    contexts, figures = [], []
    for number, (start, end, members, value) in enumerate(facts):
        explicit = "".join(
            f'<xbrldi:explicitMember dimension="{axis}">{member}</xbrldi:explicitMember>'
            for axis, member in members.items()
        )
        contexts.append(
            f'<context id="c-{number}"><entity><identifier scheme="http://www.sec.gov/CIK">0001018724</identifier>'
            f"<segment>{explicit}</segment></entity>"
            f"<period><startDate>{start}</startDate><endDate>{end}</endDate></period></context>"
        )
        name = "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax"
        figures.append(f'<{name} contextRef="c-{number}" decimals="-6" unitRef="usd">{value:.0f}</{name}>')
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<xbrl xmlns="http://www.xbrl.org/2003/instance" '
        'xmlns:us-gaap="http://fasb.org/us-gaap/2026" xmlns:xbrldi="http://xbrl.org/2006/xbrldi" '
        'xmlns:iso4217="http://www.xbrl.org/2003/iso4217" xmlns:srt="http://fasb.org/srt/2026" '
        'xmlns:amzn="http://www.amazon.com/20260630"><!-- a comment -->'
        f'{"".join(contexts)}<unit id="usd"><measure>iso4217:USD</measure></unit>{"".join(figures)}</xbrl>'
    )
