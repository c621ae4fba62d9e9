"""The sender: every outcome of a delivery, order, limits, doubt and take-over, over a real store."""

import asyncio
import itertools
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from adapters.clock import SteppingClock
from adapters.message import Message, Reader, Text
from adapters.notifiers.port import (
    DestinationGone,
    DestinationMoved,
    MessageRejected,
    Misconfigured,
    OutcomeUnknown,
    Receipt,
    RetryLater,
    TargetLost,
)
from adapters.store.embedded import open_throwaway_store
from adapters.store.port import Commit, OutboxEntry
from bot.sending.limits import buckets_of
from bot.sending.payload import pack, unpack
from bot.sending.sender import Sender

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)
CHAT, GROUP, CHANNEL = "telegram:42", "telegram:-100", "slack:C1"


def message(text="SOX lags NDX"):
    return Message(summary=text, title=(Text(text),))


@dataclass
class Scripted:
    """A messenger whose next outcomes are ordered up; it accepts everything else. ``accepted`` is what arrived."""

    clock: SteppingClock
    outcomes: deque = field(default_factory=deque)
    accepted: list = field(default_factory=list)
    tried: list = field(default_factory=list)

    async def send(self, outgoing):
        self.tried.append((self.clock.now(), outgoing))
        outcome = self.outcomes.popleft() if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        self.accepted.append(outgoing)
        return Receipt(outgoing.destination, str(len(self.accepted)), self.clock.now())


@dataclass
class Pinged(Scripted):
    """A messenger whose service can be asked whether it answers; ``moved`` maps addresses to newer ones."""

    down: bool = False
    moved: dict = field(default_factory=dict)

    async def send(self, outgoing):
        if outgoing.destination in self.moved:
            raise DestinationMoved("migrated", self.moved[outgoing.destination])
        return await super().send(outgoing)

    async def probe(self):
        if self.down:
            raise RetryLater("no answer")


@dataclass
class Asked(Scripted):
    """A messenger that can be asked; ``known`` are the keys of what arrived."""

    known: dict = field(default_factory=dict)
    questions: list = field(default_factory=list)

    async def find(self, outgoing):
        self.questions.append(outgoing.key)
        found = self.known.get(outgoing.key)
        return Receipt(outgoing.destination, found, self.clock.now()) if found else None


@dataclass
class Watching:
    """Owners who note what they are told."""

    heard: list = field(default_factory=list)

    async def gone(self, destination, why):
        self.heard.append(("gone", destination, why))

    async def moved(self, old, new):
        self.heard.append(("moved", old, new))


@dataclass
class Post:
    """A store, a clock, two messengers and a sender."""

    store: object
    clock: SteppingClock
    telegram: Pinged
    slack: Asked
    apprise: Scripted
    owners: Watching
    notifiers: dict
    sender: Sender

    async def enqueue(self, *notices, **options):
        entries = [
            OutboxEntry(key, destination, pack({"en": message(key)}, **options), self.clock.now())
            for key, destination in notices
        ]
        await self.store.states.commit(Commit(alerts={}, outbox=entries))

    async def drain(self, after=0.0):
        self.clock.step_to(self.clock.now() + timedelta(seconds=after))
        return await self.sender.drain()

    async def outcomes(self, key="n1"):
        return [line.outcome for line in reversed(await self.store.outbox.log(key=key))]

    def sent(self):
        return [outgoing.key for outgoing in self.telegram.accepted + self.slack.accepted]


async def reader_at(_destination):
    return Reader(lang="zh")


@asynccontextmanager
async def posted(**options):
    clock = SteppingClock(NOW)
    telegram, slack, apprise, owners = Pinged(clock), Asked(clock), Scripted(clock), Watching()
    async with open_throwaway_store() as store:
        notifiers = {"telegram": telegram, "slack": slack, "apprise": apprise}
        sender = Sender(
            name="a", store=store, notifiers=notifiers, reader_at=reader_at, clock=clock, owners=owners, **options
        )
        yield Post(store, clock, telegram, slack, apprise, owners, notifiers, sender)


@pytest.fixture
async def post():
    async with posted() as opened:
        yield opened


async def test_a_notice_is_sent_once_with_its_key_and_reader(post):
    """The messenger gets the message for the destination's reader, and the receipt is kept."""
    await post.enqueue(("n1", CHAT))
    assert 1 == await post.drain()
    assert 0 == await post.drain(60)
    (outgoing,) = post.telegram.accepted
    assert ("n1", CHAT, "zh", message("n1")) == (
        outgoing.key,
        outgoing.destination,
        outgoing.reader.lang,
        outgoing.message,
    )
    assert ["sent"] == await post.outcomes()
    assert '"message_id":"1"' in await post.store.outbox.receipt("n1", CHAT)


async def test_the_readers_language_is_chosen():
    """A message in two languages is sent in the reader's."""
    async with posted() as post:
        payload = pack({"en": message("falls"), "zh": message("下跌")})
        await post.store.states.commit(Commit(alerts={}, outbox=[OutboxEntry("n1", CHAT, payload, NOW)]))
        await post.drain()
        assert message("下跌") == post.telegram.accepted[0].message


async def test_order_holds_through_a_failure(post):
    """What comes after a message that must wait, waits too; other destinations don't."""
    post.telegram.outcomes.append(RetryLater("502"))
    await post.enqueue(("n1", CHAT), ("n2", CHAT), ("other", CHANNEL))
    assert 1 == await post.drain()
    assert ["other"] == post.sent()
    await post.drain(1)
    await post.drain(2)
    assert ["n1", "n2", "other"] == post.sent()
    assert ["postponed", "sent"] == await post.outcomes()


async def test_retry_after_is_obeyed_to_the_second(post):
    """Nothing goes to the chat before the time that the service named."""
    post.telegram.outcomes.append(RetryLater("429", after_s=20))
    await post.enqueue(("n1", CHAT), ("n2", CHAT))
    await post.drain()
    assert 0 == await post.drain(19.9)
    assert 1 == len(post.telegram.tried)
    assert 1 == await post.drain(0.1)
    assert 1 == await post.drain(2)
    assert ["n1", "n2"] == post.sent()


async def test_pauses_grow_and_an_outage_loses_nothing(post):
    """Twice as long each time up to a minute; after many refusals the message is still sent."""
    post.telegram.outcomes.extend([RetryLater("503")] * 9)
    await post.enqueue(("n1", CHAT))
    while not post.telegram.accepted:
        await post.drain((await post.store.outbox.next_due() - post.clock.now()).total_seconds())
    instants = [at for at, _ in post.telegram.tried]
    pauses = [(b - a).total_seconds() for a, b in itertools.pairwise(instants)]
    assert [1, 2, 4, 8, 16, 32, 60, 60, 60] == pytest.approx(pauses, abs=0.05)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (MessageRejected("too long"), "MessageRejected: too long"),
        (DestinationGone("bot was blocked"), "DestinationGone: bot was blocked"),
    ],
)
async def test_what_can_never_be_sent_is_a_dead_letter(post, error, why):
    """It is explained, and what waits behind it goes on."""
    post.telegram.outcomes.append(error)
    await post.enqueue(("n1", CHAT), ("n2", CHAT))
    await post.drain()
    await post.drain(2)
    (letter,) = await post.store.outbox.dead()
    assert ("n1", why) == (letter.entry.key, letter.why)
    assert ["n2"] == post.sent()


async def test_the_owner_learns_that_a_destination_is_gone(post):
    """So that its subscriptions can be parked."""
    post.telegram.outcomes.append(DestinationGone("bot was kicked"))
    await post.enqueue(("n1", GROUP))
    await post.drain()
    assert [("gone", GROUP, "bot was kicked")] == post.owners.heard


async def test_a_moved_destination_takes_its_messages_along(post):
    """A group became a supergroup: all that waits goes to the new address in order."""
    post.telegram.moved[GROUP] = "telegram:-200"
    await post.enqueue(("n1", GROUP), ("n2", GROUP))
    await post.drain()
    await post.drain(60)
    assert [("n1", "telegram:-200"), ("n2", "telegram:-200")] == [
        (item.key, item.destination) for item in post.telegram.accepted
    ]
    assert ("moved", GROUP, "telegram:-200") == post.owners.heard[0]


async def test_a_wrong_configuration_holds_messages_back_until_it_is_mended(post):
    """Nothing is given up for a wrong token."""
    post.telegram.outcomes.extend([Misconfigured("token")] * 20)
    await post.enqueue(("n1", CHAT))
    for _ in range(20):
        await post.drain(60)
    assert [] == list(await post.store.outbox.dead())
    assert 1 == await post.drain(60)


async def test_an_error_of_ours_is_retried_and_then_given_up(post):
    """A fault that repeats does not hold up the destination for ever."""
    post.telegram.outcomes.extend([ZeroDivisionError("oops")] * 12)
    await post.enqueue(("n1", CHAT), ("n2", CHAT))
    for _ in range(14):
        await post.drain(300)
    assert ["ZeroDivisionError: oops"] == [letter.why for letter in await post.store.outbox.dead()]
    assert ["n2"] == post.sent()


@pytest.mark.parametrize(
    ("destination", "payload", "why"),
    [
        ("pager:1", "{}", "no notifier for pager:1"),
        (CHAT, "not json", "unreadable payload"),
        (CHAT, "{}", "unreadable"),
    ],
)
async def test_what_nobody_can_send_is_a_dead_letter(post, destination, payload, why):
    """An unknown scheme and a payload that can't be read stop nothing else."""
    await post.store.states.commit(Commit(alerts={}, outbox=[OutboxEntry("n1", destination, payload, NOW)]))
    await post.drain()
    (letter,) = await post.store.outbox.dead()
    assert letter.why.startswith(why)


# Doubt


async def test_an_unknown_outcome_is_sent_again_once_and_marked(post):
    """Telegram can't be asked: the second attempt says that it may be a duplicate."""
    post.telegram.outcomes.append(OutcomeUnknown("timed out"))
    await post.enqueue(("n1", CHAT))
    await post.drain()
    assert 1 == await post.drain(1)
    assert '"possibly_duplicate":true' in await post.store.outbox.receipt("n1", CHAT)


async def test_what_was_sent_twice_without_an_answer_is_not_sent_a_third_time(post):
    """The service answers and most likely took it twice; the dead letter says that it may have arrived."""
    post.telegram.outcomes.extend([OutcomeUnknown("timed out")] * 2)
    await post.enqueue(("n1", CHAT), ("n2", CHAT))
    await post.drain()
    await post.drain(1)
    (letter,) = await post.store.outbox.dead()
    assert ("n1", True) == (letter.entry.key, "so it may have arrived" in letter.why)
    await post.drain(2)
    assert ["n1", "n1", "n2"] == [outgoing.key for _, outgoing in post.telegram.tried]


async def test_a_refusal_between_two_unknown_outcomes_is_not_a_resend(post):
    """What the service refused for certain was not sent."""
    post.telegram.outcomes.extend([OutcomeUnknown("timed out"), RetryLater("429", 1.0), None])
    await post.enqueue(("n1", CHAT))
    for _ in range(3):
        await post.drain(4)
    assert ["n1"] == post.sent()
    assert '"possibly_duplicate":true' in await post.store.outbox.receipt("n1", CHAT)


async def test_a_death_is_no_unknown_outcome(post):
    """Whatever becomes of senders, a message is sent until the service has answered, or left it unanswered twice."""
    await post.enqueue(("n1", CHAT))
    for day in range(1, 4):
        assert 1 == len(await post.store.outbox.claim("dead", post.clock.now()))
        post.clock.step_to(NOW + timedelta(days=day))
    post.telegram.outcomes.append(OutcomeUnknown("timed out"))
    await post.drain()
    await post.drain(60)
    assert ["n1"] == post.sent()


async def test_a_silent_service_is_waited_for_without_sending(post):
    """Half an hour of silence loses nothing; the one resend comes when the service answers again, and is marked."""
    post.telegram.outcomes.append(OutcomeUnknown("timed out"))
    post.telegram.down = True
    await post.enqueue(("n1", CHAT))
    while post.clock.now() - NOW < timedelta(minutes=30):
        await post.drain((await post.store.outbox.next_due() - post.clock.now()).total_seconds())
    assert 1 == len(post.telegram.tried)
    post.telegram.down = False
    assert 1 == await post.drain(60)
    assert '"possibly_duplicate":true' in await post.store.outbox.receipt("n1", CHAT)


async def test_a_service_of_which_nothing_is_known_is_given_up_after_an_hour(post):
    """It may be silent for as long as an outage lasts, and what arrived twice is no harm then."""
    post.apprise.outcomes.extend([OutcomeUnknown("timed out")] * 100)
    await post.enqueue(("n1", "apprise:desk"))
    while due := await post.store.outbox.next_due():
        await post.drain((due - post.clock.now()).total_seconds())
    assert 1 == len(await post.store.outbox.dead())
    assert post.clock.now() - NOW > timedelta(hours=1)


async def test_a_chats_second_counts_from_the_answer(post):
    """A slow answer does not let the next message arrive within a second of it."""

    class Slow(Scripted):
        async def send(self, outgoing):
            receipt = await super().send(outgoing)
            self.clock.step_to(self.clock.now() + timedelta(seconds=0.7))
            return receipt

    post.notifiers["telegram"] = slow = Slow(post.clock)
    await post.enqueue(("n1", CHAT), ("n2", CHAT))
    while await post.store.outbox.next_due():
        await post.drain(0.001)
    (first, _), (second, _) = slow.tried
    assert 1.72 == pytest.approx((second - first).total_seconds(), abs=0.01)


@pytest.mark.parametrize("quickest_s", [0.0, 0.5, 0.6])
async def test_what_is_on_the_way_at_the_least_is_not_waited_for_twice(post, quickest_s):
    """Answers take 0.6 s: of the wait for the next one, the quickest round trip is over when the answer is there."""

    class Far(Scripted):
        @property
        def quickest_s(self):
            return quickest_s

        async def send(self, outgoing):
            receipt = await super().send(outgoing)
            self.clock.step_to(self.clock.now() + timedelta(seconds=0.6))
            return receipt

    post.notifiers["slack"] = far = Far(post.clock)
    await post.enqueue(("n1", CHANNEL), ("n2", CHANNEL))
    while await post.store.outbox.next_due():
        await post.drain(0.001)
    (first, _), (second, _) = far.tried
    assert 1.62 - quickest_s == pytest.approx((second - first).total_seconds(), abs=0.01)


async def test_a_service_that_can_be_asked_is_asked_before_a_resend(post):
    """Slack says that the message is there: it is acknowledged, not sent again."""
    post.slack.outcomes.append(OutcomeUnknown("timed out"))
    await post.enqueue(("n1", CHANNEL), ("n2", CHANNEL))
    await post.drain()
    post.slack.known["n1"] = "1730491200.000100"
    await post.drain(2)
    await post.drain(2)
    assert (["n1"], ["n2"]) == (post.slack.questions, [item.key for item in post.slack.accepted])
    assert "1730491200.000100" in await post.store.outbox.receipt("n1", CHANNEL)


async def test_a_service_that_does_not_know_it_gets_it_again(post):
    """However often the outcome stays unknown: asking settles it each time."""
    post.slack.outcomes.extend([OutcomeUnknown("timed out")] * 3)
    await post.enqueue(("n1", CHANNEL))
    for _ in range(4):
        await post.drain(10)
    assert ["n1"] == post.sent()
    assert '"possibly_duplicate":false' in await post.store.outbox.receipt("n1", CHANNEL)


async def test_a_known_refusal_leaves_no_doubt(post):
    """After a 429 nobody is asked and nothing is marked."""
    post.slack.outcomes.append(RetryLater("429", after_s=1))
    await post.enqueue(("n1", CHANNEL))
    await post.drain()
    await post.drain(1)
    assert ([], ["n1"]) == (post.slack.questions, post.sent())


async def test_what_a_dead_sender_held_is_taken_over_in_doubt(post):
    """Another sender finishes it after the visibility time-out; nobody knows whether it was sent."""
    await post.enqueue(("n1", CHAT), ("m1", CHANNEL))
    assert 2 == len(await post.store.outbox.claim("dead", post.clock.now(), 2))
    assert 0 == await post.drain(119)
    assert 2 == await post.drain(1)
    assert ["m1"] == post.slack.questions
    assert '"possibly_duplicate":true' in await post.store.outbox.receipt("n1", CHAT)


# Threads and edits


async def test_a_notice_is_threaded_under_the_one_it_follows(post):
    """The receipt of the earlier notice at this destination is the target."""
    await post.enqueue(("n1", CHAT))
    await post.drain()
    await post.enqueue(("n2", CHAT), follows="n1")
    await post.drain(2)
    assert "1" == post.telegram.accepted[1].reply_to.message_id


@pytest.mark.parametrize("option", ["follows", "edits"])
async def test_without_its_target_a_message_stands_alone(post, option):
    """What was never delivered here can be neither followed nor replaced: it is sent as a new message."""
    await post.enqueue(("n2", CHAT), **{option: "never"})
    await post.drain()
    (outgoing,) = post.telegram.accepted
    assert (None, None) == (outgoing.edit, outgoing.reply_to)


@pytest.mark.parametrize("gone", ["never sent", "deleted"])
async def test_a_mark_without_its_message_is_dropped(post, gone):
    """There is nothing to mark: no new message, no dead letter, a line in the log."""
    if gone == "deleted":
        await post.enqueue(("n1", CHAT))
        await post.drain()
        post.telegram.outcomes.append(TargetLost("message to edit not found"))
    await post.enqueue(("n1:mark", CHAT), edits="n1", mark=True)
    await post.drain(2)
    assert "n1:mark" not in post.sent()
    assert (["dropped"], []) == (await post.outcomes("n1:mark"), list(await post.store.outbox.dead()))


async def test_an_edit_replaces_the_earlier_message(post):
    """The earlier notice's receipt says which."""
    await post.enqueue(("n1", CHAT))
    await post.drain()
    await post.enqueue(("n1:edit", CHAT), edits="n1")
    await post.drain(2)
    assert "1" == post.telegram.accepted[1].edit.message_id


async def test_a_reply_whose_target_is_lost_is_sent_as_a_new_message(post):
    """A deleted message does not swallow what follows it."""
    await post.enqueue(("n1", CHAT))
    await post.drain()
    post.telegram.outcomes.append(TargetLost("message to be replied not found"))
    await post.enqueue(("n2", CHAT), follows="n1")
    await post.drain(2)
    assert post.telegram.accepted[1].reply_to is None


# Limits


@pytest.mark.parametrize(
    ("destination", "seconds"),
    [(CHAT, [0, 1.0204, 2.0408]), (CHANNEL, [0, 1.0204, 2.0408]), ("console:", [0, 0, 0])],
)
async def test_a_chat_gets_about_a_message_a_second(post, destination, seconds):
    """A little slower than the service allows, so that it never has to refuse."""
    console = Scripted(post.clock)
    post.notifiers["console"] = console
    await post.enqueue(*((f"n{number}", destination) for number in range(3)))
    while await post.store.outbox.next_due():
        await post.drain(0.001)
    tried = post.telegram.tried + post.slack.tried + console.tried
    assert seconds == pytest.approx([(at - NOW).total_seconds() for at, _ in tried], abs=0.01)


def test_topics_of_a_group_share_its_limits():
    """The service counts by chat, not by topic."""
    assert buckets_of("telegram:-100") == buckets_of("telegram:-100/7")
    assert {"telegram", "telegram:42"} == set(buckets_of("telegram:42"))
    assert {"telegram", "telegram:-100", "telegram:-100:group"} == set(buckets_of("telegram:-100/7"))
    assert {} == buckets_of("webhook:ops")


async def test_a_full_group_waits_without_using_up_attempts(post):
    """Waiting for a token is no failure: no line in the log, and the first attempt is still the first."""
    await post.enqueue(*((f"n{number}", GROUP) for number in range(12)))
    while await post.store.outbox.next_due():
        await post.drain(0.5)
    assert [f"n{number}" for number in range(12)] == post.sent()
    assert {("sent", 1)} == {(line.outcome, line.attempt) for line in await post.store.outbox.log()}
    instants = sorted(at for at, _ in post.telegram.tried)
    assert all((b - a).total_seconds() >= 60 for a, b in zip(instants, instants[20:], strict=False))


# Many senders


async def test_two_senders_share_the_work_and_keep_the_order(post):
    """Every notice is sent once, and in order at each destination."""
    async with posted() as _:
        second = Sender(
            name="b",
            store=post.store,
            notifiers={"telegram": post.telegram, "slack": post.slack},
            reader_at=reader_at,
            clock=post.clock,
        )
        await post.enqueue(*((f"n{number}", f"telegram:{number % 5}") for number in range(30)))
        while await post.store.outbox.next_due():
            await asyncio.gather(post.sender.drain(), second.drain())
            post.clock.step_to(post.clock.now() + timedelta(seconds=1))
    sent = post.telegram.accepted
    assert 30 == len({item.key for item in sent}) == len(sent)
    for number in range(5):
        keys = [int(item.key[1:]) for item in sent if item.destination == f"telegram:{number}"]
        assert keys == sorted(keys)


async def test_a_slow_destination_delays_no_other():
    """With room for two, the second is done over and over while the first one hangs."""
    async with posted(parallel=2) as post:
        release = asyncio.Event()

        class Slow(Scripted):
            async def send(self, outgoing):
                if outgoing.destination == "slow:1":
                    await release.wait()
                receipt = await super().send(outgoing)
                if len(self.accepted) == 5:
                    release.set()
                return receipt

        post.notifiers["slow"] = slow = Slow(post.clock)
        await post.enqueue(("first", "slow:1"), *((f"n{number}", f"slow:x{number}") for number in range(5)))
        assert 6 == await post.drain()
        assert "first" == slow.accepted[-1].key


async def test_what_comes_while_a_message_hangs_is_sent_at_once():
    """The sender listens to the outbox although something is on its way."""
    hangs, arrived = asyncio.Event(), asyncio.Event()

    class Slow(Scripted):
        async def send(self, outgoing):
            if outgoing.destination == "slow:1":
                hangs.set()
                await arrived.wait()
            else:
                arrived.set()
            return await super().send(outgoing)

    async with posted() as post:
        post.notifiers["slow"] = slow = Slow(post.clock)
        running = asyncio.create_task(post.sender.run())
        await post.enqueue(("first", "slow:1"))
        await asyncio.wait_for(hangs.wait(), 10)
        await post.enqueue(("second", "slow:2"))
        await asyncio.wait_for(arrived.wait(), 10)
        while len(slow.accepted) < 2:
            await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_a_payload_survives_packing():
    """Messages, sound and targets come back as they were."""
    found = unpack(pack({"en": message(), "zh": message("费半")}, silent=True, follows="n1", edits="n0"))
    assert ({"en": message(), "zh": message("费半")}, True, "n1", "n0") == (
        found.messages,
        found.silent,
        found.follows,
        found.edits,
    )
