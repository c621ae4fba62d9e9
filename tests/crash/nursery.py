"""Starts the bot's processes in milliseconds: it has imported the bot once, and forks it again and again.

Each child runs what ``tapewatch run ROLE…`` runs, in a session of its own and on quick time. An order comes as a line
of JSON on standard input; the answers on standard output are ``started NAME PID`` and ``ended PID STATUS``.
"""

import asyncio
import json
import os
import select
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

import adapters.chat.slack
import adapters.chat.telegram
import adapters.notifiers.slack
import adapters.notifiers.telegram  # noqa: F401 - what a role would import when it starts
from adapters.store.embedded import open_store
from bot.app.ground import Ground
from bot.app.live import run_bot
from bot.app.sending import run_sender
from bot.cli.run import until_told_to_stop
from bot.logs import configure
from bot.settings import load
from tests.crash.quick_time import QuickClock, QuickLoop, QuickStore, QuickTime


def be_the_bot(order: dict[str, Any]) -> None:
    """Run the roles of ``order`` until told to stop."""
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDWR)
    for source, target in ((nothing, 0), (nothing, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(order["environ"])
    quick = QuickTime(Path(order["time"]))
    settings = load()
    configure()

    @asynccontextmanager
    async def opened(url: SecretStr | None, home: Path) -> AsyncIterator[QuickStore]:
        async with open_store(url, home) as store:
            yield QuickStore(store, quick)

    ground = Ground(QuickClock(quick), opened)
    if order["roles"] == ["sender"]:
        work = run_sender(settings, report=lambda *_: None, ground=ground)
    else:
        work = run_bot(settings, order["roles"], dry_run=False, report=lambda *_: None, ground=ground)
    with asyncio.Runner(loop_factory=lambda: QuickLoop(quick)) as runner:
        runner.run(until_told_to_stop(work))


def say(*words: object) -> None:
    """Answer."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def start(order: dict[str, Any]) -> None:
    """Fork, and say which process it became."""
    pid = os.fork()
    if pid:
        say("started", order["name"], pid)
        return
    status = 1
    try:
        be_the_bot(order)
        status = 0
    except BaseException:  # whatever it is, the nursery must not go on in the child
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def bury() -> None:
    """Say which processes have ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        say("ended", pid, os.waitstatus_to_exitcode(status))


def main() -> None:
    """Serve until standard input ends."""
    say("ready")
    waiting = b""
    while True:
        readable, _, _ = select.select([0], [], [], 0.01)
        bury()
        if not readable:
            continue
        read = os.read(0, 65536)
        if not read:
            return
        *orders, waiting = (waiting + read).split(b"\n")
        for order in orders:
            start(json.loads(order))


if __name__ == "__main__":
    main()
