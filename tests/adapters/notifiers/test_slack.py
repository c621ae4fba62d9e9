from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.message import Attachment, Button, Message, Paragraph, Reader, Table, Text
from adapters.notifiers.port import (
    DeliveryError,
    DestinationGone,
    MessageRejected,
    Misconfigured,
    OutcomeUnknown,
    Outgoing,
    Receipt,
    RetryLater,
    Searchable,
    TargetLost,
)
from adapters.notifiers.slack import SlackNotifier
from rules.model import Severity
from tests.fakes.faults import Kind
from tests.fakes.slack_server import FakeSlack

NOW = datetime(2024, 11, 2, 1, 40, tzinfo=UTC)
MESSAGE = Message(
    summary="SOX lags NDX",
    severity=Severity.INFO,
    title=(Text("SOX lags NDX"),),
    blocks=(Paragraph(((Text("rule: < 0 & more"),),)), Table((("AMD", "-9.2%"),), "lr", header=("Symbol", "1w"))),
    buttons=((Button("👀 Ack", "ack:A-1"),),),
)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A workspace with a channel and a person."""
    async with FakeSlack() as server:
        server.add_channel("C1", "desk")
        server.add_user("U7")
        yield server


@pytest.fixture
async def notifier(slack: FakeSlack) -> AsyncIterator[SlackNotifier]:
    """A notifier with the right token."""
    async with SlackNotifier(SecretStr(slack.bot_token), SteppingClock(NOW), slack.base_url) as ready:
        yield ready


def outgoing(destination: str = "slack:C1", message: Message = MESSAGE, **options: object) -> Outgoing:
    """The message for ``destination``."""
    return Outgoing(key="k1", destination=destination, message=message, reader=Reader(), **options)  # type: ignore[arg-type]


async def test_a_message_arrives_with_blocks_text_and_key(notifier: SlackNotifier, slack: FakeSlack) -> None:
    """What a person sees, what a notification says, and the key by which it is found again."""
    receipt = await notifier.send(outgoing())
    (sent,) = slack.sent("C1")
    assert receipt == Receipt("slack:C1", f"C1/{sent.ts}", NOW)
    assert sent.visible == "🔔 *SOX lags NDX*\nrule: < 0 & more\nSymbol | 1w\nAMD | -9.2%"
    assert sent.text == "🔔 SOX lags NDX"
    assert [button["value"] for button in sent.buttons] == ["ack:A-1"]
    assert sent.metadata == {"event_type": "tapewatch_notice", "event_payload": {"key": "k1"}}


async def test_channels_go_by_id_or_name_and_people_by_id(notifier: SlackNotifier, slack: FakeSlack) -> None:
    """A person's messages arrive in their direct conversation, whose id the receipt holds."""
    by_name = await notifier.send(outgoing("slack:#desk"))
    direct = await notifier.send(outgoing("slack:U7"))
    assert [by_name.message_id.split("/")[0], direct.message_id.split("/")[0]] == ["C1", "D7"]
    await notifier.send(outgoing("slack:U7", edit=direct))
    assert slack.sent("D7")[0].edits == 1


async def test_edits_replace_and_replies_thread(notifier: SlackNotifier, slack: FakeSlack) -> None:
    """One alert is one message with its history in the thread."""
    receipt = await notifier.send(outgoing())
    assert receipt == await notifier.send(outgoing(message=replace(MESSAGE, title=(Text("Resolved"),)), edit=receipt))
    await notifier.send(outgoing(reply_to=receipt))
    first, reply = slack.sent("C1")
    assert (first.visible.splitlines()[0], first.edits, reply.thread_ts) == ("🔔 *Resolved*", 1, first.ts)


@pytest.mark.parametrize("how", ["deleted", "too old"])
async def test_a_lost_target_is_told(notifier: SlackNotifier, slack: FakeSlack, how: str) -> None:
    """The caller sends a new message instead."""
    receipt = await notifier.send(outgoing())
    (sent,) = slack.sent("C1")
    sent.deleted, sent.editable = how == "deleted", False
    with pytest.raises(TargetLost):
        await notifier.send(outgoing(edit=receipt))


async def test_a_reply_under_nothing_is_a_lost_target(notifier: SlackNotifier) -> None:
    """Slack knows no such thread."""
    with pytest.raises(TargetLost):
        await notifier.send(outgoing(reply_to=Receipt("slack:C1", "C1/1.2", NOW)))


async def test_files_follow_in_the_thread(notifier: SlackNotifier, slack: FakeSlack, tmp_path: Path) -> None:
    """Upload, completion and share; the text went first."""
    (tmp_path / "chart.png").write_bytes(b"\x89PNG")
    chart = Attachment(str(tmp_path / "chart.png"), "chart.png", "image/png", "SOX 与 NDX")
    missing = replace(chart, path=str(tmp_path / "none.png"), name="none.png")
    receipt = await notifier.send(outgoing(message=replace(MESSAGE, attachments=(chart, missing))))
    text, shared = slack.sent("C1")
    file = slack.files[shared.files[0]]
    assert (shared.thread_ts, file["content"], file["alt"]) == (text.ts, b"\x89PNG", "SOX 与 NDX")
    assert [line.split(":")[0] for line in receipt.missing] == ["none.png"]


async def test_attachments_can_go_alone(notifier: SlackNotifier, slack: FakeSlack, tmp_path: Path) -> None:
    """A chart that was rendered later is shared in the alert's thread."""
    (tmp_path / "chart.png").write_bytes(b"\x89PNG")
    chart = Attachment(str(tmp_path / "chart.png"), "chart.png", "image/png")
    first = await notifier.send(outgoing())
    await notifier.send(outgoing(message=Message(summary="chart", title=(), attachments=(chart,)), reply_to=first))
    assert [sent.thread_ts for sent in slack.sent("C1")] == [None, first.message_id.split("/")[1]]


async def test_a_workspace_without_tables_gets_monospace(notifier: SlackNotifier, slack: FakeSlack) -> None:
    """The table block isn't everywhere yet."""
    slack.native_tables = False
    await notifier.send(outgoing())
    (sent,) = slack.sent("C1")
    assert "AMD     -9.2%" in sent.visible
    assert slack.refusals == ["invalid_blocks"]


async def test_after_a_time_out_the_message_is_found_by_its_key(slack: FakeSlack) -> None:
    """It was accepted, so it isn't sent again; another key isn't found, nor is anything in another thread."""
    slack.faults.inject(Kind.SILENCE_AFTER, "chat.postMessage")
    clock = SteppingClock(NOW)
    async with SlackNotifier(SecretStr(slack.bot_token), clock, slack.base_url, timeout_s=1.0) as notifier:
        with pytest.raises(OutcomeUnknown):
            await notifier.send(outgoing())
        assert isinstance(notifier, Searchable)
        (sent,) = slack.sent("C1")
        assert await notifier.find(outgoing()) == Receipt("slack:C1", f"C1/{sent.ts}", NOW)
        assert await notifier.find(replace(outgoing(), key="k2")) is None
        assert await notifier.find(outgoing("slack:U7")) is None
        reply = replace(outgoing(reply_to=Receipt("slack:C1", f"C1/{sent.ts}", NOW)), key="k3")
        assert await notifier.find(reply) is None
        receipt = await notifier.send(reply)
        assert await notifier.find(reply) == receipt


@pytest.mark.parametrize("threaded", [False, True])
async def test_files_that_went_alone_are_found_by_their_names(
    slack: FakeSlack, tmp_path: Path, *, threaded: bool
) -> None:
    """Their key is in the name; the same file of another notice is another one."""
    (tmp_path / "chart.png").write_bytes(b"\x89PNG")
    chart = Attachment(str(tmp_path / "chart.png"), "chart.png", "image/png", "SOX")
    picture = Message(summary="chart", title=(), attachments=(chart,))
    clock = SteppingClock(NOW)
    async with SlackNotifier(SecretStr(slack.bot_token), clock, slack.base_url, timeout_s=1.0) as notifier:
        alone = outgoing(message=picture, reply_to=await notifier.send(outgoing()) if threaded else None)
        assert await notifier.find(alone) is None
        slack.faults.inject(Kind.SILENCE_AFTER, "files.completeUploadExternal")
        with pytest.raises(OutcomeUnknown):
            await notifier.send(alone)
        (shared,) = [sent for sent in slack.sent("C1") if sent.files]
        assert await notifier.find(alone) == Receipt("slack:C1", f"C1/{shared.files[0]}", NOW)
        assert await notifier.find(replace(alone, key="k2")) is None


async def test_what_a_found_message_lacks_of_its_files_is_sent(slack: FakeSlack, tmp_path: Path) -> None:
    """Whoever died between text and files, or between two files, sent the rest as little as we can know."""
    charts = [Attachment(str(tmp_path / name), name, "image/png") for name in ("a.png", "b.png")]
    for chart in charts:
        Path(chart.path).write_bytes(b"\x89PNG")
    async with SlackNotifier(SecretStr(slack.bot_token), SteppingClock(NOW), slack.base_url) as notifier:
        await notifier.send(outgoing(message=replace(MESSAGE, attachments=(charts[0],))))
        whole = outgoing(message=replace(MESSAGE, attachments=tuple(charts)))
        found = await notifier.find(whole)
        assert await notifier.find(whole) == found
        text, *shared = slack.sent("C1")
        assert ["a", "b"] == [sent.shared[0]["name"].split("-")[0] for sent in shared]
        assert {text.ts} == {sent.thread_ts for sent in shared}


FAULTS: list[tuple[Kind, int, type[DeliveryError]]] = [
    (Kind.RATE_LIMITED, 429, RetryLater),
    (Kind.SERVER_ERROR, 503, OutcomeUnknown),  # internal_error: Slack says that some of it may have succeeded
    (Kind.GARBAGE, 502, RetryLater),
    (Kind.RESET, 0, OutcomeUnknown),
    (Kind.RESET_AFTER, 0, OutcomeUnknown),
]


@pytest.mark.parametrize(("kind", "status", "expected"), FAULTS)
async def test_a_fault_is_typed_by_what_to_do(
    notifier: SlackNotifier, slack: FakeSlack, kind: Kind, status: int, expected: type[DeliveryError]
) -> None:
    """The library doesn't retry by itself; the caller learns what may have been accepted."""
    slack.faults.inject(kind, "chat.postMessage", retry_after=17, status=status)
    with pytest.raises(expected) as caught:
        await notifier.send(outgoing())
    if kind is Kind.RATE_LIMITED:
        assert caught.value.after_s == 17  # type: ignore[attr-defined]
    assert len([method for method, _ in slack.calls if method == "chat.postMessage"]) == 1


async def test_a_service_that_does_not_listen_accepted_nothing() -> None:
    """A refused connection can safely be tried again."""
    async with FakeSlack() as gone:
        pass
    async with SlackNotifier(SecretStr("x"), SteppingClock(NOW), gone.base_url, timeout_s=1) as notifier:
        with pytest.raises(RetryLater, match="can't be reached"):
            await notifier.send(outgoing())


@pytest.mark.parametrize(("archived", "member"), [(True, True), (False, False)])
async def test_a_closed_door_is_a_destination_that_is_gone(
    notifier: SlackNotifier, slack: FakeSlack, archived: bool, member: bool
) -> None:
    """Archived, or not a member."""
    slack.channels["C1"].archived, slack.channels["C1"].member = archived, member
    with pytest.raises(DestinationGone):
        await notifier.send(outgoing())


@pytest.mark.parametrize("address", ["slack:C404", "slack:", "telegram:1"])
async def test_an_unknown_address_is_a_destination_that_is_gone(notifier: SlackNotifier, address: str) -> None:
    """A channel that doesn't exist, and what is no address at all."""
    with pytest.raises(DestinationGone):
        await notifier.send(outgoing(address))


async def test_tokens_and_scopes_are_a_matter_of_configuration(slack: FakeSlack) -> None:
    """The failure names the setting, and the scope that is missing."""
    async with SlackNotifier(SecretStr("xoxb-wrong"), SteppingClock(NOW), slack.base_url) as notifier:
        with pytest.raises(Misconfigured, match="SLACK_BOT_TOKEN") as caught:
            await notifier.send(outgoing())
    assert "xoxb-wrong" not in repr(caught.value)
    slack.scopes.discard("chat:write")
    async with SlackNotifier(SecretStr(slack.bot_token), SteppingClock(NOW), slack.base_url) as notifier:
        with pytest.raises(Misconfigured, match="needs chat:write"):
            await notifier.send(outgoing())


async def test_an_empty_message_is_rejected(notifier: SlackNotifier) -> None:
    """There is nothing to send."""
    with pytest.raises(MessageRejected, match="empty"):
        await notifier.send(outgoing(message=Message(summary="s", title=())))
