"""What every part of a digest works on: the data, the universe, the layout and the span of days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.digest.data import DigestData, Imported
from bot.digest.facts import Fact, Facts, Standing, growth, missing, observed
from bot.digest.layout import Layout
from rules.calendars.sessions import Calendar, Calendars, Period
from rules.model import Localized
from rules.universe import Instrument, Universe


@dataclass(frozen=True, slots=True)
class Span:
    """The days that a digest is about, inclusive: Monday to Friday of a week."""

    first: date
    last: date

    @classmethod
    def week_of(cls, day: date) -> Span:
        """Monday to Friday of the week that holds ``day``."""
        monday = day - timedelta(days=day.weekday())
        return cls(monday, monday + timedelta(days=4))

    @classmethod
    def named(cls, name: str) -> Span:
        """Monday to Friday of the ISO week ``2024-W44``; raise ``ValueError`` where it is none."""
        year, _, week = name.partition("-W")
        return cls.week_of(date.fromisocalendar(int(year), int(week), 5))

    @property
    def name(self) -> str:
        """The ISO week, ``2024-W44``."""
        year, week, _ = self.last.isocalendar()
        return f"{year}-W{week:02d}"

    @property
    def days(self) -> tuple[date, ...]:
        """Every day of the span."""
        return tuple(self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True)
class Frame:
    """One digest in the making; ``facts`` fills as the parts are computed."""

    data: DigestData
    universe: Universe
    layout: Layout
    span: Span
    calendars: Calendars
    facts: Facts

    @property
    def imported(self) -> Imported | None:
        """Tables from outside, if they are about this week."""
        found = self.data.imported
        return found if found and self.span.first <= found.day <= self.span.last else None

    def calendar(self, symbol: str) -> Calendar:
        """The sessions of ``symbol``; New York's for what the universe doesn't know."""
        known = self.universe.by_symbol.get(symbol)
        return self.calendars.get(known.calendar if known else "XNYS")

    def name(self, symbol: str) -> Localized:
        """What readers call ``symbol``."""
        known = self.universe.by_symbol.get(symbol)
        return known.name if known else {"en": symbol, "zh": symbol}

    def dated(self, symbol: str, day: date) -> Localized:
        """The figure of ``symbol`` on ``day``, for those who are told that it is missing."""
        name = self.name(symbol)
        return {"en": f"{name['en']} on {day}", "zh": f"{name['zh']} {day}"}

    def listed(self, tag: str) -> tuple[Instrument, ...]:
        """The list ``tag`` as of the span's last day."""
        return self.universe.tagged(tag, self.span.last)

    def fiscal_shift(self, symbol: str) -> int:
        """By how many quarters the company's fiscal year runs ahead of the calendar's."""
        return next((item.fiscal_shift for item in self.layout.companies if item.symbol == symbol), 0)

    def session(self, symbol: str) -> date:
        """The newest session up to the span's end that is over by now, or runs and has a figure.

        It lies before the span where the market hasn't had a session in it, for a holiday or not yet.
        """
        calendar = self.calendar(symbol)
        day = calendar.session_on_or_before(self.span.last)
        while calendar.close(day) > self.data.now and not self._seen(symbol, day):
            day = calendar.previous(day)
        return day

    def _seen(self, symbol: str, day: date) -> bool:
        found = self.data.on(f"prices.{symbol}.close", day)
        return found is not None and found.value is not None

    def close(self, symbol: str, unit: str) -> Fact:
        """The close of the span's last session that is over; an older one is stale."""
        session = self.session(symbol)
        fact = observed(self.data.on(f"prices.{symbol}.close", session), unit, self.dated(symbol, session))
        within = session >= self.span.first
        if (fact.known and within) or fact.status is Standing.PENDING:
            return fact
        older = self.data.last(f"prices.{symbol}.close", session)
        if older is None or older.value is None:
            return fact
        return Fact(float(older.value), unit, older.source, older.at, Standing.STALE)

    def change(self, symbol: str, close: Fact, period: Period) -> Fact:
        """The change in percent from the last close before the period; a stale close has none."""
        if close.status is Standing.STALE:
            day = close.as_of.date() if close.as_of else ""
            name = self.name(symbol)
            return missing("%", f"the last close of {name['en']} is {day}", f"{name['zh']} 最近收盘为 {day}")
        base = self.calendar(symbol).base_of(period, self.session(symbol))
        before = observed(self.data.on(f"prices.{symbol}.close", base), close.unit, self.dated(symbol, base))
        return growth(close, before)

    def newest_day(self, series: str) -> date:
        """The span's last day; while the span runs, today, or yesterday where today has no figure yet."""
        today = self.data.now.date()
        if today > self.span.last:
            return self.span.last
        return today if self.data.on(series, today) else today - timedelta(days=1)


def last_whole_week(today: date) -> date:
    """A day of the newest week whose Friday is over on ``today``: this week's at the weekend, else the one before."""
    return today if today.weekday() >= 5 else today - timedelta(days=today.weekday() + 3)


def month_end(word: str, today: date) -> date | None:
    """The last day of the month ``2024-10``, or ``today`` in the running one; ``None`` for anything else."""
    try:
        first = datetime.strptime(word, "%Y-%m").date()  # noqa: DTZ007 - a month has no time zone
    except ValueError:
        return None
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return None if first > today else min(last, today)
