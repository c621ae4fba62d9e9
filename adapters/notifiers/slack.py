"""Messages to Slack channels and people, through the Web API."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, Self

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.clock import Clock
from adapters.message import Attachment
from adapters.notifiers.port import (
    DeliveryError,
    DestinationGone,
    MessageRejected,
    Misconfigured,
    OutcomeUnknown,
    Outgoing,
    Receipt,
    RetryLater,
    TargetLost,
)
from adapters.notifiers.round_trips import RoundTrips
from adapters.rendering.slack import slack_blocks, slack_plain, slack_text
from adapters.rendering.text import clean, shorten

DEFAULT_BASE_URL = "https://slack.com/api/"
_EVENT_TYPE = "tapewatch_notice"
_SEARCHED = 100
_ALT_TEXT = 1000
_BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})


class SlackNotifier:
    """Delivers to ``slack:CHANNEL`` (an id, or ``#name`` of a public channel) and ``slack:USER``.

    ``base_url`` ends in ``/api/``. One session serves every request; the library's own retries are off. A receipt's
    message id is ``CHANNEL/TS``, since a person's direct channel has an id of its own.
    """

    def __init__(
        self, token: SecretStr, clock: Clock, base_url: str = DEFAULT_BASE_URL, *, timeout_s: float = 20.0
    ) -> None:
        self._token = token
        self._clock = clock
        self._base_url = base_url
        self._timeout = aiohttp.ClientTimeout(total=3 * timeout_s, sock_connect=timeout_s, sock_read=timeout_s)
        self._client = AsyncWebClient()
        self._round_trips = RoundTrips(clock)

    @property
    def quickest_s(self) -> float:
        """The quickest of the latest requests, in seconds."""
        return self._round_trips.quickest_s

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout, trace_configs=[self._round_trips.trace()])
        self._client = AsyncWebClient(
            self._token.get_secret_value(), base_url=self._base_url, session=self._session, retry_handlers=[]
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send the text, then the attachments in its thread; raise a ``DeliveryError`` when the text isn't accepted."""
        channel = channel_of(outgoing.destination)
        try:
            if not (outgoing.message.title or outgoing.message.blocks):
                return await self._send_files_alone(outgoing, channel)
            message_id = await self._send_text(outgoing, channel)
        except FAILURES as error:
            raise classified(error, outgoing.destination) from error
        missing = await self._follow_up(outgoing, message_id)
        return Receipt(outgoing.destination, message_id, self._clock.now(), missing=missing)

    async def find(self, outgoing: Outgoing) -> Receipt | None:
        """Look for the message with ``outgoing.key`` among the latest of its channel or thread.

        Files that went alone are known by their names. What a message that is there lacks of its attachments is sent
        now. Slack lists the messages of a channel by its id alone: in ``#name`` nothing is ever found.
        """
        channel = channel_of(outgoing.destination)
        if channel.startswith("#"):
            return None
        try:
            channel, thread = await self._place(outgoing, channel)
            listed = await self._latest(channel, thread)
            if not (outgoing.message.title or outgoing.message.blocks):
                shared = _files(listed)
                ids = [shared.get(_file_name(outgoing.key, each)) for each in outgoing.message.attachments]
                found = f"{channel}/{ids[-1]}" if ids and all(ids) else ""
                return Receipt(outgoing.destination, found, self._clock.now()) if found else None
            ts = next((str(each["ts"]) for each in listed if _key(each) == outgoing.key), "")
            if not ts:
                return None
            there = _files(await self._latest(channel, thread or ts)) if outgoing.message.attachments else {}
        except FAILURES as error:
            raise classified(error, outgoing.destination) from error
        missing = await self._follow_up(outgoing, f"{channel}/{ts}", there)
        return Receipt(outgoing.destination, f"{channel}/{ts}", self._clock.now(), missing=missing)

    async def _place(self, outgoing: Outgoing, channel: str) -> tuple[str, str | None]:
        """The conversation's id, and the thread in it."""
        if outgoing.reply_to:
            return split_id(outgoing.reply_to.message_id)
        return await self._conversation(channel), None

    async def _latest(self, channel: str, thread: str | None) -> Sequence[dict[str, Any]]:
        """The latest messages of a channel or thread."""
        options: dict[str, Any] = {"channel": channel, "limit": _SEARCHED, "include_all_metadata": True}
        if thread:
            found = await self._client.conversations_replies(ts=thread, **options)
        else:
            found = await self._client.conversations_history(**options)
        return found.get("messages") or ()

    async def _send_text(self, outgoing: Outgoing, channel: str) -> str:
        """Try with blocks, then with a monospaced table, then without blocks."""
        message, reader = outgoing.message, outgoing.reader
        blocks = slack_blocks(message, reader)
        tries: list[dict[str, Any]] = [{"text": slack_text(message, reader), "blocks": blocks}]
        if any(block["type"] == "table" for block in blocks):
            simpler = slack_blocks(message, reader, native_table=False)
            tries.append({"text": slack_text(message, reader), "blocks": simpler})
        for rendering in tries:
            try:
                return await self._write(outgoing, channel, rendering)
            except SlackApiError as error:
                if error_code(error) not in _BAD_BLOCKS:
                    raise
        return await self._write(outgoing, channel, {"text": slack_plain(message, reader), "blocks": []})

    async def _write(self, outgoing: Outgoing, channel: str, rendering: dict[str, Any]) -> str:
        metadata = {"event_type": _EVENT_TYPE, "event_payload": {"key": outgoing.key}}
        if outgoing.edit:
            channel, ts = split_id(outgoing.edit.message_id)
            answer = await self._client.chat_update(channel=channel, ts=ts, metadata=metadata, **rendering)
        else:
            answer = await self._client.chat_postMessage(
                channel=channel,
                thread_ts=split_id(outgoing.reply_to.message_id)[1] if outgoing.reply_to else None,
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
                **rendering,
            )
        return f"{answer['channel']}/{answer['ts']}"

    async def _follow_up(self, outgoing: Outgoing, message_id: str, there: Container[str] = ()) -> tuple[str, ...]:
        """Send the attachments that aren't ``there``; the text is out, so nothing here may fail the delivery."""
        channel, ts = split_id(message_id)
        thread = split_id(outgoing.reply_to.message_id)[1] if outgoing.reply_to else ts
        missing = []
        for attachment in outgoing.message.attachments:
            name = _file_name(outgoing.key, attachment)
            if name in there:
                continue
            try:
                await self._send_file(channel, thread, attachment, name)
            except FAILURES as error:
                missing.append(f"{attachment.name}: {classified(error, outgoing.destination)}")
        return tuple(missing)

    async def _send_files_alone(self, outgoing: Outgoing, channel: str) -> Receipt:
        if not outgoing.message.attachments:
            raise MessageRejected("the message is empty; wanted a title, a block or an attachment")
        channel, thread = await self._place(outgoing, channel)
        for attachment in outgoing.message.attachments:
            file_id = await self._send_file(channel, thread, attachment, _file_name(outgoing.key, attachment))
        return Receipt(outgoing.destination, f"{channel}/{file_id}", self._clock.now())

    async def _conversation(self, channel: str) -> str:
        """The id of a channel, or of the direct conversation with a person; messages alone go to a person's id."""
        if not channel.startswith(("U", "W")):
            return channel
        opened = await self._client.conversations_open(users=channel)
        return str(opened["channel"]["id"])

    async def _send_file(self, channel: str, thread: str | None, attachment: Attachment, name: str) -> str:
        content = await asyncio.to_thread(Path(attachment.path).read_bytes)
        answer = await self._client.files_upload_v2(
            channel=channel,
            thread_ts=thread,
            content=content,
            filename=name,
            title=clean(attachment.alt or attachment.name),
            alt_txt=shorten(clean(attachment.alt), _ALT_TEXT) or None,
        )
        return str(answer["files"][0]["id"])


def _file_name(key: str, attachment: Attachment) -> str:
    """The attachment's name with a mark of the notice, by which it is found again; its title is shown without."""
    name, mark = PurePath(clean(attachment.name)), hashlib.blake2s(key.encode(), digest_size=4).hexdigest()
    return f"{name.stem}-{mark}{name.suffix}"


def _files(messages: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The ids of the files that ``messages`` share, by name."""
    return {str(file.get("name")): str(file["id"]) for each in messages for file in each.get("files") or ()}


def _key(message: Mapping[str, Any]) -> str:
    """The key of the notice that a message tells."""
    return str(message.get("metadata", {}).get("event_payload", {}).get("key", ""))


FAILURES = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError)
"""What a call of the library can raise for what the world does."""


def channel_of(destination: str) -> str:
    """Read ``slack:CHANNEL``; raise ``DestinationGone`` for anything else."""
    scheme, _, channel = destination.partition(":")
    if scheme != "slack" or not channel:
        raise DestinationGone(f"{destination!r} is not a channel; wanted slack:CHANNEL such as slack:C0123456789")
    return channel


def split_id(message_id: str) -> tuple[str, str]:
    """The channel and the time stamp of a receipt's message id."""
    channel, _, ts = message_id.partition("/")
    return channel, ts


_MISCONFIGURED = frozenset(
    [
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "no_permission",
        "access_denied",
        "org_login_required",
        "team_access_not_granted",
        "not_allowed_token_type",
        "team_not_found",
    ]
)
_DESTINATION_GONE = frozenset(
    [
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "user_not_found",
        "user_not_visible",
        "user_disabled",
        "users_not_found",
        "cannot_dm_bot",
        "messages_tab_disabled",
        "restricted_action",
        "restricted_action_read_only_channel",
        "is_inactive",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "channel_type_not_supported",
    ]
)
_TARGET_LOST = frozenset(
    [
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "thread_not_found",
        "cannot_reply_to_message",
        "invalid_thread_ts",
        "thread_locked",
    ]
)
_NOT_NOW = frozenset(["ratelimited", "rate_limited", "service_unavailable", "team_added_to_org", "accesslimited"])
_PERHAPS = frozenset({"internal_error", "fatal_error"})
"""Slack says of these that some aspect of the operation may have succeeded."""


def error_code(error: SlackApiError) -> str:
    """Slack's name of the failure, ``""`` where the answer had none."""
    data = getattr(error.response, "data", None)
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def classified(error: Exception, destination: str) -> DeliveryError:
    """What the caller must do about one of ``FAILURES``."""
    match error:
        case SlackApiError():
            return _api_error(error, destination)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError() | aiohttp.ClientProxyConnectionError():
            return RetryLater(f"{destination}: Slack can't be reached ({type(error).__name__})")
        case aiohttp.ClientError() | TimeoutError():
            return OutcomeUnknown(f"{destination}: no answer after the message was sent ({type(error).__name__})")
        case OSError():
            return MessageRejected(f"an attachment can't be read: {error.strerror or error}")
    return RetryLater(f"{destination}: {error}")


def _api_error(error: SlackApiError, destination: str) -> DeliveryError:
    code = error_code(error)
    kinds: list[tuple[frozenset[str], type[DeliveryError], str]] = [
        (_MISCONFIGURED, Misconfigured, f"Slack refuses the token or its scopes: {code}; check SLACK_BOT_TOKEN"),
        (_DESTINATION_GONE, DestinationGone, f"{destination}: {code}"),
        (_TARGET_LOST, TargetLost, f"{destination}: {code}"),
        (_PERHAPS, OutcomeUnknown, f"{destination}: Slack failed on its way ({code})"),
    ]
    for codes, kind, message in kinds:
        if code in codes:
            return kind(message + _scope(error))
    status = getattr(error.response, "status_code", None) or getattr(error.response, "status", 0)
    if code in _NOT_NOW or status == 429:
        return RetryLater(f"{destination}: Slack asks to wait", _retry_after(error))
    if code:
        return MessageRejected(f"{destination}: {code}{_details(error)}")
    if status in {500, 504}:
        return OutcomeUnknown(f"{destination}: Slack answered {status}")
    return RetryLater(f"{destination}: Slack answered {status}")


def _scope(error: SlackApiError) -> str:
    needed = error.response.get("needed")
    return f" (it needs {needed})" if needed else ""


def _details(error: SlackApiError) -> str:
    messages = (error.response.get("response_metadata") or {}).get("messages") or ()
    return f" ({'; '.join(map(str, messages[:3]))})" if messages else ""


def _retry_after(error: SlackApiError) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    value = headers.get("Retry-After")
    return float(value) if value and value.isdecimal() else None
