"""From a typed line to a rendered reply, through the real composition, on both platforms and in both languages."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.store.embedded import open_store
from bot.reference.recording import END
from rules.model import Observation, Status
from tests.e2e.kit import bot, settings_for
from tests.fakes.chat_application import until
from tests.fakes.slack_blocks import blocks_text
from tests.fakes.slack_server import FakeMessage, FakeSlack
from tests.fakes.telegram_server import FakeTelegram


class Bitcoin:
    """Puts prices on the tape of the bot that runs in ``home``, each a millisecond after the one before."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.at = END

    async def trades(self, *prices: float) -> None:
        """Trade at ``prices``."""
        async with open_store(None, next(self.home.glob("reference-*"))) as store:
            for price in prices:
                self.at += timedelta(milliseconds=1)
                seen = Observation("prices.BTC-USD.close", self.at, self.at, price, Status.PARTIAL, "Coinbase")
                await store.tape.append([seen])


async def test_telegram_answers_buttons_work_and_an_own_alert_fires(tmp_path: Path) -> None:
    """Movers in English and Chinese, a window by button, and an alert that the running engine takes up and tells."""
    async with FakeTelegram() as telegram:
        for chat in (42, 43):
            telegram.add_chat(chat)
        async with bot(settings_for(tmp_path, telegram), ("engine", "sender", "telegram")):
            telegram.say(42, "/movers crypto 1w", user=42, lang="en")
            telegram.say(43, "/movers crypto 1w", user=43, lang="zh-hans")
            await until(lambda: telegram.sent(42) and telegram.sent(43))
            english, chinese = telegram.sent(42)[0], telegram.sent(43)[0]
            assert ("CAN      +19%  Canaan" in english.text, "嘉楠科技" in chinese.text) == (True, True)

            data = english.button("movers")["callback_data"]
            telegram.press(english, data)
            await until(lambda: english.edits == 1)

            telegram.say(42, "/alert BTC crosses 73k", user=42)
            await until(lambda: len(telegram.sent(42)) == 2)
            assert "73" in telegram.sent(42)[1].text
            bitcoin = Bitcoin(tmp_path)

            async def crossed() -> bool:
                await bitcoin.trades(72_000.0, 73_100.0)
                return len(telegram.sent(42)) > 2

            # the engine takes the alert up within a second or two: the price goes to and fro until it has
            assert await eventually(crossed)
            assert "BTC crosses 73k" in telegram.sent(42)[-1].text
            assert (telegram.refusals, telegram.unclean) == ([], [])


async def eventually(condition: Callable[[], Awaitable[bool]], tries: int = 60) -> bool:
    """Whether ``condition`` comes true; a quarter of a second lies between two looks."""
    for _ in range(tries):
        if await condition():
            return True
        await asyncio.sleep(0.25)
    return False


async def test_slack_answers_in_the_language_of_who_asks(tmp_path: Path) -> None:
    """A slash command and a mention are answered from the recorded week, and a button edits its message."""
    async with FakeSlack() as slack:
        slack.add_channel("C1")
        slack.add_user("U2", locale="en-US")
        slack.add_user("U3", locale="zh-CN")
        async with bot(settings_for(tmp_path, slack=slack), ("slack",)):
            await slack.socket.ready()
            await slack.socket.command("/movers", "crypto 1w", user="U2", channel="C1")
            await slack.socket.direct("movers crypto 1w", user="U3")
            await until(lambda: len(slack.ephemerals) + len(slack.responses) + len(slack.sent()) >= 2)
            seen = str(slack.ephemerals) + str(slack.responses) + str(slack.sent())
            assert ("Canaan" in seen, "嘉楠科技" in seen) == (True, True)
            assert (slack.refusals, slack.pings) == ([], [])


@pytest.mark.parametrize(
    ("locale", "label", "name"), [("en-US", "📣 Share to channel", "Canaan"), ("zh-CN", "📣 分享到频道", "嘉楠科技")]
)
async def test_a_whisper_is_shared_with_the_channel(tmp_path: Path, locale: str, label: str, name: str) -> None:
    """The asker alone sees the answer; the button gives it to everybody, in the asker's language, and takes it away."""
    async with FakeSlack() as slack:
        slack.add_channel("C1")
        slack.add_user("U2", locale=locale)
        async with bot(settings_for(tmp_path, slack=slack), ("slack",)):
            await slack.socket.ready()
            await slack.socket.command("/tapewatch", "movers crypto 1w", user="U2", channel="C1")
            await until(lambda: slack.responses)
            (whisper,) = slack.responses
            buttons = [b for block in whisper["blocks"] if block["type"] == "actions" for b in block["elements"]]
            assert ("ephemeral", label) == (whisper["response_type"], buttons[-1]["text"]["text"])
            seen = FakeMessage("C1", "9.9", whisper["text"], whisper["blocks"], ephemeral_for="U2")
            await slack.socket.press(seen, buttons[-1]["value"], user="U2")
            await until(lambda: len(slack.responses) == 3)
            shared, removed = slack.responses[1:]
            assert ("in_channel", True) == (shared["response_type"], removed["delete_original"])
            assert name in blocks_text(shared["blocks"])
            assert label not in str(shared["blocks"])
            assert (slack.refusals, slack.pings) == ([], [])
