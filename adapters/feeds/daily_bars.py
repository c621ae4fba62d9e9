"""What a daily chart says about each session of its market: pure, whatever source the chart is from.

A source's last rows are where it errs: bars that still run, bars that never came, days that are no session, quotes that
lag. Here each row is held against the exchange's calendar and becomes final, partial or missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from adapters.feeds.port import Fault, FeedProblem
from rules.calendars.schedule import CONTINUOUS
from rules.calendars.sessions import Calendar
from rules.model import Observation, Status

SETTLE = timedelta(minutes=15)
"""How long after the close a source's daily bar may still change in the ordinary way."""
BAR_FIELDS = ("open", "high", "low", "close", "volume")
_LAGGED = timedelta(hours=1)
_AUCTION = {"XHKG": timedelta(minutes=8)}
_EARLY_LAST_TRADE = timedelta(minutes=-5)


@dataclass(frozen=True, slots=True)
class Bar:
    """One session of a market, by its local date. A figure that the source doesn't have is ``None``."""

    day: date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None

    def figures(self) -> Iterator[tuple[str, float]]:
        """The fields that are known, with their values."""
        for name in BAR_FIELDS:
            value = getattr(self, name)
            if value is not None:
                yield name, value

    def rescaled(self, factor: float) -> Bar:
        """The bar in new shares, ``factor`` of them for each old one: lower prices, more volume."""

        def divided(price: float | None) -> float | None:
            return None if price is None else price / factor

        return replace(
            self,
            open=divided(self.open),
            high=divided(self.high),
            low=divided(self.low),
            close=divided(self.close),
            volume=None if self.volume is None else self.volume * factor,
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """The latest price and when it was struck, with what the session has shown so far."""

    at: datetime
    price: float
    high: float | None = None
    low: float | None = None
    volume: float | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """``ratio`` new shares for each old one, from the open of ``day`` on."""

    day: date
    ratio: float


@dataclass(frozen=True, slots=True)
class Chart:
    """What a source knows of one symbol: bars in order of their days, the quote, the splits in between."""

    symbol: str
    bars: tuple[Bar, ...]
    quote: Quote | None = None
    splits: tuple[Split, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """One bar as it stands: ``at`` is the session's close when it is over, else the quote's own time; all in UTC."""

    bar: Bar
    at: datetime
    status: Status

    def observations(self, symbol: str, known_at: datetime, source: str) -> Iterator[Observation]:
        """The bar's figures as ``prices.SYMBOL.FIELD``."""
        for name, value in self.bar.figures():
            yield Observation(f"prices.{symbol}.{name}", self.at, known_at, value, self.status, source)


@dataclass(frozen=True, slots=True)
class Reading:
    """A chart held against the calendar: its sessions in order, those that are missing, and rows of no session."""

    sessions: tuple[Session, ...]
    missing: tuple[date, ...]
    strays: tuple[date, ...]


def read(chart: Chart, calendar: Calendar, now: datetime) -> Reading:
    """Tell finished sessions from the running one and find the holes.

    A quote in a session for which there is no row stands in for it (provisional once the session is over). Rows whose
    close is missing are holes.
    """
    bars = {bar.day: bar for bar in chart.bars if bar.close is not None and calendar.is_session(bar.day)}
    strays = tuple(bar.day for bar in chart.bars if not calendar.is_session(bar.day))
    quote = chart.quote if chart.quote is not None and chart.quote.at <= now + SETTLE else None
    stand_in = None
    if quote is not None and (day := calendar.session_of(quote.at)) not in bars:
        stand_in = day
        bars[day] = Bar(day, None, quote.high, quote.low, quote.price, quote.volume)
    quoted_at = None if quote is None else min(quote.at, now)
    days = sorted(day for day in bars if calendar.open(day) <= now)
    sessions = tuple(_stand(bars[day], calendar, quoted_at, now, stand_in=day == stand_in) for day in days)
    return Reading(sessions, _missing(bars, calendar, now), strays)


def _stand(bar: Bar, calendar: Calendar, quoted_at: datetime | None, now: datetime, *, stand_in: bool) -> Session:
    close = calendar.close(bar.day)
    if is_over(calendar, bar.day, quoted_at, now):
        return Session(bar, close, Status.PROVISIONAL if stand_in else Status.FINAL)
    at = max(calendar.open(bar.day), min(quoted_at or now, now, close - timedelta(seconds=1)))
    return Session(bar, at, Status.PARTIAL)


def is_over(calendar: Calendar, session: date, quoted_at: datetime | None, now: datetime) -> bool:
    """Whether the session's bar won't change any more in the ordinary way.

    The closing auction must have been seen by the (perhaps delayed) quote, or an hour must have passed.
    """
    close = calendar.close(session)
    if calendar.name == CONTINUOUS:
        return now > close + timedelta(minutes=1)
    if now < close + SETTLE:
        return False
    needed = close + _AUCTION.get(calendar.name, _EARLY_LAST_TRADE)
    return quoted_at is None or quoted_at >= needed or now >= close + _LAGGED


def _missing(bars: Mapping[date, Bar], calendar: Calendar, now: datetime) -> tuple[date, ...]:
    if not bars:
        return ()
    last = calendar.session_of(now)
    if now < calendar.close(last) + SETTLE:
        last = calendar.previous(last)
    found, day = [], min(bars)
    while day <= last:
        if day not in bars:
            found.append(day)
        day = calendar.next(day)
    return tuple(found)


def marked_missing(symbol: str, day: date, calendar: Calendar, now: datetime, source: str) -> Observation:
    """The close that a finished session should have and hasn't."""
    return Observation(f"prices.{symbol}.close", calendar.close(day), now, None, Status.PENDING, source)


def missing_problems(
    missing: Mapping[str, Sequence[date]], calendars: Mapping[str, Calendar], source: str
) -> tuple[FeedProblem, ...]:
    """One problem a symbol; one a session where every symbol of a market lacks it, most likely an unplanned closure."""
    market: dict[str, set[str]] = {}
    for symbol, calendar in calendars.items():
        market.setdefault(calendar.name, set()).add(symbol)
    problems = []
    shared: set[tuple[str, date]] = set()
    for name, symbols in market.items():
        for day in sorted({day for symbol in symbols for day in missing.get(symbol, ())}):
            if len(symbols) > 2 and all(day in missing.get(symbol, ()) for symbol in symbols):
                shared.add((name, day))
                message = f"{name}: no symbol has a bar for {day}; an unplanned closure, or the source lost the day"
                problems.append(FeedProblem(source, Fault.INCOMPLETE, message, f"{name}:{day}"))
    for symbol, days in missing.items():
        own = [str(day) for day in days if (calendars[symbol].name, day) not in shared]
        if own:
            message = f"{symbol}: no bar for {', '.join(own[:5])}{' …' if len(own) > 5 else ''}"
            problems.append(FeedProblem(source, Fault.INCOMPLETE, message, symbol))
    return tuple(problems)


def daily_from_intraday(rows: Iterable[tuple[datetime, Bar]], calendar: Calendar) -> dict[date, Bar]:
    """Sessions put together from shorter bars, each with its start in UTC, for days that a daily chart lacks."""
    days: dict[date, Bar] = {}
    for start, row in rows:
        day = calendar.session_of(start)
        if not calendar.open(day) <= start < calendar.close(day) or row.close is None:
            continue
        had = days.get(day)
        days[day] = replace(row, day=day) if had is None else _joined(had, row)
    return days


def _joined(had: Bar, row: Bar) -> Bar:
    highs = [x for x in (had.high, row.high) if x is not None]
    lows = [x for x in (had.low, row.low) if x is not None]
    volumes = [x for x in (had.volume, row.volume) if x is not None]
    return replace(
        had,
        high=max(highs, default=None),
        low=min(lows, default=None),
        close=row.close,
        volume=sum(volumes) if volumes else None,
    )
