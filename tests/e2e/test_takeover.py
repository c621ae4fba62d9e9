"""Processes that are killed while people talk to them: somebody else answers, and what was heard is answered."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from adapters.chat.inbox import COLLECTION
from adapters.store.embedded import open_store
from adapters.store.port import Store
from tests.fakes.chat_application import until
from tests.fakes.faults import Kind
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
LATER = timedelta(seconds=40)
"""After so long whoever has not answered is dead."""


@asynccontextmanager
async def process(home: Path, role: str, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """``tapewatch run ROLE`` over the store in ``home``, open to everyone; killed at the end if it still runs."""
    work = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from bot.cli import main; main()", "run", role,
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TAPEWATCH_HOME": str(home / "data"),
            "TAPEWATCH_ACCESS__OPEN": "true",
            **environ,
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield work
    finally:
        with suppress(ProcessLookupError):
            work.kill()
        await work.wait()


def on_telegram(telegram: FakeTelegram) -> dict[str, str]:
    """The settings of a bot on ``telegram``."""
    return {"TELEGRAM_TOKEN": telegram.token, "TELEGRAM_BASE_URL": telegram.base_url}


async def poller(store: Store) -> int:
    """The process that polls; 0 while nobody does."""
    found = re.search(r":(\d+) ", await store.leases.holder("telegram-poller") or "")
    return int(found[1]) if found else 0


async def test_a_standby_takes_over_when_the_poller_dies(tmp_path: Path) -> None:
    """Two run, one polls; when it is killed the other answers, in the language of who asks, everything once."""
    async with FakeTelegram() as telegram, open_store(None, tmp_path / "data") as store:
        for chat in (42, 43):
            telegram.add_chat(chat)
        telegram.say(42, "/help movers", user=42, lang="en")
        async with (
            process(tmp_path, "telegram", **on_telegram(telegram)) as one,
            process(tmp_path, "telegram", **on_telegram(telegram)) as other,
        ):
            await until(lambda: telegram.sent(42), PATIENCE_S)
            leader = one if await poller(store) == one.pid else other
            leader.kill()
            await leader.wait()
            telegram.say(42, "/help flows", user=42, lang="en")
            telegram.say(43, "/help movers", user=43, lang="zh-hans")
            await until(lambda: len(telegram.sent(42)) == 2 and telegram.sent(43), PATIENCE_S)
            assert await poller(store) == (one if leader is other else other).pid
        assert ["/movers", "/flows"] == [message.text.split()[1] for message in telegram.sent(42)]
        assert ["涨跌幅排行"] == [message.text.splitlines()[1] for message in telegram.sent(43)]
        assert (telegram.updates.conflicts, telegram.refusals, telegram.unclean) == (0, [], [])


async def held(store: Store) -> dict[str, str]:
    """What was heard and is not answered."""
    return dict(await store.documents.all(COLLECTION))


async def kept(store: Store) -> None:
    """Return once something was heard and kept."""
    while not await held(store):
        await asyncio.sleep(0.05)


async def long_ago(store: Store) -> None:
    """Let the time pass after which whoever has not answered is dead."""
    for key, text in (await held(store)).items():
        document = json.loads(text)
        document["at"] = (datetime.fromisoformat(document["at"]) - LATER).isoformat()
        await store.documents.put(COLLECTION, key, json.dumps(document))


async def test_telegram_is_answered_though_the_process_died_in_between(tmp_path: Path) -> None:
    """Telegram was told that the question had arrived; the process that hears of it next answers, once."""
    async with FakeTelegram() as telegram, open_store(None, tmp_path / "data") as store:
        telegram.add_chat(42)
        telegram.say(42, "/help movers", user=42, lang="zh-hans")
        telegram.faults.inject(Kind.SILENCE, "sendMessage")
        async with process(tmp_path, "telegram", **on_telegram(telegram)) as first:
            await asyncio.wait_for(kept(store), PATIENCE_S)
            await until(lambda: telegram.faults.suffered and not telegram.updates.waiting, PATIENCE_S)
            first.kill()
            await first.wait()
        assert [] == telegram.sent(42)
        await long_ago(store)
        async with process(tmp_path, "telegram", **on_telegram(telegram)):
            await until(lambda: telegram.sent(42), PATIENCE_S)
            while await held(store):
                await asyncio.sleep(0.05)
        assert ["涨跌幅排行"] == [message.text.splitlines()[1] for message in telegram.sent(42)]


async def test_slack_is_answered_though_the_process_died_in_between(tmp_path: Path) -> None:
    """The event was acknowledged; the process that comes next answers it, once."""
    async with FakeSlack() as slack, open_store(None, tmp_path / "data") as store:
        slack.add_user("U2", locale="en-US")
        environ = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_BASE_URL": slack.base_url,
        }
        slack.faults.inject(Kind.SILENCE, "chat.postMessage")
        async with process(tmp_path, "slack", **environ) as first:
            await slack.socket.ready(PATIENCE_S)
            envelope = await slack.socket.direct("help movers", user="U2")
            await asyncio.wait_for(kept(store), PATIENCE_S)
            await until(lambda: slack.faults.suffered and envelope in slack.socket.acks, PATIENCE_S)
            first.kill()
            await first.wait()
        assert [] == slack.sent()
        await long_ago(store)
        async with process(tmp_path, "slack", **environ):
            await until(slack.sent, PATIENCE_S)
            while await held(store):
                await asyncio.sleep(0.05)
        (answer,) = slack.sent()
        assert "who moved most" in answer.visible
        assert (slack.refusals, slack.pings) == ([], [])
