"""Editors answer the digest's draft in plain words, in Telegram and in Slack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.chat.port import Origin, Request, User
from adapters.chat.slack import SlackFrontEnd
from adapters.chat.telegram import TelegramFrontEnd
from adapters.clock import SteppingClock, SystemClock
from adapters.message import Reader
from adapters.notifiers.port import Notifier, Receipt
from adapters.notifiers.slack import SlackNotifier
from adapters.notifiers.telegram import TelegramNotifier
from adapters.store.redis import RedisStore
from bot.commands.answering import COLLECTION
from bot.commands.handler import Commands
from bot.digest.answers import named_texts, nearly_named
from bot.digest.desk import DigestDesk
from bot.digest.flow import Publisher
from bot.digest.layout import Slot
from bot.digest.layout_file import parse_layout
from bot.reference.imported import digest_data
from bot.reference.recording import END, FRIDAY, recording
from bot.sending.courier import always
from bot.sending.sender import Sender
from bot.settings import AccessSettings
from tests.bot.commands.conftest import Person, shown
from tests.fakes.chat_application import until
from tests.fakes.leases import MemoryLeases
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

NAME = "2024-W44"
LAYOUT = """
version: 1
title: W
sections: []
slots:
  - {name: view, title: {en: Investment view, zh: 投资观点}}
  - {name: risks, title: {en: Risks, zh: 风险提示}}
  - {name: disclaimer, title: {en: Disclaimer, zh: 免责声明}, text: {en: No advice., zh: 不构成建议。}}
"""
EDITORS = ("telegram:-100", "slack:C1")
ACCESS = AccessSettings(analysts=("telegram:2", "slack:U2"), viewers=("slack:U3",), chats=("telegram:-100", "slack:C1"))
SLOTS = (
    Slot("view", {"en": "Investment view", "zh": "投资观点"}),
    Slot("risks", {"en": "Risks", "zh": "风险提示"}),
)


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("view: Own semis", {"view": "Own semis"}),
        ("VIEW：看好半导体\n卖出其余", {"view": "看好半导体\n卖出其余"}),
        ("投资观点：看好半导体\n风险提示：出口管制", {"view": "看好半导体", "risks": "出口管制"}),
        ("Investment view: Own semis\n\nand: hold\nrisks: rules", {"view": "Own semis\n\nand: hold", "risks": "rules"}),
        ("view:\nOwn semis", {"view": "Own semis"}),
        ("Own semis\nview: as above", {}),  # what is it that stands before the name?
        ("opinion: Own semis", {}),
        ("view:", {}),
        ("", {}),
    ],
)
def test_texts_go_by_name_or_title(text: str, texts: dict[str, str]) -> None:
    """A line that names none belongs to the text above it."""
    assert texts == named_texts(text, SLOTS)


def test_a_misspelt_name_is_noticed() -> None:
    """So that it doesn't become part of the text."""
    assert [True, False, False] == [nearly_named(text, SLOTS) for text in ("veiw: Own semis", "Note: own", "own semis")]


@dataclass(frozen=True)
class Newsroom:
    """A bot whose draft of the recorded week is with the editors of both services."""

    publisher: Publisher
    commands: Commands
    send: Callable[[dict[str, Notifier]], Awaitable[None]]

    async def words(self) -> dict[str, str]:
        """What is written by now."""
        return dict(await self.publisher.words(FRIDAY))


@pytest.fixture
async def newsroom(desk, store: RedisStore, universe, calendars, tmp_path: Path) -> Newsroom:
    """With two texts to write, and one that stands."""
    publisher = Publisher(
        documents=store.documents,
        states=store.states,
        archive=tmp_path,
        universe=universe,
        layout=parse_layout("own.yaml", LAYOUT, universe),
        calendars=calendars,
        readers={"en": Reader(), "zh": Reader(lang="zh")},
        editors=EDITORS,
        team=["slack:C9"],
        file_formats=("html",),
    )
    data = digest_data(recording(universe))

    async def known(_):
        return data

    await publisher.draft(data, FRIDAY, END)
    clock = SteppingClock(END)

    async def send(notifiers: dict[str, Notifier]) -> None:
        sender = Sender(name="s", store=store, notifiers=notifiers, reader_at=always(Reader()), clock=clock)
        for _ in range(10):
            await sender.drain()
            clock.step_to(clock.now() + timedelta(seconds=5))

    weekly = DigestDesk(publisher, known, tmp_path, store.outbox)
    return Newsroom(publisher, Commands(replace(desk, weekly=weekly, access=ACCESS)), send)


@asynccontextmanager
async def listening(front_end: TelegramFrontEnd | SlackFrontEnd) -> AsyncIterator[None]:
    """While it runs."""
    task = asyncio.ensure_future(front_end.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def telegram(newsroom: Newsroom) -> AsyncIterator[FakeTelegram]:
    """The editors' group, with the draft."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(FakeTelegram())
        service.add_chat(-100, "supergroup", title="Desk")
        token, clock = SecretStr(service.token), SystemClock()
        notifier = await stack.enter_async_context(TelegramNotifier(token, clock, service.base_url))
        await newsroom.send({"telegram": notifier})
        leases = MemoryLeases()
        front_end = TelegramFrontEnd(token, newsroom.commands, notifier, leases, clock, base_url=service.base_url)
        await stack.enter_async_context(listening(front_end))
        yield service
        assert (service.refusals, service.unclean) == ([], [])


@pytest.fixture
async def slack(newsroom: Newsroom) -> AsyncIterator[FakeSlack]:
    """The editors' channel, with the draft."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(FakeSlack())
        service.add_channel("C1")
        service.add_user("U2", name="ann")
        service.add_user("U3")
        token, clock = SecretStr(service.bot_token), SystemClock()
        notifier = await stack.enter_async_context(SlackNotifier(token, clock, service.base_url))
        await newsroom.send({"slack": notifier})
        secret = SecretStr(service.app_token)
        front_end = SlackFrontEnd(
            token, secret, newsroom.commands, notifier, MemoryLeases(), clock=clock, base_url=service.base_url
        )
        await stack.enter_async_context(listening(front_end))
        await service.socket.ready()
        yield service
        assert service.refusals == []


async def test_telegram_named_lines_then_plain_words_then_undo(newsroom: Newsroom, telegram: FakeTelegram) -> None:
    """The text and the file of a draft can be answered; the one text that is left needs no name."""
    draft, file = telegram.sent(-100)
    telegram.say(-100, "view: Own semis,\nsell the rest", user=2, reply_to=draft.id)
    await until(lambda: len(telegram.sent(-100)) == 3)
    assert "view written by" in telegram.sent(-100)[2].text
    telegram.say(-100, "Export rules\nand power", user=2, reply_to=file.id)
    await until(lambda: len(telegram.sent(-100)) == 4)
    assert await newsroom.words() == {"view": "Own semis,\nsell the rest", "risks": "Export rules\nand power"}
    done = telegram.sent(-100)[3]
    telegram.press(done, done.button("digest:fill")["callback_data"], user=2)
    await until(lambda: "risks emptied by" in done.text)
    assert await newsroom.words() == {"view": "Own semis,\nsell the rest"}


async def test_telegram_asks_which_text_it_is(newsroom: Newsroom, telegram: FakeTelegram) -> None:
    """One question with a button for each empty text; the answer takes its place, and is used once."""
    draft = telegram.sent(-100)[0]
    telegram.say(-100, "Flows stay strong & <b>calm</b>", user=2, reply_to=draft.id)
    await until(lambda: len(telegram.sent(-100)) == 3)
    question = telegram.sent(-100)[2]
    assert "Which text of 2024-W44 is this?" in question.text
    assert "Flows stay strong & <b>calm</b>" in question.text
    texts = [button["text"] for row in question.keyboard for button in row]
    assert texts == ["Investment view", "Risks", "/Flows stay strong & <b>calm</b>", "Cancel"]
    view = next(b["callback_data"] for row in question.keyboard for b in row if b["text"] == "Investment view")
    telegram.press(question, view, user=2)
    await until(lambda: "view written by" in question.text)
    assert await newsroom.words() == {"view": "Flows stay strong & <b>calm</b>"}
    telegram.press(question, view, user=2)
    await until(lambda: len(telegram.sent(-100)) == 4)
    assert "used already" in telegram.sent(-100)[3].text


async def said(slack: FakeSlack, text: str, thread_ts: str, *, user: str = "U2", parent: str = "UBOT00001") -> None:
    """A person writes in a thread of the channel, without naming the bot."""
    await slack.socket.event(
        {"type": "message", "channel_type": "channel", "user": user, "text": text, "channel": "C1",
         "ts": slack.next_ts(), "thread_ts": thread_ts, "parent_user_id": parent, "event_ts": "1"}
    )  # fmt: skip


async def test_slack_a_thread_is_an_answer_with_and_without_the_bots_name(newsroom: Newsroom, slack: FakeSlack) -> None:
    """Named lines, then plain words for the one that is left; what viewers say there is nobody's text."""
    draft = next(message for message in slack.sent("C1") if message.buttons)
    await said(slack, "looks good: I think", draft.ts, user="U3")
    await said(slack, "风险提示：出口管制 &amp; 电力", draft.ts)
    await until(lambda: any("risks written by ann" in message.visible for message in slack.sent("C1")))
    await slack.socket.mention("Own semis", user="U2", channel="C1", thread_ts=draft.ts)
    await until(lambda: any("view written by ann" in message.visible for message in slack.sent("C1")))
    assert await newsroom.words() == {"risks": "出口管制 & 电力", "view": "Own semis"}
    assert {message.thread_ts for message in slack.sent("C1")} == {None, draft.ts}
    await said(slack, "All done, thanks", draft.ts)  # nothing is empty: people talk to each other
    await slack.socket.mention("movers crypto 1w", user="U2", channel="C1", thread_ts=draft.ts)
    await until(lambda: any("Canaan" in message.visible for message in slack.sent("C1")))
    assert slack.ephemerals == []


async def test_slack_asks_the_writer_alone(newsroom: Newsroom, slack: FakeSlack) -> None:
    """Two texts are empty: a question that the others don't see, and a button that settles it."""
    draft = next(message for message in slack.sent("C1") if message.buttons)
    await said(slack, "Own semis", draft.ts)
    await until(lambda: slack.ephemerals)
    (question,) = slack.ephemerals
    assert "Which text of 2024-W44 is this?" in question.visible
    risks = next(button["value"] for button in question.buttons if button["text"]["text"] == "Risks")
    await slack.socket.press(question, risks, user="U2")
    await until(lambda: any("risks written by ann" in str(body) for body in slack.responses))
    assert await newsroom.words() == {"risks": "Own semis"}


async def test_slack_other_threads_are_left_alone(newsroom: Newsroom, slack: FakeSlack) -> None:
    """Under people's messages, and under the bot's that are no draft, plain words are nobody's text."""
    draft = next(message for message in slack.sent("C1") if message.buttons)
    await said(slack, "view: Own semis", "1700000000.000001", parent="U3")
    await said(slack, "Own semis", "1700000000.000002")
    await said(slack, "view: Own clouds", draft.ts)
    await until(lambda: any("view written by ann" in message.visible for message in slack.sent("C1")))
    assert await newsroom.words() == {"view": "Own clouds"}
    assert (len(slack.sent("C1")), slack.ephemerals) == (3, [])


async def test_what_is_too_long_or_no_answer_is_not_written(newsroom: Newsroom) -> None:
    """A text is a few paragraphs; words that answer nothing are a question like any other."""
    ann = Person(newsroom.commands)
    assert "4000" in (await ann.read("view: " + "长" * 4_100)).replace(",", "")
    assert await ann.at("telegram:-100").send("", "Own semis", Origin.TEXT) is None
    assert await newsroom.words() == {}


async def test_a_question_that_nobody_settles_is_forgotten(newsroom: Newsroom, desk) -> None:
    """After two weeks, when the next one is asked."""
    old = json.dumps({"week": NAME, "text": "Own semis", "at": (END - timedelta(days=15)).isoformat()})
    await desk.documents.put(COLLECTION, "0ld", old)
    answer = Receipt("telegram:-100", "0", END)
    ann = Person(newsroom.commands).at("telegram:-100")
    request = Request(
        id="x", platform="telegram", origin=Origin.TEXT, user=User(ann.id), chat=ann.chat, verb="", text="Own semis",
        at=END, answers=replace(answer, message_id="1"),
    )  # fmt: skip
    assert await newsroom.commands.answer(request) is None
    assert "used already" in shown(await ann.press("digest:put:gone:view"))
    assert list(await desk.documents.all(COLLECTION)) == ["0ld"]
