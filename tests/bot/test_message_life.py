"""One alert is one message: on strict servers of both services it is edited from its firing to its end."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.message import Reader
from adapters.notifiers.slack import SlackNotifier
from adapters.notifiers.telegram import TelegramNotifier
from adapters.store.embedded import open_throwaway_store
from adapters.store.port import Commit
from bot.alerts.faces import acknowledged
from bot.alerts.incidents import Numbering, documents_of
from bot.readers import Profiles
from bot.routing.dispatch import Dispatcher
from bot.routing.settings import RoutingSettings
from bot.sending.courier import always
from bot.sending.sender import Sender
from rules.model import Reason, TransitionKind
from tests.bot.routing_kit import UNIVERSE, corrected, fired, resolved, transition
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
READER = Reader(tz="Asia/Shanghai")


@dataclass
class Service:
    """A chat service as a reader sees it."""

    fake: object
    destination: str

    def messages(self):
        """What is there, oldest first, by id."""
        return {self._id(item): item for item in self.fake.sent()}

    def texts(self):
        """What is read, oldest first."""
        return [self._text(item) for item in self.fake.sent()]

    def parents(self):
        """Which message each is threaded under, by place; ``None`` for one that stands alone."""
        ids = [self._id(item) for item in self.fake.sent()]
        above = [item.thread_ts if isinstance(self.fake, FakeSlack) else item.reply_to for item in self.fake.sent()]
        return [ids.index(parent) if parent in ids else None for parent in above]

    def lose(self, number, how):
        """Somebody deletes the message, or it becomes too old to be edited."""
        setattr(list(self.messages().values())[number], *how)

    def buttons(self, number):
        """The texts of the message's buttons."""
        message = list(self.messages().values())[number]
        if isinstance(self.fake, FakeSlack):
            return [button["text"]["text"] for button in message.buttons]
        return [button["text"] for row in message.keyboard for button in row]

    def _id(self, message):
        return message.ts if isinstance(self.fake, FakeSlack) else message.id

    def _text(self, message):
        return message.visible if isinstance(self.fake, FakeSlack) else message.text


class Desk:
    """Rules' transitions go in, messages come out: routing, outbox and sender are the real ones."""

    def __init__(self, store, service, notifiers):
        self.store, self.service = store, service
        self.clock = SteppingClock(NOW)
        self.numbering = Numbering()
        settings = RoutingSettings.model_validate({})
        self.dispatcher = Dispatcher(
            router=settings.router((service.destination,), UNIVERSE),
            settings=settings,
            documents=store.documents,
            profiles=Profiles(store.documents, READER),
            universe=UNIVERSE,
        )
        self.sender = Sender(name="s", store=store, notifiers=notifiers, reader_at=always(READER), clock=self.clock)

    async def happens(self, item):
        """Tell it an hour after the last thing, and wait until the service has everything."""
        self.clock.step_to(self.clock.now() + HOUR)
        entered = self.numbering.enter([item])
        made = await self.dispatcher.dispatch(entered.incidents, self.clock.now())
        documents = {**made.documents, **await documents_of(entered, self.store.documents)}
        await self.store.states.commit(Commit(alerts={}, outbox=made.outbox, documents=documents))
        self.numbering.settle(entered)
        self.dispatcher.settle(made)
        while due := await self.store.outbox.next_due():
            self.clock.step_to(max(due, self.clock.now()))
            await self.sender.drain()


@pytest.fixture(params=["telegram", "slack"])
async def desk(request):
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_throwaway_store())
        if request.param == "telegram":
            fake = await stack.enter_async_context(FakeTelegram())
            fake.add_chat(-100)
            notifier = TelegramNotifier(SecretStr(fake.token), SteppingClock(NOW), fake.base_url)
            service = Service(fake, "telegram:-100")
        else:
            fake = await stack.enter_async_context(FakeSlack())
            fake.add_channel("C1")
            notifier = SlackNotifier(SecretStr(fake.bot_token), SteppingClock(NOW), fake.base_url)
            service = Service(fake, "slack:C1")
        notifiers = {request.param: await stack.enter_async_context(notifier)}
        yield Desk(store, service, notifiers)


OPENING = fired("sox", at=NOW)
TAKEN = acknowledged(OPENING, "A-1001", "Li", "", NOW)
RECOVERING = transition("sox", TransitionKind.RECOVERING, Reason.CONDITION_FALSE)
RELAPSED = transition("sox", TransitionKind.RELAPSED, Reason.CONDITION_TRUE)


def first_lines(service):
    return [text.split("\n")[0].replace("*", "").replace("`", "") for text in service.texts()]


async def test_a_message_is_edited_until_its_alert_is_over(desk):
    """Firing, acknowledged, recovering, firing again, resolved; the end alone is told beside it, under it."""
    service, seen = desk.service, []
    for item in (OPENING, TAKEN, RECOVERING, RELAPSED, resolved("sox")):
        await desk.happens(item)
        seen.append(first_lines(service)[0])
    marks = ["", " · acknowledged", " · recovering", " · acknowledged", " · resolved"]
    assert [f"🔔 SOX lags NDX{mark} · sox" for mark in marks] == seen
    assert ["🔔 SOX lags NDX · resolved · sox"] == first_lines(service)[1:]
    assert [None, 0] == service.parents()
    assert "👀 acknowledged by Li, Sat 2 Nov 04:00 UTC+8" in service.texts()[0]
    assert ([], []) == (service.buttons(0), service.fake.refusals)


async def test_a_period_that_rolls_over_ends_its_message_quietly(desk):
    """The message says so and has no buttons any more; nothing else is told, also where it was deleted."""
    service = desk.service
    ended = transition("sox", TransitionKind.ENDED, Reason.PERIOD_ROLLOVER)
    await desk.happens(OPENING)
    await desk.happens(ended)
    assert (["🔔 SOX lags NDX · ended · sox"], []) == (first_lines(service), service.buttons(0))
    await desk.happens(OPENING)
    service.lose(1, ("deleted", True))
    await desk.happens(ended)
    assert 1 == len(first_lines(service))


async def test_who_looks_after_it_is_no_longer_asked_for(desk):
    """The button goes, the others stay."""
    await desk.happens(OPENING)
    before = desk.service.buttons(0)
    await desk.happens(TAKEN)
    assert before[1:] == desk.service.buttons(0)


@pytest.mark.parametrize("how", [("deleted", True), ("editable", False)], ids=["deleted", "too old"])
async def test_an_acknowledgement_of_a_lost_message_is_a_new_one(desk, how):
    """And that one is edited from then on."""
    service = desk.service
    await desk.happens(OPENING)
    service.lose(0, how)
    await desk.happens(TAKEN)
    assert "🔔 SOX lags NDX · acknowledged · sox" == first_lines(service)[-1]
    await desk.happens(resolved("sox"))
    lines = first_lines(service)[-2:]
    assert ["🔔 SOX lags NDX · resolved · sox"] * 2 == lines
    assert len(service.texts()) - 2 == service.parents()[-1]


@pytest.mark.parametrize("how", [("deleted", True), ("editable", False)], ids=["deleted", "too old"])
async def test_the_end_of_an_alert_whose_message_is_lost_is_told_all_the_same(desk, how):
    """Once: the mark on the lost message is not sent as well."""
    service = desk.service
    await desk.happens(OPENING)
    service.lose(0, how)
    count = len(service.texts())
    await desk.happens(corrected("sox"))
    assert ["🔔 SOX lags NDX · corrected · sox"] == first_lines(service)[count:]
    outcomes = [line.outcome for line in await desk.store.outbox.log()]
    assert ["dropped", "sent", "sent"] == outcomes
