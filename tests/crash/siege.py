"""One bot under siege: its processes, its store, its chat services, and what is done to them."""

import asyncio
import json
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from adapters.store.embedded import open_store
from adapters.store.port import LogLine, StoreUnavailable
from adapters.store.redis import RedisStore
from rules.model import Observation, Status
from tests.crash.fleet import Fleet, Nursery
from tests.crash.quick_time import QuickClock, QuickTime
from tests.fakes.faults import Kind
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

PACE = 8.0
OUTAGE_PACE = 40.0
OUTAGE_S = 600.0
_AT_REST_S = 1.0
"""After this long, what was on its way has arrived and is acknowledged; time may then pass faster still."""
_ON_ITS_WAY_S, _LATE_S = 1.0, 3.0
"""Of the machine's time: what a process sent before it was killed has arrived after this long; on a busy machine after
the longer one, which counts only where the bot itself marked the message as a possible duplicate."""
CHATS, CHANNELS = (41, 42, 43), ("C1", "C2")
FAULTS = tuple(Kind)
FIGURE = re.compile(r"figure (\d+)")
FEEDS = (
    "prices",
    "etf_flows",
    "crypto",
    "fear_greed",
    "earnings",
    "events",
    "fundamentals",
    "coinbase",
    "yahoo_stream",
)

PACK = """
version: 1
rules:
  - id: level
    title: {en: Level, zh: 水平}
    when: BTC > 70_000
    say: {en: "figure {BTC:.0f}", zh: "figure {BTC:.0f}"}
"""


class Arrival(NamedTuple):
    """The message, its figure, and when it arrived (``time.monotonic()``)."""

    id: str
    figure: int
    at: float


@dataclass
class Siege:
    """What is attacked, what was fed in, and what was killed when (``time.monotonic()``)."""

    store: RedisStore
    telegram: FakeTelegram
    slack: FakeSlack
    fleet: Fleet
    quick: QuickTime
    dice: random.Random
    fed: list[int] = field(default_factory=list)
    kills: list[tuple[str, float]] = field(default_factory=list)
    faults: Counter[Kind] = field(default_factory=Counter)

    async def feed(self) -> None:
        """One figure, alternately over and under the level: one notice for every destination."""
        number = len(self.fed)
        figure = 71_000 + number if number % 2 == 0 else 69_000 - number
        self.fed.append(figure)
        while True:
            now = QuickClock(self.quick).now()
            tick = Observation("prices.BTC-USD.close", now, now, float(figure), Status.PARTIAL, "test")
            try:
                await self.store.tape.append([tick])
            except StoreUnavailable:
                await asyncio.sleep(0.02)
            else:
                break

    async def strike(self) -> None:
        """Kill something at a random moment while messages are on their way."""
        await self.recovered()
        await asyncio.sleep(self.dice.uniform(0.0, 0.25))
        what = self.dice.choice(("store", *self.fleet.roles))
        if what == "store":
            with suppress(StoreUnavailable, ProcessLookupError):
                os.kill((await self.store.info())["process_id"], signal.SIGKILL)
        else:
            await self.fleet.kill(what)
        self.kills.append((what, time.monotonic()))
        if what != "store":
            await self.fleet.start(what)

    async def recovered(self) -> None:
        """Let something arrive, so that the next kill hits a bot at work; not for ever: a service may be down."""
        before = sum(map(len, self.arrived().values()))

        async def more() -> bool:
            return sum(map(len, self.arrived().values())) > before

        await until(1.5, more)

    def fail(self) -> None:
        """Let the next message to a service fail."""
        service = self.dice.choice((self.telegram, self.slack))
        if not service.faults.due:
            method = "sendMessage" if service is self.telegram else "chat.postMessage"
            kind = self.dice.choice(FAULTS)
            service.faults.inject(kind, method)
            self.faults[kind] += 1

    async def outage(self) -> None:
        """No service answers for ten minutes."""
        self.telegram.faults.outage = self.slack.faults.outage = True
        end = self.quick.seconds() + OUTAGE_S
        await asyncio.sleep(_AT_REST_S)
        self.quick.pace = OUTAGE_PACE
        while self.quick.seconds() < end:
            await asyncio.sleep(0.05)
        self.quick.pace = PACE
        await asyncio.sleep(_AT_REST_S)
        self.telegram.faults.outage = self.slack.faults.outage = False

    async def settled(self) -> bool:
        """Whether everything that was fed is evaluated and nothing waits any more."""
        try:
            evaluated = await self.store.states.cursor() == await self.store.tape.end()
            return evaluated and not await self.store.outbox.waiting()
        except StoreUnavailable:
            return False

    def arrived(self) -> dict[str, list[Arrival]]:
        """What arrived at each destination, in order, duplicates included."""
        said = {
            f"telegram:{chat}": [(str(m.id), m.text, m.arrived) for m in self.telegram.sent(chat)] for chat in CHATS
        }
        said |= {f"slack:{name}": [(m.ts, m.visible, m.arrived) for m in self.slack.sent(name)] for name in CHANNELS}
        return {
            destination: [Arrival(name, int(found[1]), at) for name, text, at in each if (found := FIGURE.search(text))]
            for destination, each in said.items()
        }

    async def given_up(self) -> dict[str, set[int]]:
        """The figures among the dead letters, by destination; none is there but for two answers that were lost."""
        found: dict[str, set[int]] = {destination: set() for destination in self.arrived()}
        for letter in await self.store.outbox.dead(10_000):
            assert "sent more than once without an answer" in letter.why, letter.why
            found[letter.entry.destination].add(int(FIGURE.search(letter.entry.payload)[1]))
        return found

    async def retry_what_did_not_arrive(self) -> int:
        """Do with the dead letters what a person does who has looked into the chat; return how many were sent again."""
        arrived = {name: {each.figure for each in seen} for name, seen in self.arrived().items()}
        now, count = QuickClock(self.quick).now(), 0
        for letter in await self.store.outbox.dead(10_000):
            if int(FIGURE.search(letter.entry.payload)[1]) not in arrived[letter.entry.destination]:
                count += await self.store.outbox.retry(letter.id, now)
        return count

    async def duplicates(self, given_up: Mapping[str, set[int]]) -> Counter[str]:
        """How many messages arrived more than once, by service and by the cause that the delivery log gives.

        What was ``given_up`` was left unanswered twice.
        """
        causes: Counter[str] = Counter()
        log = await self.store.outbox.log(100_000)
        keys = {
            (line.destination, _message_id(line)): line.key for line in log if line.outcome in {"sent", "sent_again"}
        }
        marked = {(line.destination, line.key) for line in log if '"possibly_duplicate":true' in line.detail}
        unanswered = {(line.destination, line.key) for line in log if "no answer" in line.detail}
        for destination, seen in self.arrived().items():
            first: dict[int, Arrival] = {}
            for each in seen:
                earlier = first.setdefault(each.figure, each)
                if earlier is not each:
                    key = keys.get((destination, each.id)) or keys.get((destination, earlier.id), "")
                    way_s = _LATE_S if (destination, key) in marked else _ON_ITS_WAY_S
                    lost = (destination, key) in unanswered or each.figure in given_up[destination]
                    cause = "no answer came" if lost else self._death(earlier.at, each.at, way_s)
                    causes[f"{destination.partition(':')[0]}: {cause}"] += 1
        return causes

    def _death(self, first: float, second: float, way_s: float) -> str:
        senders = {name for name, roles in self.fleet.roles.items() if not roles or "sender" in roles}
        if any(what in senders and first - way_s <= at <= second for what, at in self.kills):
            return "the sender died before the acknowledgement"
        struck = [f"{what} {at - first:+.2f}" for what, at in self.kills if first - 5 < at < second + 1]
        return f"unexplained, {second - first:.2f} s later ({', '.join(struck)})"


def _message_id(line: LogLine) -> str:
    return str(json.loads(line.detail)["message_id"])


@asynccontextmanager
async def siege(home: Path, nursery: Nursery, roles: Mapping[str, Sequence[str]], seed: int) -> AsyncIterator[Siege]:
    """A bot of processes that run ``roles``, with everything that it needs below ``home``."""
    home.mkdir()
    (home / "level.yaml").write_text(PACK)
    (home / "config.yaml").write_text("feeds:\n" + "".join(f"  {name}: {{enabled: false}}\n" for name in FEEDS))
    quick = QuickTime.create(home / "time", PACE)
    async with FakeTelegram() as telegram, FakeSlack() as slack, open_store(None, home) as store:
        for service in (telegram, slack):
            service.rates.enforced, service.rates.clock = True, quick.seconds
        for chat in CHATS:
            telegram.add_chat(chat)
        for channel in CHANNELS:
            slack.add_channel(channel)
        fleet = Fleet(nursery, home, environ(home, telegram, slack), roles)
        try:
            await asyncio.gather(*(fleet.start(name) for name in roles))
            yield Siege(store, telegram, slack, fleet, quick, random.Random(seed))
        finally:
            await fleet.stop()


def environ(home: Path, telegram: FakeTelegram, slack: FakeSlack) -> dict[str, str]:
    """What the bot is told."""
    destinations = [f"telegram:{chat}" for chat in CHATS] + [f"slack:{channel}" for channel in CHANNELS]
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TAPEWATCH_HOME": str(home),
        "TAPEWATCH_CONFIG": str(home / "config.yaml"),
        "TAPEWATCH_RULES": str(home / "level.yaml"),
        "TAPEWATCH_BUILTIN_RULES": "false",
        "TAPEWATCH_DESTINATIONS": ",".join(destinations),
        "TAPEWATCH_WEB__PORT": "0",
        "TELEGRAM_TOKEN": telegram.token,
        "TELEGRAM_BASE_URL": telegram.base_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_BASE_URL": slack.base_url,
    }


async def until(seconds: float, holds: Callable[[], Awaitable[bool]]) -> bool:
    """Wait until ``holds()`` is true, at most ``seconds``."""
    end = time.monotonic() + seconds
    while not await holds():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.03)
    return True
