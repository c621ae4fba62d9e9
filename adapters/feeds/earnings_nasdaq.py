"""Nasdaq's earnings calendar: one request a day of the calendar, no key, US companies, unofficial."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta

from adapters.feeds.answer import BadAnswer, dig, english_day, gives_up, mapping, noting, sequence
from adapters.feeds.calendar_dates import NEW_YORK
from adapters.feeds.earnings_date import EarningsDate, EarningsDates, When, told
from adapters.feeds.flow_day import is_session
from adapters.feeds.port import FeedProblem, Fetched
from adapters.http import HttpClient, Source

NAME = "nasdaq"
PATH = "/api/calendar/earnings"
_BROWSER = "Mozilla/5.0 (X11; Linux x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SOURCE = Source(
    name=NAME, base_url="https://api.nasdaq.com", headers={"Accept": "application/json", "User-Agent": _BROWSER}
)
_WHEN: dict[str, When] = {"time-pre-market": "before_open", "time-after-hours": "after_close"}


class NasdaqEarnings:
    """The reports of ``symbols`` (of every company when empty) on the trading days of the next ``days`` days."""

    name = NAME

    def __init__(self, *, http: HttpClient, symbols: Collection[str] = (), days: int = 21) -> None:
        self._http = http
        self._symbols = frozenset(symbols)
        self._days = days

    async def dates(self, now: datetime) -> EarningsDates:
        """Ask day by day; a source that refuses is not asked for the next one."""
        today = now.astimezone(NEW_YORK).date()
        found: list[EarningsDate] = []
        problems: list[FeedProblem] = []
        for day in (today + timedelta(days=ahead) for ahead in range(self._days)):
            if not is_session(day):
                continue
            with noting(problems, NAME, f"earnings {day}"):
                answer = await self._http.get_json(SOURCE, PATH, {"date": day.isoformat()})
                found += (each for each in parse(answer, day) if not self._symbols or each.symbol in self._symbols)
            if gives_up(problems):
                break
        return EarningsDates(tuple(dict.fromkeys(found)), tuple(problems))

    async def fetch(self, now: datetime) -> Fetched:
        """The same as calendar items and figures."""
        return told(await self.dates(now), now)


def parse(answer: object, day: date) -> Iterator[EarningsDate]:
    """Read the reports of ``day``; a day without any has no rows. ``BadAnswer`` if it answers for another day."""
    status = mapping(dig(answer, "status"), "status")
    if str(status.get("rCode")) != "200":
        raise BadAnswer(f"it answers with code {status.get('rCode')!r:.20} ({status.get('bCodeMessage')!r:.120})")
    data = mapping(dig(answer, "data"), "data")
    _, _, said = str(data.get("asOf") or "").partition(", ")
    if (answered := english_day(said)) is not None and answered != day:
        raise BadAnswer(f"asked for {day}, it answers for {answered}")
    rows = dig(data, "rows")
    for row in sequence(rows, "rows") if rows is not None else ():
        symbol = str(dig(row, "symbol")).strip().replace("/", "-").replace(".", "-")
        when = _WHEN.get(str(row.get("time")), "unknown")
        yield EarningsDate(symbol, day, day, when, None, NAME, str(row.get("name") or "").strip())
