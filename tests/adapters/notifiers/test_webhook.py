import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.message import Attachment, Colour, Instant, Message, Move, Paragraph, Reader, Text
from adapters.notifiers.port import (
    DeliveryError,
    DestinationGone,
    MessageRejected,
    Misconfigured,
    Outgoing,
    Receipt,
    RetryLater,
)
from adapters.notifiers.webhook import Endpoint, WebhookNotifier
from rules.model import Severity
from tests.fakes.json_endpoint import JsonEndpoint

NOW = datetime(2024, 11, 2, 1, 40, tzinfo=UTC)
OUTGOING = Outgoing(
    key="k1",
    destination="webhook:desk",
    message=Message(
        summary="SOX lags",
        severity=Severity.INFO,
        title=(Text("SOX lags"),),
        blocks=(Paragraph(((Text("SOX "), Move("-4.1%", -1)),)),),
        footer=(Instant(datetime(2024, 11, 1, 20, tzinfo=UTC), "America/New_York"),),
        attachments=(Attachment("/data/chart.png", "chart.png", "image/png"),),
    ),
    reader=Reader(colour=Colour.NONE),
)


@pytest.fixture
async def endpoint() -> AsyncIterator[JsonEndpoint]:
    """A receiver."""
    async with JsonEndpoint() as ready:
        yield ready


@pytest.fixture
async def notifier(endpoint: JsonEndpoint) -> AsyncIterator[WebhookNotifier]:
    """A notifier that knows the receiver as ``desk``."""
    endpoints = {"desk": Endpoint(SecretStr(endpoint.url), SecretStr("s3cret"))}
    async with WebhookNotifier(endpoints, SteppingClock(NOW)) as ready:
        yield ready


async def test_the_receiver_can_verify_who_sent_it(notifier: WebhookNotifier, endpoint: JsonEndpoint) -> None:
    """The signature covers the time and the very bytes of the body."""
    endpoint.body = {"id": "m-1"}
    receipt = await notifier.send(OUTGOING)
    headers, content, body = endpoint.received[0]
    expected = hmac.new(b"s3cret", b"1730511600." + content, hashlib.sha256).hexdigest()
    assert (headers["X-Tapewatch-Timestamp"], headers["X-Tapewatch-Signature"]) == ("1730511600", f"v1={expected}")
    assert headers["Idempotency-Key"] == "k1"
    assert receipt == Receipt("webhook:desk", "m-1", NOW, missing=("chart.png: webhooks carry no files",))
    assert body["text"] == "🔔 SOX lags\nSOX ▼ -4.1%\nFri 1 Nov 16:00 ET (20:00 UTC)"
    assert body["message"]["blocks"][0]["lines"][0][1] == {
        "text": "-4.1%", "direction": -1, "style": "plain", "kind": "move"
    }  # fmt: skip
    assert "/data" not in content.decode()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, Misconfigured),  # a redirect is not followed: the body is not for somebody else
        (400, MessageRejected),
        (401, Misconfigured),
        (404, DestinationGone),
        (410, DestinationGone),
        (413, MessageRejected),
        (429, RetryLater),
        (500, RetryLater),
        (503, RetryLater),
    ],
)
async def test_answers_are_typed(
    notifier: WebhookNotifier, endpoint: JsonEndpoint, status: int, expected: type[DeliveryError]
) -> None:
    """The status says what to do."""
    endpoint.status = status
    endpoint.headers = {"Retry-After": "30"}
    with pytest.raises(expected) as caught:
        await notifier.send(OUTGOING)
    if isinstance(caught.value, RetryLater):
        assert caught.value.after_s == 30


async def test_an_address_from_elsewhere_is_refused(notifier: WebhookNotifier) -> None:
    """Only names of the configuration are destinations, so no chat can aim the bot at a network's inside."""
    for destination in ("webhook:http://169.254.169.254/", "webhook:other", "console:"):
        with pytest.raises(DestinationGone, match="known: webhook:desk"):
            await notifier.send(Outgoing(key="k", destination=destination, message=OUTGOING.message, reader=Reader()))
