"""The reference week as it would have become known: observations in time order, ready to be replayed.

It holds what the tables of one printed weekly say and what follows from them, nothing else:

- A close before the week (25 October), the month (31 October) or the year (29 December 2023) follows from Friday's
  close and the printed change. It is rounded away from Friday's close, so that the change computed back is never
  smaller than the printed one by floating noise: a printed +10% is at least 10%.
- Closes of 25 October and 2023 are history. Those of 31 October became known only with Friday's (the report reveals
  Thursday through the month's change alone), so a rule that looks at Thursday's close sees no bar: it is unknown.
- ETF flows of a day arrive in two stages, at 00:40 and 01:40 UTC on the next day, first with funds missing. The
  figures are Farside's; **the arrival times are illustrative**, as is which fund reports late.
- Bitcoin's bars are UTC days. A day that has an open starts with it as the day's running high, low and price.
- Company figures of the third quarter and next week's events became known with the report, at Friday's close.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from bot.reference import tables
from rules.model import CalendarEvent, Observation, Status
from rules.universe import Universe

WEEK_BASE = date(2024, 10, 25)
FRIDAY = date(2024, 11, 1)
MONTH_BASE = date(2024, 10, 31)
YEAR_BASE = date(2023, 12, 29)
START = datetime(2024, 10, 28, tzinfo=UTC)
END = datetime(2024, 11, 2, 2, tzinfo=UTC)
REVEALED = datetime(2024, 11, 1, 20, 10, tzinfo=UTC)
"""When the printed report showed its tables: ten minutes after New York's close on Friday."""

CLOSE_DELAY = timedelta(minutes=5)
DAY_DELAY = timedelta(seconds=1)
OPEN_DELAY = timedelta(seconds=5)
FIRST_STAGE = time(0, 40)
LAST_STAGE = time(1, 40)
LATE_FUNDS = ("IBIT", "BTC")
"""The funds that are missing at the first stage (illustrative)."""

WIND = "Wind (printed weekly)"
CAPEX_TABLE = "Wind (printed weekly, figure 7)"
FILINGS = "Company filings (printed weekly, figures 8-11)"
SEGMENTS = "Company filings (printed weekly, figures 5-6)"
FARSIDE = "Farside"
BITCOIN = "Public daily bars (UTC days)"
COINMARKETCAP = "CoinMarketCap"
CALENDAR = "Printed weekly, calendar"

_KNOWN_CLOSES = {("^NDX", WEEK_BASE): 20352.02}
_MARKETS = {"XNYS": ("America/New_York", time(16)), "XHKG": ("Asia/Hong_Kong", time(16))}


@dataclass(frozen=True, slots=True)
class Recording:
    """A span of the market as it became known.

    ``history`` was known at ``start``; ``observations`` and ``events`` became known by ``end``. Both tuples of
    observations are sorted by ``known_at``, then by ``at``.
    """

    start: datetime
    end: datetime
    history: tuple[Observation, ...]
    observations: tuple[Observation, ...]
    events: tuple[CalendarEvent, ...]


def recording(universe: Universe) -> Recording:
    """The reference week, with each instrument's closes on the calendar that ``universe`` gives it."""
    everything = sorted(
        [*_prices(universe), *_bitcoin(), *_flows(), *_fund_summary(), *_crypto(), *_companies(), *_event_dates()],
        key=lambda item: (item.known_at, item.at),
    )
    return Recording(
        start=START,
        end=END,
        history=tuple(item for item in everything if item.known_at <= START),
        observations=tuple(item for item in everything if item.known_at > START),
        events=_events(),
    )


def session_close(calendar: str, day: date) -> datetime:
    """The close of ``day`` in UTC on a market whose sessions the week holds; none of them was shortened."""
    zone, close = _MARKETS[calendar]
    return datetime.combine(day, close, ZoneInfo(zone)).astimezone(UTC)


def close_before(close: str, change_pct: str) -> float:
    """The close from which ``close`` is a change of ``change_pct`` percent, never a shade less than that."""
    last, change = Decimal(close), Decimal(change_pct) / 100
    exact = last / (1 + change)
    quantum = Decimal(1).scaleb(exact.adjusted() - 8)
    away = Decimal(0).compare(change) * quantum
    base = exact.quantize(quantum, rounding=ROUND_FLOOR if change > 0 else ROUND_CEILING)
    while abs(float(last) / float(base) - 1) < abs(float(change)):
        base += away
    return float(base)


def _prices(universe: Universe) -> Iterator[Observation]:
    friday_seen = {name: session_close(name, FRIDAY) + CLOSE_DELAY for name in _MARKETS}
    for row in tables.closes():
        known = universe.by_symbol.get(row.symbol)
        calendar = known.calendar if known is not None and known.calendar in _MARKETS else row.calendar
        friday = session_close(calendar, FRIDAY)
        seen = friday_seen[calendar]
        series = f"prices.{row.symbol}.close"
        for day, change in ((YEAR_BASE, row.year_pct), (WEEK_BASE, row.week_pct), (MONTH_BASE, row.month_pct)):
            at = session_close(calendar, day)
            value = _KNOWN_CLOSES.get((row.symbol, day), close_before(row.close, change))
            yield Observation(series, at, seen if day == MONTH_BASE else at + CLOSE_DELAY, value, source=WIND)
        yield Observation(series, friday, seen, float(row.close), source=WIND)
        if row.market_cap_100m:
            cap = _scaled(row.market_cap_100m, 8)
            yield Observation(f"prices.{row.symbol}.market_cap", friday, seen, cap, source=WIND)


def _bitcoin() -> Iterator[Observation]:
    for bar in tables.bitcoin_daily():
        opened, ended = datetime.combine(bar.day, time(), UTC), day_end(bar.day)
        for name, price in bar.prices.items():
            series = f"prices.BTC-USD.{name}"
            if "open" in bar.prices:
                status = Status.FINAL if name == "open" else Status.PARTIAL
                yield Observation(series, opened, opened + OPEN_DELAY, bar.prices["open"], status, BITCOIN)
            if name != "open":
                yield Observation(series, ended, ended + DAY_DELAY, price, source=BITCOIN)


def _flows() -> Iterator[Observation]:
    for day, flows in tables.flows().items():
        at, next_day = session_close("XNYS", day), day + timedelta(days=1)
        last = datetime.combine(next_day, LAST_STAGE, UTC)
        funds = {fund: _scaled(text, 6) for fund, text in flows.items() if fund != "total"}
        total = Observation("etf_flows.BTC.total", at, last, _scaled(flows["total"], 6), source=FARSIDE)
        if last <= START:
            yield from (_flow(fund, at, last, value) for fund, value in funds.items())
            yield total
            continue
        first = datetime.combine(next_day, FIRST_STAGE, UTC)
        for fund, value in funds.items():
            late = fund in LATE_FUNDS
            yield _flow(fund, at, first, None if late else value)
            if late:
                yield _flow(fund, at, last, value)
        reported = round(sum(value for fund, value in funds.items() if fund not in LATE_FUNDS), 2)
        yield Observation("etf_flows.BTC.total", at, first, reported, Status.PARTIAL, FARSIDE)
        yield total


def _flow(fund: str, at: datetime, known_at: datetime, value: float | None) -> Observation:
    status = Status.PENDING if value is None else Status.FINAL
    return Observation(f"etf_flows.BTC.{fund}", at, known_at, value, status, FARSIDE)


def _fund_summary() -> Iterator[Observation]:
    """Per fund and in total: fee (fraction), flow since launch, average and maximum a day (USD), up to Friday."""
    at = session_close("XNYS", FRIDAY)
    known_at = datetime.combine(FRIDAY + timedelta(days=1), LAST_STAGE, UTC)
    for row in tables.funds():
        figures = {
            "etf_fee": _scaled(row["fee_pct"], -2) if row["fee_pct"] else None,
            "etf_since_launch": _scaled(row["since_launch"], 6),
            "etf_average": _scaled(row["average"], 6),
            "etf_maximum": _scaled(row["maximum"], 6),
        }
        for feed, value in figures.items():
            if value is not None:
                yield Observation(f"{feed}.BTC.{row['fund']}", at, known_at, value, source=FARSIDE)


def _crypto() -> Iterator[Observation]:
    printed = tables.crypto()
    day, before = (date.fromisoformat(str(printed[name])) for name in ("day", "previous_week"))
    now = {
        "crypto.coinmarketcap.market_cap": _scaled(printed["market_cap_usd_tn"], 12),
        "crypto.coinmarketcap.volume": _scaled(printed["volume_usd_100m"], 8),
        "crypto.coinmarketcap.volume_ytd": _scaled(printed["volume_ytd_usd_tn"], 12),
        "crypto.coinmarketcap.volume_ytd_yoy": _scaled(printed["volume_ytd_yoy_pct"], -2),
        "fear_greed.coinmarketcap.value": float(printed["fear_greed"]),
    }
    then = _scaled(printed["market_cap_previous_week_usd_tn"], 12)
    yield _of_day("crypto.coinmarketcap.market_cap", before, then)
    yield from (_of_day(series, day, value) for series, value in now.items())


def _of_day(series: str, day: date, value: float) -> Observation:
    return Observation(series, day_end(day), day_end(day) + DAY_DELAY, value, source=COINMARKETCAP)


def _companies() -> Iterator[Observation]:
    for row in tables.capex():
        yield _of_quarter(row["symbol"], "capex", row["quarter"], _scaled(row["capex"], 8), CAPEX_TABLE)
    for row in tables.quarters():
        figures = {name: _scaled(row[name], 8) for name in ("revenue", "net_income", "capex")}
        margin = Decimal(row["gross_margin_pct"]) / 100
        figures["gross_profit"] = float(Decimal(row["revenue"]) * margin * 10**8)
        for name, value in figures.items():
            yield _of_quarter(row["symbol"], name, row["quarter"], value, FILINGS)
    for row in tables.cloud():
        field = "segment_" + row["segment"].lower().replace(" ", "_")
        priors = {"2Q24": row["qoq_pct"], "3Q23": row["yoy_pct"]}
        for quarter, change in priors.items():
            prior = close_before(row["revenue"], change) * 1e8
            yield _of_quarter(row["symbol"], field, quarter, prior, SEGMENTS)
        yield _of_quarter(row["symbol"], field, row["quarter"], _scaled(row["revenue"], 8), SEGMENTS)


def _of_quarter(symbol: str, field: str, quarter: str, value: float, source: str) -> Observation:
    at = day_end(quarter_end(quarter))
    known_at = REVEALED if quarter == "3Q24" else START
    return Observation(f"fundamentals.{symbol}.{field}", at, known_at, value, source=source)


def _events() -> tuple[CalendarEvent, ...]:
    return tuple(
        CalendarEvent(
            kind="earnings" if row["kind"] == "earnings" else "event",
            key=row["key"],
            start=row["start"],
            end=row["end"],
            title={"en": row["en"], "zh": row["zh"]},
            known_at=REVEALED,
            status=Status.PROVISIONAL if row["kind"] == "earnings" else Status.FINAL,
            source=CALENDAR,
            tags=tuple(row["tags"].split()),
            place=row["place"],
        )
        for row in tables.events()
    )


def _event_dates() -> Iterable[Observation]:
    for event in _events():
        feed = "earnings" if event.kind == "earnings" else "events"
        value, told = float(event.start.replace("-", "")), event.known_at
        yield Observation(f"{feed}.{event.key}.date", told, told, value, event.status, CALENDAR)


def day_end(day: date) -> datetime:
    """The last second of a UTC day."""
    return datetime.combine(day, time(23, 59, 59), UTC)


def quarter_end(name: str) -> date:
    """The last day of a calendar quarter: ``3Q24`` ends on 30 September 2024."""
    number, year = int(name[0]), 2000 + int(name[2:])
    first_after = date(year + number // 4, number * 3 % 12 + 1, 1)
    return first_after - timedelta(days=1)


def _scaled(text: object, power: int) -> float:
    """``text`` times ten to the ``power``, exactly, as the nearest float."""
    return float(Decimal(str(text)).scaleb(power))
