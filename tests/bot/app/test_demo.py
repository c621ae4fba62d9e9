import contextlib
import os
import signal
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.store.port import StoreUnavailable
from bot.app.demo import Demo, run_demo
from bot.failures import Failure
from bot.settings import Secrets, Settings
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram


async def replay_to(destination: str, settings: Settings, out: Path) -> Demo:
    """The demo, sent to ``destination``."""
    return await run_demo(settings, out=out, destinations=[destination], lang="zh", on_step=lambda *_: None)


async def test_the_week_reaches_telegram_in_order_and_without_a_refusal(tmp_path: Path) -> None:
    """Four alerts, a picture under each, and the digest arrive in a chat; Telegram refuses nothing."""
    async with FakeTelegram() as service:
        service.add_chat(42)
        service.rates.enforced = True
        settings = Settings(
            home=tmp_path,
            telegram_base_url=service.base_url,
            secrets=Secrets(telegram_token=SecretStr(service.token)),
        )
        await replay_to("telegram:42", settings, tmp_path / "out")
        sent = service.sent(42)
        texts = [message.text for message in sent if message.kind == "text"]
        words = ["比特币", "费城半导体", "10%", "ETF", "周报"]
        assert [word in text for word, text in zip(words, texts, strict=True)] == [True] * 5
        texts_of_alerts = [message.id for message in sent if message.kind == "text"][:4]
        photos = [message for message in sent if message.kind == "photo"]
        assert [photo.reply_to for photo in photos] == texts_of_alerts
        assert [photo.silent for photo in photos] == [True] * 4
        assert (service.refusals, service.unclean) == ([], [])


async def test_the_week_reaches_slack(tmp_path: Path) -> None:
    """The same arrives in a channel, the pictures in threads, within Slack's limits and without a mention."""
    async with FakeSlack() as service:
        service.add_channel("C1")
        settings = Settings(
            home=tmp_path,
            slack_base_url=service.base_url,
            secrets=Secrets(slack_bot_token=SecretStr(service.bot_token)),
        )
        await replay_to("slack:C1", settings, tmp_path / "out")
        sent = service.sent("C1")
        texts = [message for message in sent if not message.files]
        assert len(texts) == 5
        assert [message.thread_ts for message in sent if message.files] == [message.ts for message in texts[:4]]
        assert (service.refusals, service.pings) == ([], [])


async def test_a_chat_that_refuses_the_bot_is_told(tmp_path: Path) -> None:
    """A message that was given up fails the demo with the destination and the service's reason."""
    async with FakeTelegram() as service:
        service.add_chat(42)
        service.block(42)
        settings = Settings(
            home=tmp_path,
            telegram_base_url=service.base_url,
            secrets=Secrets(telegram_token=SecretStr(service.token)),
        )
        with pytest.raises(Failure, match=r"telegram:42: not delivered: .*blocked"):
            await replay_to("telegram:42", settings, tmp_path / "out")


def servers_of(folder: Path) -> list[int]:
    """The processes that work in a folder below ``folder``, as a store's server does."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
    return [number for number in found if number != os.getpid()]


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="finds the server by /proc")
async def test_a_store_that_dies_in_the_middle_repeats_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """The server is killed between two steps: it is brought back in time, or one line says that it can't be reached.

    Which of the two depends on the command that misses it first; no alert is told twice and nothing is half-written.
    """
    killed: list[int] = []

    def kill_once(_at: datetime, known: int) -> None:
        if known > 60 and not killed:
            killed.extend(servers_of(tmp_path))
            for number in killed:
                os.kill(number, signal.SIGKILL)

    told: list[str] = []
    said: list[str] = []
    try:
        demo = await run_demo(
            Settings(home=tmp_path / "home"), out=tmp_path / "out", destinations=[], lang="en", on_step=kill_once
        )
        told = [notice.rule for notice in demo.notices]
    except StoreUnavailable as error:
        said = str(error).splitlines()
    assert len(killed) == 1
    assert bool(told) != (len(said) == 1)
    assert told in ([], ["btc-73k", "sox-lags-ndx", "week-move-10", "btc-etf-outflow"])
    assert all(page.read_text(encoding="utf-8").rstrip().endswith("</html>") for page in (tmp_path / "out").glob("*"))
    assert list((tmp_path / "home").iterdir()) == []
    assert servers_of(tmp_path) == []
