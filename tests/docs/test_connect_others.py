"""The receiver's guide is followed to the letter: its code verifies what is really sent."""

import re
from datetime import UTC, datetime
from pathlib import Path

import apprise
import pytest
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.message import Message, Reader, Text
from adapters.notifiers.port import Outgoing
from adapters.notifiers.webhook import Endpoint, WebhookNotifier
from bot.settings import NAMED_SECRETS
from tests.fakes.json_endpoint import JsonEndpoint

PAGE = (Path(__file__).parents[2] / "docs" / "connect-others.md").read_text(encoding="utf-8")
NOW = datetime(2024, 11, 2, 1, 40, tzinfo=UTC)


@pytest.fixture
async def received():
    """The headers, bytes and JSON of one message, as a receiver gets them."""
    async with JsonEndpoint() as endpoint:
        endpoints = {"desk": Endpoint(SecretStr(endpoint.url), SecretStr("s3cret"))}
        async with WebhookNotifier(endpoints, SteppingClock(NOW)) as notifier:
            message = Message(summary="费半跑输", title=(Text("费半跑输"),))
            await notifier.send(
                Outgoing(key="k1", destination="webhook:desk", message=message, reader=Reader(lang="zh"))
            )
        yield endpoint.received[0]


def guide():
    """The function of the guide, as somebody would copy it."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}
    exec(compile(code, "connect-others.md", "exec"), names)
    return names["is_genuine"]


@pytest.mark.parametrize(
    ("body", "secret", "later_s", "genuine"),
    [
        (None, b"s3cret", 0, True),
        (None, b"s3cret", 299, True),
        (None, b"s3cret", 301, False),  # somebody replays what they overheard
        (None, b"another", 0, False),
        (b"{}", b"s3cret", 0, False),  # the body was changed on its way
    ],
)
async def test_the_code_of_the_guide_knows_what_is_genuine(received, body, secret, later_s, genuine):
    """By the very bytes, the secret, and the time."""
    headers, content, _ = received
    assert genuine is guide()(headers, body or content, secret, now=NOW.timestamp() + later_s)


@pytest.mark.parametrize("headers", [{}, {"X-Tapewatch-Timestamp": "x", "X-Tapewatch-Signature": "v1="}])
def test_the_code_of_the_guide_refuses_what_has_no_signature(headers):
    """It is not an error but a stranger."""
    assert guide()(headers, b"{}", b"s3cret") is False


async def test_every_key_of_the_body_has_a_row(received):
    """What is posted is documented, and nothing else is."""
    rows = {
        name for cell in re.findall(r"^\| (`[^|]+`) \|", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    }
    assert set(received[2]) == {name for name in rows if name.islower()}


@pytest.mark.parametrize("url", re.findall(r"^export APPRISE_\w+_URL='(.+?)'", PAGE, re.MULTILINE))
def test_apprise_understands_each_address_of_the_guide(url):
    """As it stands, with the placeholders in it."""
    assert apprise.Apprise.instantiate(url) is not None


def test_the_guide_names_every_variable():
    """Whoever follows it needs nothing else."""
    assert [] == [name for name in NAMED_SECRETS if name not in PAGE]
