"""Yahoo's prices as a feed: every symbol of the universe, honest about what is final, running, missing or rescaled."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from adapters.clock import Clock
from adapters.feeds.daily_bars import (
    BAR_FIELDS,
    SETTLE,
    Bar,
    Chart,
    Reading,
    Session,
    daily_from_intraday,
    marked_missing,
    missing_problems,
    read,
)
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.splits import looks_like_split, rescaled_since, with_history_rescaled
from adapters.http import CoolDowns, HttpFailure
from adapters.paces import OwnPaces, Pace, Paces
from rules.calendars.sessions import Calendar, Calendars
from rules.model import Observation, SeriesName, Status
from rules.universe import Instrument, Kind

if TYPE_CHECKING:
    from adapters.feeds.yahoo_requests import ChartReply, ChartRequests
    from adapters.feeds.yahoo_session import YahooSession

NAME = "yahoo"
PACE = Pace(2.0, burst=60)
_KEPT_SESSIONS = 30
_ENOUGH_SESSIONS = 300
_COMPLETED_AT_MOST = 20
_COMPLETED_DAYS = 5
_FAILURES_IN_A_ROW = 5
_RETRY_PAUSE = timedelta(seconds=1)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class YahooOptions:
    """How Yahoo is asked.

    ``base_url`` stands in for Yahoo's hosts (``""``: the real ones). ``period`` is what one fetch looks back; after a
    split ``long_period`` is fetched once. Yahoo publishes no limits; whole addresses were shut out for hours at a few
    requests a second, hence ``pace`` and the length of ``cool_down``.
    """

    base_url: str = ""
    cache_dir: Path | None = None
    period: str = "1mo"
    long_period: str = "2y"
    pace: Pace = PACE
    concurrency: int = 4
    timeout_s: float = 15.0
    cool_down: timedelta = timedelta(minutes=30)


@dataclass(slots=True)
class _Look:
    """What one symbol's chart came to."""

    instrument: Instrument
    reading: Reading = field(default_factory=lambda: Reading((), (), ()))
    observations: list[Observation] = field(default_factory=list)
    problems: list[FeedProblem] = field(default_factory=list)
    failure: HttpFailure | None = None


class YahooDesk:
    """What the Yahoo feeds of one process share: the session, the threads, the pace and the cool-down."""

    def __init__(self, clock: Clock, cool_downs: CoolDowns, options: YahooOptions, paces: Paces | None = None) -> None:
        self.clock = clock
        self.options = options
        self._paces = paces or OwnPaces(clock)
        self._cool_downs = cool_downs
        self._requesters = ThreadPoolExecutor(options.concurrency, thread_name_prefix=f"{NAME} request")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix=f"{NAME} read")
        self._session: YahooSession | None = None
        self._requests: ChartRequests | None = None

    def close(self) -> None:
        """Let go of the threads."""
        for pool in (self._requesters, self._reader):
            pool.shutdown(wait=False, cancel_futures=True)

    async def prepare(self) -> None:
        """Load yfinance if that is still to do, and clear its caches."""
        await self._run(self._reader, self._open)

    def _open(self) -> None:
        from adapters.feeds import yahoo_session  # noqa: PLC0415 - yfinance and pandas take a second to load
        from adapters.feeds.yahoo_requests import ChartRequests  # noqa: PLC0415

        _reading()
        if self._requests is None:
            options = self.options
            self._session = yahoo_session.prepared(options.cache_dir, options.base_url, options.timeout_s)
            self._requests = ChartRequests(self._session, self.clock, options.timeout_s)
            gc.freeze()  # a full collection over the libraries just loaded would stop every thread for 0.1 s
        yahoo_session.clear_caches()

    async def history(self, symbol: str, period: str, tz: str) -> Chart:
        """The daily chart of ``period``, cleaned by yfinance; raises :class:`HttpFailure`."""
        reply = await self._reply(symbol, period, "1d")
        return await self._run(self._reader, lambda: _reading().daily(reply, tz))

    async def latest(self, symbol: str, tz: str) -> Chart:
        """The last few sessions with the running one, as Yahoo sent them; raises :class:`HttpFailure`."""
        from adapters.feeds.yahoo_requests import daily  # noqa: PLC0415 - as below

        return daily(await self._reply(symbol, "5d", "1d"), tz)

    async def intraday(self, symbol: str, period: str, interval: str, tz: str) -> Sequence[tuple[datetime, Bar]]:
        """The shorter bars of ``period``; raises :class:`HttpFailure`."""
        reply = await self._reply(symbol, period, interval)
        return await self._run(self._reader, lambda: _reading().intraday(reply, tz))

    async def cooling(self, now: datetime) -> FeedProblem | None:
        """Why Yahoo must not be asked at ``now``."""
        until = await self._cool_downs.until(NAME, now)
        if until is None:
            return None
        message = f"{NAME} asked for a pause; not asked again before {until:%Y-%m-%d %H:%M:%S} UTC"
        return FeedProblem(NAME, Fault.RATE_LIMITED, message, retry_at=until)

    async def session(self) -> YahooSession:
        """The session that all share, for the feeds that ask Yahoo for something else than charts."""
        await self.prepare()
        assert self._session is not None, "prepared"  # noqa: S101
        return self._session

    async def ask(self, request: Callable[[], T]) -> T:
        """One blocking request in a thread at its turn, and once more after a passing failure."""
        await self._turn()
        try:
            return await self._run(self._requesters, request)
        except HttpFailure as failure:
            if failure.fault is Fault.RATE_LIMITED:
                await self._begin_cool_down(failure)
            if failure.fault is not Fault.UNREACHABLE:
                raise
        await self.clock.sleep_until(self.clock.now() + _RETRY_PAUSE)
        await self._turn()
        return await self._run(self._requesters, request)

    async def _reply(self, symbol: str, period: str, interval: str) -> ChartReply:
        assert self._requests is not None, "prepare first"  # noqa: S101
        requests = self._requests
        return await self.ask(lambda: requests.chart(symbol, period, interval))

    @staticmethod
    async def _run(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    async def _turn(self) -> None:
        await self._paces.turn(NAME, self.options.pace)

    async def _begin_cool_down(self, failure: HttpFailure) -> None:
        now = self.clock.now()
        until = max(failure.retry_at or now, now + self.options.cool_down)
        failure.retry_at = until
        await self._cool_downs.begin(NAME, until, "HTTP 429")


def _reading() -> ModuleType:
    from adapters.feeds import yahoo_chart  # noqa: PLC0415 - yfinance and pandas take a second to load

    return yahoo_chart


class YahooPrices:
    """Daily bars of every priced instrument, and the running session's.

    Each fetch brings what is new or changed since the last one of this object; the first brings the whole period. One
    request a symbol, plus one for each symbol that lacks a session or was split. yfinance reads the history at the
    first fetch and after each close; in between only the running session is looked at.
    """

    def __init__(self, desk: YahooDesk, instruments: Iterable[Instrument], calendars: Calendars) -> None:
        self._desk = desk
        self._instruments = tuple(item for item in instruments if item.priced)
        self._calendars = {item.symbol: calendars.get(item.calendar) for item in self._instruments}
        self._given: dict[str, dict[date, Session]] = {}
        self._known: dict[str, int] = {}
        self._marked: dict[str, set[date]] = {}
        self._read_at: dict[str, datetime] = {}

    def last_close(self, symbol: str) -> float | None:
        """The close of the last finished session that was given, in today's shares."""
        finished = [session for session in self._given.get(symbol, {}).values() if session.status is not Status.PARTIAL]
        return max(finished, key=lambda session: session.at).bar.close if finished else None

    def remember(self, observations: Iterable[Observation]) -> None:
        """Take finished bars of an earlier process as given: they aren't told again, and a split since then is seen."""
        figures: dict[tuple[str, datetime], dict[str, float | None]] = {}
        for item in observations:
            name = SeriesName.parse(item.series)
            if name.feed == "prices" and name.key in self._calendars and item.status is Status.FINAL:
                figures.setdefault((name.key, item.at), {})[name.field] = item.value
        for (symbol, at), fields in sorted(figures.items()):
            day = self._calendars[symbol].session_of(at)
            bar = Bar(day, *(fields.get(name) for name in BAR_FIELDS))
            self._given.setdefault(symbol, {})[day] = Session(bar, at, Status.FINAL)
            self._known[symbol] = self._known.get(symbol, 0) + 1
        for symbol in {symbol for symbol, _ in figures}:
            given = self._given[symbol]
            self._given[symbol] = {day: given[day] for day in sorted(given)[-_KEPT_SESSIONS:]}

    async def backfill(self, now: datetime, symbols: Container[str]) -> Fetched:
        """The long history of those of ``symbols`` of which little was remembered; finished sessions, for the archive.

        Meant for the time before the engine starts: what it brings counts as given, and a fetch tells what is new.
        """
        asked = (item for item in self._instruments if item.symbol in symbols)
        wanted = [item for item in asked if self._known.get(item.symbol, 0) < _ENOUGH_SESSIONS]
        fetched = await self._fetch(wanted, now, self._desk.options.long_period)
        final = tuple(item for item in fetched.observations if item.status is Status.FINAL)
        for symbol, given in self._given.items():
            self._given[symbol] = {day: item for day, item in given.items() if item.status is Status.FINAL}
        return Fetched(final, problems=fetched.problems)

    async def fetch(self, now: datetime) -> Fetched:
        """Ask for every symbol; a symbol's failure touches that symbol, a refusal ends the fetch."""
        return await self._fetch(self._instruments, now, self._desk.options.period)

    async def _fetch(self, instruments: Sequence[Instrument], now: datetime, period: str) -> Fetched:
        if not instruments:
            return Fetched()
        if (problem := await self._desk.cooling(now)) is not None:
            return Fetched(problems=(problem,))
        await self._desk.prepare()
        looks = await self._look_at_all(instruments, now, period)
        await self._complete(looks, now)
        return await asyncio.to_thread(self._joined, looks, now)

    def _joined(self, looks: Sequence[_Look], now: datetime) -> Fetched:
        """What the looks came to; for hundreds of symbols too long for the event loop."""
        missing = {look.instrument.symbol: look.reading.missing for look in looks if look.reading.missing}
        marks = (item for look in looks for item in self._marks(look, now))
        observations = chain(*(look.observations for look in looks), marks)
        seen = {look.instrument.symbol: self._calendars[look.instrument.symbol] for look in looks if not look.failure}
        problems = [
            *_failures(looks),
            *missing_problems(missing, seen, NAME),
            *(p for look in looks for p in look.problems),
        ]
        return Fetched(tuple(observations), problems=tuple(problems))

    async def _look_at_all(self, instruments: Sequence[Instrument], now: datetime, period: str) -> list[_Look]:
        waiting = iter(instruments)
        looks: list[_Look] = []
        run = _Run()

        async def work() -> None:
            for instrument in waiting:
                if run.ended:
                    return
                look = await self._look_at(instrument, now, period)
                run.count(look.failure)
                looks.append(look)

        await asyncio.gather(*(work() for _ in range(self._desk.options.concurrency)))
        order = {item.symbol: index for index, item in enumerate(instruments)}
        return sorted(looks, key=lambda look: order[look.instrument.symbol])

    async def _look_at(self, instrument: Instrument, now: datetime, period: str) -> _Look:
        symbol, calendar = instrument.symbol, self._calendars[instrument.symbol]
        options = self._desk.options
        try:
            if self._knows_history(symbol, calendar, now):
                chart = with_history_rescaled(await self._desk.latest(symbol, calendar.tz.key))
            else:
                chart = with_history_rescaled(await self._desk.history(symbol, period, calendar.tz.key))
                self._read_at[symbol] = now
            split = self._split_in(chart, calendar)
            if split is not None and period != options.long_period:
                chart = with_history_rescaled(await self._desk.history(symbol, options.long_period, calendar.tz.key))
        except HttpFailure as failure:
            return _Look(instrument, failure=failure)
        look = self._read(instrument, chart, now)
        if split is not None:
            look.problems.append(FeedProblem(NAME, Fault.REVISED, f"{symbol}: {split}; history given anew", symbol))
        return look

    def _knows_history(self, symbol: str, calendar: Calendar, now: datetime) -> bool:
        """Whether all but the running session was read, so that a look at the latest is enough."""
        read_at, session = self._read_at.get(symbol), calendar.session_of(now)
        settled = calendar.close(calendar.previous(session)) + SETTLE
        return read_at is not None and read_at >= settled and now < calendar.close(session) + SETTLE

    def _split_in(self, chart: Chart, calendar: Calendar) -> str | None:
        """What tells that the history given before (by this process or an earlier one) is in old shares."""
        recent = [split for split in chart.splits if split.day >= calendar.previous(chart.bars[-1].day, 10)]
        words = f"split {recent[-1].ratio:g}:1 on {recent[-1].day}" if recent else ""
        given = self._given.get(chart.symbol)
        if given is None:
            return words or None
        closes = {day: item.bar.close for day, item in given.items() if item.status is not Status.PARTIAL}
        factor = rescaled_since({day: close for day, close in closes.items() if close}, chart)
        return None if factor is None else words or f"history rescaled by {factor:.4g}, as after a split"

    def _read(self, instrument: Instrument, chart: Chart, now: datetime) -> _Look:
        look = _Look(instrument, read(chart, self._calendars[instrument.symbol], now))
        if look.reading.strays:
            days = ", ".join(map(str, look.reading.strays[:5]))
            message = f"{chart.symbol}: bars on {days}, no session of {instrument.calendar}; left out"
            look.problems.append(FeedProblem(NAME, Fault.CHANGED, message, chart.symbol))
        sessions = _without_sudden_scale(look, chart)
        given = self._given.get(chart.symbol, {})
        for session in sessions:
            if given.get(session.bar.day) != session:
                look.observations += session.observations(chart.symbol, now, NAME)
        kept = given | {session.bar.day: session for session in sessions}
        self._given[chart.symbol] = {day: kept[day] for day in sorted(kept)[-_KEPT_SESSIONS:]}
        look.reading = replace(look.reading, missing=tuple(day for day in look.reading.missing if day not in given))
        return look

    async def _complete(self, looks: Sequence[_Look], now: datetime) -> None:
        """Fill recent holes from hourly bars, for a few symbols; what all of a market lack isn't there to be had."""
        lacking = [look for look in looks if look.reading.missing and not self._whole_market_lacks(look, looks)]
        for look in lacking[:_COMPLETED_AT_MOST]:
            symbol, calendar = look.instrument.symbol, self._calendars[look.instrument.symbol]
            first = calendar.previous(calendar.session_of(now), _COMPLETED_DAYS)
            wanted = [day for day in look.reading.missing if day > first]
            if not wanted:
                continue
            try:
                rows = await self._desk.intraday(symbol, "5d", "60m", calendar.tz.key)
            except HttpFailure:
                continue
            days = daily_from_intraday(rows, calendar)
            found = [Session(days[day], calendar.close(day), Status.PROVISIONAL) for day in wanted if day in days]
            look.observations += (item for session in found for item in session.observations(symbol, now, NAME))
            look.observations.sort(key=lambda item: item.at)
            self._given[symbol].update({session.bar.day: session for session in found})
            filled = {session.bar.day for session in found}
            rest = tuple(day for day in look.reading.missing if day not in filled)
            look.reading = replace(look.reading, missing=rest)

    def _whole_market_lacks(self, look: _Look, looks: Sequence[_Look]) -> bool:
        peers = [
            other for other in looks if other.instrument.calendar == look.instrument.calendar and not other.failure
        ]
        return len(peers) > 2 and all(other.reading.missing == look.reading.missing for other in peers)

    def _marks(self, look: _Look, now: datetime) -> Iterator[Observation]:
        symbol = look.instrument.symbol
        told = self._marked.setdefault(symbol, set())
        for day in look.reading.missing:
            if day not in told:
                yield marked_missing(symbol, day, self._calendars[symbol], now, NAME)
        told.update(look.reading.missing)
        told -= self._given.get(symbol, {}).keys()


class _Run:
    """Whether to go on asking: a refusal ends a run at once, silence after a few failures in a row."""

    def __init__(self) -> None:
        self.ended = False
        self._in_a_row = 0

    def count(self, failure: HttpFailure | None) -> None:
        """Note how one symbol went."""
        passing = failure is not None and failure.fault is Fault.UNREACHABLE
        self._in_a_row = self._in_a_row + 1 if passing else 0
        refused = failure is not None and failure.fault in {Fault.RATE_LIMITED, Fault.BLOCKED, Fault.UNAUTHORIZED}
        self.ended = self.ended or refused or self._in_a_row >= _FAILURES_IN_A_ROW


def _without_sudden_scale(look: _Look, chart: Chart) -> tuple[Session, ...]:
    """The sessions, the running one left out while it looks like a split that nobody has declared yet."""
    sessions = look.reading.sessions
    if look.instrument.kind is Kind.CRYPTO or len(sessions) < 2 or sessions[-1].status is not Status.PARTIAL:
        return sessions
    before, last = sessions[-2].bar, sessions[-1].bar
    ratio = looks_like_split(before.close, last.close)
    if ratio is None or any(split.day == last.day for split in chart.splits):
        return sessions
    message = (
        f"{chart.symbol}: {before.close:g} to {last.close:g} looks like a {ratio:g}:1 split; held back until the close"
    )
    look.problems.append(FeedProblem(NAME, Fault.DISAGREEMENT, message, chart.symbol))
    return sessions[:-1]


def _failures(looks: Sequence[_Look]) -> list[FeedProblem]:
    """Each symbol's failure; one for all where the source itself refused or was silent."""
    failed = [(look.instrument.symbol, look.failure) for look in looks if look.failure is not None]
    own = [failure.problem(symbol) for symbol, failure in failed if failure.fault in {Fault.INCOMPLETE, Fault.CHANGED}]
    for fault in (Fault.RATE_LIMITED, Fault.BLOCKED, Fault.UNAUTHORIZED, Fault.UNREACHABLE):
        alike = [(symbol, failure) for symbol, failure in failed if failure.fault is fault]
        if len(alike) == 1 and fault is Fault.UNREACHABLE:
            own.append(alike[0][1].problem(alike[0][0]))
        elif alike:
            own.append(alike[0][1].problem())
    return own
