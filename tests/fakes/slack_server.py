"""A Slack workspace on the loopback: Web API and Socket Mode, strict, with a memory, and with faults to order.

async with FakeSlack() as slack:
slack.add_channel("C1")
...  # SLACK_BASE_URL=slack.base_url SLACK_BOT_TOKEN=slack.bot_token SLACK_APP_TOKEN=slack.app_token
assert slack.sent("C1")[0].visible == "..."
"""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.fakes.faults import Faults
from tests.fakes.rates import Limit, Rates
from tests.fakes.slack_blocks import Json, Refused, blocks_text, check_blocks, markup_problems, mrkdwn_texts, visible
from tests.fakes.slack_socket import Socket

BOT_USER = "UBOT00001"
SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "conversations.open": "im:write",
    "conversations.info": "channels:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "users.info": "users:read",
}
_RESPONSES = 5


class SlackError(Exception):
    """A refusal by its name in the documentation."""

    def __init__(self, error: str, **extra: Any) -> None:
        super().__init__(error)
        self.body: Json = {"ok": False, "error": error, **extra}


@dataclass
class FakeChannel:
    """A channel or a direct conversation."""

    id: str
    name: str = ""
    archived: bool = False
    member: bool = True


@dataclass
class FakeMessage:
    """A message; ``visible`` is what a person reads of it."""

    channel: str
    ts: str
    text: str
    blocks: list[Json]
    metadata: Json | None = None
    thread_ts: str | None = None
    edits: int = 0
    deleted: bool = False
    editable: bool = True
    user: str = BOT_USER
    ephemeral_for: str = ""
    files: list[str] = field(default_factory=list)
    shared: list[Json] = field(default_factory=list)
    arrived: float = field(default_factory=time.monotonic)

    @property
    def visible(self) -> str:
        """The text of the blocks, or the plain text where there are none."""
        return blocks_text(self.blocks) if self.blocks else visible(self.text)

    @property
    def buttons(self) -> list[Json]:
        """The buttons in order."""
        return [button for block in self.blocks if block["type"] == "actions" for button in block["elements"]]

    def json(self) -> Json:
        """The message as the Web API gives it."""
        body: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "blocks": self.blocks}
        if self.metadata:
            body["metadata"] = self.metadata
        if self.thread_ts:
            body["thread_ts"] = self.thread_ts
        if self.shared:
            body["files"] = self.shared
        return body


class FakeSlack:
    """The workspace. ``pings`` collects mentions and unescaped markup that got through: it has to stay empty."""

    def __init__(self) -> None:
        self.bot_token = "xoxb-test-token"
        self.app_token = "xapp-test-token"
        self.base_url = ""
        self.faults = Faults()
        self.rates = Rates()
        self.scopes = set(SCOPES.values())
        self.channels: dict[str, FakeChannel] = {}
        self.users: dict[str, Json] = {}
        self.messages: dict[tuple[str, str], FakeMessage] = {}
        self.ephemerals: list[FakeMessage] = []
        self.responses: list[Json] = []
        self.homes: dict[str, Json] = {}
        self.files: dict[str, Json] = {}
        self.calls: list[tuple[str, Json]] = []
        self.refusals: list[str] = []
        self.pings: list[str] = []
        self.native_tables = True
        self.socket = Socket(self)
        self._response_uses: dict[str, int] = {}
        self._ts = itertools.count(1)
        self._file_ids = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self._methods: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "auth.test": self._auth_test,
            "api.test": self._api_test,
            "chat.postMessage": self._post_message,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.update": self._update,
            "conversations.open": self._open,
            "conversations.info": self._info,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._complete_upload,
            "users.info": self._user_info,
            "views.publish": self._publish,
            "apps.connections.open": self._connect,
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen on the loopback; ``port`` 0 takes a free one."""
        app = web.Application(client_max_size=60_000_000)
        app.router.add_route("*", "/api/{method}", self._handle)
        app.router.add_post("/upload/{file}", self._upload)
        app.router.add_post("/response/{id}", self._respond)
        app.router.add_get("/link", self.socket.connected)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.root = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.base_url = f"{self.root}/api/"

    async def stop(self) -> None:
        """Close the port; what was sent stays known."""
        await self.socket.close()
        if self._runner:
            await self._runner.cleanup()

    # What a test sets up and looks at.

    def add_channel(self, channel: str, name: str = "") -> FakeChannel:
        """A channel that the bot is in."""
        self.channels[channel] = FakeChannel(channel, name or channel.lower())
        return self.channels[channel]

    def add_user(self, user: str, *, name: str = "", locale: str = "en-US") -> str:
        """A person, with a direct conversation with the bot; return that conversation's id."""
        profile = {"display_name": name or user}
        self.users[user] = {"id": user, "name": name or user, "locale": locale, "profile": profile}
        self.channels[f"D{user[1:]}"] = FakeChannel(f"D{user[1:]}")
        return f"D{user[1:]}"

    def sent(self, channel: str | None = None) -> list[FakeMessage]:
        """The bot's messages, oldest first."""
        return [
            message
            for message in self.messages.values()
            if message.user == BOT_USER and not message.deleted and channel in {None, message.channel}
        ]

    def next_ts(self) -> str:
        """A time stamp that no message has."""
        return f"1730491200.{next(self._ts):06}"

    # HTTP.

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        parameters = await _parameters(request)
        self.calls.append((method, parameters))

        async def answer() -> web.Response:
            return await self._answer(method, request.headers.get("Authorization", ""), parameters)

        return await self.faults.around(request, method, answer, _too_many)

    async def _answer(self, method: str, authorization: str, parameters: Json) -> web.Response:
        try:
            call = self._method(method, authorization)
            if method in {"chat.postMessage", "chat.update"} and (wait := self._over(parameters)):
                return _too_many(math.ceil(wait))
            granted = {"x-oauth-scopes": ",".join(sorted(self.scopes))}
            return web.json_response({"ok": True, **await call(parameters)}, headers=granted)
        except SlackError as error:
            self.refusals.append(error.body["error"])
            return web.json_response(error.body)

    def _method(self, method: str, authorization: str) -> Callable[[Json], Awaitable[Json]]:
        token = self.app_token if method == "apps.connections.open" else self.bot_token
        if authorization != f"Bearer {token}":
            raise SlackError("invalid_auth" if authorization else "not_authed")
        if method not in self._methods:
            raise SlackError("unknown_method", req_method=method)
        needed = SCOPES.get(method)
        if needed and needed not in self.scopes:
            raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(self.scopes)))
        return self._methods[method]

    def _over(self, parameters: Json) -> float:
        return self.rates.wait_for({f"channel {parameters.get('channel')}": Limit(1, 1)})

    # Methods of the Web API.

    async def _auth_test(self, parameters: Json) -> Json:
        return {"url": "https://desk.slack.com/", "team": "Desk", "user": "tapewatch", "team_id": "T1",
                "user_id": BOT_USER, "bot_id": "B1"}  # fmt: skip

    async def _api_test(self, parameters: Json) -> Json:
        return {}

    async def _post_message(self, parameters: Json) -> Json:
        channel = self._channel(parameters)
        text, blocks = self._content(parameters)
        thread = parameters.get("thread_ts")
        if thread and (channel.id, thread) not in self.messages:
            raise SlackError("thread_not_found")
        message = FakeMessage(channel.id, self.next_ts(), text, blocks, _metadata(parameters), thread)
        self.messages[(channel.id, message.ts)] = message
        return {"channel": channel.id, "ts": message.ts, "message": message.json()}

    async def _post_ephemeral(self, parameters: Json) -> Json:
        channel = self._channel(parameters)
        text, blocks = self._content(parameters)
        if parameters.get("user") not in self.users:
            raise SlackError("user_not_in_channel")
        message = FakeMessage(channel.id, self.next_ts(), text, blocks, ephemeral_for=parameters["user"])
        self.ephemerals.append(message)
        return {"message_ts": message.ts}

    async def _update(self, parameters: Json) -> Json:
        channel = self._channel(parameters)
        message = self.messages.get((channel.id, str(parameters.get("ts"))))
        if message is None or message.deleted:
            raise SlackError("message_not_found")
        if message.user != BOT_USER:
            raise SlackError("cant_update_message")
        if not message.editable:
            raise SlackError("edit_window_closed")
        message.text, message.blocks = self._content(parameters)
        message.metadata = _metadata(parameters) or message.metadata
        message.edits += 1
        return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": message.json()}

    async def _open(self, parameters: Json) -> Json:
        user = str(parameters.get("users"))
        if user not in self.users:
            raise SlackError("user_not_found")
        return {"channel": {"id": f"D{user[1:]}"}}

    async def _info(self, parameters: Json) -> Json:
        channel = self.channels.get(str(parameters.get("channel", "")))
        if channel is None:
            raise SlackError("channel_not_found")
        return {"channel": {"id": channel.id, "name": channel.name, "is_archived": channel.archived,
                            "is_member": channel.member}}  # fmt: skip

    async def _history(self, parameters: Json) -> Json:
        channel = self._channel(parameters)
        found = [m for m in self.messages.values() if m.channel == channel.id and not m.thread_ts and not m.deleted]
        return {"messages": _listed(reversed(found), parameters), "has_more": False}

    async def _replies(self, parameters: Json) -> Json:
        channel, thread = self._channel(parameters), str(parameters.get("ts"))
        found = [m for m in self.messages.values() if m.channel == channel.id and thread in {m.ts, m.thread_ts}]
        if not found:
            raise SlackError("thread_not_found")
        return {"messages": _listed(found, parameters), "has_more": False}

    async def _upload_url(self, parameters: Json) -> Json:
        file_id = f"F{next(self._file_ids)}"
        if not parameters.get("filename") or int(parameters.get("length", 0)) < 1:
            raise SlackError("invalid_arguments")
        self.files[file_id] = {"name": parameters["filename"], "length": int(parameters["length"]),
                               "alt": parameters.get("alt_txt", "")}  # fmt: skip
        return {"upload_url": f"{self.root}/upload/{file_id}", "file_id": file_id}

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        file = self.files[request.match_info["file"]]

        async def answer() -> web.Response:
            file["content"] = content
            return web.Response(text=f"OK - {len(content)}", status=200 if len(content) == file["length"] else 400)

        return await self.faults.around(request, "upload", answer, _too_many)

    async def _complete_upload(self, parameters: Json) -> Json:
        if parameters.get("channel_id") not in self.channels:
            raise SlackError("channel_not_found")
        channel = self._channel({"channel": parameters["channel_id"]})
        files = parameters["files"]
        for file in json.loads(files) if isinstance(files, str) else files:
            if "content" not in self.files.get(file["id"], {}):
                raise SlackError("file_not_found")
            message = FakeMessage(channel.id, self.next_ts(), "", [], thread_ts=parameters.get("thread_ts"))
            title = self.files[file["id"]]["title"] = file.get("title", "")
            message.files = [file["id"]]
            message.shared = [{"id": file["id"], "name": self.files[file["id"]]["name"], "title": title}]
            self.messages[(channel.id, message.ts)] = message
        listed = json.loads(files) if isinstance(files, str) else files
        return {"files": [{"id": file["id"], "title": file.get("title")} for file in listed]}

    async def _user_info(self, parameters: Json) -> Json:
        if parameters.get("user") not in self.users:
            raise SlackError("user_not_found")
        return {"user": self.users[parameters["user"]]}

    async def _publish(self, parameters: Json) -> Json:
        view = parameters["view"]
        view = json.loads(view) if isinstance(view, str) else view
        if view.get("type") != "home":
            raise SlackError("invalid_arguments")
        if len(view["blocks"]) > 100:
            raise SlackError("invalid_blocks")
        self._check(view["blocks"][:50])
        self.homes[parameters["user_id"]] = view
        return {"view": view}

    async def _connect(self, parameters: Json) -> Json:
        return {"url": f"ws{self.root.removeprefix('http')}/link"}

    async def _respond(self, request: web.Request) -> web.Response:
        key = request.match_info["id"]
        self._response_uses[key] = self._response_uses.get(key, 0) + 1
        body = await request.json()
        try:
            if self._response_uses[key] > _RESPONSES:
                raise SlackError("used_url")  # noqa: TRY301
            text, blocks = ("", []) if body.get("delete_original") else self._content(body)
        except SlackError as error:
            self.refusals.append(error.body["error"])
            return web.json_response(error.body, status=404)
        self.responses.append({**body, "text": text, "blocks": blocks, "to": key})
        return web.Response(text="ok")

    # What the methods share.

    def _channel(self, parameters: Json) -> FakeChannel:
        wanted = str(parameters.get("channel", ""))
        if wanted in self.users:
            wanted = f"D{wanted[1:]}"
        named = [channel for channel in self.channels.values() if f"#{channel.name}" == wanted]
        channel = self.channels.get(wanted) or (named[0] if named else None)
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.archived:
            raise SlackError("is_archived")
        if not channel.member:
            raise SlackError("not_in_channel")
        return channel

    def _content(self, parameters: Json) -> tuple[str, list[Json]]:
        text, blocks = str(parameters.get("text") or ""), parameters.get("blocks") or []
        blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
        if not text:
            # Without it, notifications and screen readers have nothing to say.
            raise SlackError("no_text")
        if len(text) > 40_000:
            raise SlackError("msg_too_long")
        self._check(blocks)
        self.pings += [problem for part in [text, *mrkdwn_texts(blocks)] for problem in markup_problems(part)]
        return text, blocks

    def _check(self, blocks: list[Json]) -> None:
        try:
            check_blocks(blocks)
        except Refused as refused:
            raise SlackError("invalid_blocks", response_metadata={"messages": refused.messages}) from None
        if not self.native_tables and any(block["type"] == "table" for block in blocks):
            raise SlackError("invalid_blocks")


async def _parameters(request: web.Request) -> Json:
    if request.content_type == "application/json":
        body: Json = await request.json()
        return {**request.query, **body}
    return {**request.query, **await request.post()}


def _metadata(parameters: Json) -> Json | None:
    metadata = parameters.get("metadata")
    found: Json | None = json.loads(metadata) if isinstance(metadata, str) else metadata
    if found is not None and not (found.get("event_type") and isinstance(found.get("event_payload"), dict)):
        raise SlackError("invalid_metadata_format")
    return found


def _listed(messages: Any, parameters: Json) -> list[Json]:
    listed = [message.json() for message in messages][: int(parameters.get("limit", 100))]
    if str(parameters.get("include_all_metadata", "")) not in {"1", "True", "true"}:
        listed = [{key: value for key, value in message.items() if key != "metadata"} for message in listed]
    return listed


def _too_many(retry_after: int) -> web.Response:
    return web.json_response(
        {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(retry_after)}
    )
