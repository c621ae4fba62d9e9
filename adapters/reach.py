"""Whether a server answers at all, and what time it has: one request, of whose answer only the head is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

import httpx

from adapters.http import USER_AGENT

_PLAIN = {"ws": "http", "wss": "https"}


class Unreachable(Exception):
    """No answer: name, connection, certificate or time-out. The message says which, without query or password."""


@dataclass(frozen=True, slots=True)
class Reached:
    """An answer. Any status is one; ``date`` is the server's time (whole seconds, UTC) where it told it."""

    status: int
    date: datetime | None


async def reach(url: str, within_s: float = 5.0) -> Reached:
    """Ask for ``url``; a WebSocket's address is asked over HTTP, which its server refuses, and so answers."""
    parts = urlsplit(url)
    plain = urlunsplit(parts._replace(scheme=_PLAIN.get(parts.scheme, parts.scheme)))
    try:
        async with (
            httpx.AsyncClient(timeout=within_s, headers={"User-Agent": USER_AGENT}) as client,
            client.stream("GET", plain) as answer,
        ):
            return Reached(answer.status_code, _date(answer.headers.get("date", "")))
    except httpx.TimeoutException:
        raise Unreachable(f"{_place(url)}: no answer within {within_s:.0f} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise Unreachable(f"{_place(url)}: {_said(error)}") from None


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
