"""Market capitalisation from Yahoo's quotes: a hundred companies a request, after the close."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.feeds.answer import BadAnswer, dig, gives_up, instant, maybe, noting, optional_number, positive, sequence
from adapters.feeds.daily_bars import is_over
from adapters.feeds.earnings_yahoo import opened
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.yahoo import NAME, YahooDesk
from rules.calendars.sessions import Calendar, Calendars
from rules.model import Observation, Status
from rules.universe import Instrument

if TYPE_CHECKING:
    from adapters.feeds.yahoo_api import YahooApi

PATH = "/v7/finance/quote"
_AT_ONCE = 100


class YahooCaps:
    """``prices.SYMBOL.market_cap`` of ``instruments`` in their currency.

    It stands at the close of the session once that is over, before at the quote's own time (partial).
    """

    def __init__(self, *, desk: YahooDesk, instruments: Sequence[Instrument], calendars: Calendars) -> None:
        self._desk = desk
        self._instruments = {item.symbol: item for item in instruments}
        self._calendars = {item.symbol: calendars.get(item.calendar) for item in instruments}

    async def fetch(self, now: datetime) -> Fetched:
        """Ask for every company; a source that refuses is not asked for the next hundred."""
        if (cooling := await self._desk.cooling(now)) is not None:
            return Fetched(problems=(cooling,))
        api = await opened(self._desk)
        told: list[Observation] = []
        problems: list[FeedProblem] = []
        symbols = list(self._instruments)
        for first in range(0, len(symbols), _AT_ONCE):
            asked = symbols[first : first + _AT_ONCE]
            with noting(problems, NAME, "market capitalisation"):
                quotes = parse(await self._desk.ask(_request(api, asked)))
                for symbol in asked:
                    with noting(problems, NAME, f"prices.{symbol}.market_cap"):
                        told.append(self._observation(symbol, quotes.get(symbol), now))
            if gives_up(problems):
                break
        return Fetched(tuple(told), problems=tuple(problems))

    def _observation(self, symbol: str, quote: Mapping[str, Any] | None, now: datetime) -> Observation:
        cap = optional_number(maybe(quote or {}, "marketCap"), f"{symbol}'s market capitalisation")
        if quote is None or cap is None:
            raise BadAnswer(f"{symbol}: no market capitalisation", Fault.INCOMPLETE)
        wanted = self._instruments[symbol].currency
        if (currency := dig(quote, "currency")) != wanted:
            raise BadAnswer(
                f"{symbol}'s market capitalisation is in {currency!r:.20}; wanted {wanted}", Fault.INCOMPLETE
            )
        quoted_at = instant(dig(quote, "regularMarketTime"), f"the time of {symbol}'s quote")
        at, status = _standing(self._calendars[symbol], min(quoted_at, now), now)
        value = positive(cap, f"{symbol}'s market capitalisation")
        return Observation(f"prices.{symbol}.market_cap", at, now, value, status, NAME)


def parse(answer: object) -> dict[str, Mapping[str, Any]]:
    """Read the answer: each quote by its symbol."""
    if (error := maybe(dig(answer, "quoteResponse"), "error")) is not None:
        raise BadAnswer(f"it answers with the error {error!r:.160}", Fault.UNREACHABLE)
    rows: Iterator[Any] = iter(sequence(dig(answer, "quoteResponse.result"), "quoteResponse.result"))
    return {str(dig(row, "symbol")): row for row in rows}


def _standing(calendar: Calendar, quoted_at: datetime, now: datetime) -> tuple[datetime, Status]:
    """When a figure quoted at ``quoted_at`` stands, and how firm it is."""
    session = calendar.session_of(quoted_at)
    if is_over(calendar, session, quoted_at, now):
        return calendar.close(session), Status.FINAL
    return min(quoted_at, calendar.close(session) - timedelta(seconds=1)), Status.PARTIAL


def _request(api: YahooApi, symbols: Sequence[str]) -> Callable[[], Any]:
    params = {"symbols": ",".join(symbols), "formatted": "false", "lang": "en-US", "region": "US"}
    return lambda: api.get(PATH, params)
