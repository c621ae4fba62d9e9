"""The whole bot under fire: its processes and its store are killed at random while alerts flow and the services fail.

Two bots are besieged at once, each with a store and chat services of its own: one is the whole bot in one process beside
a sender, the other one has a process for each role. ``TAPEWATCH_CRASHES`` is the number of kills in all and
``TAPEWATCH_CRASH_SEED`` throws the dice anew.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from pathlib import Path

from tests.crash.fleet import Nursery
from tests.crash.siege import OUTAGE_S, Siege, siege, until

KILLS = int(os.environ.get("TAPEWATCH_CRASHES", "200"))
SEED = int(os.environ.get("TAPEWATCH_CRASH_SEED", "20241101"))
BOTS = (
    {"bot": (), "sender": ("sender",)},
    {"engine": ("engine",), "sender-1": ("sender",), "sender-2": ("sender",)},
)


async def attacked(at: Siege, kills: int) -> None:
    """Feed and strike, with an outage half way, and wait until everything has gone out."""
    await at.feed()
    assert await until(30, at.settled), "\n".join(map(at.fleet.log, at.fleet.roles))
    outage = None
    for number in range(kills):
        if number == kills // 2:
            outage = asyncio.create_task(at.outage())
        await at.feed()
        at.fail()
        await at.strike()
    await outage
    await at.feed()
    complete = await until(60, at.settled)
    assert complete, f"still waiting: {await at.store.outbox.waiting()}"


async def retried(at: Siege) -> dict[str, set[int]]:
    """Try again, as an operator would, what was given up; return which figures that were, by destination."""
    ...


async def test_kills_and_faults_lose_nothing_and_keep_the_order(tmp_path, capsys):
    """Every figure reaches every destination, in order; a duplicate follows only a death or a lost answer."""
    begun = time.monotonic()
    async with Nursery() as nursery:

        async def one(number: int) -> None:
            home = tmp_path / f"bot-{number}"
            async with siege(home, nursery, BOTS[number % len(BOTS)], SEED + number) as at:
                await attacked(at, KILLS // len(BOTS))
                arrived = at.arrived()
                dead = await at.store.outbox.dead(10_000)
            with capsys.disabled():
                print(number, Counter(w for w, _ in at.kills), len(at.fed), time.monotonic() - begun,
                  {d: len(s) - len(set(f for f, _ in s)) for d, s in arrived.items()}, [(l.why) for l in dead],
                  at.telegram.faults.suffered, at.slack.faults.suffered, at.telegram.rates.refused, at.slack.rates.refused)
                for d, s in arrived.items():
                    assert at.fed == list(dict.fromkeys(f for f, _ in s)), d

        await asyncio.gather(*(one(number) for number in range(len(BOTS))))
