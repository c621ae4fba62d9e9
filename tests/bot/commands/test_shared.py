"""Subscriptions, silences and acknowledgements: who changes what, and what is left of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.store.port import LogLine
from bot.alerts.incidents import Numbering, documents_of
from bot.commands.handler import Commands
from bot.feeding.intake import stored_events
from bot.reference.recording import END, START
from bot.routing.subscriptions import Matcher, silences, subscriptions
from rules.engine import Engine
from rules.loading.loader import PACKS, load_packs
from rules.model import TransitionKind
from tests.bot.commands.conftest import Person, shown


@pytest.fixture(scope="session")
def transitions(universe, calendars, week):
    """What the shipped rules decided in the recorded week."""
    engine = Engine(load_packs([PACKS], universe).rules, universe, calendars)
    state = engine.seed(engine.initial_state(START), week.history)
    return engine.advance(state, week.observations, END)[1]


@pytest.fixture
async def numbers(documents, transitions):
    """The numbers of the week's alerts by rule, as the pipeline records them."""
    entered = Numbering().enter([item for item in transitions if item.kind is TransitionKind.FIRED])
    for (collection, key), text in (await documents_of(entered, documents)).items():
        await documents.put(collection, key, text)
    return {item.transition.rule: item.number for item in entered.incidents}


async def test_a_subscription_goes_to_the_person_or_to_the_chat(ann: Person, documents) -> None:
    """``dm`` is the default; ``here`` is the chat that it was asked in."""
    group = ann.at("telegram:-100/7")
    await group.ask("/sub #crypto")
    await group.ask("/sub btc-73k here silent")
    found = await subscriptions(documents).all()
    assert {("telegram:2", "#crypto", False), ("telegram:-100/7", "btc-73k", True)} == {
        (item.destination, str(item.matcher), item.silent) for item in found
    }


async def test_a_subscription_says_what_to_expect(ann: Person) -> None:
    """The rules that it covers, and how often they fired on what is known."""
    assert await ann.read("/sub btc-73k") == (
        "✅ btc-73k comes to you, with sound. Covers btc-73k. Fired 1× on what is known since 24 Oct 2024.\n"
        "[↩ Undo] [My subscriptions]"
    )


async def test_subscribing_twice_is_subscribing_once_and_undo_ends_it(ann: Person, documents) -> None:
    """The confirmation's button ends what it confirmed; pressed again it says that there is nothing."""
    reply = await ann.ask("/sub NVDA")
    await ann.ask("/sub 英伟达")
    assert 1 == len(await subscriptions(documents).all())
    undo = reply.message.buttons[0][0].data
    assert shown(await ann.press(undo)).startswith("✅ NVDA no longer comes (ended by Ann)")
    assert (await ann.press(undo)).toast == "There is no such subscription (any more)."
    assert [] == list(await subscriptions(documents).all())


async def test_a_button_of_another_chat_changes_nothing(ann: Person, documents) -> None:
    """Its data names what it would end; the chat where it is pressed decides whether that is allowed."""
    group = ann.at("telegram:-100")
    undo = (await group.ask("/sub #crypto here")).message.buttons[0][0].data
    elsewhere = await ann.viewer().press(undo)
    assert shown(elsewhere) == "🔒 That belongs to another person or chat."
    assert 1 == len(await subscriptions(documents).all())


async def test_a_mute_ends_when_it_says(ann: Person, documents) -> None:
    """``2h`` from now for the person who asks; the undo button ends it at once."""
    reply = await ann.ask("/mute #crypto 2h")
    assert shown(reply) == "🔕 #crypto muted for you until Sat 2 Nov 04:00, by Ann\n[↩ Undo]"
    (silence,) = await silences(documents).all()
    assert (Matcher("tag", "crypto"), "telegram:2", END + timedelta(hours=2)) == (
        silence.matcher,
        silence.destination,
        silence.end,
    )
    assert shown(await ann.press(reply.message.buttons[0][0].data)) == "🔔 #crypto is heard again, by Ann"


@pytest.mark.parametrize("because", ["because", "因为", "原因："])
async def test_a_mute_keeps_its_reason(ann: Person, documents, because: str) -> None:
    """What follows the word is shown, listed and stored; it is not searched for arguments."""
    reply = await ann.ask(f"/mute #crypto 2h {because} FOMC at 2d")
    assert shown(reply).splitlines()[0] == "🔕 #crypto muted for you until Sat 2 Nov 04:00, by Ann · FOMC at 2d"
    assert ["FOMC at 2d"] == [item.reason for item in await silences(documents).all()]
    assert "🔕 #crypto until 2 Nov 04:00 (Ann) · FOMC at 2d" in shown(await ann.ask("/subs"))


async def test_a_mute_until_the_open_lasts_until_the_instruments_market_opens(ann: Person, documents) -> None:
    """Hong Kong opens on Monday at 01:30 UTC, New York at 14:30."""
    await ann.ask("/mute 0863.HK open")
    await ann.ask("/mute NVDA open")
    ends = {item.matcher.name: item.end for item in await silences(documents).all()}
    assert {
        "0863.HK": datetime(2024, 11, 4, 1, 30, tzinfo=UTC),
        "NVDA": datetime(2024, 11, 4, 14, 30, tzinfo=UTC),
    } == ends


async def test_the_alerts_own_mute_button_silences_its_rule_in_the_chat(ann: Person, numbers, documents) -> None:
    """Pressed by an analyst in a group, it holds for the group; the alert itself stays readable."""
    reply = await ann.at("telegram:-100").press(f"mute:{numbers['btc-etf-outflow']}:open")
    assert not reply.edit
    (silence,) = await silences(documents).all()
    assert ("telegram:-100", "btc-etf-outflow") == (silence.destination, silence.matcher.name)


async def test_a_silence_holds_its_rule_at_its_destination_until_it_ends(ann: Person, documents, transitions) -> None:
    """What delivery asks of a silence."""
    await ann.ask("/mute btc-73k 1h")
    (silence,) = await silences(documents).all()
    crossed = next(item for item in transitions if item.rule == "btc-73k")
    other = next(item for item in transitions if item.rule == "sox-lags-ndx")
    assert silence.holds(crossed, "telegram:2", END)
    assert not silence.holds(crossed, "telegram:9", END)
    assert not silence.holds(other, "telegram:2", END)
    assert not silence.holds(crossed, "telegram:2", END + timedelta(hours=1))


@pytest.mark.parametrize("span", ["1m", "31d", "999w"])
async def test_a_mute_is_neither_a_blink_nor_for_ever(ann: Person, span: str) -> None:
    """Five minutes to thirty days."""
    assert (await ann.read(f"/mute #crypto {span}")).startswith(f"✋ {span} is out of range")


async def test_the_first_to_acknowledge_is_named_on_the_alert(ann: Person, numbers) -> None:
    """The alert is edited with the name; who presses later is told who was first."""
    number = numbers["btc-etf-outflow"]
    group = ann.at("telegram:-100")
    first = await group.press(f"ack:{number}")
    assert first.edit
    assert shown(first).startswith("⚠️ US spot BTC ETFs: net outflow")
    assert "👀 acknowledged by Ann, " in shown(first)
    assert first.toast == f"👀 {number} acknowledged by Ann, 2 Nov 02:00"
    second = await replace(group, id="telegram:1", name="Bob").press(f"ack:{number}")
    assert second.toast == first.toast


async def test_acknowledging_a_group_keeps_the_whole_group(ann: Person, numbers, transitions) -> None:
    """One press answers for everything that was told in that message."""
    group = [item for item in transitions if item.rule == "week-move-10" and item.kind is TransitionKind.FIRED]
    text = shown(await ann.at("telegram:-100").press(f"ack:{numbers['week-move-10']}"))
    assert len(group) > 5
    assert all(item.labels["symbol"] in text for item in group)


async def test_only_an_analyst_publishes_the_digest(ann: Person) -> None:
    """The draft's buttons name the week; the answer names what became of it."""
    assert "analyst role" in shown(await ann.viewer().press("digest:publish:2024-W44"))
    assert shown(await ann.press("digest:approve:2024-W44")) == "There is no draft of 2024-W44 yet."


async def test_why_shows_the_recorded_trace_and_the_deliveries(ann: Person, numbers, desk) -> None:
    """Each sub-expression with value and source, what decided, its state, where it was sent, and what it waits for."""
    number = numbers["sox-lags-ndx"]
    desk.deliveries.lines = [LogLine(f"{number}:fired:x", "slack:C1", END, "sent", "{}", 1)]
    text = await ann.read(f"/why {number}")
    assert text.startswith(f"🔎 Why {number} fired · SOX lags NDX this week")
    assert "rel(SOX, NDX, this_week)          -2.5pp" in text
    assert "Decided by: rel(SOX, NDX, this_week) <= -2pp" in text
    assert "Data: final · Wind (printed weekly) · 1 Nov 20:00 UTC" in text
    assert "idle → firing (first)" in text
    assert "Counts as one alert: sox-lags-ndx{}@2024-W44" in text
    assert "2 Nov 02:00:00 · slack:C1 · sent" in text
    assert "Resolves when: rel(SOX, NDX, this_week) > -1.5pp\nFires at most once a week" in text
    assert " · indices.yaml:5:11" in text


async def test_why_of_a_rule_that_did_not_fire_shows_how_far_it_is(ann: Person) -> None:
    """Without an alert there is no record, so the present standing is shown as such."""
    text = await ann.read("/why btc-73k")
    assert "btc-73k is not true" in text
    assert "$69,482 → $73,000: 5.1% away" in text


async def test_replay_shows_dates_and_what_followed(ann: Person) -> None:
    """The production engine over what is known, with the next session's return."""
    text = await ann.read("/replay btc-73k 2024-10-28..2024-11-01")
    assert "Would have fired 1×" in text
    assert "29 Oct 2024    $73,577  -0.5%    —  intraday only" in text


async def test_subscriptions_follow_a_group_that_became_a_supergroup(ann: Person, documents) -> None:
    """Its subscriptions, silences and settings are carried to the new address."""
    group = ann.at("telegram:-100")
    for line in ("/sub #crypto here", "/mute #etf 1d", "/settings lang zh"):
        await group.ask(line)
    await ann.commands.moved("telegram:-100", "telegram:-100200")
    assert ["telegram:-100200"] == [item.destination for item in await subscriptions(documents).all()]
    assert ["telegram:-100200"] == [item.destination for item in await silences(documents).all()]
    assert "zh" == (await ann.commands._desk.profiles.get("telegram:-100200")).lang


async def test_what_goes_to_a_chat_that_removed_the_bot_is_parked(ann: Person, documents, transitions) -> None:
    """The subscription stays, wants nothing, and says why."""
    await ann.at("telegram:-100").ask("/sub btc-73k here")
    await ann.commands.removed("telegram:-100")
    (item,) = await subscriptions(documents).all()
    assert "removed" == item.parked
    assert not any(item.wants(each) for each in transitions)


async def test_a_list_of_the_universe_can_be_followed_and_muted(ann: Person, documents, transitions) -> None:
    """``#miners`` brings what is told of miners, by whichever rule; the confirmation counts the alerts on miners."""
    text = await ann.read("/sub #miners")
    assert "Covers 7 rules: earnings-tomorrow, week-move-10," in text
    assert "since 29 Dec 2023" in text
    await ann.ask("/mute #miners 1d")
    (wish,), (silence,) = await subscriptions(documents).all(), await silences(documents).all()
    fired = next(each for each in transitions if each.labels.get("symbol"))
    lists = frozenset({"miners"})
    assert (True, False) == (wish.wants(fired, lists), wish.wants(fired, frozenset({"ai"})))
    assert (True, False) == (
        silence.holds(fired, "telegram:2", END, lists),
        silence.holds(fired, "telegram:2", END, frozenset({"ai"})),
    )


async def test_buttons_work_after_a_restart(ann: Person, desk) -> None:
    """Everything is in the store and in the button: another process answers as this one would."""
    undo = (await ann.ask("/sub #crypto")).message.buttons[0][0].data
    restarted = replace(ann, commands=Commands(desk))
    assert shown(await restarted.press(undo)).startswith("✅ #crypto no longer comes")


async def test_settings_are_kept_per_person_and_per_chat(ann: Person) -> None:
    """A chat's own settings win where others read along; a person's hold in the direct chat."""
    await ann.ask("/settings zh tz Asia/Shanghai quiet 23:00-07:30")
    assert (await ann.read("/idx")).startswith("📊 主要指数")
    group = ann.at("telegram:-100")
    await group.ask("/settings en colour none")
    assert (await group.read("/movers crypto 1w")).startswith("📊 Crypto equities")
    assert "\n▲ Up\n" in await group.read("/movers crypto 1w")


async def test_onboarding_takes_two_taps(ann: Person, documents) -> None:
    """A language, then something to follow."""
    welcome = await ann.ask("/start")
    follow = await ann.press(welcome.message.buttons[0][0].data)
    done = await ann.press(follow.message.buttons[0][0].data)
    assert shown(done).startswith("✅ You get every #crypto alert here.")
    assert ["#crypto"] == [str(item.matcher) for item in await subscriptions(documents).all()]


async def test_an_event_that_somebody_adds_is_kept_where_every_process_looks(ann: Person, documents) -> None:
    """With those of the feeds, so that it is there after a restart; only what people added can be taken back."""
    added = await ann.ask('/cal add 2024-11-07 "Investor day"')
    (event,) = await stored_events(documents)
    assert ("Investor day", "Ann") == (event.title["zh"], event.source)
    assert "Investor day" in await ann.read("/cal week")
    assert "no such event" in await ann.read("/cal remove fomc")
    await ann.press(added.message.buttons[0][0].data)
    assert ([], False) == (await stored_events(documents), "Investor day" in await ann.read("/cal week"))
    assert "no such event" in shown(await ann.press(added.message.buttons[0][0].data))
