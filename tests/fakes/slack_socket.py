"""Socket Mode: envelopes over a WebSocket, each to be acknowledged within three seconds."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

if TYPE_CHECKING:
    from tests.fakes.slack_server import FakeMessage, FakeSlack

Json = dict[str, Any]
ACK_DEADLINE_S = 3.0


class Socket:
    """The server's side of the connections. ``acks`` maps an envelope to the seconds until its acknowledgement."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._connections: list[web.WebSocketResponse] = []
        self._ids = itertools.count(1)
        self._sent_at: dict[str, float] = {}
        self._ready = asyncio.Event()
        self.acks: dict[str, float] = {}
        self.ack_payloads: dict[str, Json] = {}
        self.connects = 0

    async def connected(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection: greet, then collect acknowledgements."""
        connection = web.WebSocketResponse(autoping=True)
        await connection.prepare(request)
        self._connections.append(connection)
        self.connects += 1
        await connection.send_json({"type": "hello", "num_connections": len(self._connections), "debug_info": {}})
        self._ready.set()
        async for message in connection:
            if message.type is WSMsgType.TEXT:
                self._acknowledge(json.loads(message.data))
        self._connections.remove(connection)
        return connection

    def _acknowledge(self, body: Json) -> None:
        envelope = body["envelope_id"]
        self.acks[envelope] = time.monotonic() - self._sent_at[envelope]
        self.ack_payloads[envelope] = body.get("payload") or {}

    async def ready(self, patience_s: float = 20.0) -> None:
        """Return once a client listens; fail when none comes."""
        async with asyncio.timeout(patience_s):
            while not self._connections:
                self._ready.clear()
                await self._ready.wait()

    async def close(self) -> None:
        """Drop every connection."""
        for connection in list(self._connections):
            await connection.close()

    async def ask_to_reconnect(self) -> None:
        """Tell the client that this connection ends, as Slack does every few hours."""
        for connection in list(self._connections):
            await connection.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})
            await connection.close()

    async def push(self, kind: str, payload: Json, **extra: Any) -> str:
        """Send an envelope to one connection, the newest; return its id."""
        await self.ready()
        envelope = f"e{next(self._ids)}"
        self._sent_at[envelope] = time.monotonic()
        body = {"envelope_id": envelope, "type": kind, "accepts_response_payload": True, "payload": payload, **extra}
        with suppress(ConnectionError):
            # What is lost with a connection, Slack delivers again later.
            await self._connections[-1].send_json(body)
        return envelope

    # What people do.

    async def command(self, command: str, text: str = "", *, user: str, channel: str) -> str:
        """A slash command."""
        trigger = f"t{next(self._ids)}"
        return await self.push(
            "slash_commands",
            {"command": command, "text": text, "user_id": user, "user_name": user.lower(), "channel_id": channel,
             "channel_name": "directmessage" if channel.startswith("D") else "desk",
             "team_id": "T1", "team_domain": "d", "api_app_id": "A1", "token": "t", "trigger_id": trigger,
             "response_url": f"{self._slack.root}/response/{trigger}"},
        )  # fmt: skip

    async def event(self, event: Json, *, event_id: str = "", retry: int = 0) -> str:
        """An event; the same ``event_id`` is the same event, delivered again."""
        extra = {"retry_attempt": retry, "retry_reason": "timeout"} if retry else {}
        return await self.push(
            "events_api",
            {"token": "t", "team_id": "T1", "api_app_id": "A1", "type": "event_callback", "event": event,
             "event_id": event_id or f"Ev{next(self._ids)}", "event_time": 1730491200,
             "authorizations": [{"team_id": "T1", "user_id": "UBOT00001", "is_bot": True}]},
            **extra,
        )  # fmt: skip

    async def mention(self, text: str, *, user: str, channel: str, thread_ts: str = "", **delivery: Any) -> str:
        """``@tapewatch text`` in a channel."""
        event: Json = {"type": "app_mention", "user": user, "text": f"<@UBOT00001> {text}", "channel": channel,
                       "ts": self._slack.next_ts(), "event_ts": "1"}  # fmt: skip
        return await self.event({**event, **({"thread_ts": thread_ts} if thread_ts else {})}, **delivery)

    async def direct(self, text: str, *, user: str, **delivery: Any) -> str:
        """A direct message."""
        return await self.event(
            {"type": "message", "channel_type": "im", "user": user, "text": text, "channel": f"D{user[1:]}",
             "ts": self._slack.next_ts(), "event_ts": "1"},
            **delivery,
        )  # fmt: skip

    async def open_home(self, user: str) -> str:
        """The app's home tab."""
        event = {"type": "app_home_opened", "user": user, "channel": f"D{user[1:]}", "tab": "home", "event_ts": "1"}
        return await self.event(event)

    async def press(self, message: FakeMessage, value: str, *, user: str) -> str:
        """A button; ``value`` may be forged."""
        found = [button for button in message.buttons if button["value"] == value]
        action = {"type": "button", "action_id": found[0]["action_id"] if found else "forged", "block_id": "b",
                  "value": value, "text": {"type": "plain_text", "text": "x"}, "action_ts": "1"}  # fmt: skip
        trigger = f"t{next(self._ids)}"
        container = {"type": "message", "message_ts": message.ts, "channel_id": message.channel,
                     "is_ephemeral": bool(message.ephemeral_for)}  # fmt: skip
        payload = {"type": "block_actions", "user": {"id": user, "username": user.lower(), "team_id": "T1"},
                   "api_app_id": "A1", "token": "t", "container": container, "trigger_id": trigger,
                   "team": {"id": "T1", "domain": "d"}, "channel": {"id": message.channel, "name": "desk"},
                   "actions": [action], "response_url": f"{self._slack.root}/response/{trigger}"}  # fmt: skip
        if not message.ephemeral_for:
            payload["message"] = message.json()
        return await self.push("interactive", payload)

    async def press_home(self, value: str, *, user: str) -> str:
        """A button on the home tab."""
        action = {"type": "button", "action_id": "home", "block_id": "b", "value": value, "action_ts": "1"}
        view = {"id": "V1", "type": "home", **self._slack.homes[user]}
        return await self.push(
            "interactive",
            {"type": "block_actions", "user": {"id": user, "username": user.lower(), "team_id": "T1"},
             "api_app_id": "A1", "token": "t", "container": {"type": "view", "view_id": "V1"},
             "trigger_id": f"t{next(self._ids)}",
             "team": {"id": "T1", "domain": "d"}, "view": view, "actions": [action]},
        )  # fmt: skip

    async def shortcut(self, callback_id: str, message: FakeMessage, *, user: str) -> str:
        """A message shortcut."""
        trigger = f"t{next(self._ids)}"
        return await self.push(
            "interactive",
            {"type": "message_action", "callback_id": callback_id, "user": {"id": user, "name": user.lower()},
             "team": {"id": "T1", "domain": "d"}, "channel": {"id": message.channel, "name": "desk"},
             "message": message.json(), "message_ts": message.ts, "trigger_id": trigger, "token": "t",
             "response_url": f"{self._slack.root}/response/{trigger}"},
        )  # fmt: skip
