"""What people set in chat, the routes and the words come together, and survive a restart."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.message import Colour, Instant, Paragraph, Reader, Text
from adapters.rendering.plain import line_text
from adapters.store.port import Commit
from bot.alerts.faces import acknowledged
from bot.alerts.incidents import Numbering, documents_of
from bot.alerts.notices import Incident
from bot.alerts.summaries import summarize
from bot.readers import Profile, Profiles
from bot.routing.dispatch import Dispatcher
from bot.routing.settings import RoutingSettings
from bot.routing.subscriptions import Matcher, Silence, Subscription, silences, subscriptions
from bot.sending.payload import unpack
from rules.model import Reason, Severity, TransitionKind
from tests.bot.routing_kit import UNIVERSE, fired, resolved, transition

NIGHT = datetime(2024, 11, 1, 15, tzinfo=UTC)
"""23:00 in Shanghai."""
DESK = "telegram:-100"
HOUR = timedelta(hours=1)


class Turns:
    """A dispatcher over a store, whose turns are committed."""

    def __init__(self, store, section, evidence=None):
        self.store = store
        self.numbering = Numbering()
        settings = RoutingSettings.model_validate(section)
        self.profiles = Profiles(store.documents, Reader(tz="Asia/Shanghai"))
        self.dispatcher = Dispatcher(
            router=settings.router((DESK,), UNIVERSE),
            settings=settings,
            documents=store.documents,
            profiles=self.profiles,
            universe=UNIVERSE,
            evidence=evidence,
        )

    async def live(self, now, *transitions):
        """A turn as the pipeline takes it: numbered, and kept in the history of each incident."""
        entered = self.numbering.enter(transitions)
        made = await self.dispatcher.dispatch(entered.incidents, now)
        documents = {**made.documents, **await documents_of(entered, self.store.documents)}
        await self.store.states.commit(Commit(alerts={}, outbox=made.outbox, documents=documents))
        self.numbering.settle(entered)
        self.dispatcher.settle(made)
        return [(entry.destination, entry.key) for entry in made.outbox]

    async def everything(self, destination=DESK):
        """The payloads at one destination, in order; each is taken for delivered."""
        found, at = [], datetime(2030, 1, 1, tzinfo=UTC)
        while claimed := await self.store.outbox.claim("reader", at, 10):
            for item in claimed:
                if item.entry.destination == destination:
                    found.append(unpack(item.entry.payload))
                await self.store.outbox.acknowledge(item, "{}", at)
        return found

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


class OneLine:
    """Evidence that is another one each time it is asked for."""

    def __init__(self):
        self.asked = 0

    def beside(self, incidents, lang):
        self.asked += lang == "en"
        return (Paragraph(((Text(f"known at {self.asked}"),),)),)


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


async def test_a_notice_is_edited_as_its_alert_goes_on(store):
    """Recovering, true again and over: each is an edit of the one message; only the end is a message of its own."""
    turns = Turns(store, {})
    ((_, key),) = await turns.live(NIGHT, fired("sox"))
    recovering = transition("sox", TransitionKind.RECOVERING, Reason.CONDITION_FALSE, at=NIGHT + HOUR)
    again = transition("sox", TransitionKind.RELAPSED, Reason.CONDITION_TRUE, at=NIGHT + 2 * HOUR)
    steps = [recovering, again, resolved("sox", at=NIGHT + 3 * HOUR)]
    sent = [await turns.live(item.at, item) for item in steps]
    assert [1, 1, 2] == [len(entries) for entries in sent]
    found = await turns.everything()
    assert [("", ""), ("", key), ("", key), (key, ""), ("", key)] == [(item.follows, item.edits) for item in found]
    titles = ["".join(span.text for span in item.messages["en"].title) for item in found]
    marks = ["", " · recovering", "", " · resolved", " · resolved"]
    assert [f"SOX lags NDX{mark} · sox" for mark in marks] == titles
    assert [False, True, True, False, True] == [item.silent for item in found]


async def test_an_acknowledgement_is_written_on_every_message(store):
    """Whoever reads the alert sees who looks after it; where the message is gone a new one says so."""
    turns = Turns(store, {"to": [DESK, "slack:C1"]})
    opening = fired("sox")
    await turns.live(NIGHT, opening)
    taken = acknowledged(opening, "A-1001", "Li", "on it", NIGHT + HOUR)
    sent = await turns.live(NIGHT + HOUR, taken)
    assert [DESK, "slack:C1"] == [destination for destination, _ in sent]
    payload = (await turns.everything())[-1]
    message = payload.messages["zh"]
    assert (True, False) == (payload.silent, payload.mark)
    assert " · 已跟进" == message.title[1].text
    assert ("👀 已由 Li 跟进，", Instant(NIGHT + HOUR, ""), " · on it") == (
        message.blocks[-1].lines[0][0].text, message.blocks[-1].lines[0][1], message.blocks[-1].lines[0][2].text,
    )  # fmt: skip
    assert not any(button.data.startswith("ack:") for row in message.buttons for button in row)


async def test_an_acknowledgement_of_an_earlier_incident_leaves_the_newer_one_alone(store):
    """The alert fired again meanwhile, under another number and in another message."""
    turns = Turns(store, {})
    opening = fired("sox")
    await turns.live(NIGHT, opening)
    await turns.live(NIGHT + HOUR, resolved("sox", at=NIGHT + HOUR))
    await turns.live(NIGHT + 2 * HOUR, fired("sox", at=NIGHT + 2 * HOUR))
    assert [] == await turns.live(NIGHT + 3 * HOUR, acknowledged(opening, "A-1001", "Li", "", NIGHT + 3 * HOUR))


async def test_a_group_shows_where_each_of_its_alerts_stands(store):
    """While others of the notice fire it is not over; when all are, it is."""
    turns = Turns(store, {"group_by": ["severity"]})
    pair = [fired(f"move{{{name}}}", rule="move", labels={"symbol": name}) for name in ("NVDA", "AMD")]
    await turns.live(NIGHT, *pair)
    for number, item in enumerate(pair, 1):
        end = replace(item, kind=TransitionKind.RESOLVED, reason=Reason.ALL_RESOLVED, at=NIGHT + number * HOUR)
        await turns.live(end.at, end)
    found = [item.messages["en"] for item in await turns.everything() if item.edits]
    assert ["NVDA · resolved", "AMD"] == [row[-1] for row in found[0].blocks[0].rows]
    assert [False, True] == [item.title[1].text == " · resolved" for item in found]
    assert [True, False] == [bool(item.buttons) for item in found]


async def test_an_edit_keeps_what_stood_beside_the_alert(store):
    """The evidence is what was known when it was told; nothing is looked up anew."""
    turns = Turns(store, {}, evidence=OneLine())
    await turns.live(NIGHT, fired("sox"))
    await turns.live(NIGHT + HOUR, resolved("sox", at=NIGHT + HOUR))
    told, end, edited = [item.messages["en"] for item in await turns.everything()]
    assert Paragraph(((Text("known at 1"),),)) == told.blocks[1] == edited.blocks[1]
    assert not any("known at" in str(block) for block in end.blocks)


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
    lines = [line_text(line, Reader(lang="zh", colour=Colour.NONE)) for line in found.blocks[0].lines]
    said = "费半跑输纳指100：费半 ▼ -4.1%，纳指100 ▼ -1.6%"
    ended = "费半跑输纳指100 · 已解除：费半 ▼ -4.1%，纳指100 ▼ -1.6%"
    assert [f"A-1001 {said}", f"A-1002 {said}", f"A-1001 {ended}"] == lines
    assert Severity.CRITICAL == found.severity


def test_what_one_rule_told_of_many_is_one_line_of_a_summary():
    """Each instrument with its figure, ten of them at most."""
    names = [f"S{number}" for number in range(12)]
    storm = [fired(f"move{{{name}}}", rule="move", labels={"symbol": name}, value=0.05, unit="%") for name in names]
    incidents = [Incident(f"A-{1000 + number}", item) for number, item in enumerate(storm)]
    found = summarize([*incidents, Incident("A-1012", fired("sox"))], Reason.STORM, "en")
    first, second = (line_text(line, Reader(colour=Colour.NONE)) for line in found.blocks[0].lines)
    assert first.startswith("A-1000 … A-1011 SOX lags NDX: S0 ▲ +5.0% · S1 ▲ +5.0% · ")
    assert first.endswith("S9 ▲ +5.0% · and 2 more")
    assert second.startswith("A-1012 SOX lags NDX: SOX ▼ -4.1%")


def test_a_long_summary_says_how_much_it_leaves_out():
    """Twenty lines are shown and the rest counted."""
    incidents = [Incident(f"A-{1000 + number}", fired(f"move-{number}")) for number in range(60)]
    found = summarize(incidents, Reason.STORM, "en")
    lines = found.blocks[0].lines
    assert (21, "and 40 more") == (len(lines), lines[-1][0].text)
    assert "SOX lags NDX: 60 at once" == found.title[0].text


async def test_documents_of_routing_are_readable_json(store):
    """An operator can look at them."""
    turns = Turns(store, {})
    await turns.turn(NIGHT, fired("sox"))
    told = json.loads(await store.documents.get("routing_told", "sox"))
    assert "A-1001:fired:2024-11-01T20:00:00+00:00" == told[DESK]["key"]
