"""The ways in which Slack shows a reply: to one person, in a thread, in a direct conversation, on the home page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.chat.port import Origin, Reply, Request
from adapters.clock import Clock
from adapters.message import Button, Message
from adapters.notifiers.port import DeliveryError, Notifier, Outgoing, Receipt, TargetLost
from adapters.notifiers.slack import FAILURES, classified, split_id
from adapters.rendering.slack import slack_blocks, slack_plain, slack_text

_LOG = structlog.get_logger(__name__)
_VALUE_LIMIT = 2000
SHARE = "share"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackReplies:
    """What the ways need: the client, its session, and the notifier for messages that stay."""

    client: AsyncWebClient
    session: aiohttp.ClientSession
    notifier: Notifier
    clock: Clock

    async def respond(
        self, url: str, reply: Reply, *, public: bool = False, replaces: bool = False, share: str = ""
    ) -> None:
        """Answer by the event's response URL (five times in half an hour); raise ``DeliveryError`` on failure."""
        message = _with_share(reply, share)
        for rendering in _renderings(message, reply):
            body = {
                "response_type": "in_channel" if public else "ephemeral",
                "replace_original": replaces,
                **rendering,
            }
            if await self.post(url, body):
                return
        raise DeliveryError("Slack refuses the reply")

    async def post(self, url: str, body: Json) -> bool:
        """Post ``body`` to a response URL; whether it was taken."""
        try:
            async with self.session.post(url, json=body, allow_redirects=False, proxy=self.client.proxy) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError) as error:
            raise classified(error, "response_url") from error

    async def whisper(self, request: Request, reply: Reply, thread: str | None) -> None:
        """Show the reply to the asker alone, in the channel; in a direct message where the bot isn't in there."""
        channel, user = _address(request.chat.destination), _address(request.user.id)
        message = _with_share(reply, share_value(request))
        for rendering in _renderings(message, reply):
            try:
                await self.client.chat_postEphemeral(channel=channel, user=user, thread_ts=thread, **rendering)
            except SlackApiError as error:
                if error.response.get("error") not in {"invalid_blocks", "msg_too_long", "invalid_blocks_format"}:
                    await self.send(request, reply, request.user.id)
                    return
            else:
                return

    async def send(
        self,
        request: Request,
        reply: Reply,
        destination: str,
        *,
        edit: Receipt | None = None,
        reply_to: Receipt | None = None,
    ) -> Receipt:
        """Send a message that stays; where what it edits is lost, a new one."""
        outgoing = Outgoing(
            key=request.id,
            destination=destination,
            message=reply.message,
            reader=reply.reader,
            edit=edit,
            reply_to=reply_to,
        )
        try:
            return await self.notifier.send(outgoing)
        except TargetLost:
            return await self.notifier.send(replace(outgoing, edit=None, reply_to=None))

    async def send_files(self, request: Request, reply: Reply, destination: str) -> None:
        """Send what an ephemeral reply can't carry."""
        if reply.message.attachments:
            files = Message(summary=reply.message.summary, title=(), attachments=reply.message.attachments)
            await self.send(request, replace(reply, message=files), destination)

    async def delete(self, receipt: Receipt) -> None:
        """Remove one of the bot's own messages; it may be gone already."""
        channel, ts = split_id(receipt.message_id)
        try:
            await self.client.chat_delete(channel=channel, ts=ts)
        except FAILURES as error:
            _LOG.info("slack_message_not_deleted", error=type(error).__name__)

    async def publish_home(self, user: str, reply: Reply) -> None:
        """Replace the person's home page."""
        blocks = slack_blocks(reply.message, reply.reader, native_table=False)
        await self.client.views_publish(user_id=_address(user), view={"type": "home", "blocks": blocks})


class Way(Protocol):
    """How the reply to one event is shown."""

    async def hold(self, working: Reply) -> Receipt | None:
        """Show that it takes a while."""
        ...

    async def show(self, reply: Reply, earlier: Receipt | None) -> None:
        """Show the reply."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: to the asker alone, by the response URL, which works where the bot isn't a member too."""

    replies: SlackReplies
    request: Request
    url: str

    async def hold(self, working: Reply) -> Receipt | None:
        """Whisper; the answer replaces it."""
        await self.replies.respond(self.url, working)
        return Receipt(self.request.chat.destination, self.url, self.replies.clock.now())

    async def show(self, reply: Reply, earlier: Receipt | None) -> None:
        """Whisper, or tell the channel. Nothing can turn a whisper into a message: it is removed instead."""
        public = not reply.private and self.request.chat.kind == "group"
        if public and earlier:
            await self.replies.post(self.url, {"delete_original": True})
        share = "" if public else share_value(self.request)
        try:
            await self.replies.respond(
                self.url, reply, public=public, replaces=earlier is not None and not public, share=share
            )
        except DeliveryError:
            await self.replies.whisper(self.request, reply, None)
        destination = self.request.chat.destination if public else self.request.user.id
        await self.replies.send_files(self.request, reply, destination)


@dataclass(frozen=True, slots=True)
class Thread:
    """A mention: in the thread where it is of use to all, to the asker alone otherwise."""

    replies: SlackReplies
    request: Request
    root: Receipt

    async def hold(self, working: Reply) -> Receipt | None:
        """Say so in the thread; the answer replaces it."""
        return await self.replies.send(self.request, working, self.request.chat.destination, reply_to=self.root)

    async def show(self, reply: Reply, earlier: Receipt | None) -> None:
        """Whoever mentions the bot asks in public, so what is worth sharing is shared."""
        if not reply.private or reply.shareable:
            await self.replies.send(
                self.request, reply, self.request.chat.destination, edit=earlier, reply_to=self.root
            )
            return
        if earlier:
            await self.replies.delete(earlier)
        await self.replies.whisper(self.request, reply, split_id(self.root.message_id)[1])
        await self.replies.send_files(self.request, reply, self.request.user.id)


@dataclass(frozen=True, slots=True)
class Overheard:
    """Words under one of the bot's messages: where they turn out to be an answer, as a mention in that thread."""

    thread: Thread

    async def hold(self, working: Reply) -> Receipt | None:  # noqa: ARG002 - most of it isn't meant for the bot
        """Nothing."""
        return None

    async def show(self, reply: Reply, earlier: Receipt | None) -> None:
        """Answer in the thread, or the writer alone."""
        await self.thread.show(reply, earlier)


@dataclass(frozen=True, slots=True)
class Direct:
    """A direct message: answered in the conversation."""

    replies: SlackReplies
    request: Request
    root: Receipt | None = None

    async def hold(self, working: Reply) -> Receipt | None:
        """Say so; the answer replaces it."""
        return await self.replies.send(self.request, working, self.request.chat.destination, reply_to=self.root)

    async def show(self, reply: Reply, earlier: Receipt | None) -> None:
        """Answer, in the thread if it was asked in one."""
        await self.replies.send(self.request, reply, self.request.chat.destination, edit=earlier, reply_to=self.root)


@dataclass(frozen=True, slots=True)
class Press:
    """A button or a shortcut: the message changes, or the presser alone is answered."""

    replies: SlackReplies
    request: Request
    url: str
    whispered: bool = False
    """Whether the button is under a whisper, which only the response URL can change."""

    async def hold(self, working: Reply) -> Receipt | None:  # noqa: ARG002 - a button shows its own spinner
        """Nothing: Slack shows that the press arrived."""
        return None

    async def show(self, reply: Reply, _: Receipt | None) -> None:
        """Edit the message or answer beside it."""
        if not (reply.message.title or reply.message.blocks or reply.message.attachments):
            return
        if reply.edit and self.request.pressed and not self.whispered:
            await self.replies.send(self.request, reply, self.request.chat.destination, edit=self.request.pressed)
            return
        if self.request.chat.kind == "direct" and not self.whispered:
            await self.replies.send(self.request, reply, self.request.chat.destination)
            return
        public = not reply.private and not self.whispered
        replaces = reply.edit and self.whispered
        share = "" if public else share_value(self.request)
        try:
            await self.replies.respond(self.url, reply, public=public, replaces=replaces, share=share)
        except DeliveryError:
            await self.replies.whisper(self.request, reply, None)
        destination = self.request.chat.destination if public else self.request.user.id
        await self.replies.send_files(self.request, reply, destination)


@dataclass(frozen=True, slots=True)
class Share:
    """The share button under a whisper: the channel gets the reply, the whisper goes."""

    replies: SlackReplies
    request: Request
    url: str

    async def hold(self, working: Reply) -> Receipt | None:  # noqa: ARG002
        """Nothing."""
        return None

    async def show(self, reply: Reply, _: Receipt | None) -> None:
        """Tell the channel what is worth sharing; anything else stays between the two."""
        await self.replies.respond(self.url, reply, public=reply.shareable)
        if reply.shareable:
            await self.replies.post(self.url, {"delete_original": True})
            await self.replies.send_files(self.request, reply, self.request.chat.destination)


@dataclass(frozen=True, slots=True)
class Home:
    """The home page, or a button on it: what isn't the page itself goes to the direct conversation."""

    replies: SlackReplies
    request: Request

    async def hold(self, working: Reply) -> Receipt | None:  # noqa: ARG002
        """Nothing."""
        return None

    async def show(self, reply: Reply, _: Receipt | None) -> None:
        """Publish the page, or answer in the direct conversation."""
        if self.request.origin is Origin.HOME:
            await self.replies.publish_home(self.request.user.id, reply)
        elif not reply.edit and (reply.message.title or reply.message.blocks):
            await self.replies.send(self.request, reply, self.request.user.id)


def share_value(request: Request) -> str:
    """The data of the button that shares the reply to ``request``; ``""`` where there is nobody to share it with."""
    value = f"{SHARE}:{request.origin}:{request.verb}:{request.text}"
    shareable_origin = request.origin in {Origin.COMMAND, Origin.BUTTON}
    return value if shareable_origin and request.chat.kind == "group" and len(value) <= _VALUE_LIMIT else ""


def shared_request(text: str) -> tuple[Origin, str, str]:
    """Read what ``share_value`` wrote, behind its verb: origin, verb and text."""
    origin, _, rest = text.partition(":")
    verb, _, argument = rest.partition(":")
    return Origin.BUTTON if origin == Origin.BUTTON else Origin.COMMAND, verb, argument


def _with_share(reply: Reply, share: str) -> Message:
    if not (share and reply.shareable):
        return reply.message
    label = "📣 分享到频道" if reply.reader.lang == "zh" else "📣 Share to channel"
    return replace(reply.message, buttons=(*reply.message.buttons, (Button(label, share),)))


def _renderings(message: Message, reply: Reply) -> list[Json]:
    """With blocks, then without."""
    return [
        {
            "text": slack_text(message, reply.reader),
            "blocks": slack_blocks(message, reply.reader, native_table=False),
        },
        {"text": slack_plain(message, reply.reader)},
    ]


def _address(destination: str) -> str:
    return destination.partition(":")[2]
