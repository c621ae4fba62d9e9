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
    DestinationMoved,
    MessageRejected,
    Misconfigured,
    OutcomeUnknown,
    Outgoing,
    Receipt,
    RetryLater,
    TargetLost,
)
from adapters.notifiers.telegram import Address, TelegramNotifier
from rules.model import Severity
from tests.fakes.faults import Kind
from tests.fakes.telegram_server import FakeTelegram

NOW = datetime(2024, 11, 2, 1, 40, tzinfo=UTC)
DESK = -1001
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
MESSAGE = Message(
    summary="SOX lags NDX",
    severity=Severity.INFO,
    title=(Text("SOX lags NDX"),),
    blocks=(Paragraph(((Text("rule: < 0 & more"),),)), Table((("AMD", "-9.2%"),), "lr")),
    buttons=((Button("👀 Ack", "ack:A-1"), Button("🔕 Mute", "mute:A-1:open")),),
)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    """A service with a desk group that has a topic, and a reader."""
    async with FakeTelegram() as server:
        server.add_chat(DESK, "supergroup", topics={7})
        server.add_chat(42)
        yield server


@pytest.fixture
async def notifier(telegram: FakeTelegram) -> AsyncIterator[TelegramNotifier]:
    """A notifier with the right token."""
    async with TelegramNotifier(SecretStr(telegram.token), SteppingClock(NOW), telegram.base_url) as ready:
        yield ready


def outgoing(destination: str = f"telegram:{DESK}", message: Message = MESSAGE, **options: object) -> Outgoing:
    """The message for ``destination``."""
    return Outgoing(key="k1", destination=destination, message=message, reader=Reader(), **options)  # type: ignore[arg-type]


async def test_a_message_arrives_styled_with_its_buttons(notifier: TelegramNotifier, telegram: FakeTelegram) -> None:
    """Text, entities, table and keyboard are what the design says."""
    receipt = await notifier.send(outgoing())
    (sent,) = telegram.sent(DESK)
    assert receipt == Receipt(f"telegram:{DESK}", str(sent.id), NOW)
    assert sent.text == "🔔 SOX lags NDX\nrule: < 0 & more\nAMD  -9.2%"
    assert [entity.type for entity in sent.entities] == ["bold", "pre"]
    assert [[button["callback_data"] for button in row] for row in sent.keyboard] == [["ack:A-1", "mute:A-1:open"]]
    assert not sent.silent


async def test_topics_and_silence_are_honoured(notifier: TelegramNotifier, telegram: FakeTelegram) -> None:
    """A topic is part of the address; the general topic is addressed by naming none."""
    await notifier.send(outgoing(f"telegram:{DESK}/7", silent=True))
    await notifier.send(outgoing(f"telegram:{DESK}/1"))
    assert [(sent.thread, sent.silent) for sent in telegram.sent()] == [(7, True), (None, False)]


async def test_an_edit_replaces_and_repeating_it_is_no_failure(
    notifier: TelegramNotifier, telegram: FakeTelegram
) -> None:
    """The same message id comes back; "message is not modified" means that it was done before."""
    receipt = await notifier.send(outgoing())
    edit = outgoing(message=replace(MESSAGE, title=(Text("Resolved"),), buttons=()), edit=receipt)
    assert [await notifier.send(edit), await notifier.send(edit)] == [receipt, receipt]
    (sent,) = telegram.sent(DESK)
    assert (sent.text.splitlines()[0], sent.keyboard, sent.edits) == ("🔔 Resolved", [], 1)


async def test_a_lost_target_is_told_and_a_reply_goes_out_without_it(
    notifier: TelegramNotifier, telegram: FakeTelegram
) -> None:
    """Editing a deleted message or one that is too old can't work; replying to one can."""
    receipt = await notifier.send(outgoing())
    reply = await notifier.send(outgoing(reply_to=receipt))
    telegram.sent(DESK)[0].deleted = True
    with pytest.raises(TargetLost):
        await notifier.send(outgoing(edit=receipt))
    await notifier.send(outgoing(reply_to=receipt))
    telegram.sent(DESK)[0].editable = False
    with pytest.raises(TargetLost):
        await notifier.send(outgoing(edit=reply))
    assert [sent.reply_to for sent in telegram.sent(DESK)] == [int(receipt.message_id), None]


async def test_pictures_and_files_follow_the_text(
    notifier: TelegramNotifier, telegram: FakeTelegram, tmp_path: Path
) -> None:
    """The text goes first; a picture is a photo, anything else a document, both under the text."""
    (tmp_path / "chart.png").write_bytes(PNG)
    (tmp_path / "digest.xlsx").write_bytes(b"PK")
    files = (
        Attachment(str(tmp_path / "chart.png"), "chart.png", "image/png", "SOX 与 NDX"),
        Attachment(str(tmp_path / "digest.xlsx"), "周报.xlsx", "application/vnd.ms-excel"),
    )
    receipt = await notifier.send(outgoing(message=replace(MESSAGE, attachments=files)))
    text, photo, document = telegram.sent(DESK)
    assert (text.kind, photo.kind, photo.text) == ("text", "photo", "SOX 与 NDX")
    assert (document.kind, document.file_name) == ("document", "周报.xlsx")
    assert (photo.reply_to, document.reply_to, receipt.missing) == (text.id, text.id, ())


async def test_a_picture_that_fails_does_not_fail_the_text(
    notifier: TelegramNotifier, telegram: FakeTelegram, tmp_path: Path
) -> None:
    """The receipt names what is missing and why."""
    (tmp_path / "broken.png").write_bytes(b"no picture")
    files = (
        Attachment(str(tmp_path / "broken.png"), "broken.png", "image/png"),
        Attachment(str(tmp_path / "gone.png"), "gone.png", "image/png"),
    )
    receipt = await notifier.send(outgoing(message=replace(MESSAGE, attachments=files)))
    assert len(telegram.sent(DESK)) == 1
    assert [line.split(":")[0] for line in receipt.missing] == ["broken.png", "gone.png"]
    assert receipt.missing[0] == "broken.png: Image_process_failed"


async def test_attachments_can_go_alone(notifier: TelegramNotifier, telegram: FakeTelegram, tmp_path: Path) -> None:
    """A chart that was rendered later is a reply of its own, and its failure is a failure."""
    (tmp_path / "chart.png").write_bytes(PNG)
    first = await notifier.send(outgoing())
    chart = Attachment(str(tmp_path / "chart.png"), "chart.png", "image/png")
    alone = Message(summary="chart", title=(), attachments=(chart,))
    await notifier.send(outgoing(message=alone, reply_to=first))
    assert [(sent.kind, sent.reply_to) for sent in telegram.sent(DESK)][1:] == [("photo", int(first.message_id))]
    with pytest.raises(MessageRejected, match="can't be read"):
        await notifier.send(
            outgoing(message=replace(alone, attachments=(replace(chart, path=str(tmp_path / "no.png")),)))
        )


FAULTS: list[tuple[Kind, int, type[DeliveryError]]] = [
    (Kind.RATE_LIMITED, 429, RetryLater),
    (Kind.SERVER_ERROR, 500, RetryLater),
    (Kind.SERVER_ERROR, 502, RetryLater),
    (Kind.SERVER_ERROR, 504, OutcomeUnknown),  # the gateway gave up waiting; what lies behind it may not have
    (Kind.GARBAGE, 502, RetryLater),
    (Kind.RESET, 0, OutcomeUnknown),  # the client can't tell it from the next
    (Kind.RESET_AFTER, 0, OutcomeUnknown),
    (Kind.SILENCE_AFTER, 0, OutcomeUnknown),
]


@pytest.mark.parametrize(("kind", "status", "expected"), FAULTS)
async def test_a_fault_is_typed_by_what_to_do(
    telegram: FakeTelegram, kind: Kind, status: int, expected: type[DeliveryError]
) -> None:
    """What may have been accepted is told apart from what was not."""
    telegram.faults.inject(kind, "sendMessage", retry_after=17, status=status)
    async with TelegramNotifier(
        SecretStr(telegram.token),
        SteppingClock(NOW),
        telegram.base_url,
        timeout_s=1.0 if kind is Kind.SILENCE_AFTER else 20.0,
    ) as notifier:
        with pytest.raises(expected) as caught:
            await notifier.send(outgoing())
    if kind is Kind.RATE_LIMITED:
        assert caught.value.after_s == 17  # type: ignore[attr-defined]
    assert len(telegram.sent(DESK)) == (kind in {Kind.RESET_AFTER, Kind.SILENCE_AFTER})


async def test_a_service_that_does_not_listen_accepted_nothing() -> None:
    """A refused connection can safely be tried again."""
    async with FakeTelegram() as gone:
        pass
    async with TelegramNotifier(SecretStr("1:x"), SteppingClock(NOW), gone.base_url, timeout_s=1) as notifier:
        with pytest.raises(RetryLater, match="can't be reached"):
            await notifier.send(outgoing())


@pytest.mark.parametrize("standing", ["blocked", "kicked", "deactivated", "no_rights"])
async def test_a_closed_door_is_a_destination_that_is_gone(
    notifier: TelegramNotifier, telegram: FakeTelegram, standing: str
) -> None:
    """Blocked, kicked, deactivated or without rights: nothing will be accepted there."""
    telegram.chats[42].standing = standing  # type: ignore[assignment]
    with pytest.raises(DestinationGone):
        await notifier.send(outgoing("telegram:42"))


@pytest.mark.parametrize("address", ["telegram:999", f"telegram:{DESK}/8", "telegram:desk", "telegram:", "slack:C1"])
async def test_an_unknown_address_is_a_destination_that_is_gone(notifier: TelegramNotifier, address: str) -> None:
    """A chat or topic that doesn't exist, and what is no address at all."""
    with pytest.raises(DestinationGone):
        await notifier.send(outgoing(address))


async def test_a_group_that_moved_says_where(notifier: TelegramNotifier, telegram: FakeTelegram) -> None:
    """The new address is part of the failure."""
    telegram.add_chat(-55, "group")
    telegram.migrate(-55, -10055)
    with pytest.raises(DestinationMoved) as caught:
        await notifier.send(outgoing("telegram:-55"))
    assert caught.value.new_destination == "telegram:-10055"


async def test_a_wrong_token_is_a_matter_of_configuration_and_is_not_told(telegram: FakeTelegram) -> None:
    """The failure names the settings and never the token."""
    async with TelegramNotifier(SecretStr("4711:wrong"), SteppingClock(NOW), telegram.base_url) as notifier:
        with pytest.raises(Misconfigured, match="TELEGRAM_TOKEN") as caught:
            await notifier.send(outgoing())
    assert "wrong" not in f"{caught.value!r}"


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("telegram:-1001234567890/42", Address(-1001234567890, 42)),
        ("telegram:4711", Address(4711)),
        ("telegram:-100/1", Address(-100)),
        ("telegram:@desk_alerts", Address("@desk_alerts")),
    ],
)
def test_addresses(destination: str, expected: Address) -> None:
    """Chat and topic; a public channel goes by its name."""
    assert expected == Address.parse(destination)
