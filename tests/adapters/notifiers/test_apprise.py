from datetime import UTC, datetime

import apprise
import pytest
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.message import Message, Paragraph, Reader, Text
from adapters.notifiers.apprise import AppriseNotifier, parts
from adapters.notifiers.port import Misconfigured, Outgoing, RetryLater
from rules.model import Severity
from tests.fakes.json_endpoint import JsonEndpoint

CLOCK = SteppingClock(datetime(2024, 11, 2, 1, 40, tzinfo=UTC))


def outgoing(message: Message) -> Outgoing:
    """The message for ``apprise:desk``."""
    return Outgoing(key="k1", destination="apprise:desk", message=message, reader=Reader())


def notifier_for(endpoint: JsonEndpoint) -> AppriseNotifier:
    """A notifier that posts JSON to the endpoint by Apprise's own plugin."""
    return AppriseNotifier({"desk": SecretStr(endpoint.url.replace("http", "json", 1))}, CLOCK)


async def test_title_text_and_severity_arrive() -> None:
    """What a service of the long tail gets."""
    message = Message(
        summary="s", severity=Severity.WARNING, title=(Text("费半跑输"),), blocks=(Paragraph(((Text("a < b"),),)),)
    )
    async with JsonEndpoint() as endpoint:
        await notifier_for(endpoint).send(outgoing(message))
    body = endpoint.received[0][2]
    assert (body["title"], body["message"], body["type"]) == ("⚠️ 费半跑输", "a < b", "warning")


async def test_a_failure_is_one_to_try_again() -> None:
    """Apprise doesn't say why."""
    async with JsonEndpoint() as endpoint:
        endpoint.status = 500
        with pytest.raises(RetryLater):
            await notifier_for(endpoint).send(outgoing(Message(summary="s", title=(Text("t"),))))


def test_a_missing_extra_says_how_to_install_it() -> None:
    """The message names the extra; nothing else of the product needs it."""
    with pytest.raises(Misconfigured, match=r"pip install 'tapewatch\[apprise\]'"):
        AppriseNotifier({}, CLOCK, library="apprise_that_is_not_installed")


def test_a_url_that_apprise_does_not_know_is_told_without_its_secrets() -> None:
    """The name says which; the URL stays secret."""
    with pytest.raises(Misconfigured, match="apprise:desk") as caught:
        AppriseNotifier({"desk": SecretStr("nonsense://hunter2@x")}, CLOCK)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "limit", "encoding", "unit"),
    [
        ("wecombot://botkey1234567890", 2048, "utf-8", 1),  # WeCom counts bytes
        ("feishu://token1234567890", 19985, "utf-8", 1),
        ("discord://1234567890/token", 2000, "utf-16-le", 2),  # Discord counts characters
    ],
)
def test_what_a_service_gets_is_within_its_limit(url: str, limit: int, encoding: str, unit: int) -> None:
    """Title and text together, in the service's own unit, with the footer still there."""
    message = Message(
        summary="s",
        title=(Text("费半跑输"),),
        blocks=(Paragraph(tuple((Text("长" * 300),) for _ in range(50))),),
        footer=(Text("资料来源：Yahoo"),),
    )
    title, body = parts(message, Reader(lang="zh"), apprise.Apprise.instantiate(url))
    length = len(f"{title}\n{body}".encode(encoding)) // unit
    assert limit * 0.6 < length <= limit
    assert body.endswith("资料来源：Yahoo")
