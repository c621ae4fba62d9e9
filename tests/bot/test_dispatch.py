"""What people set in chat, the routes and the words come together, and survive a restart."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.message import Reader
from adapters.store.port import Commit
from bot.dispatch import Dispatcher
from bot.incidents import Numbering, documents_of
from bot.notices import Incident
from bot.payload import unpack
from bot.readers import Profile, Profiles
from bot.routing_settings import RoutingSettings
from bot.subscriptions import Matcher, Silence, Subscription, silences, subscriptions
from bot.summaries import summarize
from rules.model import Reason, Severity
from tests.bot.routing_kit import UNIVERSE, fired, resolved

NIGHT = datetime(2024, 11, 1, 15, tzinfo=UTC)
"""23:00 in Shanghai."""
DESK = "telegram:-100"
HOUR = timedelta(hours=1)


class Turns:
    """A dispatcher over a store, whose turns are committed."""

    def __init__(self, store, section):
        self.store = store
        settings = RoutingSettings.model_validate(section)
        self.profiles = Profiles(store.documents, Reader(tz="Asia/Shanghai"))
        self.dispatcher = Dispatcher(
            router=settings.router((DESK,), UNIVERSE),
            settings=settings,
            documents=store.documents,
            profiles=self.profiles,
            universe=UNIVERSE,
        )

    async def turn(self, now, *transitions):
        incidents = [Incident(f"A-{1000 + number}", item) for number, item in enumerate(transitions, 1)]
        made = await self.dispatcher.dispatch(incidents, now)
        commit = Commit(alerts={}, outbox=made.outbox, documents=made.documents, decisions=made.decisions)
        await self.store.states.commit(commit)
        self.dispatcher.settle(made)
        return [(entry.destination, entry.key) for entry in made.outbox]

    async def waiting(self):
        claimed = await self.store.outbox.claim("reader", datetime(2030, 1, 1, tzinfo=UTC), 10)
        return [unpack(item.entry.payload) for item in claimed]


async def test_the_quiet_hours_that_a_chat_set_hold(store):
    """What comes at night waits for the chat's own morning, over a restart, and comes as one summary."""
    turns = Turns(store, {})
    await turns.profiles.put(DESK, Profile(quiet="23:00-07:30", tz="Asia/Shanghai"))
    assert [] == await turns.turn(NIGHT, fired("sox"), fired("btc"))
    restarted = Turns(store, {})
    await restarted.dispatcher.start(NIGHT + HOUR)
    assert NIGHT + 8.5 * HOUR == restarted.dispatcher.next_due
    assert 1 == len(await restarted.turn(NIGHT + 8.5 * HOUR))
    (payload,) = await restarted.waiting()
    assert ("While it was quiet: 2", "免打扰期间共 2 条") == tuple(
        payload.messages[lang].title[0].text for lang in ("en", "zh")
    )


@pytest.mark.parametrize("quiet", ["", "off", "nonsense"])
async def test_a_chat_may_switch_quiet_hours_off(store, quiet):
    """What the chat set counts, not what the settings say for all."""
    turns = Turns(store, {"quiet": "22:00-08:00"})
    assert [] == await turns.turn(NIGHT, fired("sox"))
    await turns.profiles.put(DESK, Profile(quiet=quiet))
    assert 1 == len(await turns.turn(NIGHT + HOUR, fired("btc")))


async def test_a_subscription_and_a_silence_set_in_chat_count(store):
    """Who subscribed gets it; where it is silenced it is not sent, and the log says so."""
    turns = Turns(store, {"to": []})
    about = Matcher("rule", "sox")
    people = {"owner": "telegram:7", "owner_name": "Li", "created_at": NIGHT}
    for number, destination in enumerate(("telegram:7", "slack:C1")):
        subscription = Subscription(id=f"S-{number}", destination=destination, matcher=about, **people)
        await subscriptions(store.documents).put(subscription)
    silence = Silence(
        id="M-1",
        destination="slack:C1",
        matcher=about,
        start=NIGHT,
        end=NIGHT + HOUR,
        author="slack:U1",
        author_name="Wu",
    )
    await silences(store.documents).put(silence)
    sent = await turns.turn(NIGHT, fired("sox"), fired("btc"))
    assert ["telegram:7"] == [destination for destination, _ in sent]
    (line,) = await store.outbox.log()
    assert ("slack:C1", "suppressed_silence", "silenced by Wu (M-1)") == (line.destination, line.outcome, line.detail)


async def test_the_end_is_threaded_under_the_beginning(store):
    """The payload of the end names the notice that announced it."""
    turns = Turns(store, {})
    ((_, key),) = await turns.turn(NIGHT, fired("sox"))
    await turns.turn(NIGHT + HOUR, resolved("sox", at=NIGHT + HOUR))
    (first,) = await store.outbox.claim("a", NIGHT + HOUR)
    await store.outbox.acknowledge(first, "{}", NIGHT + HOUR)
    (payload,) = await turns.waiting()
    assert key == payload.follows


async def test_a_notice_is_marked_when_its_alert_is_over(store):
    """The first message keeps its words and says that it is over; the end itself is threaded under it."""
    turns = Turns(store, {})
    opening, closing = fired("sox"), resolved("sox", at=NIGHT + HOUR)
    ((_, key),) = await turns.turn(NIGHT, opening)
    entered = Numbering().enter([opening])
    await store.states.commit(Commit(alerts={}, documents=await documents_of(entered, store.documents)))
    mark, end = await turns.turn(NIGHT + HOUR, closing)
    assert (f"{end[1]}:mark", DESK) == (mark[1], mark[0])
    for _ in range(2):
        (claimed,) = await store.outbox.claim("a", NIGHT + HOUR)
        payload = unpack(claimed.entry.payload)
        await store.outbox.acknowledge(claimed, "{}", NIGHT + HOUR)
    assert ("", key) == (payload.follows, payload.edits)
    title = payload.messages["en"].title
    assert ("SOX lags NDX", " · resolved") == (title[0].text, title[-1].text)


async def test_a_group_is_not_marked_for_one_of_its_alerts(store):
    """While others of the notice fire it is not over."""
    turns = Turns(store, {"group_by": ["severity"]})
    pair = [fired("move{NVDA}", rule="move"), fired("move{AMD}", rule="move")]
    await turns.turn(NIGHT, *pair)
    entered = Numbering().enter(pair)
    await store.states.commit(Commit(alerts={}, documents=await documents_of(entered, store.documents)))
    assert 1 == len(await turns.turn(NIGHT + HOUR, resolved("move{NVDA}", rule="move", at=NIGHT + HOUR)))


async def test_a_turn_that_was_not_committed_is_decided_again(store):
    """Nothing is remembered before the commit."""
    turns = Turns(store, {})
    incident = Incident("A-1001", fired("sox"))
    first = await turns.dispatcher.dispatch([incident], NIGHT)
    second = await turns.dispatcher.dispatch([incident], NIGHT)
    assert first.outbox == second.outbox


async def test_a_quiet_turn_reads_nothing(store):
    """Without an incident, and with nothing due, there is nothing to commit."""
    made = await Turns(store, {}).dispatcher.dispatch([], NIGHT)
    assert ((), (), None) == (made.outbox, made.decisions, made.documents)


def test_a_summary_lists_what_came_in_order():
    """A line an incident with its number, what ended marked as such; the strongest severity is the message's."""
    incidents = [
        Incident("A-1001", fired("sox")),
        Incident("A-1002", fired("btc", severity=Severity.CRITICAL)),
        Incident("A-1001", resolved("sox")),
    ]
    found = summarize(incidents, Reason.SUPPRESSED_BUDGET, "zh")
    assert ["A-1001", "A-1002", "A-1001"] == [row[0] for row in found.blocks[0].rows]
    assert "费半跑输纳指100 · 已解除 · 费半 -4.1%，纳指100 -1.6%" == found.blocks[0].rows[2][1]
    assert Severity.CRITICAL == found.severity


def test_a_long_summary_says_how_much_it_leaves_out():
    """Twenty lines are shown and the rest counted."""
    incidents = [Incident(f"A-{1000 + number}", fired(f"move{{{number}}}")) for number in range(60)]
    found = summarize(incidents, Reason.STORM, "en")
    assert (20, "and 40 more") == (len(found.blocks[0].rows), found.blocks[1].lines[0][0].text)
    assert "SOX lags NDX: 60 at once" == found.title[0].text


async def test_documents_of_routing_are_readable_json(store):
    """An operator can look at them."""
    turns = Turns(store, {})
    await turns.turn(NIGHT, fired("sox"))
    told = json.loads(await store.documents.get("routing_told", "sox"))
    assert "A-1001:fired:2024-11-01T20:00:00+00:00" == told[DESK]["key"]
