"""A desk over the recorded week, and somebody who asks it things."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from adapters.chat.port import Chat, Origin, Reply, Request, User
from adapters.clock import SteppingClock
from adapters.message import Reader
from adapters.notifiers.port import Receipt
from adapters.rendering.plain import plain_text
from bot.charts.gallery import Gallery
from bot.commands.context import Desk
from bot.commands.handler import Commands
from bot.digest.flow import Outcome
from bot.digest.frame import Span
from bot.market.view import MarketView
from bot.readers import Profiles
from bot.reference.recording import END, recording
from bot.rulebook.expectations import Expectations
from bot.rulebook.rulebook import RuleBook
from bot.sending.caretaking import Caretaker
from bot.settings import AccessSettings
from rules.calendars.sessions import Calendars
from rules.loading.loader import PACKS
from rules.loading.universe_file import load_universe
from tests.fakes.documents import MemoryCommits, MemoryDocuments

ACCESS = AccessSettings(
    admins=("telegram:1",), analysts=("telegram:2",), viewers=("telegram:3",), chats=("telegram:-100",)
)


class OpenLimits:
    """The ``RateLimits`` port with buckets that never run dry; ``wait`` makes every one of them empty."""

    def __init__(self) -> None:
        self.wait = 0.0

    async def take(self, buckets, now: datetime) -> float:
        """Hand out a token from each bucket."""
        return self.wait

    async def block(self, bucket: str, until: datetime) -> None:
        """Nothing to block."""


class NoDigest:
    """A desk that has no digest."""

    slots = ()

    async def message(self, day, reader, now, file):
        """Nothing."""
        return

    async def approve(self, name, who):
        """There is no draft."""
        return Outcome.NO_DRAFT

    async def publish(self, day, now):
        """There is no draft."""
        return Outcome.NO_DRAFT

    async def fill(self, name, words, now):
        """There is no draft."""
        return Outcome.NO_DRAFT

    async def correct(self, name, reason, now):
        """Nothing was published."""
        return Outcome.NOT_PUBLISHED

    async def answered(self, message, chat):
        """Nothing was sent."""
        return

    async def in_work(self, now):
        """The running week."""
        return Span.week_of(now.date())


class Sent:
    """The outbox of a bot that sent ``lines`` and has two messages left."""

    def __init__(self) -> None:
        self.lines = []

    async def waiting(self):
        """Two messages wait."""
        return {"telegram:-100": 2}

    async def log(self, count: int = 100, key: str = ""):
        """What was sent, the newest first."""
        return self.lines

    async def receipt(self, key: str, destination: str) -> str | None:
        """No message can be found again."""
        return None


@dataclass
class Person:
    """Somebody in a chat; ``ask`` sends text and ``press`` a button's data."""

    commands: Commands
    id: str = "telegram:2"
    name: str = "Ann"
    lang: str = "en"
    chat: Chat = field(default_factory=lambda: Chat("telegram:2", "direct"))
    platform: str = "telegram"
    asked: int = 0

    async def send(self, verb: str, text: str, origin: Origin) -> Reply | None:
        """One request, with an id of its own."""
        self.asked += 1
        request = Request(
            id=f"{self.id}/{self.asked}",
            platform=self.platform,
            origin=origin,
            user=User(self.id, self.name, self.lang),
            chat=self.chat,
            verb=verb,
            text=text,
            at=END,
            pressed=Receipt(self.chat.destination, "7", END) if origin is Origin.BUTTON else None,
        )
        return await self.commands.answer(request)

    async def ask(self, line: str) -> Reply:
        """Type a command, or words without one."""
        verb, _, text = line.removeprefix("/").partition(" ")
        origin = Origin.COMMAND if line.startswith("/") else Origin.TEXT
        reply = await self.send(verb if line.startswith("/") else "", text if line.startswith("/") else line, origin)
        assert reply is not None
        return reply

    async def press(self, data: str) -> Reply:
        """Press a button."""
        verb, _, text = data.partition(":")
        reply = await self.send(verb, text, Origin.BUTTON)
        assert reply is not None
        return reply

    async def read(self, line: str) -> str:
        """What the reply to ``line`` looks like without markup."""
        return shown(await self.ask(line))

    def at(self, destination: str, kind: str = "group") -> Person:
        """The same person in another chat."""
        return replace(self, chat=Chat(destination, kind))

    def viewer(self) -> Person:
        """Somebody who may only look."""
        return replace(self, id="telegram:3", name="Li")

    def stranger(self) -> Person:
        """Somebody whom the settings don't name, in a chat that they don't name."""
        return replace(self, id="telegram:666", name="Eve", chat=Chat("telegram:666", "direct"))


def shown(reply: Reply) -> str:
    """The reply as plain text, with its buttons in brackets."""
    rows = [" ".join(f"[{button.text}]" for button in row) for row in reply.message.buttons]
    return "\n".join([plain_text(reply.message, reply.reader), *rows])


@pytest.fixture(scope="session")
def universe():
    """The shipped universe."""
    return load_universe()


@pytest.fixture(scope="session")
def calendars():
    """Every calendar, built once."""
    return Calendars()


@pytest.fixture(scope="session")
def week(universe):
    """The recorded week."""
    return recording(universe)


@pytest.fixture(scope="session")
def market(universe, calendars, week):
    """What is known at the end of the recorded week; tests that add to it make their own with ``known``."""
    return known(universe, calendars, week)


def known(universe, calendars, week):
    """A market that knows the recorded week."""
    view = MarketView(universe, calendars)
    view.apply(week.history)
    view.apply(week.observations)
    view.apply_events(week.events)
    return view


@pytest.fixture(scope="session")
def book(universe):
    """The shipped rules, read once, which nothing runs."""

    async def unchanged(rules):
        """Nothing runs rules here."""

    return RuleBook([PACKS], universe, unchanged)


@pytest.fixture(scope="session")
def expectations():
    """What the rules did in the year before the recorded week's end, tried once."""
    return Expectations()


@pytest.fixture
def documents():
    """An empty store of documents."""
    return MemoryDocuments()


@pytest.fixture
def limits():
    """Rate limits that never limit."""
    return OpenLimits()


@pytest.fixture
def desk(universe, calendars, market, documents, limits, book, expectations, tmp_path):
    """The desk on the Saturday after the recorded week."""
    clock, profiles = SteppingClock(END), Profiles(documents, Reader())
    commits = MemoryCommits(documents)
    return Desk(
        universe=universe,
        calendars=calendars,
        market=market,
        documents=documents,
        limits=limits,
        profiles=profiles,
        access=ACCESS,
        clock=clock,
        rulebook=book,
        expectations=expectations,
        deliveries=Sent(),
        owners=Caretaker(documents=documents, states=commits, profiles=profiles, clock=clock),
        weekly=NoDigest(),
        pictures=Gallery(tmp_path / "pictures"),
    )


@pytest.fixture
def ann(desk):
    """An analyst in her direct chat, reading English."""
    return Person(Commands(desk))


@pytest.fixture
def li(desk):
    """A viewer in a direct chat, reading Chinese."""
    return Person(Commands(desk), id="telegram:3", name="李", lang="zh-hans", chat=Chat("telegram:3", "direct"))
