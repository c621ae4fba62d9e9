"""The whole bot under fire: its processes and its store are killed at random while alerts flow and the services fail.

Several bots are besieged at once, each with a store and chat services of its own: the whole bot in one process beside a
second sender, and a process for each role. ``TAPEWATCH_CRASHES`` is the number of kills in all and
``TAPEWATCH_CRASH_SEED`` throws the dice anew.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.crash.fleet import Nursery
from tests.crash.siege import EXCUSES, OUTAGE_S, Siege, siege, until

KILLS = int(os.environ.get("TAPEWATCH_CRASHES", "200"))
SEED = int(os.environ.get("TAPEWATCH_CRASH_SEED", "20241101"))
WHOLE = {"bot": (), "sender": ("sender",)}
APART = {"engine": ("engine",), "sender-1": ("sender",), "sender-2": ("sender",)}
BOTS = (WHOLE, APART, WHOLE, APART)


@dataclass
class Toll:
    """What all sieges came to."""

    notices: int = 0
    deliveries: int = 0
    kills: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    duplicates: Counter = field(default_factory=Counter)
    marked: int = 0
    dead: int = 0
    retried: int = 0
    too_fast: int = 0

    def __str__(self) -> str:
        def each(counted: Counter) -> str:
            return ", ".join(f"{count} {what}" for what, count in sorted(counted.items())) or "none"

        return (
            f"{self.kills.total()} kills ({each(self.kills)}); {self.notices} notices, {self.deliveries} deliveries;"
            f" services failed {self.faults.total()} times ({each(self.faults)}) and for {OUTAGE_S:.0f} s in all of"
            f" {len(BOTS)} bots; duplicates: {each(self.duplicates)}, {self.marked} marked as possible ones;"
            f" {self.dead} dead letters without two answers, of which {self.retried} had not arrived and were retried;"
            f" {self.too_fast} refused with 429"
        )


async def attack(at: Siege, kills: int) -> None:
    """Feed and strike, with an outage half way, and wait until everything has gone out."""
    await at.feed()
    assert await until(120, at.settled), "\n".join(map(at.fleet.log, at.fleet.roles))
    outage = None
    for number in range(kills):
        if number == kills // 2:
            outage = asyncio.create_task(at.outage())
        await at.feed()
        at.fail()
        await at.strike()
    await outage
    await at.feed()
    await settle(at)


async def settle(at: Siege) -> None:
    """Wait until everything has gone out."""
    assert await until(180, at.settled), f"still waiting: {await at.store.outbox.waiting()}"


async def outcome(at: Siege, toll: Toll) -> None:
    """Judge one siege, and count it."""
    given_up, retried = await at.given_up(), await at.retry_what_did_not_arrive()
    await settle(at)
    for destination, seen in at.arrived().items():
        figures = list(dict.fromkeys(each.figure for each in seen))
        assert set(at.fed) == set(figures), destination
        late = given_up[destination]
        assert [each for each in at.fed if each not in late] == [each for each in figures if each not in late]
        toll.deliveries += len(seen)
    log = await at.store.outbox.log(100_000)
    toll.notices += len(at.fed)
    toll.kills.update(at.kills)
    toll.faults.update(at.faults)
    toll.duplicates.update(await at.duplicates(given_up))
    toll.marked += sum('"possibly_duplicate":true' in line.detail for line in log)
    toll.dead += sum(map(len, given_up.values()))
    toll.retried += retried
    toll.too_fast += at.telegram.rates.refused + at.slack.rates.refused


async def test_kills_and_faults_lose_nothing_and_keep_the_order(tmp_path, capsys):
    """Every figure arrives everywhere, in order; only Telegram gets one twice, after a death or a lost answer."""
    begun, toll = time.monotonic(), Toll()
    async with Nursery() as nursery, asyncio.TaskGroup() as tasks:

        async def besiege(number: int) -> None:
            kills = len(range(number, KILLS, len(BOTS)))
            async with siege(tmp_path / f"bot-{number}", nursery, BOTS[number], SEED + number) as at:
                await attack(at, kills)
                await outcome(at, toll)

        for number in range(len(BOTS)):
            tasks.create_task(besiege(number))
    with capsys.disabled():
        sys.stdout.write(f"\n{toll}; {time.monotonic() - begun:.0f} s\n")
    assert KILLS == toll.kills.total()
    assert set(toll.duplicates) <= {f"telegram: {excuse}" for excuse in EXCUSES}
    assert toll.duplicates.total() <= toll.marked
