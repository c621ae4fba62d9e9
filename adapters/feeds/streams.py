"""A price stream that stays up: reconnects, notices silence, subscribes again, tells its gaps, never falls behind.

What differs between services is a :class:`Wire`; what keeps a stream alive is here once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from adapters.clock import Clock
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.splits import looks_like_split
from rules.calendars.sessions import Calendars
from rules.model import Observation, Status
from rules.universe import Instrument, Kind

_AHEAD = timedelta(minutes=1)
_OLD = timedelta(days=14)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _REFUSED_PAUSE_S = 0.5, 60.0, 900.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_GARBAGE_TOLD = 20
_SAME_CLOSE = 0.02
_FRAMES_A_TURN = 32


@dataclass(frozen=True, slots=True)
class Tick:
    """One price of one symbol, struck ``at`` (UTC); ``high`` and ``low`` are the running session's where known.

    ``reference`` is the close that the source itself measures the day's change from.
    """

    symbol: str
    price: float
    at: datetime
    high: float | None = None
    low: float | None = None
    reference: float | None = None


class BadFrame(ValueError):
    """A frame that isn't in the documented form."""


class Wire(Protocol):
    """How one service speaks."""

    name: str
    url: str
    resubscribe_s: float
    """How often to send the subscription again; 0 sends it once for each connection."""

    def subscription(self, symbols: Sequence[str]) -> str:
        """The frame that asks for ``symbols``."""
        ...

    def ticks(self, frame: str | bytes) -> Iterable[Tick]:
        """The prices in ``frame``, none for a heartbeat; raise :class:`BadFrame`, also for a refusal in words."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a stream may be silent (s) before it is dialled anew: while a market is open, and while none is."""

    open_s: float = 90.0
    closed_s: float = 1800.0
    down_s: float = 60.0
    """An outage that lasts longer is told while it lasts, a shorter one when it is over."""
    connect_s: float = 10.0


@dataclass(slots=True)
class _Inbox:
    """What waits for the reader: the newest tick of each symbol, and what has to be told."""

    ticks: dict[str, Tick] = field(default_factory=dict)
    problems: list[FeedProblem] = field(default_factory=list)
    filled: asyncio.Event = field(default_factory=asyncio.Event)


class PriceStream:
    """Ticks of ``instruments`` over ``wire`` as ``prices.SYMBOL.close`` (``high``, ``low``), status partial.

    A reader that is slower than the market gets the newest tick of each symbol, never a queue. ``last_close`` (symbol
    to its last finished close) lets a price that looks like an undeclared split be held back.
    """

    def __init__(
        self,
        wire: Wire,
        instruments: Iterable[Instrument],
        calendars: Calendars,
        clock: Clock,
        *,
        patience: Patience = Patience(),
        last_close: Callable[[str], float | None] = lambda _: None,
    ) -> None:
        self._wire = wire
        self._instruments: Mapping[str, Instrument] = {item.symbol: item for item in instruments if item.priced}
        self._calendars = {item.symbol: calendars.get(item.calendar) for item in self._instruments.values()}
        self._clock = clock
        self._patience = patience
        self._last_close = last_close
        self._last: dict[str, Tick] = {}
        self._held: set[str] = set()
        self._garbage = 0
        self.connections = 0

    async def __aiter__(self) -> AsyncIterator[Fetched]:
        """Yield what arrived since the last turn, for as long as the reader reads."""
        inbox = _Inbox()
        keeper = asyncio.create_task(self._keep_up(inbox), name=f"stream {self._wire.name}")
        try:
            while True:
                waiting = asyncio.ensure_future(inbox.filled.wait())
                done, _ = await asyncio.wait({waiting, keeper}, return_when=asyncio.FIRST_COMPLETED)
                if keeper in done:
                    waiting.cancel()
                    keeper.result()  # a stream never ends by itself, so this raises what broke it
                yield self._emptied(inbox)
        finally:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    def _emptied(self, inbox: _Inbox) -> Fetched:
        now = self._clock.now()
        ticks, inbox.ticks = inbox.ticks, {}
        problems, inbox.problems = inbox.problems, []
        inbox.filled.clear()
        told = (item for tick in ticks.values() for item in self._observations(tick, now))
        return Fetched(tuple(told), problems=tuple(problems))

    def _observations(self, tick: Tick, now: datetime) -> Iterator[Observation]:
        last = self._last.get(tick.symbol)
        self._last[tick.symbol] = tick
        figures = [("close", tick.price)]
        figures += [("high", tick.high)] if tick.high and (last is None or last.high != tick.high) else []
        figures += [("low", tick.low)] if tick.low and (last is None or last.low != tick.low) else []
        for name, value in figures:
            series = f"prices.{tick.symbol}.{name}"
            yield Observation(series, tick.at, now, value, Status.PARTIAL, self._wire.name)

    async def _keep_up(self, inbox: _Inbox) -> None:
        """Dial, listen and dial again, for ever."""
        pause_s = _FIRST_PAUSE_S
        outage = _Outage(self._wire.name, self._patience.down_s)
        while True:
            heard = False
            try:
                async with contextlib.aclosing(self._listen(inbox)) as ticks:
                    async for tick in ticks:
                        if not heard:
                            heard, pause_s = True, _FIRST_PAUSE_S
                            self._tell(inbox, outage.over(self._clock.now()))
                        self._accept(inbox, tick)
            except InvalidStatus as error:
                fault, pause_s = _refusal(error.response.status_code), _REFUSED_PAUSE_S
                outage.began(self._clock.now(), f"HTTP {error.response.status_code}", fault)
            except (WebSocketException, OSError, EOFError, TimeoutError) as error:
                outage.began(self._clock.now(), _cause(error), Fault.UNREACHABLE)
            self._tell(inbox, outage.told_if_long(self._clock.now()))
            await self._clock.sleep_until(self._clock.now() + timedelta(seconds=pause_s))
            pause_s = min(pause_s * 2, max(pause_s, _LONGEST_PAUSE_S))
            self._tell(inbox, outage.told_if_long(self._clock.now()))

    async def _listen(self, inbox: _Inbox) -> AsyncGenerator[Tick]:
        """The ticks of one connection; raises when it ends, also by silence."""
        proxy: Literal[True] | None = None if urlsplit(self._wire.url).hostname in _LOOPBACK else True
        async with connect(
            self._wire.url, open_timeout=self._patience.connect_s, close_timeout=1.0, max_queue=256, proxy=proxy
        ) as socket:
            self.connections += 1
            talk = asyncio.create_task(self._subscribe(socket))
            try:
                for count in itertools.count():
                    for tick in self._parsed(inbox, await self._received(socket)):
                        yield tick
                    if count % _FRAMES_A_TURN == 0:  # reading what has already arrived never waits
                        await asyncio.sleep(0)
            finally:
                talk.cancel()
                with contextlib.suppress(asyncio.CancelledError, WebSocketException):
                    await talk

    async def _subscribe(self, socket: ClientConnection) -> None:
        frame = self._wire.subscription(tuple(self._instruments))
        while True:
            await socket.send(frame)
            if not self._wire.resubscribe_s:
                return
            await asyncio.sleep(self._wire.resubscribe_s)

    async def _received(self, socket: ClientConnection) -> str | bytes:
        limit = self._patience.open_s if self._market_is_open() else self._patience.closed_s
        try:
            async with asyncio.timeout(limit):
                return await socket.recv()
        except TimeoutError:
            raise TimeoutError(f"silent for {limit:g} s") from None

    def _market_is_open(self) -> bool:
        now = self._clock.now()
        return any(calendar.is_open(now) for calendar in set(self._calendars.values()))

    def _parsed(self, inbox: _Inbox, frame: str | bytes) -> Iterable[Tick]:
        try:
            return tuple(self._wire.ticks(frame))
        except BadFrame as error:
            self._garbage += 1
            if self._garbage in {1, _GARBAGE_TOLD}:
                message = f"{self._wire.name}: a frame that is no tick ({error}); {self._garbage} so far"
                self._tell(inbox, FeedProblem(self._wire.name, Fault.CHANGED, message))
            return ()

    def _accept(self, inbox: _Inbox, tick: Tick) -> None:
        """Take the tick if it is news about the running session of something that was asked for."""
        calendar = self._calendars.get(tick.symbol)
        if calendar is None:
            return
        now = self._clock.now()
        if not now - _OLD < tick.at < now + _AHEAD:
            return
        session = calendar.session_of(tick.at)
        if session != calendar.session_of(now):
            return
        at = min(tick.at, now, calendar.close(session) - timedelta(seconds=1))
        newest = inbox.ticks.get(tick.symbol) or self._last.get(tick.symbol)
        if (newest is not None and at < newest.at) or self._looks_split(inbox, tick):
            return
        inbox.ticks[tick.symbol] = Tick(tick.symbol, tick.price, at, tick.high, tick.low)
        inbox.filled.set()

    def _looks_split(self, inbox: _Inbox, tick: Tick) -> bool:
        if self._instruments[tick.symbol].kind is Kind.CRYPTO:
            return False
        before = self._last_close(tick.symbol)
        ratio = looks_like_split(before, tick.price)
        if ratio is None or (before and tick.reference and abs(tick.reference / before - 1) < _SAME_CLOSE):
            self._held.discard(tick.symbol)
            return False
        if tick.symbol not in self._held:
            self._held.add(tick.symbol)
            message = f"{tick.symbol}: {before:g} to {tick.price:g} looks like a {ratio:g}:1 split; ticks held back"
            self._tell(inbox, FeedProblem(self._wire.name, Fault.DISAGREEMENT, message, tick.symbol))
        return True

    def _tell(self, inbox: _Inbox, problem: FeedProblem | None) -> None:
        if problem is not None:
            inbox.problems.append(problem)
            inbox.filled.set()


class _Outage:
    """From when the stream said nothing, and what of it was told."""

    def __init__(self, name: str, long_s: float) -> None:
        self._name = name
        self._long = timedelta(seconds=long_s)
        self._since: datetime | None = None
        self._cause = ""
        self._fault = Fault.UNREACHABLE
        self._told = False

    def began(self, now: datetime, cause: str, fault: Fault) -> None:
        """The connection ended or was refused; an outage that is on keeps its beginning."""
        self._since = self._since or now
        self._cause, self._fault = cause, fault

    def told_if_long(self, now: datetime) -> FeedProblem | None:
        """The outage, once, when it has lasted long or won't pass by itself."""
        if self._since is None or self._told or (self._fault is Fault.UNREACHABLE and now - self._since < self._long):
            return None
        self._told = True
        return FeedProblem(
            self._name, self._fault, f"{self._name}: down since {self._since:%H:%M:%S} UTC ({self._cause})"
        )

    def over(self, now: datetime) -> FeedProblem | None:
        """The gap, now that ticks come again."""
        if self._since is None:
            return None
        since, self._since, self._told = self._since, None, False
        seconds = (now - since).total_seconds()
        message = f"{self._name}: no ticks from {since:%H:%M:%S} to {now:%H:%M:%S} UTC ({seconds:.0f} s; {self._cause})"
        return FeedProblem(self._name, Fault.INCOMPLETE, message)


def _refusal(status: int) -> Fault:
    if status == 429:
        return Fault.RATE_LIMITED
    if status == 401:
        return Fault.UNAUTHORIZED
    return Fault.UNREACHABLE if status >= 500 else Fault.BLOCKED


def _cause(error: Exception) -> str:
    return str(error) if isinstance(error, TimeoutError) and str(error) else f"{type(error).__name__}: {error}"[:200]
