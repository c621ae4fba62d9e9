"""Rules that are edited under a running ``tapewatch run``, told to a chat of a Bot API on the loopback."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from adapters.store.embedded import open_store
from rules.model import Observation, Status
from tests.fakes.chat_application import until
from tests.fakes.telegram_server import FakeTelegram

ROOT = Path(__file__).parents[2]
PACK = """version: 1
rules:
  - id: level
    title: Level
    when: {}
    say: "figure {{BTC:.0f}}"
"""


async def started(home: Path, telegram: FakeTelegram, pack: Path) -> asyncio.subprocess.Process:
    """Engine and sender, with the rules of ``pack`` alone."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from bot.cli import main; main()", "run", "engine", "sender",
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TAPEWATCH_HOME": str(home / "data"),
            "TAPEWATCH_RULES": str(pack),
            "TAPEWATCH_BUILTIN_RULES": "false",
            "TAPEWATCH_DESTINATIONS": "telegram:42",
            "TELEGRAM_TOKEN": telegram.token,
            "TELEGRAM_BASE_URL": telegram.base_url,
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=(home / "bot.log").open("wb"),
    )  # fmt: skip


async def test_an_edit_takes_effect_and_a_bad_one_is_told(tmp_path: Path) -> None:
    """The rules that run stay until the files are in order; what fired under them is closed by the edit, once."""
    pack = tmp_path / "own.yaml"
    pack.write_text(PACK.format("BTC > 70_000"))
    async with FakeTelegram() as telegram, open_store(None, tmp_path / "data") as store:
        telegram.add_chat(42)

        def texts() -> list[str]:
            return [message.text for message in telegram.sent(42)]

        async def trade(price: float) -> None:
            now = datetime.now(UTC)
            seen = Observation("prices.BTC-USD.close", now, now, price, Status.PARTIAL, "test")
            await store.tape.append([seen])

        process = await started(tmp_path, telegram, pack)
        try:
            await trade(71_001.0)
            await until(lambda: any("figure 71001" in text for text in texts()), timeout_s=60)
            pack.write_text(PACK.format("BTCC > 80_000"))
            await until(lambda: any("own.yaml:5:11" in text for text in texts()), timeout_s=60)
            await trade(69_001.0)
            await trade(71_002.0)
            await until(lambda: any("figure 71002" in text for text in texts()), timeout_s=60)
            pack.write_text(PACK.format("BTC > 80_000"))
            await until(lambda: any("in order again" in text for text in texts()), timeout_s=60)
            await until(lambda: "rules_taken_up" in (tmp_path / "bot.log").read_text(), timeout_s=60)
            await trade(81_001.0)
            await until(lambda: any("figure 81001" in text for text in texts()), timeout_s=60)
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()
        assert [text.splitlines()[0] for text in texts() if "rule-files" in text] == [
            "🩺 Mistakes in the rule files: 1 · rule-files",
            "🩺 The rule files are in order again · rule-files",
        ]
        assert telegram.refusals == []
