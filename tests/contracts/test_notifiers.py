"""One suite over every notifier: what delivery may rely on, whatever the service."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.message import Block, Button, Instant, Message, Move, Paragraph, Reader, Table, Text
from adapters.notifiers.apprise import AppriseNotifier
from adapters.notifiers.console import ConsoleNotifier
from adapters.notifiers.port import DestinationGone, Notifier, OutcomeUnknown, Outgoing, RetryLater
from adapters.notifiers.slack import SlackNotifier
from adapters.notifiers.telegram import TelegramNotifier
from adapters.notifiers.webhook import Endpoint, WebhookNotifier
from rules.model import Severity
from tests.fakes.faults import Kind
from tests.fakes.json_endpoint import JsonEndpoint
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

NOW = datetime(2024, 11, 2, 1, 40, tzinfo=UTC)
CLOCK = SteppingClock(NOW)


@dataclass(frozen=True, slots=True)
class Rig:
    """A notifier with its service: what the service shows, complains of, and how to make it stumble once."""

    notifier: Notifier
    destination: str
    shown: Callable[[], list[str]]
    complaints: Callable[[], list[str]] = list
    stumble: Callable[[], None] | None = None
    recover: Callable[[], None] = lambda: None


@asynccontextmanager
async def console() -> AsyncIterator[Rig]:
    """A terminal that is a file; a blank line ends each message."""
    file = io.StringIO()
    yield Rig(ConsoleNotifier(CLOCK, file, environ={}), "console:", lambda: file.getvalue().split("\n\n")[:-1])


@asynccontextmanager
async def telegram() -> AsyncIterator[Rig]:
    """A Bot API server."""
    async with FakeTelegram() as service:
        service.add_chat(-1001)
        async with TelegramNotifier(SecretStr(service.token), CLOCK, service.base_url) as notifier:
            yield Rig(
                notifier,
                "telegram:-1001",
                lambda: [message.text for message in service.sent()],
                lambda: service.unclean + service.refusals,
                lambda: service.faults.inject(Kind.RESET),
            )


@asynccontextmanager
async def slack() -> AsyncIterator[Rig]:
    """A Slack workspace."""
    async with FakeSlack() as service:
        service.add_channel("C1")
        async with SlackNotifier(SecretStr(service.bot_token), CLOCK, service.base_url) as notifier:
            yield Rig(
                notifier,
                "slack:C1",
                lambda: [message.visible for message in service.sent()],
                lambda: service.pings + service.refusals,
                lambda: service.faults.inject(Kind.RESET),
            )


@asynccontextmanager
async def webhook() -> AsyncIterator[Rig]:
    """An endpoint that takes JSON."""
    async with JsonEndpoint() as service:
        endpoints = {"desk": Endpoint(SecretStr(service.url), SecretStr("s"))}
        async with WebhookNotifier(endpoints, CLOCK) as notifier:
            yield _json_rig(notifier, "webhook:desk", service, lambda body: body["text"])


@asynccontextmanager
async def apprise() -> AsyncIterator[Rig]:
    """The same endpoint, through Apprise's JSON plugin."""
    async with JsonEndpoint() as service:
        notifier = AppriseNotifier({"desk": SecretStr(service.url.replace("http", "json", 1))}, CLOCK)
        yield _json_rig(notifier, "apprise:desk", service, lambda body: f"{body['title']}\n{body['message']}")


def _json_rig(
    notifier: Notifier, destination: str, service: JsonEndpoint, text: Callable[[dict[str, str]], str]
) -> Rig:
    def answer(status: int) -> Callable[[], None]:
        return lambda: setattr(service, "status", status)

    return Rig(
        notifier,
        destination,
        lambda: [text(body) for _, _, body in service.received],
        stumble=answer(503),
        recover=answer(200),
    )


Opening = Callable[[], AbstractAsyncContextManager[Rig]]
RIGS: list[Opening] = [console, telegram, slack, webhook, apprise]


@pytest.fixture(params=RIGS, ids=lambda opening: opening.__name__)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """Each notifier in turn."""
    async with request.param() as opened:
        yield opened


def message(title: str, *blocks: Block) -> Message:
    """A message with every kind of part."""
    return Message(
        summary=title,
        severity=Severity.INFO,
        title=(Text(title),),
        blocks=blocks or (Paragraph(((Text("SOX "), Move("-4.1%", -1, "bold")),)),),
        footer=(Instant(NOW, "America/New_York", "Close"), Text(" · Yahoo")),
        buttons=((Button("👀 Ack", "ack:A-1"),),),
    )


def outgoing(rig: Rig, content: Message, key: str = "k") -> Outgoing:
    """``content`` for the rig's destination."""
    return Outgoing(key=key, destination=rig.destination, message=content, reader=Reader(tz="Asia/Shanghai"))


async def test_an_accepted_message_has_a_receipt_and_is_shown(rig: Rig) -> None:
    """The receipt names the destination, an id and the time; the text is there, the complaints are not."""
    receipt = await rig.notifier.send(outgoing(rig, message("费半跑输")))
    assert (receipt.destination, receipt.at, bool(receipt.message_id)) == (rig.destination, NOW, True)
    (shown,) = rig.shown()
    assert all(part in shown for part in ("费半跑输", "-4.1%", "Fri 1 Nov 21:40 ET", "Yahoo"))
    assert rig.complaints() == []


async def test_messages_keep_their_order(rig: Rig) -> None:
    """What is sent one after the other is shown one after the other."""
    for number in range(8):
        await rig.notifier.send(outgoing(rig, message(f"number {number}"), key=f"k{number}"))
    assert [
        next(word for word in shown.split("\n")[0].strip("*").split() if word.isdigit()) for shown in rig.shown()
    ] == [str(number) for number in range(8)]


async def test_a_foreign_destination_is_gone(rig: Rig) -> None:
    """An address of another scheme is never tried."""
    with pytest.raises(DestinationGone):
        await rig.notifier.send(Outgoing(key="k", destination="elsewhere:1", message=message("t"), reader=Reader()))
    assert rig.shown() == []


async def test_a_stumble_is_passing(rig: Rig) -> None:
    """A failure of the moment is typed so, and the next try gets through."""
    if rig.stumble is None:
        return
    rig.stumble()
    with pytest.raises((RetryLater, OutcomeUnknown)):
        await rig.notifier.send(outgoing(rig, message("t")))
    rig.recover()
    await rig.notifier.send(outgoing(rig, message("t")))
    assert len(rig.shown()) == 1


async def test_an_edit_and_a_reply_get_through(rig: Rig) -> None:
    """Where a service can't do either, the message arrives as a new one."""
    first = await rig.notifier.send(outgoing(rig, message("fired")))
    plain = outgoing(rig, message("resolved"), key="k2")
    await rig.notifier.send(
        Outgoing(key="k2", destination=plain.destination, message=plain.message, reader=plain.reader, edit=first)
    )
    await rig.notifier.send(
        Outgoing(key="k3", destination=plain.destination, message=plain.message, reader=plain.reader, reply_to=first)
    )
    assert "resolved" in "".join(rig.shown())


HOSTILE = {
    "markup": "<b>x</b> *y* _z_ `c` [l](http://e) <script>alert(1)</script> & &amp; &lt; {{x}} %s \\",
    "slack": "<!channel> <!here|h> <@U7> <#C1> <https://evil|bank> <!date^0^x|y>",
    "unclosed": "<b <i> </pre> </b> ``` *** ___ > quote",
    "direction": "abc\u202edcb\u2066x\u2069\u200f",
    "invisible": "N\u200bV\u200dD\u2060A\ufeff\u00ad",
    "escapes": "\x1b[31mred\x1b[0m\x1b]0;t\x07 \x00\x07\x08 bell",
    "surrogates": "🚨" * 3000,
    "lone surrogate": "\ud83d x",
    "long": "长" * 10_000,
    "long markup": "<&>" * 4000,
    "lines": "a\nb\r\nc\u2028d" * 500,
    "blank": " \u200b ",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_content_arrives_as_text(rig: Rig, name: str) -> None:
    """It is delivered at the first try, formats nothing, calls nobody, and leaves nothing invisible behind."""
    text = HOSTILE[name]
    content = message(
        "headline",
        Paragraph(((Text(text), Text(" tail", "bold")), (Text("code", "code"), Text(text, "code")))),
        Table(((text, "+1%", text), ("NVDA", "-2%", "英伟达")), "lrl", header=("Symbol", "1d", text), caption=text),
    )
    await rig.notifier.send(outgoing(rig, content))
    (shown,) = rig.shown()
    assert "headline" in shown
    assert "Yahoo" in shown
    assert {unicodedata.category(character) for character in shown} & {"Cf", "Cs"} == set()
    assert set(shown) & {"\x1b", "\x00", "\x07", "\r"} == set()
    assert rig.complaints() == []
