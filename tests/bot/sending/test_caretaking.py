"""A destination that is gone costs nobody their subscription unheard; one that moved takes everything along."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from adapters.clock import SteppingClock
from adapters.message import Reader
from adapters.rendering.plain import plain_text
from bot.readers import Profile, Profiles
from bot.routing.subscriptions import Matcher, Silence, Subscription, identity, silences, subscriptions
from bot.sending.caretaking import Caretaker
from bot.sending.payload import unpack
from tests.fakes.documents import MemoryCommits, MemoryDocuments

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)
GROUP, ANN, LI, BOSS = "telegram:-100", "telegram:2", "telegram:3", "slack:U1"


@dataclass
class Desk:
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    clock: SteppingClock = field(default_factory=lambda: SteppingClock(NOW))

    def __post_init__(self):
        self.commits = MemoryCommits(self.documents)
        self.profiles = Profiles(self.documents, Reader())
        self.caretaker = Caretaker(
            documents=self.documents, states=self.commits, profiles=self.profiles, clock=self.clock, admins=(BOSS,)
        )

    async def subscribe(self, rule, owner, destination=GROUP):
        about = Matcher("rule", rule)
        await subscriptions(self.documents).put(
            Subscription(
                id=identity("S", destination, about), destination=destination, matcher=about, owner=owner,
                owner_name="", created_at=NOW,
            )
        )  # fmt: skip

    def told(self, lang="en"):
        """Who was told what."""
        return [
            (each.destination, plain_text(unpack(each.payload).messages[lang], Reader(lang=lang)).splitlines())
            for each in self.commits.outbox
        ]


@pytest.fixture
def desk():
    return Desk()


async def test_whoever_subscribed_is_told_that_nothing_arrives_any_more(desk):
    """Each person what of theirs is paused, and why."""
    await desk.subscribe("sox", ANN)
    await desk.subscribe("etf", ANN)
    await desk.subscribe("btc", LI)
    await desk.caretaker.gone(GROUP, "bot was kicked")
    assert {"bot was kicked"} == {item.parked for item in await subscriptions(desk.documents).all()}
    told = dict(desk.told())
    assert {ANN, LI} == set(told)
    assert [
        f"🩺 Nothing arrives at {GROUP} any more",
        "bot was kicked",
        "Paused: btc. Once the bot can write there again, subscribe there anew with /sub.",
    ] == told[LI]
    assert f"🩺 {GROUP} 已无法送达" == dict(desk.told("zh"))[LI][0]


async def test_nobody_is_told_twice(desk):
    """Every message to the destination fails; the news is one."""
    await desk.subscribe("sox", ANN)
    for _ in range(3):
        await desk.caretaker.gone(GROUP, "bot was kicked")
    assert [ANN] == [destination for destination, _ in desk.told()]


async def test_who_blocked_the_bot_is_not_written_to(desk):
    """Their own direct chat is what is gone."""
    await desk.subscribe("sox", ANN, destination=ANN)
    await desk.caretaker.gone(ANN, "bot was blocked by the user")
    assert [] == desk.told()


async def test_the_admins_are_told_of_a_destination_of_the_settings(desk):
    """Once a day, since nobody subscribed there who could be told."""
    for hours in (0, 1, 25):
        desk.clock.step_to(NOW + timedelta(hours=hours))
        await desk.caretaker.gone("slack:C1", "is_archived")
    assert [BOSS, BOSS] == [destination for destination, _ in desk.told()]
    assert 2 == len({each.key for each in desk.commits.outbox})


async def test_what_belongs_to_a_destination_that_moved_goes_along(desk):
    """Subscriptions, silences and settings; what was set at the new address meanwhile stays."""
    await desk.subscribe("sox", ANN)
    about = Matcher("rule", "sox")
    silence = Silence(
        id="M-1", destination=GROUP, matcher=about, start=NOW, end=NOW + timedelta(hours=1), author=ANN, author_name=""
    )
    await silences(desk.documents).put(silence)
    await desk.profiles.put(GROUP, Profile(lang="zh"))
    await desk.caretaker.moved(GROUP, "telegram:-200")
    assert ["telegram:-200"] * 2 == [
        item.destination for kind in (subscriptions, silences) for item in await kind(desk.documents).all()
    ]
    await desk.profiles.put("telegram:-200", Profile(lang="en"))
    await desk.caretaker.moved(GROUP, "telegram:-200")
    assert "en" == (await desk.profiles.get("telegram:-200")).lang
