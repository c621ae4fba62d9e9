"""Looks at a Slack app's tokens, at what they may do, and at the channels that it is to write to."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.notifiers.inspection import Identity
from adapters.notifiers.port import DestinationGone, RetryLater
from adapters.notifiers.slack import DEFAULT_BASE_URL, FAILURES, channel_of, classified, error_code

SCOPES = (
    "chat:write",
    "files:write",
    "channels:history",
    "groups:history",
    "im:history",
    "im:write",
    "channels:read",
    "groups:read",
    "users:read",
    "app_mentions:read",
    "commands",
)
"""What ``slack-manifest.yaml`` asks for; its comments say for what."""


class SlackInspector:
    """See :class:`adapters.notifiers.inspection.Inspector`."""

    def __init__(self, token: SecretStr, base_url: str = DEFAULT_BASE_URL, *, timeout_s: float = 8.0) -> None:
        self._token, self._base_url = token, base_url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._client = AsyncWebClient()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=True)
        self._client = AsyncWebClient(
            self._token.get_secret_value(), base_url=self._base_url, session=self._session, retry_handlers=[]
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def identity(self) -> Identity:
        """The app and its workspace, with the scopes of the bot token."""
        try:
            answer = await self._client.auth_test()
        except FAILURES as error:
            raise classified(error, "slack") from error
        scopes = _header(answer.headers, "x-oauth-scopes")
        granted = None if scopes is None else frozenset(each.strip() for each in scopes.split(",") if each.strip())
        return Identity(f"@{answer.get('user', '?')} in {answer.get('team', '?')}", granted)

    async def listens(self, app_token: SecretStr) -> None:
        """Return where ``app_token`` opens a socket, else raise a ``DeliveryError``."""
        try:
            await self._client.apps_connections_open(app_token=app_token.get_secret_value())
        except FAILURES as error:
            raise classified(error, "slack") from error

    async def look(self, destination: str) -> None:
        """Look a channel or person up by id."""
        channel = channel_of(destination)
        if channel.startswith("#"):
            raise RetryLater(f"{destination}: a channel can be looked up by its id alone")
        try:
            if channel.startswith(("U", "W")):
                await self._client.users_info(user=channel)
                return
            found = (await self._client.conversations_info(channel=channel)).get("channel") or {}
        except FAILURES as error:
            if isinstance(error, SlackApiError) and error_code(error) in {"missing_scope", "unknown_method"}:
                raise RetryLater(f"{destination}: {error_code(error)}") from error
            raise classified(error, destination) from error
        self._judge(destination, found)

    @staticmethod
    def _judge(destination: str, found: Mapping[str, Any]) -> None:
        if found.get("is_archived"):
            raise DestinationGone(f"{destination}: is_archived")
        if not (found.get("is_member", True) or found.get("is_im")):
            raise DestinationGone(f"{destination}: not_in_channel")


def _header(headers: Mapping[str, Any], name: str) -> str | None:
    found = next((value for key, value in headers.items() if key.lower() == name), None)
    return ",".join(map(str, found)) if isinstance(found, list) else found
