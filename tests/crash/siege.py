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
from functools import partial
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


THE_SENDER_DIED, NO_ANSWER = "its sender died before the acknowledgement", "no answer came"
EXCUSES = frozenset({THE_SENDER_DIED, NO_ANSWER})


class Arrival(NamedTuple):
    """The message, its figure, and the life of the process that sent it (Telegram's only)."""

    id: str
    figure: int
    sender: str = ""


@dataclass
class Siege:
    """What is attacked, what was fed in, what was killed, and which lives ended by that."""

    store: RedisStore
    telegram: FakeTelegram
    slack: FakeSlack
    fleet: Fleet
    quick: QuickTime
    dice: random.Random
    fed: list[int] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    killed: set[str] = field(default_factory=set)
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
            self.killed.add(self.fleet.life(what))
        self.kills[what.partition("-")[0]] += 1
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
        posters = self.telegram.posters
        said = {
            f"telegram:{chat}": [(str(m.id), m.text, posters[m.id]) for m in self.telegram.sent(chat)] for chat in CHATS
        }
        said |= {f"slack:{name}": [(m.ts, m.visible, "") for m in self.slack.sent(name)] for name in CHANNELS}
        return {
            destination: [
                Arrival(name, int(found[1]), who) for name, text, who in each if (found := FIGURE.search(text))
            ]
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
        """How many messages arrived more often than needed, by service and excuse.

        A copy is excused of which the bot could not learn that it had arrived: no acknowledgement of it is in the
        delivery log, and its sender was killed or got no answer. All copies of a message but one need an excuse.
        What was ``given_up`` was left unanswered twice.
        """
        log = await self.store.outbox.log(100_000)
        told = {
            (line.destination, _message_id(line)): line.key for line in log if line.outcome in {"sent", "sent_again"}
        }
        unanswered = {(line.destination, line.key) for line in log if "no answer" in line.detail}
        causes: Counter[str] = Counter()
        for destination, seen in self.arrived().items():
            keys = {each.figure: told[name] for each in seen if (name := (destination, each.id)) in told}
            copies: dict[int, list[str]] = {}
            for each in seen:
                if (destination, each.id) in told:
                    excuse = "none, it was acknowledged"
                elif each.sender in self.killed:
                    excuse = THE_SENDER_DIED
                elif each.figure in given_up[destination] or (destination, keys.get(each.figure)) in unanswered:
                    excuse = NO_ANSWER
                else:
                    excuse = f"none, {each} was never acknowledged"
                copies.setdefault(each.figure, []).append(excuse)
            for excuses in copies.values():
                needless = sorted(excuses, key=EXCUSES.__contains__)[1:]
                causes.update(f"{destination.partition(':')[0]}: {excuse}" for excuse in needless)
        return causes


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
        fleet = Fleet(nursery, home, partial(environ, home, telegram, slack), roles)
        try:
            await asyncio.gather(*(fleet.start(name) for name in roles))
            yield Siege(store, telegram, slack, fleet, quick, random.Random(seed))
        finally:
            await fleet.stop()


def environ(home: Path, telegram: FakeTelegram, slack: FakeSlack, life: str) -> dict[str, str]:
    """What a process of the bot is told; by its ``life`` its messages are known."""
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
        "TELEGRAM_BASE_URL": f"{telegram.base_url}/{life}",
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
