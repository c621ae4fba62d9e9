"""A week of the digest on the clock, through the outbox to a Bot API and a Slack on the loopback."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.message import Colour, Reader
from adapters.notifiers.port import Notifier, Outgoing, Receipt
from adapters.notifiers.slack import SlackNotifier
from adapters.notifiers.telegram import TelegramNotifier
from adapters.store.port import Store
from adapters.store.redis import RedisStore
from bot.digest.data import DigestData, ObservedData
from bot.digest.desk import DigestDesk
from bot.digest.flow import Outcome, Publisher, Timetable
from bot.digest.layout import Section
from bot.digest.layout_file import shipped_layout
from bot.publishing.clock import Publishing
from bot.reference.imported import imported
from bot.reference.recording import recording
from bot.sending.courier import always
from bot.sending.sender import Sender
from rules.calendars.sessions import Calendars
from rules.loading.universe_file import load_universe
from rules.model import Observation
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

UNIVERSE = load_universe()
WEEK = recording(UNIVERSE)
CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC)
NAME = "2024-W44"
LAYOUT = replace(
    shipped_layout(), languages=("zh",), sections=(Section("all", {"en": "All", "zh": "全部"}, (1, 2, 18)),)
)
EDITORS, TEAM, GROUP = "C0EDITORS", "C0TEAM", -100
CHINESE = Reader(lang="zh", colour=Colour.CN, tz="Asia/Shanghai")


class Desk:
    """A process that publishes and sends, over a store and two services."""

    def __init__(self, store: Store, notifiers: dict[str, Notifier], home: Path, clock: SteppingClock) -> None:
        self.clock = clock
        self.publisher = Publisher(
            documents=store.documents,
            states=store.states,
            archive=home,
            universe=UNIVERSE,
            layout=LAYOUT,
            calendars=Calendars(),
            readers={"en": Reader(), "zh": CHINESE},
            editors=[f"slack:{EDITORS}"],
            team=[f"slack:{TEAM}", f"telegram:{GROUP}"],
            timetable=Timetable(),
            file_formats=("png", "html"),
        )
        self.late: list[Observation] = []
        self.publishing = Publishing(publisher=self.publisher, brief=None, data=self.known, clock=clock)
        self.commands = DigestDesk(self.publisher, self.known, home, store.outbox)
        self.sender = Sender(
            name=f"sender {id(self)}", store=store, notifiers=notifiers, reader_at=always(CHINESE), clock=clock
        )

    async def known(self, now: datetime) -> DigestData:
        """The week as it was known at ``now``."""
        return ObservedData((*WEEK.history, *WEEK.observations, *self.late), WEEK.events, now, imported())

    async def at(self, moment: datetime) -> Outcome:
        """Do what is due at ``moment``, and send it."""
        self.clock.step_to(max(moment, self.clock.now()))
        outcome = await self.publishing.step(self.clock.now())
        for _ in range(20):
            await self.sender.drain()
            self.clock.step_to(self.clock.now() + timedelta(seconds=10))
        return outcome

    async def send_on(self) -> None:
        """Send what there is, and what the limits of the services hold up, until cancelled."""
        while True:
            await self.sender.drain()
            self.clock.step_to(self.clock.now() + timedelta(seconds=1))


@dataclass(frozen=True)
class Dying:
    """A messenger in a process that dies when it comes to its second file."""

    inner: Notifier
    seen: list[str]

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send the text and the first file, and then nothing ever again."""
        if len(self.seen) == 2:
            await asyncio.Event().wait()
        self.seen.append(outgoing.key)
        return await self.inner.send(outgoing)


@dataclass(frozen=True)
class Room:
    """The services, what talks to them, and desks that share a store."""

    store: Store
    slack: FakeSlack
    telegram: FakeTelegram
    notifiers: dict[str, Notifier]
    desk: Callable[..., Desk]


@pytest.fixture
async def room(store: RedisStore, tmp_path: Path) -> AsyncIterator[Room]:
    """Everything at the week's close."""
    clock = SteppingClock(CLOSE)
    async with AsyncExitStack() as stack:
        slack, telegram = await stack.enter_async_context(FakeSlack()), await stack.enter_async_context(FakeTelegram())
        slack.add_channel(EDITORS)
        slack.add_channel(TEAM)
        telegram.add_chat(GROUP, "supergroup", title="Desk")
        to_slack = SlackNotifier(SecretStr(slack.bot_token), clock, slack.base_url)
        to_telegram = TelegramNotifier(SecretStr(telegram.token), clock, telegram.base_url)
        notifiers: dict[str, Notifier] = {
            "slack": await stack.enter_async_context(to_slack),
            "telegram": await stack.enter_async_context(to_telegram),
        }

        def desk(through: dict[str, Notifier] | None = None) -> Desk:
            return Desk(store, through or notifiers, tmp_path, clock)

        yield Room(store, slack, telegram, notifiers, desk)
        assert (slack.pings, slack.refusals, telegram.refusals, telegram.unclean) == ([], [], [], [])


FILES = [f"{NAME}-zh-figure-2.png", f"{NAME}-zh-figure-18.png", f"{NAME}-zh.html"]


async def test_a_week_from_the_close_to_its_correction(room: Room) -> None:
    """Draft, new draft when Friday's flows are final, words, approval, publication at its time, one edit."""
    desk = room.desk()
    assert await desk.at(CLOSE + timedelta(minutes=29)) is Outcome.NOT_DUE
    assert await desk.at(CLOSE + timedelta(minutes=31)) is Outcome.DRAFTED
    (draft,) = [sent for sent in room.slack.sent(EDITORS) if sent.thread_ts is None]
    assert "草稿，待审阅" in draft.visible
    assert [button["value"] for button in draft.buttons] == [f"digest:approve:{NAME}", f"digest:publish:{NAME}"]
    assert room.slack.sent(TEAM) == room.telegram.sent() == []

    assert await desk.at(CLOSE + timedelta(hours=5, minutes=45)) is Outcome.DRAFTED
    assert await desk.commands.fill(NAME, {"view": "看好半导体"}, desk.clock.now()) is Outcome.FILLED
    assert await desk.at(desk.clock.now() + timedelta(minutes=3)) is Outcome.DRAFTED
    tops = [sent for sent in room.slack.sent(EDITORS) if sent.thread_ts is None]
    assert [bool(sent.buttons) for sent in tops] == [False] * (len(tops) - 1) + [True]
    assert await desk.commands.approve(NAME, "Li") is Outcome.APPROVED

    assert await desk.at(CLOSE + timedelta(hours=8)) is Outcome.PUBLISHED
    assert await desk.at(CLOSE + timedelta(hours=9)) is Outcome.NOT_DUE
    assert await desk.commands.publish(CLOSE.date(), desk.clock.now()) is Outcome.ALREADY_PUBLISHED
    (post,) = [sent for sent in room.slack.sent(TEAM) if sent.thread_ts is None]
    text, *files = room.telegram.sent(GROUP)
    assert "仅周五净流出" in post.visible
    assert "仅周五净流出" in text.text
    assert [file.file_name for file in files] == FILES
    assert {file.reply_to for file in files} == {text.id}
    shared = [sent for sent in room.slack.sent(TEAM) if sent.thread_ts == post.ts]
    names = [room.slack.files[file]["name"] for sent in shared for file in sent.files]
    assert [re.sub(r"-[0-9a-f]{8}(?=[.])", "", name) for name in names] == FILES

    desk.late.append(Observation("etf_flows.BTC.total", CLOSE, desk.clock.now(), -55.9e6, source="Farside"))
    assert await desk.commands.correct(NAME, "Farside 修订周五数据", desk.clock.now()) is Outcome.CORRECTED
    await desk.at(desk.clock.now())
    assert (text.edits, post.edits) == (1, 1)
    assert "更正（第 2 版）：Farside 修订周五数据" in text.text
    assert {sent.reply_to for sent in room.telegram.sent(GROUP)[1:]} == {text.id}
    assert len(room.telegram.sent(GROUP)) == 1 + 2 * len(FILES)


async def test_a_process_that_dies_between_message_and_files_is_made_good(room: Room) -> None:
    """Another sender goes on with the file that was missing; the message and the first file come once."""
    dying = room.desk({**room.notifiers, "telegram": Dying(room.notifiers["telegram"], [])})
    await dying.at(CLOSE + timedelta(hours=4))
    await dying.commands.publish(CLOSE.date(), dying.clock.now())
    task = asyncio.ensure_future(dying.send_on())
    while len(room.telegram.sent(GROUP)) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    other = room.desk()
    other.clock.step_to(other.clock.now() + timedelta(minutes=10))
    await room.store.outbox.take_over(other.clock.now())
    await other.at(other.clock.now())
    text, *files = room.telegram.sent(GROUP)
    assert [file.file_name for file in files] == FILES
    assert text.text.startswith("📘")
    assert await other.at(other.clock.now() + timedelta(hours=4)) is Outcome.NOT_DUE
    assert len([sent for sent in room.slack.sent(TEAM) if sent.thread_ts is None]) == 1


async def test_the_archived_edition_is_what_was_published(room: Room) -> None:
    """Later figures change nothing in it; its files are there."""
    desk = room.desk()
    await desk.at(CLOSE + timedelta(hours=7))
    await desk.commands.publish(CLOSE.date(), desk.clock.now())
    edition = await desk.publisher.edition(NAME)
    assert edition is not None
    desk.late.append(Observation("etf_flows.BTC.total", CLOSE, desk.clock.now(), -99.9e6, source="Farside"))
    assert edition == replace(await desk.publisher.edition(NAME) or edition)
    assert all(Path(path).is_file() for path in edition.files["zh"])
    assert [attachment.name for attachment in edition.messages["zh"].attachments] == FILES
