"""Who may ask what, and what happens to requests that nobody should send."""

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.chat.port import Chat, Origin, Request, User
from bot.commands.access import Role, role_of
from bot.commands.catalogue import VERBS
from bot.commands.handler import Commands
from bot.operations.maintainers import Maintainers
from bot.reference.recording import END
from bot.sending.payload import unpack
from bot.settings import AccessSettings
from tests.bot.commands.conftest import ACCESS, OpenLimits, Person, shown
from tests.bot.digest.kit import MemoryStore

NOBODYS = {name for name, verb in VERBS.items() if verb.role is Role.NOBODY}


def _from(user: str, chat: str, platform: str = "telegram") -> Request:
    kind = "direct" if user == chat else "group"
    return Request(
        id="1",
        platform=platform,
        origin=Origin.COMMAND,
        user=User(user),
        chat=Chat(chat, kind),
        verb="",
        text="",
        at=END,
    )


@pytest.mark.parametrize(
    ("user", "chat", "role"),
    [
        ("telegram:1", "telegram:1", Role.ADMIN),
        ("telegram:1", "telegram:-999", Role.ADMIN),
        ("telegram:2", "telegram:2", Role.ANALYST),
        ("telegram:3", "telegram:3", Role.VIEWER),
        # A chat's entry makes its members viewers, in its topics too.
        ("telegram:666", "telegram:-100", Role.VIEWER),
        ("telegram:666", "telegram:-100/7", Role.VIEWER),
        ("telegram:666", "telegram:666", Role.NOBODY),
        ("telegram:666", "telegram:-1001", Role.NOBODY),
        # The same number on another platform is another person.
        ("slack:1", "slack:1", Role.NOBODY),
    ],
)
def test_a_role_comes_from_the_settings(user: str, chat: str, role: Role) -> None:
    """People count anywhere, chats for their members."""
    assert role_of(_from(user, chat), ACCESS) == role


def test_an_open_bot_makes_everybody_a_viewer() -> None:
    """``access.open`` admits everyone who can reach the bot, as a viewer."""
    assert role_of(_from("telegram:666", "telegram:666"), AccessSettings(open=True)) == Role.VIEWER


def test_whoever_sits_at_the_terminal_is_an_admin() -> None:
    """The terminal belongs to who has the settings anyway."""
    assert role_of(_from("console:", "console:", "console"), AccessSettings()) == Role.ADMIN


@pytest.mark.parametrize("verb", sorted(set(VERBS) - NOBODYS))
async def test_a_stranger_gets_one_polite_line_with_the_id_to_be_let_in(ann: Person, verb: str) -> None:
    """Commands and buttons alike say who must be added, and nothing else."""
    eve = ann.stranger()
    line = "🔒 This chat isn't allowed yet. Please ask an admin to add telegram:666 (or you: telegram:666)."
    assert line == await eve.read(f"/{verb}")
    assert line == shown(await eve.press(f"{verb}:A-1001"))


async def test_anybody_can_ask_for_the_ids_of_the_chat(ann: Person) -> None:
    """``/tg_info`` works before the chat is allowed, topic included."""
    text = await ann.stranger().at("telegram:-555/7").read("/tg_info")
    assert text == "🪪 ID\nChat: telegram:-555\nTopic: 7\nYou: telegram:666\nRole: not allowed yet"


async def test_too_many_requests_are_told_how_long_to_wait(ann: Person, limits) -> None:
    """An empty bucket is answered with the seconds until it has a token."""
    limits.wait = 3.2
    assert await ann.read("/movers") == "⏳ One moment: too many requests. Try again in 3 s."


async def test_an_unreachable_store_is_said_and_nothing_breaks(ann: Person, documents) -> None:
    """Where the store is away, the reply says so in the asker's language."""
    documents.away = True
    assert await ann.read("/subs") == "🩺 The store can't be reached; nothing was changed. Try again in a minute."


async def test_a_defect_becomes_an_incident_number(desk, ann: Person) -> None:
    """What breaks inside is told as a number, never as a stack trace."""

    async def broken(ctx, args):
        raise ZeroDivisionError("secret detail")

    verbs = {**VERBS, "status": replace(VERBS["status"], command=broken)}
    text = await replace(ann, commands=Commands(desk, verbs)).read("/status")
    assert text.startswith("⚠️ Something broke (E-")
    assert text.endswith("the log says what")
    assert "secret" not in text


async def test_maintainers_are_told_of_a_defect_once(desk, ann: Person) -> None:
    """By its number and kind, without what it says; the same defect isn't told again within the hour."""

    async def broken(ctx, args):
        raise ZeroDivisionError("secret detail")

    store, limits = MemoryStore(), OpenLimits()
    desk = replace(desk, maintainers=Maintainers(store, limits, ["telegram:1"]))
    verbs = {**VERBS, "status": replace(VERBS["status"], command=broken)}
    asker = replace(ann, commands=Commands(desk, verbs))
    text = await asker.read("/status")
    limits.wait = 60.0
    assert text.endswith("maintainers notified")
    assert (await asker.read("/status")).endswith("maintainers notified")
    (entry,) = store.sent.values()
    told = unpack(entry.payload).messages["en"].summary
    assert ("telegram:1", True, False) == (
        entry.destination,
        "/status failed with ZeroDivisionError" in told,
        "secret" in told,
    )


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("what about $NVDA and $AMD today?", "📈 NVDA · AMD"),
        ("英伟达", "📈 NVDA (Nvidia)"),
        ("nvidia", "📈 NVDA (Nvidia)"),
        ("movers crypto 1w", "📊 Crypto equities · top 5 movers, week to 1 Nov 2024"),
        ("863.HK", "📈 0863.HK (OSL)"),
        ("1810", "📈 1810.HK (Xiaomi)"),
    ],
)
async def test_words_without_a_command_are_understood_in_a_direct_chat(ann: Person, words: str, first: str) -> None:
    """A verb without its slash, names, and ``$SYMBOL`` anywhere in a sentence."""
    assert first == (await ann.read(words)).split("\n")[0]


async def test_small_talk_in_a_group_is_left_alone(ann: Person) -> None:
    """Words that name nothing are nobody's business."""
    assert await ann.at("telegram:-100").send("", "lunch at 12?", Origin.TEXT) is None


@pytest.mark.parametrize("order", ["crypto 1w 3 up", "up 3 crypto 1w", "1W UP CRYPTO n=3", "３ ｃｒｙｐｔｏ up 1w"])
async def test_arguments_come_in_any_order_and_width(ann: Person, order: str) -> None:
    """The same words mean the same, wherever they stand and however they are typed."""
    assert await ann.read("/movers crypto 1w 3 up") == await ann.read(f"/movers {order}")


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "<b>bold</b> &amp; <!channel> *_`~",
        "\u202eADVN\u202c \u200bNV\u200bDA",
        "../../etc/passwd",
        "A|B",
        "{ctx} %s %(x)d {0.__class__}",
        "\x00\x1b[31mred",
        "NVDA " * 500,
        "🤷‍♀️" * 300,
        "\ud800",
        ":::::",
    ],
)
@pytest.mark.parametrize("verb", sorted(VERBS))
async def test_hostile_text_gets_a_short_reply(ann: Person, verb: str, text: str) -> None:
    """No text crashes a command, is echoed at length, or costs an incident."""
    for reply in (await ann.ask(f"/{verb} {text}"), await ann.press(f"{verb}:{text}")):
        assert "Something broke" not in shown(reply)
        assert len(shown(reply)) < 4096


TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(["NVDA", "BTC", "crypto", "1w", "5", "#crypto", "here", "A-1", "all", "2h", "=X", ":", "add"]),
        max_size=6,
    ).map(" ".join),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verb=st.sampled_from([*sorted(VERBS), "", "nonsense"]), text=TEXTS, origin=st.sampled_from(Origin))
async def test_no_input_breaks_the_handler(ann: Person, verb: str, text: str, origin: Origin) -> None:
    """Whatever is asked, however, there is an answer or silence, and every button's data fits its platform."""
    reply = await ann.send(verb, text, origin)
    if reply is not None:
        assert "Something broke" not in shown(reply)
        assert all(0 < len(b.data.encode()) <= 64 for row in reply.message.buttons for b in row)
        assert json.dumps(reply.message.summary)


def test_the_menu_says_what_each_command_is_for_in_both_languages(ann: Person) -> None:
    """Every entry has a summary in English and in Chinese."""
    assert [entry.verb for entry in ann.commands.menu][:3] == ["movers", "quote", "flows"]
    assert all(entry.summary["en"] and entry.summary["zh"] for entry in ann.commands.menu)
