import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.chat.inbox import COLLECTION
from adapters.chat.port import Chat, Origin, Reply, Request, User
from adapters.chat.slack import SlackFrontEnd, unescaped
from adapters.clock import SystemClock
from adapters.message import Attachment, Button, Message, Reader, Text
from adapters.notifiers.port import Misconfigured, Outgoing
from adapters.notifiers.slack import SlackNotifier
from tests.fakes.chat_application import ScriptedApplication, said, until
from tests.fakes.documents import MemoryDocuments
from tests.fakes.faults import Kind
from tests.fakes.leases import MemoryLeases
from tests.fakes.slack_server import FakeMessage, FakeSlack
from tests.fakes.slack_socket import ACK_DEADLINE_S


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A workspace with a channel and a person who reads Chinese."""
    async with FakeSlack() as server:
        server.add_channel("C1", "desk")
        server.add_user("U7", name="Li", locale="zh-CN")
        yield server


@asynccontextmanager
async def listening(
    slack: FakeSlack,
    application: ScriptedApplication,
    leases: MemoryLeases | None = None,
    *,
    patience_s: float = 5.0,
    documents: MemoryDocuments | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """A front end at work."""
    clock = SystemClock()
    token = SecretStr(slack.bot_token)
    async with SlackNotifier(token, clock, slack.base_url) as notifier:
        front_end = SlackFrontEnd(
            token,
            SecretStr(slack.app_token),
            application,
            notifier,
            leases or MemoryLeases(),
            clock=clock,
            base_url=slack.base_url,
            patience_s=patience_s,
            ping_s=0.2,
            documents=documents,
        )
        task = asyncio.create_task(front_end.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def acknowledged(slack: FakeSlack, envelope: str) -> bool:
    """Whether Slack heard in time."""
    await until(lambda: envelope in slack.socket.acks)
    return slack.socket.acks[envelope] < ACK_DEADLINE_S


def texts(slack: FakeSlack) -> list[str]:
    """What was answered by response URL."""
    return [body["text"] for body in slack.responses]


@pytest.mark.parametrize(
    ("command", "text", "verb", "rest"),
    [
        ("/movers", "crypto 1w", "movers", "crypto 1w"),
        ("/tapewatch", "Movers crypto 1w", "movers", "crypto 1w"),
        ("/tapewatch", "", "help", ""),
        ("/tapewatch", "alert NVDA &gt; 140", "alert", "NVDA > 140"),
    ],
)
async def test_a_slash_command_is_whispered_to_the_asker(
    slack: FakeSlack, command: str, text: str, verb: str, rest: str
) -> None:
    """Verb, rest, person, language and channel arrive; the answer goes to the asker alone."""
    application = ScriptedApplication()
    async with listening(slack, application):
        envelope = await slack.socket.command(command, text, user="U7", channel="C1")
        await until(lambda: slack.responses)
        assert await acknowledged(slack, envelope)
    (request,) = application.requests
    assert (request.origin, request.verb, request.text) == (Origin.COMMAND, verb, rest)
    assert (request.user, request.chat) == (User("slack:U7", "Li", "zh-CN"), Chat("slack:C1", "group", "desk"))
    assert slack.responses[0]["response_type"] == "ephemeral"
    assert slack.pings == []


async def test_a_reply_for_all_goes_to_the_channel(slack: FakeSlack) -> None:
    """What isn't private is told to the channel, also where the bot isn't a member."""
    async with listening(slack, ScriptedApplication(lambda _: said("for all", private=False))):
        await slack.socket.command("/flows", user="U7", channel="C404")
        await until(lambda: slack.responses)
    assert slack.responses[0]["response_type"] == "in_channel"


async def test_slow_work_is_acknowledged_at_once_and_announced(slack: FakeSlack) -> None:
    """Three seconds are Slack's limit whatever the work takes; the answer replaces the announcement."""
    released = asyncio.Event()

    async def script(request: Request) -> Reply:
        await released.wait()
        return said("the answer")

    async with listening(slack, ScriptedApplication(script), patience_s=0.01):
        envelope = await slack.socket.command("/replay", user="U7", channel="C1")
        await until(lambda: texts(slack) == ["working"])
        assert await acknowledged(slack, envelope)
        released.set()
        await until(lambda: len(slack.responses) == 2)
    assert (slack.responses[1]["text"], slack.responses[1]["replace_original"]) == ("the answer", True)


async def test_a_mention_is_answered_in_its_thread(slack: FakeSlack) -> None:
    """What is worth sharing is for all; the rest is whispered."""
    application = ScriptedApplication(lambda request: said(request.verb or "?", shareable=request.verb == "movers"))
    async with listening(slack, application):
        await slack.socket.mention("movers crypto", user="U7", channel="C1")
        await until(lambda: application.requests)
        (request,) = application.requests
        await until(lambda: slack.refusals or slack.sent("C1"))
        await slack.socket.mention("what is up", user="U7", channel="C1")
        await until(lambda: slack.ephemerals)
    assert (request.origin, request.verb, request.text) == (Origin.COMMAND, "movers", "crypto")
    assert [message.visible for message in slack.sent("C1")] == ["*movers*"]
    assert (slack.ephemerals[0].visible, slack.ephemerals[0].ephemeral_for) == ("*?*", "U7")


async def test_a_direct_message_is_answered_in_the_conversation(slack: FakeSlack) -> None:
    """What the bot itself and other bots say there is no request."""
    application = ScriptedApplication()
    async with listening(slack, application):
        own = {"type": "message", "channel_type": "im", "channel": "D7", "ts": "1.1", "text": "x", "bot_id": "B9"}
        await slack.socket.event(own)
        await slack.socket.direct("movers &amp; <http://nvda.com|nvda.com>", user="U7")
        await until(lambda: slack.sent("D7"))
    (request,) = application.requests
    assert (request.verb, request.text, request.chat) == ("movers", "& nvda.com", Chat("slack:U7", "direct"))
    assert slack.sent("D7")[0].visible == "*movers|& nvda.com*"


async def test_an_event_that_is_delivered_twice_is_answered_once(slack: FakeSlack) -> None:
    """Slack repeats what it doubts, perhaps to another process."""
    application = ScriptedApplication()
    leases = MemoryLeases()
    async with listening(slack, application, leases):
        await slack.socket.direct("movers once", user="U7", event_id="Ev1")
        await until(lambda: slack.sent("D7"))
    async with listening(slack, application, leases):
        await slack.socket.direct("movers once", user="U7", event_id="Ev1", retry=1)
        await slack.socket.direct("movers twice", user="U7", event_id="Ev2")
        await until(lambda: len(slack.sent("D7")) == 2)
    assert [request.text for request in application.requests] == ["once", "twice"]


def with_button(text: str, data: str, **options: object) -> Reply:
    """A reply with a button."""
    message = Message(summary=text, title=(Text(text),), buttons=((Button("x", data),),))
    return Reply(message=message, reader=Reader(), **options)  # type: ignore[arg-type]


async def alert(slack: FakeSlack) -> FakeMessage:
    """An alert in the channel, as delivery posts it."""
    async with SlackNotifier(SecretStr(slack.bot_token), SystemClock(), slack.base_url) as notifier:
        message = with_button("SOX lags", "why:A-1").message
        await notifier.send(Outgoing(key="A-1", destination="slack:C1", message=message, reader=Reader()))
    return slack.sent("C1")[0]


async def test_a_button_edits_its_message_or_answers_beside_it(slack: FakeSlack) -> None:
    """The presser's reply changes the alert for all, or is whispered."""
    message = await alert(slack)
    application = ScriptedApplication(
        lambda request: with_button(f"{request.verb} done", "x:1", edit=request.verb == "ack")
    )
    async with listening(slack, application):
        envelope = await slack.socket.press(message, "why:A-1", user="U7")
        await until(lambda: slack.responses)
        await slack.socket.press(message, "ack:A-1", user="U7")
        await until(lambda: message.edits)
        assert await acknowledged(slack, envelope)
    request = application.requests[0]
    assert (request.origin, request.verb, request.text) == (Origin.BUTTON, "why", "A-1")
    assert request.pressed is not None
    assert request.pressed.message_id == f"C1/{message.ts}"
    assert (texts(slack), message.visible.splitlines()[0]) == (["why done"], "*ack done*")


async def test_a_button_in_a_direct_conversation_is_answered_there(slack: FakeSlack) -> None:
    """Between two, nothing has to be whispered."""
    async with listening(slack, ScriptedApplication(lambda request: with_button(request.verb or "?", "why:1"))):
        await slack.socket.direct("hello", user="U7")
        await until(lambda: slack.sent("D7"))
        await slack.socket.press(slack.sent("D7")[0], "why:1", user="U7")
        await until(lambda: len(slack.sent("D7")) == 2)
    assert (slack.sent("D7")[1].visible, slack.responses) == ("*why*", [])


async def test_a_button_under_a_whisper_changes_the_whisper(slack: FakeSlack) -> None:
    """Only the response URL can."""
    whisper = FakeMessage("C1", "9.9", "x", [], ephemeral_for="U7")
    async with listening(slack, ScriptedApplication(lambda _: said("1w", edit=True))):
        await slack.socket.press(whisper, "movers:crypto 1w", user="U7")
        await until(lambda: slack.responses)
    assert (slack.responses[0]["text"], slack.responses[0]["replace_original"]) == ("1w", True)


async def test_a_whisper_can_be_shared(slack: FakeSlack) -> None:
    """The button asks again for the sharer, tells the channel, and removes the whisper."""
    application = ScriptedApplication(lambda request: said(f"{request.verb}|{request.text}", shareable=True))
    async with listening(slack, application):
        await slack.socket.command("/movers", "crypto: 1w", user="U7", channel="C1")
        await until(lambda: slack.responses)
        (share,) = slack.responses[0]["blocks"][-1]["elements"]
        assert share["text"]["text"] == "📣 Share to channel"
        whisper = FakeMessage("C1", "9.9", "x", slack.responses[0]["blocks"], ephemeral_for="U7")
        await slack.socket.press(whisper, share["value"], user="U7")
        await until(lambda: len(slack.responses) == 3)
    shared, removed = slack.responses[1:]
    assert (shared["text"], shared["response_type"], removed["delete_original"]) == (
        "movers|crypto: 1w",
        "in_channel",
        True,
    )


async def test_a_forged_share_of_something_private_stays_private(slack: FakeSlack) -> None:
    """The reply decides what may be shared, not the button."""
    async with listening(slack, ScriptedApplication(lambda _: said("my alerts"))):
        whisper = FakeMessage("C1", "9.9", "x", [], ephemeral_for="U7")
        await slack.socket.press(whisper, "share:command:alerts:", user="U7")
        await until(lambda: slack.responses)
    assert slack.responses[0]["response_type"] == "ephemeral"


async def test_a_shortcut_does_what_the_button_would(slack: FakeSlack) -> None:
    """It finds the alert in the message's own buttons."""
    message = await alert(slack)
    application = ScriptedApplication()
    async with listening(slack, application):
        await slack.socket.shortcut("why", message, user="U7")
        await until(lambda: slack.responses)
    (request,) = application.requests
    assert (request.origin, request.verb, request.text, request.pressed is not None) == (
        Origin.BUTTON,
        "why",
        "A-1",
        True,
    )


async def test_the_home_page_is_published_and_refreshed_by_its_buttons(slack: FakeSlack) -> None:
    """Opening it asks for the page; a button on it does its work, then the page is new."""
    pages = iter(range(9))

    def script(request: Request) -> Reply | None:
        return with_button(f"page {next(pages)}", "unsub:1") if request.origin is Origin.HOME else None

    application = ScriptedApplication(script)
    async with listening(slack, application):
        await slack.socket.open_home("U7")
        await until(lambda: "U7" in slack.homes)
        await slack.socket.press_home("unsub:1", user="U7")
        await until(lambda: "page 1" in str(slack.homes["U7"]))
    assert [(request.origin, request.verb) for request in application.requests] == [
        (Origin.HOME, "home"),
        (Origin.BUTTON, "unsub"),
        (Origin.HOME, "home"),
    ]


async def test_files_of_a_whisper_go_to_the_direct_conversation(slack: FakeSlack, tmp_path: Path) -> None:
    """A whisper can't carry them."""
    (tmp_path / "chart.png").write_bytes(b"\x89PNG")
    chart = Attachment(str(tmp_path / "chart.png"), "chart.png", "image/png")
    reply = said("chart")
    reply = replace(reply, message=replace(reply.message, attachments=(chart,)))
    async with listening(slack, ScriptedApplication(lambda _: reply)):
        await slack.socket.command("/chart", "NVDA", user="U7", channel="C1")
        await until(lambda: slack.sent("D7"))
    (name,) = [slack.files[file]["name"] for file in slack.sent("D7")[0].files]
    assert re.fullmatch(r"chart(-[0-9a-f]{8})?\.png", name), name


async def test_a_response_url_that_fails_is_worked_around(slack: FakeSlack) -> None:
    """It expires after half an hour and five uses."""
    whisper = FakeMessage("C1", "9.9", "x", [], ephemeral_for="U7")
    async with listening(slack, ScriptedApplication()):
        await slack.socket.ready()
        slack.root, root = f"{slack.root}/nowhere", slack.root
        await slack.socket.press(whisper, "why:A-1", user="U7")
        slack.root = root
        await until(lambda: slack.ephemerals)
    assert slack.ephemerals[0].visible == "*why|A-1*"


async def test_it_reconnects(slack: FakeSlack) -> None:
    """Slack ends each connection after some hours, and sometimes without a word."""
    application = ScriptedApplication()
    async with listening(slack, application):
        await slack.socket.ready()
        await slack.socket.ask_to_reconnect()
        await until(lambda: slack.socket.connects >= 2)
        # What gets lost between two connections, Slack delivers again.
        for retry in range(20):
            await slack.socket.direct("movers", user="U7", event_id="Ev1", retry=retry)
            with suppress(TimeoutError):
                await until(lambda: slack.sent("D7"), 0.25)
                break
    assert [message.visible for message in slack.sent("D7")] == ["*movers|*"]


async def test_leaving_a_channel_is_told(slack: FakeSlack) -> None:
    """What is sent there can rest."""
    application = ScriptedApplication()
    async with listening(slack, application):
        await slack.socket.event({"type": "channel_left", "channel": "C1"})
        await until(lambda: application.removals)
    assert application.removals == ["slack:C1"]


@pytest.mark.parametrize("which", ["bot_token", "app_token"])
async def test_a_wrong_token_ends_it(slack: FakeSlack, which: str) -> None:
    """Only a person can mend that; an outage before passes."""
    slack.faults.inject(Kind.GARBAGE, "auth.test")
    right = getattr(slack, which)
    setattr(slack, which, "xoxb-secret-wrong")
    async with listening(slack, ScriptedApplication()) as task:
        setattr(slack, which, right)
        with pytest.raises(Misconfigured, match="SLACK_APP_TOKEN") as caught:
            await task
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("NVDA &gt; 140 &amp;&amp; x", "NVDA > 140 && x"),
        ("<http://nvda.com|nvda.com> <#C1|desk> <@U1|li> <!here>", "nvda.com desk li here"),
        ("<https://a.b/c>", "https://a.b/c"),
        ("a < b", "a < b"),
    ],
)
def test_what_the_person_typed_is_restored(raw: str, expected: str) -> None:
    """Slack escapes and wraps."""
    assert expected == unescaped(raw)


async def test_an_event_is_kept_until_it_is_answered(slack: FakeSlack) -> None:
    """Slack won't deliver again what was acknowledged, so the store holds it until there is an answer."""
    documents, go = MemoryDocuments(), asyncio.Event()

    async def slow(request: Request) -> Reply:
        await go.wait()
        return said("done")

    async with listening(slack, ScriptedApplication(slow), documents=documents):
        await slack.socket.ready()
        envelope = await slack.socket.command("/movers", "ai", user="U7", channel="C1")
        assert await acknowledged(slack, envelope)
        (kept,) = (await documents.all(COLLECTION)).values()
        assert "/movers" in kept
        go.set()
        await until(lambda: not documents.documents)
    assert texts(slack) == ["done"]


async def test_what_a_dead_process_left_behind_is_answered_once(slack: FakeSlack) -> None:
    """Though its event was seen before; and never what is so old that nobody waits for it."""
    documents, leases = MemoryDocuments(), MemoryLeases()
    body = {"type": "event_callback", "event_id": "Ev1", "event": {
        "type": "message", "channel_type": "im", "user": "U7", "text": "movers ai",
        "channel": "D7", "ts": "1.1"}}  # fmt: skip
    for key, age in (("left", 40), ("old", 3600), ("young", 1)):
        at = (SystemClock().now() - timedelta(seconds=age)).isoformat()
        await documents.put(
            COLLECTION, f"slack:{key}", json.dumps({"at": at, "body": {"name": "message", "body": body}})
        )
    assert await leases.acquire("event:slack:Ev1", "dead", 3600)
    application = ScriptedApplication()
    async with listening(slack, application, leases, documents=documents):
        await until(slack.sent)
    assert [("movers", "ai")] == [(request.verb, request.text) for request in application.requests]
    assert ["slack:young"] == list(await documents.all(COLLECTION))


async def test_without_the_store_events_are_answered_all_the_same(slack: FakeSlack) -> None:
    """Keeping them is for the day of a crash."""
    documents = MemoryDocuments()
    documents.away = True
    async with listening(slack, ScriptedApplication(), documents=documents):
        await slack.socket.ready()
        await slack.socket.direct("movers ai", user="U7")
        await until(slack.sent)


async def test_why_in_an_alerts_thread_is_about_that_alert(slack: FakeSlack) -> None:
    """Slash commands don't exist in threads: a mention with the verb alone is enough."""
    rows = ((Button("why", "why:A-1042"), Button("mute", "mute:A-1042:1h")),)

    def answer(request: Request) -> Reply:
        return replace(said(request.text), message=replace(said("alert").message, buttons=rows))

    application = ScriptedApplication(answer)
    async with listening(slack, application):
        await slack.socket.ready()
        await slack.socket.direct("alert", user="U7")
        await until(slack.sent)
        alert = slack.sent()[0]
        for verb in ("why", "mute", "ack", "replay"):
            await slack.socket.mention(verb, user="U7", channel=alert.channel, thread_ts=alert.ts)
        await until(lambda: len(application.requests) == 5)
    asked = {(request.verb, request.text) for request in application.requests[1:]}
    assert {("why", "A-1042"), ("mute", "A-1042 1h"), ("ack", "A-1042"), ("replay", "A-1042")} == asked
