"""Chat commands from warm data: ``python -m benchmarks.commands``.

The whole way from a request to the neutral reply, over 500 equities with a year of closes: role, rate limit, arguments,
changes, ranking, message. Store and chat service are left out: documents and buckets are in memory.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from adapters.chat.port import Chat, Origin, Request, User
from adapters.clock import SteppingClock
from adapters.message import Reader
from bot.charts.gallery import Gallery
from bot.commands.context import Desk
from bot.commands.handler import Commands
from bot.market.view import MarketView
from bot.readers import Profiles
from bot.rulebook.rulebook import RuleBook
from bot.settings import AccessSettings
from rules.calendars.sessions import Calendars
from rules.model import Observation, Status
from rules.universe import Instrument, Kind, Universe

SYMBOLS, SESSIONS, USERS = 500, 260, 200
NOW = datetime(2024, 11, 1, 21, 0, tzinfo=UTC)
LIMIT_MS = 200.0


class Nothing:
    """A store without documents, buckets that never run dry, an outbox that is empty, a digest without texts."""

    slots = ()

    async def get(self, collection: str, key: str) -> None:
        return None

    async def put(self, collection: str, key: str, document: str | None) -> None:
        return None

    async def all(self, collection: str) -> dict[str, str]:
        return {}

    async def take(self, buckets: object, now: datetime) -> float:
        return 0.0

    async def block(self, bucket: str, until: datetime) -> None:
        return None

    async def gone(self, destination: str, why: str) -> None:
        return None

    async def moved(self, old: str, new: str) -> None:
        return None

    async def waiting(self) -> dict[str, int]:
        return {}

    async def log(self, count: int = 100, key: str = "") -> list[object]:
        return []


@dataclass(frozen=True, slots=True)
class Row:
    """Milliseconds of one command, asked many times; the limit is of the 99th percentile."""

    work: str
    p50: float
    p99: float
    limit: float = 0.0

    def __str__(self) -> str:
        limit = f"  limit {self.limit:.0f} ms" if self.limit else ""
        return f"{self.work:<52}p50 {self.p50:8.2f} ms  p99 {self.p99:8.2f} ms{limit}"


def desk() -> Desk:
    universe = Universe(
        Instrument(
            f"S{number:03d}",
            {"en": f"Stock {number}", "zh": f"股票{number}"},
            Kind.EQUITY,
            "USD",
            "XNYS",
            tags=("equities",),
        )
        for number in range(SYMBOLS)
    )
    calendars = Calendars()
    market = MarketView(universe, calendars)
    market.apply(_closes(universe, calendars))
    nothing = Nothing()

    async def unchanged(rules: object) -> None:
        return None

    return Desk(
        universe=universe,
        calendars=calendars,
        market=market,
        documents=nothing,
        limits=nothing,
        profiles=Profiles(nothing, Reader()),
        access=AccessSettings(open=True),
        clock=SteppingClock(NOW),
        rulebook=RuleBook([], universe, unchanged),
        deliveries=nothing,
        owners=nothing,
        weekly=nothing,
        pictures=Gallery(Path("pictures")),
    )


def _closes(universe: Universe, calendars: Calendars) -> list[Observation]:
    calendar, day = calendars.get("XNYS"), date(2024, 11, 1)
    days = [day, *(calendar.previous(day, back) for back in range(1, SESSIONS))][::-1]
    closes = [calendar.close(each) for each in days]
    paths = 100 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.02, (SYMBOLS, SESSIONS)), axis=1))
    return [
        Observation(f"prices.{item.symbol}.close", at, at, float(price), source="Yahoo")
        for item, path in zip(universe.instruments, paths, strict=True)
        for at, price in zip(closes, path, strict=True)
    ]


def request(verb: str, text: str, user: int = 0) -> Request:
    who = f"telegram:{user}"
    return Request(
        id=f"{who}/{verb}",
        platform="telegram",
        origin=Origin.COMMAND,
        user=User(who, lang="en"),
        chat=Chat(who, "direct"),
        verb=verb,
        text=text,
        at=NOW,
    )


async def asked(commands: Commands, market: MarketView, verb: str, text: str, times: int) -> Row:
    """One question ``times`` over, with a new figure before each, so that nothing that was found before helps."""
    took = []
    for number in range(times):
        at = NOW + timedelta(seconds=number)
        market.apply([Observation("prices.S000.close", at, at, 100.0 + number, Status.PARTIAL, "Yahoo")])
        started = time.perf_counter()
        await commands.answer(request(verb, text))
        took.append((time.perf_counter() - started) * 1000)
    return Row(f"/{verb} {text}".strip(), *_percentiles(took), LIMIT_MS)


async def at_once(commands: Commands) -> Row:
    """``USERS`` people ask within one turn of the loop: how long until each has the answer."""
    started = time.perf_counter()

    async def one(user: int) -> float:
        await commands.answer(request("movers", "1w", user))
        return (time.perf_counter() - started) * 1000

    return Row(
        f"/movers 1w, {USERS} people at once, until answered",
        *_percentiles(await asyncio.gather(*map(one, range(USERS)))),
    )


def _percentiles(took: Sequence[float]) -> tuple[float, float]:
    return float(np.percentile(took, 50)), float(np.percentile(took, 99))


async def measure() -> list[Row]:
    """Every row."""
    warm = desk()
    commands = Commands(warm)
    rows = [await asked(commands, warm.market, "movers", text, 300) for text in ("", "1w", "mtd 15", "ytd up")]
    rows.append(await asked(commands, warm.market, "quote", "S001 S002 S003 S004 S005", 300))
    rows.append(await asked(commands, warm.market, "quote", "S0O1", 300))
    rows.append(await at_once(commands))
    return rows


def main() -> None:
    print(f"{SYMBOLS} equities, {SESSIONS} sessions")
    for row in asyncio.run(measure()):
        print(row)


if __name__ == "__main__":
    main()
