"""What is sent again without an answer, and what isn't, over the real messengers and strict local services."""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.message import Message, Reader, Text
from adapters.notifiers.slack import SlackNotifier
from adapters.notifiers.telegram import TelegramNotifier
from adapters.store.embedded import open_throwaway_store
from adapters.store.port import Commit, OutboxEntry, Store
from bot.sending.courier import always
from bot.sending.payload import pack
from bot.sending.sender import Sender
from tests.fakes.faults import Kind
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)
CHAT, CHANNEL = "telegram:42", "slack:C1"
LOST = [Kind.SILENCE_AFTER, Kind.RESET_AFTER]


@dataclass
class Office:
    """A sender, its store and clock, and two services."""

    store: Store
    clock: SteppingClock
    telegram: FakeTelegram
    slack: FakeSlack
    sender: Sender

    async def send(self, destination: str) -> None:
        """Commit one notice and send until nothing waits."""
        payload = pack({"en": Message(summary="SOX", title=(Text("SOX lags NDX"),))})
        await self.store.states.commit(Commit(alerts={}, outbox=[OutboxEntry("n1", destination, payload, NOW)]))
        while due := await self.store.outbox.next_due():
            self.clock.step_to(due)
            await self.sender.drain()

    async def attempts(self) -> list[str]:
        """What the delivery log says of each, oldest first; ``?`` where it may be a duplicate."""
        lines = reversed(await self.store.outbox.log(key="n1"))
        return [line.outcome + "?" * ('"possibly_duplicate":true' in line.detail) for line in lines]


@pytest.fixture
async def office():
    async with opened() as found:
        yield found


@asynccontextmanager
async def opened():
    clock = SteppingClock(NOW)
    async with (
        FakeTelegram() as telegram,
        FakeSlack() as slack,
        open_throwaway_store() as store,
        TelegramNotifier(SecretStr(telegram.token), clock, telegram.base_url, timeout_s=0.3) as to_telegram,
        SlackNotifier(SecretStr(slack.bot_token), clock, slack.base_url, timeout_s=0.3) as to_slack,
    ):
        telegram.add_chat(42)
        slack.add_channel("C1")
        notifiers = {"telegram": to_telegram, "slack": to_slack}
        sender = Sender(name="a", store=store, notifiers=notifiers, reader_at=always(Reader()), clock=clock)
        yield Office(store, clock, telegram, slack, sender)


@pytest.mark.parametrize("lost", LOST)
async def test_telegram_gets_it_once_more_and_the_log_says_so(office, lost):
    """The first answer was lost."""
    office.telegram.faults.inject(lost, "sendMessage")
    await office.send(CHAT)
    assert (2, ["postponed", "sent?"]) == (len(office.telegram.sent(42)), await office.attempts())


@pytest.mark.parametrize("lost", LOST)
async def test_telegram_never_gets_it_a_third_time(office, lost):
    """Both answers were lost: the dead letter says that the message may have arrived, and can be retried."""
    office.telegram.faults.inject(lost, "sendMessage", times=2)
    await office.send(CHAT)
    (letter,) = await office.store.outbox.dead()
    assert (2, ["postponed", "buried"]) == (len(office.telegram.sent(42)), await office.attempts())
    assert letter.why.endswith("sent more than once without an answer, so it may have arrived")


async def test_a_telegram_that_is_away_gets_nothing_but_questions(office):
    """Connections break for some minutes, the message's own first of all: it is sent again when they hold."""
    office.telegram.faults.inject(Kind.RESET, times=6)
    await office.send(CHAT)
    methods = [method for method, _ in office.telegram.calls]
    assert ["sendMessage", *["getMe"] * 6, "sendMessage"] == methods
    assert (1, ["postponed"] * 6 + ["sent?"]) == (len(office.telegram.sent(42)), await office.attempts())


@pytest.mark.parametrize("lost", LOST)
async def test_slack_is_asked_and_never_gets_it_twice(office, lost):
    """The message is found by its metadata, however often the answer is lost."""
    office.slack.faults.inject(lost, "chat.postMessage")
    await office.send(CHANNEL)
    assert (1, ["postponed", "sent"]) == (len(office.slack.sent("C1")), await office.attempts())


async def test_slack_gets_it_again_when_it_does_not_have_it(office):
    """The connection broke before anything was accepted, twice: asked each time, sent in the end, once."""
    office.slack.faults.inject(Kind.RESET, "chat.postMessage", times=2)
    await office.send(CHANNEL)
    methods = [method for method, _ in office.slack.calls]
    asked_and_sent = ["conversations.history", "chat.postMessage"]
    assert ["chat.postMessage", *asked_and_sent, *asked_and_sent] == methods
    assert (1, ["postponed", "postponed", "sent"]) == (len(office.slack.sent("C1")), await office.attempts())
