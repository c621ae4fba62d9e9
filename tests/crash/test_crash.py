"""The whole bot under fire: engine, senders and store are killed at random while alerts flow and the services fail.

``TAPEWATCH_CRASHES`` is the number of kills (8 unless set; a thorough run takes 200 and some minutes), and
``TAPEWATCH_CRASH_SEED`` repeats a run.
"""

import asyncio
import os
import random
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.store.embedded import open_store
from adapters.store.port import StoreUnavailable
from adapters.store.redis import RedisStore
from rules.model import Observation, Status
from tests.fakes.faults import Kind
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

KILLS = int(os.environ.get("TAPEWATCH_CRASHES", "8"))
SEED = int(os.environ.get("TAPEWATCH_CRASH_SEED", "20241101"))
ROOT = Path(__file__).parents[2]
CHATS, CHANNELS = (41, 42, 43), ("C1", "C2")
FAULTS = (Kind.RATE_LIMITED, Kind.SERVER_ERROR, Kind.RESET, Kind.RESET_AFTER, Kind.GARBAGE)
AMBIGUOUS = {Kind.RESET_AFTER}
FIGURE = re.compile(r"figure (\d+)")

PACK = """
version: 1
rules:
  - id: level
    title: {en: Level, zh: 水平}
    when: BTC > 70_000
    say: {en: "figure {BTC:.0f}", zh: "figure {BTC:.0f}"}
"""


@dataclass
class Fleet:
    """The bot's processes by role, each in its own session so that a kill hits it alone."""

    home: Path
    environ: dict[str, str]
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, name: str, role: str) -> None:
        self.running[name] = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from bot.cli import main; main()",
            "run",
            role,
            env=self.environ,
            cwd=ROOT,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=(self.home / f"{name}.log").open("ab"),
        )

    async def kill(self, name: str) -> None:
        process = self.running[name]
        assert process.returncode is None, (self.home / f"{name}.log").read_text()[-3000:]
        process.kill()
        await process.wait()

    async def stop(self) -> None:
        for process in self.running.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            try:
                await asyncio.wait_for(process.wait(), 15)
            except TimeoutError:
                process.kill()


@dataclass
class Siege:
    """What is attacked, what was fed in, and how often what was killed."""

    store: RedisStore
    telegram: FakeTelegram
    slack: FakeSlack
    fleet: Fleet
    dice: random.Random
    fed: list[int] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=dict)
    ambiguous: int = 0

    async def feed(self) -> None:
        """One figure, alternately over and under the level: one notice for every destination."""
        number = len(self.fed)
        figure = 71_000 + number if number % 2 == 0 else 69_000 - number
        now = datetime.now(UTC)
        tick = Observation("prices.BTC-USD.close", now, now, float(figure), Status.PARTIAL, "test")
        while True:
            try:
                await self.store.tape.append([tick])
                break
            except StoreUnavailable:
                await asyncio.sleep(0.02)
        self.fed.append(figure)

    async def strike(self) -> None:
        """Kill something, or let a service fail."""
        what = self.dice.choices(("store", "sender-1", "sender-2", "engine"), (12, 3, 3, 1))[0]
        self.kills[what] = self.kills.get(what, 0) + 1
        if what == "store":
            with suppress(StoreUnavailable, ProcessLookupError):
                os.kill((await self.store.info())["process_id"], signal.SIGKILL)
        else:
            await self.fleet.kill(what)
            await self.fleet.start(what, what.partition("-")[0])
        service = self.dice.choice((self.telegram, self.slack))
        kind = self.dice.choice(FAULTS)
        method = "sendMessage" if service is self.telegram else "chat.postMessage"
        if not service.faults.due:
            service.faults.inject(kind, method)
            self.ambiguous += kind in AMBIGUOUS

    async def settled(self) -> bool:
        """Whether everything that was fed is evaluated and nothing waits any more."""
        try:
            evaluated = await self.store.states.cursor() == await self.store.tape.end()
            return evaluated and not await self.store.outbox.waiting()
        except StoreUnavailable:
            return False

    async def dead(self) -> dict[str, set[int]]:
        """The figures that were given up, visibly, by destination."""
        found: dict[str, set[int]] = {}
        for letter in await self.store.outbox.dead(10_000):
            assert "may have arrived" in letter.why, letter.why
            found.setdefault(letter.entry.destination, set()).add(int(FIGURE.search(letter.entry.payload)[1]))
        return found

    def arrived(self) -> dict[str, list[int]]:
        """The figures that arrived at each destination, in order, duplicates included."""
        texts = {f"telegram:{chat}": [message.text for message in self.telegram.sent(chat)] for chat in CHATS}
        texts |= {f"slack:{channel}": [message.visible for message in self.slack.sent(channel)] for channel in CHANNELS}
        return {
            destination: [int(found[1]) for text in said if (found := FIGURE.search(text))]
            for destination, said in texts.items()
        }


@asynccontextmanager
async def siege(home: Path) -> AsyncIterator[Siege]:
    (home / "level.yaml").write_text(PACK)
    async with FakeTelegram() as telegram, FakeSlack() as slack, open_store(None, home) as store:
        telegram.rates.enforced = slack.rates.enforced = True
        for chat in CHATS:
            telegram.add_chat(chat)
        for channel in CHANNELS:
            slack.add_channel(channel)
        destinations = [f"telegram:{chat}" for chat in CHATS] + [f"slack:{channel}" for channel in CHANNELS]
        fleet = Fleet(home, environ(home, telegram, slack, destinations))
        try:
            await asyncio.gather(
                fleet.start("engine", "engine"), fleet.start("sender-1", "sender"), fleet.start("sender-2", "sender")
            )
            yield Siege(store, telegram, slack, fleet, random.Random(SEED))
        finally:
            await fleet.stop()


def environ(home: Path, telegram: FakeTelegram, slack: FakeSlack, destinations: list[str]) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "TAPEWATCH_HOME": str(home),
        "TAPEWATCH_RULES": str(home / "level.yaml"),
        "TAPEWATCH_BUILTIN_RULES": "false",
        "TAPEWATCH_DESTINATIONS": ",".join(destinations),
        "TELEGRAM_TOKEN": telegram.token,
        "TELEGRAM_BASE_URL": telegram.base_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_BASE_URL": slack.base_url,
    }


async def until(seconds: float, holds: Callable[[], Awaitable[bool]]) -> bool:
    """Wait until ``holds()`` is true, at most ``seconds``."""
    end = datetime.now(UTC) + timedelta(seconds=seconds)
    while not await holds():
        if datetime.now(UTC) > end:
            return False
        await asyncio.sleep(0.1)
    return True


async def test_kills_and_faults_lose_nothing_and_keep_the_order(tmp_path, capsys):
    """Every figure reaches every destination, in order, or is a visible dead letter; duplicates are accounted for."""
    async with siege(tmp_path) as at:
        await at.feed()
        assert await until(60, at.settled), (tmp_path / "engine.log").read_text()[-3000:]
        for number in range(KILLS):
            if number == KILLS // 2:
                at.telegram.faults.outage = at.slack.faults.outage = True
            if number == KILLS // 2 + 2:
                at.telegram.faults.outage = at.slack.faults.outage = False
            await at.feed()
            await asyncio.sleep(at.dice.uniform(0.1, 1.2))
            await at.strike()
        await at.feed()
        complete = await until(120 + 2 * KILLS, at.settled)
        waiting = None if complete else await at.store.outbox.waiting()
        arrived, dead = at.arrived(), await at.dead()
    assert complete, f"still waiting: {waiting}"
    for destination, seen in arrived.items():
        given_up = dead.get(destination, set()) - set(seen)
        assert [figure for figure in at.fed if figure not in given_up] == list(dict.fromkeys(seen)), destination
    duplicates = sum(len(seen) - len(set(seen)) for seen in arrived.values())
    report(capsys, at, duplicates, sum(map(len, dead.values())))
    senders = at.kills.get("sender-1", 0) + at.kills.get("sender-2", 0)
    assert duplicates <= senders * len(arrived) + at.ambiguous


def report(capsys, at: Siege, duplicates: int, dead: int) -> None:
    """Print what happened."""
    line = (
        f"\n{KILLS} kills {at.kills}: {len(at.fed)} notices to {len(CHATS) + len(CHANNELS)} destinations,"
        f" {at.telegram.faults.suffered + at.slack.faults.suffered} failures of the services ({at.ambiguous} after they"
        f" had accepted), {duplicates} duplicates, {dead} dead letters,"
        f" {at.telegram.rates.refused + at.slack.rates.refused} sent too fast\n"
    )
    with capsys.disabled():
        sys.stdout.write(line)
