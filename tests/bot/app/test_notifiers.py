"""The messengers of the composition root: what the environment configures is written to, through the outbox."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.clock import SteppingClock
from adapters.message import Message, Paragraph, Reader, Text
from adapters.store.embedded import open_throwaway_store
from adapters.store.port import Commit, Store
from bot.alerts.notices import addressed
from bot.app.notifiers import build_notifiers, out_of_reach, unreachable
from bot.sending.courier import always
from bot.sending.sender import Sender
from bot.settings import load
from rules.model import Severity
from tests.fakes.json_endpoint import JsonEndpoint

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)
MESSAGE = Message(
    summary="SOX lags NDX",
    severity=Severity.INFO,
    title=(Text("SOX lags NDX"),),
    blocks=(Paragraph(((Text("SOX -4.1% vs NDX -1.6%"),),)),),
)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with open_throwaway_store() as opened:
        yield opened


async def delivered(store: Store, destination: str, **environ: str) -> list[str]:
    """Send one notice to ``destination`` with the messengers of ``environ``; the outcomes in the delivery log."""
    clock = SteppingClock(NOW)
    async with AsyncExitStack() as stack:
        notifiers = await build_notifiers(stack, load(None, {"HOME": "/nowhere", **environ}), clock)
        outbox = addressed("A-1001:fired", {"en": MESSAGE}, NOW, [destination])
        await store.states.commit(Commit(alerts={}, outbox=outbox))
        sender = Sender(name="s", store=store, notifiers=notifiers, reader_at=always(Reader()), clock=clock)
        await sender.drain()
    return [line.outcome for line in await store.outbox.log()]


async def test_a_webhook_of_the_environment_gets_signed_json(store: Store, tmp_path: Path) -> None:
    """``WEBHOOK_DESK_URL`` is ``webhook:desk``; the secret may come from a file, and signs the very bytes."""
    (tmp_path / "secret").write_text("s3cret\n")
    async with JsonEndpoint() as endpoint:
        sent = await delivered(
            store, "webhook:desk", WEBHOOK_DESK_URL=endpoint.url, WEBHOOK_DESK_SECRET_FILE=str(tmp_path / "secret")
        )
    assert ["sent"] == sent
    headers, content, body = endpoint.received[0]
    signed = hmac.new(b"s3cret", headers["X-Tapewatch-Timestamp"].encode() + b"." + content, hashlib.sha256)
    assert f"v1={signed.hexdigest()}" == headers["X-Tapewatch-Signature"]
    assert ("A-1001:fired", "SOX lags NDX") == (body["key"], body["summary"])


async def test_an_apprise_url_of_the_environment_is_written_to(store: Store) -> None:
    """``APPRISE_FEISHU_URL`` is ``apprise:feishu``, whatever service the URL is of."""
    async with JsonEndpoint() as endpoint:
        url = endpoint.url.replace("http", "json", 1)
        assert ["sent"] == await delivered(store, "apprise:feishu", APPRISE_FEISHU_URL=url)
    assert "🔔 SOX lags NDX" == endpoint.received[0][2]["title"]


async def test_a_webhook_without_its_secret_is_not_written_to(store: Store) -> None:
    """Nothing leaves unsigned; the notice is a dead letter."""
    async with JsonEndpoint() as endpoint:
        assert ["buried"] == await delivered(store, "webhook:desk", WEBHOOK_DESK_URL=endpoint.url)
    assert [] == endpoint.received


@pytest.mark.parametrize(
    ("destination", "hint"),
    [
        ("telegram:42", "set TELEGRAM_TOKEN"),
        ("webhook:other", "set WEBHOOK_OTHER_URL and WEBHOOK_OTHER_SECRET"),
        ("webhook:half", "set WEBHOOK_HALF_URL and WEBHOOK_HALF_SECRET"),
        ("apprise:mail", "set APPRISE_MAIL_URL"),
        ("pager:1", "wanted telegram:CHAT"),
        ("slack:", "wanted telegram:CHAT"),
        ("webhook:desk", ""),
        ("console:", ""),
    ],
)
def test_what_a_destination_lacks_is_said(destination: str, hint: str) -> None:
    """By the variable to set."""
    settings = load(
        None,
        {
            "HOME": "/nowhere",
            "WEBHOOK_DESK_URL": "http://h",
            "WEBHOOK_DESK_SECRET": "s",
            "WEBHOOK_HALF_URL": "http://h",
        },
    )
    said = unreachable(destination, settings, {"console", "webhook"})
    assert hint in (said.said("en") if said else "")
    assert bool(hint) == bool(said)


def test_every_destination_of_the_settings_is_looked_at(tmp_path: Path) -> None:
    """Those of the routes and of the digest too, each once."""
    path = tmp_path / "config.yaml"
    path.write_text(
        'destinations: ["console:"]\n'
        "routing: {routes: [{match: {tag: crypto}, to: webhook:a, routes: [{to: webhook:a}, {to: apprise:b}]}]}\n"
        "digest: {team: [slack:C1]}\n"
    )
    found = out_of_reach(load(path, {}), {"console"})
    assert ["'webhook:a'", "'apprise:b'", "'slack:C1'"] == [why.said("en").split(" ")[0] for why in found]
