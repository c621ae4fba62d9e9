"""From what a person types in Telegram or Slack to what they read there, through everything between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.chat.port import Application
from adapters.chat.slack import SlackFrontEnd
from adapters.chat.telegram import TelegramFrontEnd
from adapters.clock import SystemClock
from adapters.notifiers.slack import SlackNotifier
from adapters.notifiers.telegram import TelegramNotifier
from bot.commands.handler import Commands
from bot.routing.subscriptions import SUBSCRIPTIONS
from bot.settings import AccessSettings
from tests.fakes.chat_application import until
from tests.fakes.leases import MemoryLeases
from tests.fakes.slack_blocks import blocks_text
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

HOSTILE = [
    "/quote " + "长" * 10_000,
    "/quote <b>x</b> *y* <!channel> <@U7>",
    "/quote N\u200bV\u202eD\u2066A",
    "/quote ../../etc/passwd A|B ' OR 1=1",
    "/quote ../../x",
    "/quote A|B",
    "/alert A|B > 1 <!channel>",
    "/why A-1|B ../../x",
    "/sub #\u202e<script>\u200b here",
    "/movers \x1b[31m 🚨🚨🚨 {{7*7}} %s",
    "/alert " + "(" * 3_000,
]


@asynccontextmanager
async def on_telegram(application: Application) -> AsyncIterator[FakeTelegram]:
    """The commands behind a Bot API server, with an analyst's private chat and a group."""
    async with FakeTelegram() as service:
        service.add_chat(2)
        service.add_chat(-100, "supergroup", title="Desk")
        token, clock = SecretStr(service.token), SystemClock()
        async with TelegramNotifier(token, clock, service.base_url) as notifier:
            front_end = TelegramFrontEnd(token, application, notifier, MemoryLeases(), clock, base_url=service.base_url)
            async with _running(front_end.run):
                yield service


@asynccontextmanager
async def on_slack(application: Application) -> AsyncIterator[FakeSlack]:
    """The commands behind a Slack workspace, with an analyst and a channel."""
    async with FakeSlack() as service:
        service.add_channel("C1")
        service.add_user("U2", locale="en-US")
        service.add_user("U3", locale="zh-CN")
        token, clock = SecretStr(service.bot_token), SystemClock()
        async with SlackNotifier(token, clock, service.base_url) as notifier:
            front_end = SlackFrontEnd(
                token,
                SecretStr(service.app_token),
                application,
                notifier,
                MemoryLeases(),
                clock=clock,
                base_url=service.base_url,
            )
            async with _running(front_end.run):
                yield service


@asynccontextmanager
async def _running(run: Callable[[], object]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(run())  # type: ignore[arg-type]
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def application(desk) -> Commands:
    """The commands, for the analyst on either platform and the desk's channel."""
    access = AccessSettings(analysts=("telegram:2", "slack:U2"), viewers=("slack:U3",), chats=("telegram:-100",))
    return Commands(replace(desk, access=access))


def golden(name: str, text: str) -> None:
    """Compare with the reviewed text; ``golden`` holds what a person looked at."""
    path = Path(__file__).parent / "golden" / "front_ends" / f"{name}.txt"
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", ["en", "zh-hans"])
@pytest.mark.parametrize("line", ["/movers crypto 1w", "/quote NVDA", "/quote NVDIA", "/flows btc 5d", "/help"])
async def test_telegram_shows_what_was_reviewed(application: Commands, line: str, lang: str) -> None:
    """HTML as it is sent, and the buttons under it."""
    async with on_telegram(application) as telegram:
        telegram.say(2, line, user=2, lang=lang)
        await until(lambda: telegram.sent(2))
    (sent,) = telegram.sent(2)
    buttons = "\n".join(" ".join(f"[{b['text']}|{b['callback_data']}]" for b in row) for row in sent.keyboard)
    golden(f"telegram {lang[:2]} {line.removeprefix('/')}", f"{sent.source}\n{buttons}\n")
    assert telegram.unclean == []


@pytest.mark.parametrize(("user", "lang"), [("U2", "en"), ("U3", "zh")])
@pytest.mark.parametrize("line", ["/movers crypto 1w", "/tapewatch quote NVDIA", "/flows btc 5d"])
async def test_slack_shows_what_was_reviewed(application: Commands, line: str, user: str, lang: str) -> None:
    """What a person reads of the blocks, and the buttons under them."""
    command, _, text = line.partition(" ")
    async with on_slack(application) as slack:
        await slack.socket.command(command, text, user=user, channel="C1")
        await until(lambda: slack.responses)
    (sent,) = slack.responses
    rows = [block["elements"] for block in sent["blocks"] if block["type"] == "actions"]
    buttons = "\n".join(" ".join(f"[{b['text']['text']}|{b['value']}]" for b in row) for row in rows)
    golden(f"slack {lang} {line.removeprefix('/')}", f"{sent['text']}\n---\n{blocks_text(sent['blocks'])}\n{buttons}\n")
    assert slack.pings == []


async def test_a_guess_is_one_tap_away(application: Commands) -> None:
    """The suggestion under an unknown symbol answers the question that was meant."""
    async with on_telegram(application) as telegram:
        telegram.say(2, "/quote NVDIA", user=2)
        await until(lambda: telegram.sent(2))
        (question,) = telegram.sent(2)
        query = telegram.press(question, question.keyboard[0][0]["callback_data"], user=2)
        await until(lambda: telegram.callback_answers[query] and (question.edits or len(telegram.sent(2)) == 2))
    assert "NVDA" in telegram.sent(2)[-1].text
    assert "NVDIA" not in telegram.sent(2)[-1].text


@pytest.mark.parametrize("line", HOSTILE)
async def test_hostile_input_is_answered_and_does_nothing(application: Commands, line: str) -> None:
    """One reply on each platform, accepted at the first try, clean, and calling nobody."""
    async with on_telegram(application) as telegram:
        telegram.say(2, line, user=2)
        await until(lambda: telegram.sent(2))
    assert (telegram.unclean, telegram.refusals) == ([], [])
    command, _, text = line.partition(" ")
    async with on_slack(application) as slack:
        await slack.socket.command("/tapewatch", f"{command[1:]} {text}", user="U2", channel="C1")
        await until(lambda: slack.responses)
    assert (slack.pings, slack.refusals) == ([], [])


async def test_a_stranger_is_told_how_to_be_let_in(application: Commands) -> None:
    """One polite line with the chat's id."""
    async with on_telegram(application) as telegram:
        telegram.add_chat(666)
        telegram.say(666, "/movers", user=666)
        await until(lambda: telegram.sent(666))
    assert "666" in telegram.sent(666)[0].text


async def test_a_forged_button_changes_nothing(application: Commands) -> None:
    """Data that no button holds is answered like any other mistake."""
    async with on_telegram(application) as telegram:
        telegram.say(2, "/help", user=2)
        await until(lambda: telegram.sent(2))
        for data in ("unalert:P-OTHER", "settings:lang:xx", "nonsense", ":::", "mute:all:9999y"):
            query = telegram.press(telegram.sent(2)[0], data, user=666)
            await until(lambda query=query: telegram.callback_answers[query])  # type: ignore[misc]
    assert telegram.refusals == []


async def test_somebody_elses_button_changes_nothing_and_one_pressed_again_says_so(
    application: Commands, documents
) -> None:
    """What ends an analyst's subscription is pressed from another chat by a viewer, then by her, twice."""
    async with on_telegram(application) as telegram:
        telegram.say(2, "/sub btc-73k", user=2)
        telegram.say(-100, "/help", user=9)
        await until(lambda: telegram.sent(2) and telegram.sent(2)[0].keyboard and telegram.sent(-100))
        (confirmed,), (helped,) = telegram.sent(2), telegram.sent(-100)
        undo = confirmed.button("unsub")["callback_data"]

        async def press(message, user: int) -> str:
            query = telegram.press(message, undo, user=user)
            await until(lambda: telegram.callback_answers[query])
            return str(telegram.callback_answers[query].get("text"))

        assert "🔒" in await press(helped, 9)
        assert 1 == len(await documents.all(SUBSCRIPTIONS))
        await press(confirmed, 2)
        assert {} == await documents.all(SUBSCRIPTIONS)
        await press(confirmed, 2)
    assert (telegram.refusals, telegram.unclean) == ([], [])


async def test_two_hundred_people_ask_telegram_at_once(application: Commands) -> None:
    """Half of them in Chinese; each gets an answer of their own, in their language."""
    everyone = AccessSettings(open=True)
    application = Commands(replace(application._desk, access=everyone))
    async with on_telegram(application) as telegram:
        for user in range(1000, 1200):
            telegram.add_chat(user)
            telegram.say(user, "/movers crypto 1w", user=user, lang="zh-hans" if user % 2 else "en")
        await until(lambda: len(telegram.sent()) == 200, 60.0)
        told = {message.chat.id: message.text for message in telegram.sent()}
    assert set(range(1000, 1200)) == set(told)
    assert [] == [user for user, text in told.items() if ("嘉楠科技" in text) != bool(user % 2)]
    assert (telegram.refusals, telegram.unclean) == ([], [])


async def test_two_hundred_people_ask_slack_at_once(application: Commands) -> None:
    """Every command is acknowledged, while most are still worked on, and answered."""
    application = Commands(replace(application._desk, access=AccessSettings(open=True)))
    async with on_slack(application) as slack:
        for number in range(200):
            slack.add_user(f"U{1000 + number}", locale="zh-CN" if number % 2 else "en-US")
        await slack.socket.ready()
        envelopes = [
            await slack.socket.command("/tapewatch", "movers crypto 1w", user=f"U{1000 + number}", channel="C1")
            for number in range(200)
        ]
        await until(lambda: set(envelopes) <= set(slack.socket.acks), 60.0)
        assert len(slack.responses) < 100
        await until(lambda: len(slack.responses) == 200, 60.0)
    assert 100 == sum("嘉楠科技" in str(body) for body in slack.responses)
    assert set(envelopes) <= set(slack.socket.acks)
    assert (slack.refusals, slack.pings) == ([], [])
