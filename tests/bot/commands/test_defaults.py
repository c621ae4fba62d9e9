"""A command without arguments answers with something useful, never with how it is to be used."""

from __future__ import annotations

import pytest

from bot.alerts.incidents import Numbering, documents_of
from bot.reference.recording import END, START
from rules.engine import Engine
from rules.loading.loader import PACKS, load_packs
from rules.model import TransitionKind
from tests.bot.commands.conftest import Person, shown


@pytest.fixture(scope="module")
def fired(universe, calendars, week):
    """The alerts of the recorded week."""
    engine = Engine(load_packs([PACKS], universe).rules, universe, calendars)
    state = engine.seed(engine.initial_state(START), week.history)
    told = engine.advance(state, week.observations, END)[1]
    return [item for item in told if item.kind is TransitionKind.FIRED]


@pytest.fixture
async def told(documents, fired) -> str:
    """The week's alerts are on record; the number of the newest."""
    entered = Numbering().enter(fired)
    for (collection, key), text in (await documents_of(entered, documents)).items():
        await documents.put(collection, key, text)
    return entered.incidents[-1].number


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("/quote", "📈 NDX · SOX · HSI · BTC · NVDA"),
        ("/chart", "📈 ^NDX (Nasdaq 100)"),
        ("/earn", "🧾 AMZN (Amazon)"),
        ("/alert", "You have no alerts. e.g. /alert NVDA > 140"),
        ("/unalert", "You have no alerts."),
        ("/sub", "🔔 Subscriptions"),
        ("/unsub", "🔔 Subscriptions"),
        ("/mute", "[🔕 All, 1h]"),
        ("/unmute", "🔔 Subscriptions"),
        ("/replay", "⏪ Replay btc-etf-outflow, 1y"),
        ("/replay 3mo", "⏪ Replay btc-etf-outflow, 3mo"),
    ],
)
async def test_no_arguments_give_a_useful_default(ann: Person, told: str, line: str, part: str) -> None:
    """Whatever is most likely meant."""
    assert part in await ann.read(line)


async def test_why_alone_explains_the_newest_alert(ann: Person, told: str) -> None:
    """Which one it is, is said."""
    assert (await ann.read("/why")).startswith(f"🔎 Why {told} fired")


async def test_ack_alone_offers_what_nobody_looks_after(ann: Person, told: str) -> None:
    """What was taken is not offered again."""
    offered = (await ann.ask("/ack")).message.buttons[0][0]
    assert f"ack:{told}" == offered.data
    await ann.ask(f"/ack {told}")
    assert told not in await ann.read("/ack")


@pytest.mark.parametrize(("line", "part"), [("/why", "Near to firing"), ("/replay", "⏪ Replay"), ("/ack", "no alert")])
async def test_before_the_first_alert_there_is_a_default_too(ann: Person, line: str, part: str) -> None:
    """The rules that are nearest to firing stand in for it."""
    assert part in await ann.read(line)


async def test_quote_alone_shows_what_is_followed(ann: Person) -> None:
    """An instrument that somebody subscribed to comes before what most people ask for."""
    await ann.ask("/sub AMD")
    assert (await ann.read("/quote")).startswith("📈 AMD (AMD)")


async def test_an_open_question_can_be_dropped(ann: Person) -> None:
    """The last button under a question replaces it with a word that says so."""
    question = await ann.ask("/quote NVDIA")
    cancel = question.message.buttons[0][-1]
    reply = await ann.press(cancel.data)
    assert ("Cancel", True, "Dropped.") == (cancel.text, reply.edit, shown(reply))


async def test_a_guessed_verb_is_one_tap_away(ann: Person) -> None:
    """With the arguments that were typed behind it."""
    question = await ann.ask("/mover crypto 1w")
    assert "movers:crypto:1w" == question.message.buttons[0][0].data


async def test_a_guessed_symbol_sets_the_alert_that_was_meant(ann: Person) -> None:
    """Not a quote of it."""
    question = await ann.ask("/alert NVDIA > 140")
    assert (await ann.press(question.message.buttons[0][0].data)).message.summary.endswith("NVDA > 140")


async def test_who_may_not_subscribe_the_channel_subscribes_himself_by_a_tap(ann: Person, documents) -> None:
    """The refusal holds the way on."""
    refusal = await ann.viewer().at("telegram:-100").ask("/sub #crypto here")
    reply = await ann.viewer().at("telegram:-100").press(refusal.message.buttons[0][0].data)
    assert shown(reply).startswith("✅ #crypto comes to you")
