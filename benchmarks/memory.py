"""What the processes of a deployment hold: ``python -m benchmarks.memory``.

Each is ``tapewatch run`` in a process of its own, against local chat servers, after it has delivered 200 messages. The
whole bot has all its roles, the shipped rules and the whole universe, and feeds that every source has answered. It is
then run over 500 symbols, whose two years of bars it fetches, and started again over what it kept: what it holds, and
the most that it held on the way. The peer is the interpreter with the libraries that a role can't do without.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

from adapters.store.embedded import open_store
from adapters.store.port import Commit, OutboxEntry, Store, StoreUnavailable
from benchmarks.delivery import PAYLOAD
from benchmarks.store import Row
from bot.feeding.archive import PRICED
from tests.fakes.http_server import FakeHttp, Reply, Request, ok_json, running_http
from tests.fakes.slack_server import FakeSlack
from tests.fakes.sources import FakeSources
from tests.fakes.telegram_server import FakeTelegram
from tests.fakes.yahoo import bars, chart

ROLE_MB, BOT_MB = 90.0, 260.0
CHATS, CHANNELS = 150, 50
SYMBOLS, SESSIONS, MONTH = 500, 504, 22
SHIPPED = 70
"""So many symbols of the shipped universe have bars, at the least."""
RUN = "from bot.cli import main; main()"
LIBRARIES = "import aiohttp, click, pydantic, redis.asyncio, slack_sdk.web.async_client, structlog, telegram, yaml"
WARM_S, QUIET_S = 180.0, 5.0


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds in memory now, and the most that it ever held, in MB."""

    now: float
    most: float


def held(pid: int) -> Held:
    """Ask the kernel."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    told = dict(line.split(":", 1) for line in text.splitlines())
    if "VmRSS" not in told:
        raise SystemExit("this kernel does not tell what a process holds")
    return Held(*(int(told[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")))


def libraries_mb() -> float:
    """The peer."""
    code = f"{LIBRARIES}\nprint('loaded', flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as peer:
        assert peer.stdout is not None
        peer.stdout.readline()
        found = held(peer.pid).now
        peer.kill()
    return found


@asynccontextmanager
async def running(roles: Sequence[str], environ: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """``tapewatch run ROLE…``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, "run", *roles, env=environ, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def deliver(store: Store) -> None:
    """Commit a message for every chat, and wait until all have gone out."""
    now = datetime.now(UTC)
    places = [f"telegram:{number}" for number in range(1, CHATS + 1)] + [f"slack:C{n}" for n in range(CHANNELS)]
    await store.states.commit(Commit(alerts={}, outbox=[OutboxEntry("n1", place, PAYLOAD, now) for place in places]))
    while await store.outbox.waiting():
        await asyncio.sleep(0.1)


async def answered(store: Store, sources: FakeSources, symbols: int) -> None:
    """Wait until the feeds have brought ``symbols`` with their history and no source has been asked for a while."""
    began, asked, since = time.monotonic(), 0, time.monotonic()
    while time.monotonic() - began < WARM_S:
        count = sum(sources.asked().values())
        if count != asked:
            asked, since = count, time.monotonic()
        if asked and time.monotonic() - since > QUIET_S and await _figures(store, symbols):
            return
        await asyncio.sleep(0.2)


async def _figures(store: Store, symbols: int) -> bool:
    try:
        return await store.tape.end() != "0" and len(await store.documents.keys(PRICED)) >= symbols
    except StoreUnavailable:
        return False


async def measure() -> None:
    """Print each process beside its limit."""
    print(Row("peer: the libraries of a sender, loaded", libraries_mb(), "MB"), flush=True)
    async with FakeTelegram() as telegram, FakeSlack() as slack, running_http() as server:
        for number in range(1, CHATS + 1):
            telegram.add_chat(number)
        for number in range(CHANNELS):
            slack.add_channel(f"C{number}")
        quote_many(server)
        sources = FakeSources(server, lambda: datetime.now(UTC))
        for name, roles, limit in (
            ("sender", ["sender"], ROLE_MB),
            ("telegram, with a sender beside it", ["telegram"], ROLE_MB),
            ("the whole bot, feeds loaded", [], BOT_MB),
        ):
            with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as home:
                environ = settings(Path(home), telegram, slack, sources)
                found = await _held(roles, Path(home), environ, sources, 0 if roles else SHIPPED)
                print(Row(name, found.now, "MB", limit, "the goal"), flush=True)
        with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as home:
            environ = settings(Path(home), telegram, slack, sources) | many(Path(home))
            for name in (f"the whole bot, two years of {SYMBOLS} symbols fetched", "the same, started again"):
                found = await _held([], Path(home), environ, sources, SYMBOLS + SHIPPED)
                print(Row(name, found.now, "MB", BOT_MB, "the goal"), flush=True)
                print(Row("  at the most", found.most, "MB"), flush=True)


def many(home: Path) -> dict[str, str]:
    """The shipped universe with many symbols more, and where it is."""
    listed = "\n".join(f"      - {{symbol: S{number:03}, name: S{number:03}}}" for number in range(SYMBOLS))
    group = f"  - kind: equity\n    currency: USD\n    calendar: XNYS\n    instruments:\n{listed}\n"
    path = home / "universe.yaml"
    path.write_text((files("rules") / "universe.yaml").read_text(encoding="utf-8") + group, encoding="utf-8")
    return {"TAPEWATCH_UNIVERSE": str(path)}


def quote_many(server: FakeHttp) -> None:
    """Answer every symbol's chart: two years where as much is asked for, else the last month."""

    @cache
    def body(count: int, tz: str) -> Reply:
        now = datetime.now(UTC)
        first = now.date() - timedelta(days=round(SESSIONS * 7 / 5))
        years = bars(first, [100.0 + n % 50 for n in range(SESSIONS)])
        return ok_json(chart("X", years[-count:], quoted_at=now, tz=tz))

    def answer(request: Request) -> Reply:
        symbol = request.path.rpartition("/")[2]
        tz = "Asia/Hong_Kong" if symbol.endswith((".HK", "HSI")) else "UTC" if "-" in symbol else "America/New_York"
        return body(SESSIONS if request.query.get("range") == "2y" else MONTH, tz)

    server.route("/yahoo/v8/finance/chart/*", answer)


async def _held(
    roles: Sequence[str], home: Path, environ: dict[str, str], sources: FakeSources, symbols: int = 0
) -> Held:
    async with open_store(None, home) as store, running(roles, environ) as process:
        if "sender" in roles or not roles:
            await deliver(store)
        else:
            async with running(["sender"], environ):
                await deliver(store)
        if not roles:
            await answered(store, sources, symbols)
        return held(process.pid)


def settings(home: Path, telegram: FakeTelegram, slack: FakeSlack, sources: FakeSources) -> dict[str, str]:
    """The environment of a bot that knows the local servers alone."""
    lines = [f"  {name}: {{base_url: '{each.base_url}'}}" for name, each in sources.settings.items() if each.enabled]
    lines += [f"  {name}: {{enabled: false}}" for name, each in sources.settings.items() if not each.enabled]
    (home / "config.yaml").write_text("\n".join(["feeds:", *lines, ""]), encoding="utf-8")
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path.cwd()),
        "HOME": str(home),
        "TAPEWATCH_HOME": str(home),
        "TAPEWATCH_CONFIG": str(home / "config.yaml"),
        "TAPEWATCH_WEB__PORT": "0",
        "TAPEWATCH_ACCESS__OPEN": "true",
        "TELEGRAM_TOKEN": telegram.token,
        "TELEGRAM_BASE_URL": telegram.base_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_BASE_URL": slack.base_url,
    }


def main() -> None:
    asyncio.run(measure())


if __name__ == "__main__":
    main()
