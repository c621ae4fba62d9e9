import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from pydantic import SecretStr

from adapters.chat.inbox import COLLECTION
from adapters.chat.port import Chat, Origin, Reply, Request, User
from adapters.chat.telegram import TelegramFrontEnd
from adapters.clock import SystemClock
from adapters.message import Button, Message, Reader, Text
from adapters.notifiers.port import Misconfigured
from adapters.notifiers.telegram import TelegramNotifier
from tests.fakes.chat_application import ScriptedApplication, said, until
from tests.fakes.documents import MemoryDocuments
from tests.fakes.faults import Kind
from tests.fakes.leases import MemoryLeases
from tests.fakes.telegram_server import FakeTelegram

DESK = -1001
READER = 42


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    """A service with a desk group that has a topic, and a reader."""
    async with FakeTelegram() as server:
        server.add_chat(DESK, "supergroup", title="Desk", topics={7})
        server.add_chat(READER)
        yield server


@asynccontextmanager
async def listening(
    telegram: FakeTelegram,
    application: ScriptedApplication,
    leases: MemoryLeases | None = None,
    *,
    patience_s: float = 5.0,
    lease_s: float = 3.0,
    documents: MemoryDocuments | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """A front end at work."""
    clock = SystemClock()
    token = SecretStr(telegram.token)
    async with TelegramNotifier(token, clock, telegram.base_url) as notifier:
        front_end = TelegramFrontEnd(
            token,
            application,
            notifier,
            leases or MemoryLeases(),
            clock,
            base_url=telegram.base_url,
            lease_s=lease_s,
            patience_s=patience_s,
            documents=documents,
        )
        task = asyncio.create_task(front_end.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def texts(telegram: FakeTelegram, chat: int | None = None) -> list[str]:
    """What the bot said, in order."""
    return [message.text for message in telegram.sent(chat)]


async def test_a_command_in_private_is_answered(telegram: FakeTelegram) -> None:
    """The request carries verb, rest, user, language and chat."""
    application = ScriptedApplication()
    async with listening(telegram, application):
        telegram.say(READER, "/Movers crypto 1w", lang="zh-hans")
        await until(lambda: telegram.sent(READER))
    (request,) = application.requests
    assert (request.origin, request.verb, request.text) == (Origin.COMMAND, "movers", "crypto 1w")
    assert request.user == User("telegram:42", "User 42", "zh-hans")
    assert request.chat == Chat("telegram:42", "direct")
    assert texts(telegram) == ["movers|crypto 1w"]


async def test_a_group_is_answered_in_the_topic_under_the_question(telegram: FakeTelegram) -> None:
    """The reply is threaded to the asker; a command of another bot is not ours."""
    application = ScriptedApplication()
    async with listening(telegram, application):
        telegram.say(DESK, "/movers@other_bot", topic=7)
        asked = telegram.say(DESK, "/movers@tapewatch_bot ai", topic=7)
        await until(lambda: telegram.sent(DESK))
    (request,) = application.requests
    assert request.chat == Chat(f"telegram:{DESK}/7", "group", "Desk")
    (reply,) = telegram.sent(DESK)
    assert (reply.text, reply.thread, reply.reply_to) == ("movers|ai", 7, asked)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("how is $NVDA doing", (Origin.TEXT, "", "how is $NVDA doing")),
        ("@tapewatch_bot movers crypto", (Origin.COMMAND, "movers", "crypto")),
        ("hey @Tapewatch_Bot what is up", (Origin.TEXT, "", "hey   what is up")),
        ("İİİ @tapewatch_bot NVDA", (Origin.TEXT, "", "İİİ   NVDA")),
        ("@tapewatch_bots NVDA", None),
        ("lunch?", None),
    ],
)
async def test_without_privacy_mode_the_group_is_heard_where_it_speaks_to_the_bot(
    telegram: FakeTelegram, text: str, expected: tuple[Origin, str, str] | None
) -> None:
    """A cashtag or a mention is for the bot; small talk isn't."""
    application = ScriptedApplication()
    telegram.privacy = False
    async with listening(telegram, application):
        telegram.say(DESK, text)
        telegram.say(DESK, "/movers last")
        await until(lambda: any(request.text == "last" for request in application.requests))
    heard = [(request.origin, request.verb, request.text) for request in application.requests]
    assert [(origin, verb, text) for origin, verb, text in heard if text != "last"] == ([expected] if expected else [])


async def test_words_in_private_are_commands_where_they_are_a_verb(telegram: FakeTelegram) -> None:
    """Nobody has to type a slash."""
    application = ScriptedApplication()
    async with listening(telegram, application):
        for text in ("movers ai", "NVDA"):
            telegram.say(READER, text)
        await until(lambda: len(application.requests) == 2)
    heard = {(request.origin, request.verb, request.text) for request in application.requests}
    assert heard == {(Origin.COMMAND, "movers", "ai"), (Origin.TEXT, "", "NVDA")}


def with_buttons(text: str, *data: str, edit: bool = False, toast: str = "") -> Reply:
    """A reply with a row of buttons."""
    row = tuple(Button(datum, datum) for datum in data)
    return Reply(
        message=Message(summary=text, title=(Text(text),), buttons=(row,)), reader=Reader(), edit=edit, toast=toast
    )


async def test_a_button_edits_its_message_and_stops_its_spinner(telegram: FakeTelegram) -> None:
    """The data arrives as verb and argument, with the message that it stands under."""

    def script(request: Request) -> Reply:
        if request.origin is Origin.BUTTON:
            return with_buttons("muted by User 42", "unmute:A-1", edit=True, toast="muted")
        return with_buttons("alert", "mute:A-1:open")

    application = ScriptedApplication(script)
    async with listening(telegram, application):
        telegram.say(DESK, "/movers", topic=7)
        await until(lambda: telegram.sent(DESK))
        (alert,) = telegram.sent(DESK)
        query = telegram.press(alert, "mute:A-1:open")
        await until(lambda: alert.edits)
    request = application.requests[1]
    assert (request.verb, request.text, request.chat.destination) == ("mute", "A-1:open", f"telegram:{DESK}/7")
    assert request.pressed is not None
    assert request.pressed.message_id == str(alert.id)
    assert telegram.callback_answers[query] == {"answered": True, "text": "muted"}
    assert (alert.text, [button["text"] for button in alert.keyboard[0]]) == ("muted by User 42", ["unmute:A-1"])


async def test_a_button_under_a_message_that_is_gone_sends_a_new_one(telegram: FakeTelegram) -> None:
    """Old buttons keep working."""
    application = ScriptedApplication(lambda request: with_buttons("done", "x:1", edit=request.verb == "x"))
    async with listening(telegram, application):
        telegram.say(READER, "/start")
        await until(lambda: telegram.sent(READER))
        (message,) = telegram.sent(READER)
        message.editable = False
        telegram.press(message, "x:1")
        await until(lambda: len(telegram.sent(READER)) == 2)


async def test_silence_still_stops_the_spinner(telegram: FakeTelegram) -> None:
    """A press that has no answer is acknowledged."""
    application = ScriptedApplication(lambda request: None if request.origin is Origin.BUTTON else said("x"))
    async with listening(telegram, application):
        telegram.say(READER, "/start")
        await until(lambda: telegram.sent(READER))
        query = telegram.press(telegram.sent(READER)[0], "forged:data")
        await until(lambda: telegram.callback_answers[query])
    assert texts(telegram) == ["x"]


def slow(answer: Reply) -> tuple[asyncio.Event, Callable[[Request], Awaitable[Reply]]]:
    """A script that answers when it is told to."""
    released = asyncio.Event()

    async def script(request: Request) -> Reply:
        await released.wait()
        return answer

    return released, script


async def test_a_slow_answer_is_announced_and_then_replaces_the_announcement(telegram: FakeTelegram) -> None:
    """One message: first that it takes a while, then the answer."""
    released, script = slow(said("the answer"))
    async with listening(telegram, ScriptedApplication(script), patience_s=0.01):
        telegram.say(READER, "/replay")
        await until(lambda: texts(telegram) == ["working"])
        released.set()
        await until(lambda: texts(telegram) == ["the answer"])


async def test_a_stuck_answer_does_not_keep_the_process(telegram: FakeTelegram) -> None:
    """Whoever stops the bot need not wait for what never comes."""
    _, script = slow(said("never"))
    application = ScriptedApplication(script)
    async with asyncio.timeout(20.0):
        async with listening(telegram, application):
            telegram.say(READER, "/replay")
            await until(lambda: application.requests)


async def test_inline_queries_become_a_result_to_choose(telegram: FakeTelegram) -> None:
    """``@bot NVDA`` in any chat."""
    application = ScriptedApplication(lambda request: said("NVDA 135.4") if request.text else None)
    async with listening(telegram, application):
        query = telegram.ask_inline("NVDA")
        await until(lambda: telegram.inline_answers[query])
        telegram.ask_inline("")
        await until(lambda: len(application.requests) == 2)
    (result,) = telegram.inline_answers[query]
    assert (result["title"], result["input_message_content"]["message_text"]) == ("NVDA 135.4", "<b>NVDA 135.4</b>")
    assert (application.requests[0].origin, application.requests[0].verb) == (Origin.INLINE, "quote")


async def test_migration_and_removal_are_told(telegram: FakeTelegram) -> None:
    """Subscriptions can follow a group, and rest when the bot was shut out."""
    application = ScriptedApplication()
    telegram.add_chat(-55, "group")
    async with listening(telegram, application):
        telegram.migrate(-55, -10055)
        telegram.block(READER)
        await until(lambda: application.moves and application.removals)
    assert (application.moves, application.removals) == ([("telegram:-55", "telegram:-10055")], ["telegram:42"])


async def test_the_menu_is_published_per_scope_and_language(telegram: FakeTelegram) -> None:
    """Private chats, groups and everywhere else; English is the default."""
    async with listening(telegram, ScriptedApplication()):
        await until(lambda: len(telegram.commands) == 6)
    verbs = {key: [command["command"] for command in commands] for key, commands in telegram.commands.items()}
    assert verbs[("default", "")] == ["movers"]
    assert verbs[("all_private_chats", "zh")] == ["movers", "alert"]
    assert verbs[("all_group_chats", "")] == ["movers", "tg_info"]
    assert telegram.commands[("default", "zh")][0]["description"] == "涨跌榜"


async def test_an_update_that_is_delivered_twice_is_answered_once(telegram: FakeTelegram) -> None:
    """Telegram repeats what was not confirmed, perhaps to another process."""
    application = ScriptedApplication()
    leases = MemoryLeases()
    telegram.say(READER, "/movers once")
    (update,) = telegram.updates.waiting
    async with listening(telegram, application, leases):
        await until(lambda: telegram.sent(READER) and not telegram.updates.waiting)
    telegram.updates.repeat(update)
    async with listening(telegram, application, leases):
        telegram.say(READER, "/movers twice")
        await until(lambda: len(telegram.sent(READER)) == 2)
    assert [request.text for request in application.requests] == ["once", "twice"]


async def test_one_polls_and_the_other_takes_over(telegram: FakeTelegram) -> None:
    """The standby never disturbs the poller, and follows when its lease is free."""
    leases = MemoryLeases()
    first, second = ScriptedApplication(), ScriptedApplication()
    async with listening(telegram, second, leases, lease_s=2.0) as standby:
        await until(lambda: telegram.updates.polling)
        async with listening(telegram, first, leases, lease_s=2.0):
            telegram.say(READER, "/movers one")
            await until(lambda: len(telegram.sent(READER)) == 1)
            standby.cancel()
            await asyncio.gather(standby, return_exceptions=True)
            telegram.say(READER, "/movers two")
            await until(lambda: len(telegram.sent(READER)) == 2)
    assert telegram.updates.conflicts == 0
    assert [[request.text for request in app.requests] for app in (second, first)] == [["one"], ["two"]]


async def test_without_the_store_nobody_polls(telegram: FakeTelegram) -> None:
    """Two pollers would fight; one that can't know waits, and comes back with the store."""
    application, leases = ScriptedApplication(), MemoryLeases()
    async with listening(telegram, application, leases, lease_s=0.06):
        await until(lambda: telegram.updates.polling == 1)
        leases.down = True
        await until(lambda: telegram.updates.polling == 0)
        telegram.say(READER, "/movers")
        leases.down = False
        await until(lambda: telegram.sent(READER))


async def test_a_failing_service_is_asked_again(telegram: FakeTelegram) -> None:
    """An outage at the start and an error while polling pass."""
    application = ScriptedApplication()
    telegram.faults.inject(Kind.SERVER_ERROR, "getMe", times=2)
    telegram.faults.inject(Kind.RATE_LIMITED, "sendMessage", retry_after=1)
    async with listening(telegram, application):
        telegram.say(READER, "/movers")
        await until(lambda: telegram.sent(READER))
    assert telegram.faults.suffered == 3


async def test_a_wrong_token_ends_it(telegram: FakeTelegram) -> None:
    """Only a person can mend that, and the message doesn't tell the token."""
    telegram.token, right = "4711:other", telegram.token
    async with listening(telegram, ScriptedApplication()) as task:
        telegram.token = right
        with pytest.raises(Misconfigured, match="TELEGRAM_TOKEN") as caught:
            await task
    assert "other" not in str(caught.value)


async def test_a_token_that_is_revoked_ends_it_too(telegram: FakeTelegram) -> None:
    """The poller doesn't fall silent for ever."""
    async with listening(telegram, ScriptedApplication(), lease_s=0.06) as task:
        await until(lambda: telegram.updates.polling == 1)
        telegram.token = "4711:new"
        telegram.add_chat(7)
        telegram.say(READER, "/movers")
        with pytest.raises(Misconfigured):
            await asyncio.wait_for(task, 20.0)


async def test_two_hundred_users_at_once(telegram: FakeTelegram) -> None:
    """Everybody is answered, each in their own order."""
    application = ScriptedApplication()
    async with listening(telegram, application):
        for user in range(100, 300):
            telegram.add_chat(user)
            telegram.say(user, "/movers 1", user=user)
        await until(lambda: len(telegram.sent()) == 200, 60.0)
    assert {message.chat.id for message in telegram.sent()} == set(range(100, 300))


async def test_an_update_is_kept_until_it_is_answered(telegram: FakeTelegram) -> None:
    """The next poll confirms it to Telegram, so the store holds it until there is an answer."""
    documents, go = MemoryDocuments(), asyncio.Event()

    async def slow(request: Request) -> Reply:
        await go.wait()
        return said("done")

    async with listening(telegram, ScriptedApplication(slow), documents=documents):
        telegram.say(READER, "/movers ai")
        await until(lambda: documents.documents)
        (kept,) = (await documents.all(COLLECTION)).values()
        assert "/movers ai" in kept
        go.set()
        await until(lambda: not documents.documents)
    assert texts(telegram) == ["done"]


async def test_what_a_dead_process_left_behind_is_answered_once(telegram: FakeTelegram) -> None:
    """Though Telegram thinks that it was delivered, and the store that it was seen."""
    telegram.say(READER, "/movers ai")
    (update,) = telegram.updates.waiting
    await telegram.updates.get(update["update_id"] + 1, 0)  # as the process that died did
    documents, leases = MemoryDocuments(), MemoryLeases()
    at = (SystemClock().now() - timedelta(seconds=40)).isoformat()
    await documents.put(COLLECTION, "telegram:1", json.dumps({"at": at, "body": update}))
    assert await leases.acquire(f"event:telegram:{update['update_id']}", "dead", 3600)
    async with listening(telegram, ScriptedApplication(), leases, documents=documents):
        await until(lambda: telegram.sent(READER))
    assert (texts(telegram), documents.documents) == (["movers|ai"], {})


async def test_why_in_answer_to_an_alert_is_about_that_alert(telegram: FakeTelegram) -> None:
    """The buttons under what is answered say which it is."""
    application = ScriptedApplication(
        lambda request: with_buttons(f"on {request.text}", "why:A-1042", "mute:A-1042:1h")
    )
    async with listening(telegram, application):
        telegram.say(DESK, "/movers", topic=7)
        await until(lambda: telegram.sent(DESK))
        alert = telegram.sent(DESK)[0]
        for text in ("/why", "/mute", "/why btc-73k", "@tapewatch_bot ack"):
            telegram.say(DESK, text, topic=7, reply_to=alert.id)
        await until(lambda: len(application.requests) == 5)
    asked = {(request.verb, request.text) for request in application.requests[1:]}
    assert {("why", "A-1042"), ("mute", "A-1042 1h"), ("why", "btc-73k"), ("ack", "A-1042")} == asked
