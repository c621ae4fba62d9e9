"""Messages as signed JSON to any HTTP endpoint.

Each request carries ``Idempotency-Key``, ``X-Tapewatch-Timestamp`` (seconds since 1970) and ``X-Tapewatch-Signature``:
``v1=`` and the hexadecimal HMAC-SHA256, under the endpoint's secret, of the timestamp, a dot and the body.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.request import getproxies

import aiohttp
from pydantic import SecretStr

from adapters.clock import Clock
from adapters.notifiers.port import (
    DeliveryError,
    DestinationGone,
    MessageRejected,
    Misconfigured,
    Outgoing,
    Receipt,
    RetryLater,
)
from adapters.rendering.plain import plain_text

T = TypeVar("T")

_GONE = frozenset({404, 410})
_REFUSED = frozenset({401, 403, 407})
_NOT_NOW = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to post, and the secret that signs. Both are secrets: such addresses often contain a token."""

    url: SecretStr
    secret: SecretStr


class WebhookNotifier:
    """Delivers to ``webhook:NAME``, a name of ``endpoints``: an address is never taken from a chat.

    A message may arrive twice; the receiver knows it by ``Idempotency-Key``. Attachments are named, not sent.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint], clock: Clock, *, timeout_s: float = 20.0) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=bool(getproxies()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Post the message; any answer of 2xx accepts it."""
        endpoint = named(self._endpoints, outgoing.destination, "webhook")
        now = self._clock.now()
        body = json.dumps(document(outgoing, now), ensure_ascii=False, default=str).encode("utf-8", "replace")
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": outgoing.key,
            **signed(body, now, endpoint.secret),
        }
        try:
            async with self._session.post(
                endpoint.url.get_secret_value(), data=body, headers=headers, allow_redirects=False
            ) as answer:
                if not answer.ok or answer.status >= 300:
                    raise _refused(answer, outgoing.destination)
                message_id = _id_in(await answer.read()) or outgoing.key
        except aiohttp.InvalidURL as error:
            raise Misconfigured(f"{outgoing.destination}: its URL isn't one; wanted https://HOST/PATH") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            # Sending again is safe even if this one arrived: the key is the same.
            raise RetryLater(f"{outgoing.destination}: no answer ({type(error).__name__})") from error
        missing = tuple(f"{attachment.name}: webhooks carry no files" for attachment in outgoing.message.attachments)
        return Receipt(outgoing.destination, message_id, now, missing=missing)


def named(endpoints: Mapping[str, T], destination: str, scheme: str) -> T:
    """The endpoint that ``destination`` names; raise ``DestinationGone`` where there is none."""
    kind, _, name = destination.partition(":")
    if kind != scheme or name not in endpoints:
        known = ", ".join(f"{scheme}:{known}" for known in endpoints) or "none"
        raise DestinationGone(f"{destination!r} is not configured; known: {known}")
    return endpoints[name]


def document(outgoing: Outgoing, at: datetime) -> dict[str, Any]:
    """The JSON that is posted: the whole neutral message, and its plain text for who wants no more."""
    message = outgoing.message
    return {
        "key": outgoing.key,
        "destination": outgoing.destination,
        "at": at.isoformat(),
        "lang": outgoing.reader.lang,
        "severity": message.severity,
        "summary": message.summary,
        "text": plain_text(message, outgoing.reader),
        "message": {
            **asdict(message),
            "attachments": [
                {"name": attachment.name, "media_type": attachment.media_type} for attachment in message.attachments
            ],
        },
        "silent": outgoing.silent,
        "edits": outgoing.edit.message_id if outgoing.edit else None,
        "replies_to": outgoing.reply_to.message_id if outgoing.reply_to else None,
    }


def signed(body: bytes, at: datetime, secret: SecretStr) -> dict[str, str]:
    """The headers that prove who sent ``body``, and when."""
    timestamp = str(int(at.timestamp()))
    digest = hmac.new(secret.get_secret_value().encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Tapewatch-Timestamp": timestamp, "X-Tapewatch-Signature": f"v1={digest}"}


def _refused(answer: aiohttp.ClientResponse, destination: str) -> DeliveryError:
    status = answer.status
    what = f"{destination} answered {status}"
    if status in _NOT_NOW or status >= 500:
        value = answer.headers.get("Retry-After", "")
        return RetryLater(what, float(value) if value.isdecimal() else None)
    if status in _GONE:
        return DestinationGone(what)
    if status in _REFUSED or status < 400:
        return Misconfigured(f"{what}; check its URL and secret")
    return MessageRejected(what)


def _id_in(body: bytes) -> str:
    """The id that the receiver gave the message, if its answer is JSON with ``id``."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return str(answer["id"]) if isinstance(answer, dict) and answer.get("id") else ""
