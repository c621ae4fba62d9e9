"""Yahoo's earnings dates: the calendar of US companies, and company by company, which is all there is for Hong Kong.

Dates are those of the exchange, computed from the instants that Yahoo gives, whatever the host's time zone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from adapters.feeds.answer import BadAnswer, dig, gives_up, instant, iso_instant, mapping, maybe, noting, sequence
from adapters.feeds.calendar_dates import NEW_YORK, zone_of
from adapters.feeds.earnings_date import EarningsDate, EarningsDates, When, told
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.yahoo import NAME, YahooDesk

if TYPE_CHECKING:
    from adapters.feeds.yahoo_api import YahooApi

CALENDAR_PATH = "/v1/finance/visualization"
SUMMARY_PATH = "/v10/finance/quoteSummary/"
_PAGE = 100
_MOST_PAGES = 40
_LOCALE = {"lang": "en-US", "region": "US"}
_FIELDS = ("ticker", "companyshortname", "intradaymarketcap", "startdatetime", "startdatetimetype")
_WHEN: dict[str, When] = {"AMC": "after_close", "BMO": "before_open", "TAS": "during"}


class YahooEarnings:
    """The reports of ``symbols`` (of every US company when empty) in the next ``days`` days, all pages."""

    name = NAME

    def __init__(self, *, desk: YahooDesk, symbols: Collection[str] = (), days: int = 21) -> None:
        self._desk = desk
        self._symbols = frozenset(symbols)
        self._days = days

    async def dates(self, now: datetime) -> EarningsDates:
        """Ask page by page until one isn't full."""
        if (cooling := await self._desk.cooling(now)) is not None:
            return EarningsDates(problems=(cooling,))
        api = await opened(self._desk)
        today = now.astimezone(NEW_YORK).date()
        last = today + timedelta(days=self._days)
        found: list[EarningsDate] = []
        problems: list[FeedProblem] = []
        with noting(problems, NAME, "earnings"):
            for page in range(_MOST_PAGES):
                rows = parse_calendar(await self._desk.ask(_page(api, today, last, page * _PAGE)))
                found += rows.dates
                problems += rows.problems
                if rows.count < _PAGE:
                    break
            else:
                raise BadAnswer(
                    f"more than {_MOST_PAGES * _PAGE} reports; the smallest companies are left out", Fault.INCOMPLETE
                )
        wanted = (each for each in found if today <= each.first < last)
        kept = dict.fromkeys(each for each in wanted if not self._symbols or each.symbol in self._symbols)
        return EarningsDates(tuple(kept), tuple(problems))

    async def fetch(self, now: datetime) -> Fetched:
        """The same as calendar items and figures."""
        return told(await self.dates(now), now)


class YahooCompanyDates:
    """The next report of each of ``symbols``, one request a company."""

    name = NAME

    def __init__(self, *, desk: YahooDesk, symbols: Sequence[str]) -> None:
        self._desk = desk
        self._symbols = tuple(symbols)

    async def dates(self, now: datetime) -> EarningsDates:
        """Ask company by company; a source that refuses is not asked for the next one."""
        if (cooling := await self._desk.cooling(now)) is not None:
            return EarningsDates(problems=(cooling,))
        api = await opened(self._desk)
        found: list[EarningsDate] = []
        problems: list[FeedProblem] = []
        for symbol in self._symbols:
            with noting(problems, NAME, f"earnings.{symbol}.date"):
                answer = await self._desk.ask(_summary(api, symbol))
                found += parse_company(answer, symbol, zone_of(symbol))
            if gives_up(problems):
                break
        return EarningsDates(tuple(found), tuple(problems))

    async def fetch(self, now: datetime) -> Fetched:
        """The same as calendar items and figures."""
        return told(await self.dates(now), now)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the calendar; ``count`` is how many rows it had, readable or not."""

    dates: tuple[EarningsDate, ...]
    problems: tuple[FeedProblem, ...]
    count: int


async def opened(desk: YahooDesk) -> YahooApi:
    """Yahoo's JSON services, with yfinance loaded and its caches cleared."""
    session = await desk.session()
    from adapters.feeds.yahoo_api import YahooApi  # noqa: PLC0415 - needs yfinance, which the session has loaded

    return YahooApi(session, desk.clock)


def parse_calendar(answer: object) -> Page:
    """Read one page: columns by their label, ``startdatetimetype`` being the text column among two of one label."""
    if (error := maybe(dig(answer, "finance"), "error")) is not None:
        raise BadAnswer(f"it answers with the error {error!r:.160}", Fault.UNREACHABLE)
    results = sequence(dig(answer, "finance.result"), "finance.result")
    documents = sequence(dig(results[0], "documents"), "documents") if results else []
    if not documents:
        raise BadAnswer("its calendar has no documents")
    columns = [_column(each) for each in sequence(dig(documents[0], "columns"), "columns")]
    missing = {"Symbol", "Event Start Date"} - set(columns)
    if missing:
        raise BadAnswer(f"its calendar has no column {', '.join(sorted(missing))}; there are {', '.join(columns)}")
    rows = sequence(dig(documents[0], "rows"), "rows")
    found: list[EarningsDate] = []
    problems: list[FeedProblem] = []
    for row in rows:
        with noting(problems, NAME, "earnings"):
            found.append(_row(row, columns))
    if problems and not found:
        raise BadAnswer(problems[0].message)
    return Page(tuple(found), tuple(problems), len(rows))


def parse_company(answer: object, symbol: str, zone: ZoneInfo) -> Iterator[EarningsDate]:
    """Read one company's next report: one day, or the first and the last of a range; none is normal."""
    if (error := maybe(dig(answer, "quoteSummary"), "error")) is not None:
        raise BadAnswer(f"{symbol}: it answers with the error {error!r:.160}", Fault.INCOMPLETE)
    results = sequence(dig(answer, "quoteSummary.result"), "quoteSummary.result")
    events = maybe(results[0], "calendarEvents") if results else None
    earnings = mapping(maybe(events or {}, "earnings") or {}, "earnings")
    stamps = [_stamp(each, symbol) for each in sequence(earnings.get("earningsDate") or [], "earningsDate")]
    if stamps:
        days = sorted(each.astimezone(zone).date() for each in stamps)
        estimated = earnings.get("isEarningsDateEstimate")
        confirmed = False if estimated or len(set(days)) > 1 else None if estimated is None else True
        yield EarningsDate(symbol, days[0], days[-1], "unknown", confirmed, NAME)


def _stamp(value: object, symbol: str) -> datetime:
    raw = value.get("raw") if isinstance(value, Mapping) else value
    return instant(raw, f"the earnings date of {symbol}")


def _column(column: object) -> str:
    label = str(dig(column, "label"))
    return "Timing" if label == "Event Start Date" and dig(column, "type") == "STRING" else label


def _row(row: object, columns: Sequence[str]) -> EarningsDate:
    cells = sequence(row, "a row")
    if len(cells) != len(columns):
        raise BadAnswer(f"a row of its calendar has {len(cells)} cells, its header {len(columns)}")
    named = dict(zip(columns, cells, strict=True))
    symbol = str(named["Symbol"])
    day = new_york_day(iso_instant(named["Event Start Date"], f"the earnings date of {symbol}"))
    company = str(named.get("Company Name") or "")
    return EarningsDate(symbol, day, day, _WHEN.get(str(named.get("Timing")), "unknown"), None, NAME, company)


def new_york_day(at: datetime) -> date:
    """The day in New York; midnight UTC stands for a day without a time and is not moved to the evening before."""
    return at.date() if at.astimezone(UTC).time() == time(0) else at.astimezone(NEW_YORK).date()


def _page(api: YahooApi, first: date, last: date, offset: int) -> Callable[[], Any]:
    conditions = [
        {"operator": "EQ", "operands": ["region", "us"]},
        {
            "operator": "OR",
            "operands": [{"operator": "EQ", "operands": ["eventtype", kind]} for kind in ("EAD", "ERA")],
        },
        {"operator": "GTE", "operands": ["startdatetime", first.isoformat()]},
        {"operator": "LTE", "operands": ["startdatetime", last.isoformat()]},
    ]
    body = {
        "sortType": "DESC",
        "sortField": "intradaymarketcap",
        "entityIdType": "sp_earnings",
        "includeFields": list(_FIELDS),
        "size": _PAGE,
        "offset": offset,
        "query": {"operator": "AND", "operands": conditions},
    }
    return lambda: api.post(CALENDAR_PATH, _LOCALE, body)


def _summary(api: YahooApi, symbol: str) -> Callable[[], Any]:
    params = {"modules": "calendarEvents", "formatted": "false", "corsDomain": "finance.yahoo.com", **_LOCALE}
    return lambda: api.get(f"{SUMMARY_PATH}{symbol}", params)
