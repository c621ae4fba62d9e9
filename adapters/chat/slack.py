"""Slack's front end: Socket Mode, commands, mentions, direct messages, buttons, shortcuts and the home page."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import aiohttp
import structlog
from pydantic import SecretStr
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.chat.conversation import ABOUT_ALERTS, Conversation, finish, meant, pressed, spoken, typed
from adapters.chat.inbox import Inbox
from adapters.chat.port import Application, Chat, Origin, Request, User
from adapters.chat.slack_replies import (
    SHARE,
    Command,
    Direct,
    Home,
    Overheard,
    Press,
    Share,
    SlackReplies,
    Thread,
    Way,
    shared_request,
)
from adapters.clock import Clock
from adapters.notifiers.port import DeliveryError, Misconfigured, Notifier, Receipt
from adapters.notifiers.slack import DEFAULT_BASE_URL, FAILURES, classified
from adapters.store.port import Documents, Leases

_LOG = structlog.get_logger(__name__)
_ANY = re.compile(r".*", re.DOTALL)
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")
_LINK = re.compile(r"<[@#!]?(?:[^|<>]*\|)?([^<>]*)>")
_AT_ONCE = 16
"""What is asked beyond this waits, so that acknowledgements, which Slack wants within 3 s, go first."""
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=20, sock_read=20)
_LEFT = ("channel_left", "group_left", "channel_archive", "group_archive", "channel_deleted", "group_deleted")
EVENTS = ("app_mention", "message", "app_home_opened", *_LEFT)
"""What the app has to be subscribed to."""
_IDS = ("event_id", "trigger_id")
_NOT_SPOKEN = frozenset({"bot_message", "message_changed", "message_deleted", "message_replied"})
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Said:
    """What an event holds of a request; without a channel it was made in the direct conversation with the bot."""

    event: str
    user: str
    channel: str
    verb: str
    text: str
    origin: Origin | None = None
    typed: str = ""
    """All of it, where the verb is but the first of plain words."""
    thread: str = ""
    """The message under which it was said."""


class SlackFrontEnd:
    """Listens by Socket Mode and replies through ``notifier`` and Slack's own ways (ephemeral, response URL, home).

    ``root_command`` is the command that takes any verb, ``/tapewatch movers crypto``; every other slash command is a
    verb itself, behind ``prefix``. Each event is acknowledged before any work is done.
    """

    def __init__(
        self,
        bot_token: SecretStr,
        app_token: SecretStr,
        application: Application,
        notifier: Notifier,
        leases: Leases,
        *,
        clock: Clock,
        base_url: str = DEFAULT_BASE_URL,
        root_command: str = "tapewatch",
        prefix: str = "",
        patience_s: float = 1.0,
        ping_s: float = 10.0,
        documents: Documents | None = None,
    ) -> None:
        self._bot_token = bot_token
        self._app_token = app_token
        self._application = application
        self._notifier = notifier
        self._clock = clock
        self._base_url = base_url
        self._root_command = root_command
        self._prefix = prefix
        self._ping_s = ping_s
        self._inbox = Inbox(documents, "slack", clock)
        self._conversation = Conversation(application, leases, patience_s=patience_s)
        self._locales: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Listen until cancelled; raise ``Misconfigured`` on a bad token or a missing scope."""
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession(timeout=_TIMEOUT))
            client = AsyncWebClient(
                self._bot_token.get_secret_value(), base_url=self._base_url, session=session, retry_handlers=[]
            )
            await self._until_reachable(client)
            replies = SlackReplies(client=client, session=session, notifier=self._notifier, clock=self._clock)
            socket = AsyncSocketModeHandler(
                self._listening(client, replies), self._app_token.get_secret_value(), ping_interval=self._ping_s
            )
            stack.push_async_callback(finish, self._tasks)
            left = asyncio.create_task(self._inbox.look_after(lambda body: self._again(body, replies)))
            stack.callback(left.cancel)
            stack.push_async_callback(socket.close_async)
            await socket.client.connect()  # type: ignore[no-untyped-call]
            _LOG.info("slack_listening")
            await asyncio.Event().wait()

    async def _until_reachable(self, client: AsyncWebClient) -> None:
        """Return once both tokens are known to be good: the library would try a bad one for ever."""
        while True:
            try:
                await client.auth_test()
                await client.apps_connections_open(app_token=self._app_token.get_secret_value())
            except FAILURES as error:
                failure = classified(error, "slack:")
                if isinstance(failure, Misconfigured):
                    raise Misconfigured(
                        "Slack refuses a token; check SLACK_BOT_TOKEN (xoxb-…) and SLACK_APP_TOKEN (xapp-…, with "
                        f"the scope connections:write): {failure}"
                    ) from None
                _LOG.warning("slack_unreachable", error=str(failure))
                await self._clock.sleep_until(self._clock.now() + timedelta(seconds=self._ping_s))
            else:
                return

    def _listening(self, client: AsyncWebClient, replies: SlackReplies) -> AsyncApp:
        """The listeners. Each acknowledges at once; the work goes on beside it."""
        app = AsyncApp(client=client, request_verification_enabled=False)

        def listener(name: str) -> Callable[[AsyncAck, Json], Awaitable[None]]:
            async def listen(ack: AsyncAck, body: Json) -> None:
                if name == "message" and not (_to_the_bot(body) or _under_the_bots(body)):
                    await ack()
                    return
                # what is acknowledged won't be delivered again
                key = uuid.uuid4().hex
                await self._inbox.keep({key: {"name": name, "body": body}})
                await ack()
                self._start(self._answered(key, self._handlers[name](body, replies)))

            return listen

        app.command(_ANY)(listener("command"))
        app.action(_ANY)(listener("press"))
        app.shortcut(_ANY)(listener("shortcut"))
        for event in EVENTS:
            app.event(event)(listener(event))
        return app

    @property
    def _handlers(self) -> Mapping[str, Callable[[Json, SlackReplies], Awaitable[None]]]:
        return {
            "command": self._on_command,
            "press": self._on_press,
            "shortcut": self._on_shortcut,
            "app_mention": self._on_mention,
            "message": self._on_words,
            "app_home_opened": self._on_home,
            **dict.fromkeys(_LEFT, self._on_left),
        }

    async def _answered(self, key: str, work: Awaitable[None]) -> None:
        async with self._room:
            await _guarded(work)
        await self._inbox.done(key)

    async def _again(self, held: Json, replies: SlackReplies) -> None:
        """Handle an event that a process left behind when it died: under another id, since its own was used."""
        body = {**held["body"], **{name: f"{held['body'][name]}.again" for name in _IDS if name in held["body"]}}
        _LOG.info("slack_event_again", name=held["name"])
        await _guarded(self._handlers[held["name"]](body, replies))

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # From events to requests.

    async def _on_command(self, body: Json, replies: SlackReplies) -> None:
        text = unescaped(body.get("text", ""))
        verb = body["command"].removeprefix("/").removeprefix(self._prefix).lower()
        if verb == self._root_command:
            verb, text = spoken(f"/{text}", ()) if text.strip() else ("help", "")
        direct = body.get("channel_name") == "directmessage"
        said = _Said(body["trigger_id"], body["user_id"], "" if direct else body["channel_id"], verb, text)
        request = await self._request(replies, said)
        name = "" if direct else body.get("channel_name", "")
        request = replace(request, chat=replace(request.chat, title=name))
        await self._converse(request, Command(replies, request, body["response_url"]))

    async def _on_mention(self, body: Json, replies: SlackReplies) -> None:
        event = body["event"]
        said = self._said(body, unescaped(_MENTION.sub(" ", event["text"], count=1)))
        if said.verb and not said.text and said.thread:
            about = meant(said.verb, "", await _thread_buttons(replies.client, said.channel, said.thread))
            said = replace(said, text=about)
        request = await self._request(replies, said)
        root = self._receipt(event["channel"], event.get("thread_ts") or event["ts"])
        await self._converse(request, Thread(replies, request, root))

    async def _on_words(self, body: Json, replies: SlackReplies) -> None:
        """A direct message, or words in a thread under a message of the bot's."""
        event = body["event"]
        root = self._receipt(event["channel"], event["thread_ts"]) if event.get("thread_ts") else None
        plain = unescaped(event.get("text", ""))
        if root is not None and not _to_the_bot(body):
            said = replace(self._said(body, plain), verb="", text=plain, typed="", origin=Origin.OVERHEARD)
            request = await self._request(replies, said)
            await self._converse(request, Overheard(Thread(replies, request, root)))
            return
        request = await self._request(replies, self._said(body, plain))
        await self._converse(request, Direct(replies, request, root))

    def _said(self, body: Json, plain: str) -> _Said:
        """What an event of plain words holds."""
        event, (verb, text) = body["event"], spoken(plain, self._verbs)
        return _Said(
            body["event_id"],
            event["user"],
            event["channel"],
            verb,
            text,
            typed=typed(verb, plain),
            thread=event.get("thread_ts", ""),
        )

    async def _on_press(self, body: Json, replies: SlackReplies) -> None:
        action = body["actions"][0]
        value = action.get("value") or (action.get("selected_option") or {}).get("value", "")
        verb, text = pressed(value)
        event = f"{body['trigger_id']}.{action.get('action_ts', '')}"
        if body["container"]["type"] == "view":
            said = _Said(event, body["user"]["id"], "", verb, text, Origin.BUTTON)
            request = await self._request(replies, said)
            await self._converse(request, Home(replies, request))
            await self._show_home(event, request.user.id, replies)
            return
        said = _Said(event, body["user"]["id"], body["container"]["channel_id"], verb, text, Origin.BUTTON)
        if verb == SHARE:
            origin, verb, text = shared_request(text)
            request = await self._request(replies, replace(said, origin=origin, verb=verb, text=text))
            await self._converse(request, Share(replies, request, body["response_url"]))
            return
        request = await self._pressed_request(replies, said, body["container"]["message_ts"])
        whispered = bool(body["container"].get("is_ephemeral"))
        await self._converse(request, Press(replies, request, body["response_url"], whispered))

    async def _on_shortcut(self, body: Json, replies: SlackReplies) -> None:
        """A message shortcut does what the message's own button of that verb would."""
        verb = body["callback_id"].lower()
        text = meant(verb, "", button_data(body.get("message") or {})).replace(" ", ":")
        said = _Said(body["trigger_id"], body["user"]["id"], body["channel"]["id"], verb, text, Origin.BUTTON)
        request = await self._pressed_request(replies, said, body["message_ts"])
        await self._converse(request, Press(replies, request, body["response_url"]))

    async def _on_home(self, body: Json, replies: SlackReplies) -> None:
        if body["event"].get("tab", "home") == "home":
            await self._show_home(body["event_id"], f"slack:{body['event']['user']}", replies)

    async def _show_home(self, event: str, user: str, replies: SlackReplies) -> None:
        said = _Said(f"{event}.home", user.partition(":")[2], "", "home", "", Origin.HOME)
        request = await self._request(replies, said)
        await self._converse(request, Home(replies, request))

    async def _on_left(self, body: Json, replies: SlackReplies) -> None:  # noqa: ARG002 - there is nobody to reply to
        await self._application.removed(f"slack:{body['event']['channel']}")

    # What they share.

    @property
    def _verbs(self) -> frozenset[str]:
        return ABOUT_ALERTS | {entry.verb for entry in self._application.menu}

    async def _converse(self, request: Request, way: Way) -> None:
        await self._conversation.answer(request, way.hold, way.show)

    async def _pressed_request(self, replies: SlackReplies, said: _Said, ts: str) -> Request:
        request = await self._request(replies, said)
        return replace(request, pressed=self._receipt(said.channel, ts))

    async def _request(self, replies: SlackReplies, said: _Said) -> Request:
        locale = await self._locale(said.user, replies.client)
        in_channel = said.channel and not said.channel.startswith("D")
        return Request(
            id=f"slack:{said.event}",
            platform="slack",
            origin=said.origin or (Origin.COMMAND if said.verb else Origin.TEXT),
            user=User(f"slack:{said.user}", self._names.get(said.user, ""), locale),
            chat=Chat(f"slack:{said.channel}", "group") if in_channel else Chat(f"slack:{said.user}", "direct"),
            verb=said.verb,
            text=said.text,
            at=self._clock.now(),
            answers=self._receipt(said.channel, said.thread) if said.thread else None,
            typed=said.typed,
        )

    def _receipt(self, channel: str, ts: str) -> Receipt:
        return Receipt(f"slack:{channel}", f"{channel}/{ts}", self._clock.now())

    async def _locale(self, user: str, client: AsyncWebClient) -> str:
        """The person's language tag, asked once; ``""`` where the scope ``users:read`` is missing."""
        if user not in self._locales:
            locale = name = ""
            try:
                answer = await client.users_info(user=user, include_locale=True)
            except FAILURES as error:
                _LOG.info("slack_locale_unknown", error=str(classified(error, f"slack:{user}")))
            else:
                profile = answer["user"]
                locale = profile.get("locale", "")
                name = profile.get("profile", {}).get("display_name") or profile.get("name", "")
            self._locales[user], self._names[user] = locale, name
        return self._locales[user]


def _to_the_bot(body: Json) -> bool:
    """Whether a message is a person's direct one."""
    return body["event"].get("channel_type") == "im" and _spoken_by_a_person(body["event"])


def _under_the_bots(body: Json) -> bool:
    """Whether a message is a person's in a thread that the bot began, without its name: that is an event of its own."""
    event, (bot, *_) = body["event"], [*(each["user_id"] for each in body.get("authorizations") or ()), ""]
    begun = bot and event.get("parent_user_id") == bot
    return bool(begun and _spoken_by_a_person(event) and f"<@{bot}" not in event.get("text", ""))


def _spoken_by_a_person(event: Json) -> bool:
    return not event.get("bot_id") and event.get("subtype") not in _NOT_SPOKEN and bool(event.get("user"))


async def _guarded(work: Awaitable[None]) -> None:
    try:
        await work
    except (DeliveryError, *FAILURES) as error:
        _LOG.warning("slack_reply_failed", error=str(error))


def unescaped(text: str) -> str:
    """What the person typed: Slack escapes three characters and wraps what it takes for a link or a mention."""
    plain = _LINK.sub(lambda found: found[1], text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


async def _thread_buttons(client: AsyncWebClient, channel: str, ts: str) -> list[str]:
    """The data of the buttons under the message that a thread began with; none where it can't be read."""
    try:
        answer = await client.conversations_replies(channel=channel, ts=ts, limit=1)
    except FAILURES as error:
        _LOG.info("slack_thread_unknown", error=str(classified(error, f"slack:{channel}")))
        return []
    return [
        data for message in answer.get("messages") or () if message.get("ts") == ts for data in button_data(message)
    ]


def button_data(message: Json) -> list[str]:
    """The data of the buttons under ``message``."""
    elements = [element for block in message.get("blocks") or () for element in block.get("elements") or ()]
    return [str(element.get("value", "")) for element in elements if element.get("type") == "button"]
