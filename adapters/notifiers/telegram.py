"""Messages to Telegram chats, groups, channels and topics, through the Bot API."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import SecretStr
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from adapters.clock import Clock
from adapters.message import Attachment, Message
from adapters.notifiers.port import (
    DeliveryError,
    DestinationGone,
    DestinationMoved,
    MessageRejected,
    Misconfigured,
    OutcomeUnknown,
    Outgoing,
    Receipt,
    RetryLater,
    TargetLost,
)
from adapters.notifiers.round_trips import RoundTrips
from adapters.notifiers.telegram_http import AiohttpRequest, NeverSent
from adapters.rendering.fit import fit
from adapters.rendering.plain import plain_text
from adapters.rendering.telegram import (
    CAPTION_LIMIT,
    TEXT_LIMIT,
    telegram_buttons,
    telegram_html,
)
from adapters.rendering.text import clean, shorten, utf16_len

DEFAULT_BASE_URL = "https://api.telegram.org"
_PHOTO_LIMIT = 10_000_000
_FILE_LIMIT = 50_000_000
_GENERAL_TOPIC = 1


@dataclass(frozen=True, slots=True)
class Address:
    """A chat, and a topic in it where the chat is a forum."""

    chat: int | str
    topic: int | None = None

    @classmethod
    def parse(cls, destination: str) -> Address:
        """Read ``telegram:CHAT`` or ``telegram:CHAT/TOPIC``; raise ``DestinationGone`` for anything else."""
        scheme, _, rest = destination.partition(":")
        chat, _, topic = rest.partition("/")
        number = chat.removeprefix("-")
        known = number.isascii() and number.isdigit()
        if scheme != "telegram" or not (known or chat.startswith("@")) or (topic and not topic.isdecimal()):
            raise DestinationGone(f"{destination!r} is not a chat; wanted telegram:CHAT or telegram:CHAT/TOPIC")
        # The general topic is addressed by naming none.
        return cls(int(chat) if known else chat, int(topic) if topic and int(topic) != _GENERAL_TOPIC else None)


class TelegramNotifier:
    """Delivers to ``telegram:CHAT`` and ``telegram:CHAT/TOPIC``.

    ``base_url`` is a Bot API server's root. The library's own retries are off: what to do about a failure is decided
    by who called.
    """

    def __init__(
        self, token: SecretStr, clock: Clock, base_url: str = DEFAULT_BASE_URL, *, timeout_s: float = 20.0
    ) -> None:
        self._clock = clock
        self._round_trips = RoundTrips(clock)
        self._request = AiohttpRequest(timeout_s, traces=[self._round_trips.trace()])
        root = base_url.rstrip("/")
        self._bot = Bot(
            token.get_secret_value(), base_url=f"{root}/bot", base_file_url=f"{root}/file/bot", request=self._request
        )

    @property
    def quickest_s(self) -> float:
        """The quickest of the latest requests, in seconds."""
        return self._round_trips.quickest_s

    async def __aenter__(self) -> Self:
        await self._request.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._request.shutdown()

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Send the text, then the attachments under it; raise a ``DeliveryError`` when the text isn't accepted."""
        address = Address.parse(outgoing.destination)
        try:
            if not (outgoing.message.title or outgoing.message.blocks):
                return await self._send_files_alone(outgoing, address)
            message_id = await self._send_text(outgoing, address)
        except (TelegramError, OSError) as error:
            raise classified(error, outgoing.destination) from error
        missing = await self._follow_up(outgoing, address, message_id)
        return Receipt(outgoing.destination, str(message_id), self._clock.now(), missing=missing)

    async def probe(self) -> None:
        """Return when the Bot API answers; raise ``RetryLater`` or ``Misconfigured`` otherwise."""
        try:
            await self._bot.get_me()
        except InvalidToken as error:
            raise classified(error, "Telegram") from error
        except TelegramError as error:
            raise RetryLater(f"Telegram does not answer ({error.message})") from error

    async def _send_text(self, outgoing: Outgoing, address: Address) -> int:
        try:
            html = telegram_html(outgoing.message, outgoing.reader)
            return await self._write(outgoing, address, html, ParseMode.HTML)
        except BadRequest as error:
            if "can't parse entities" not in error.message.lower():
                raise
            fitted = fit(outgoing.message, outgoing.reader, TEXT_LIMIT, utf16_len)
            return await self._write(outgoing, address, plain_text(fitted, outgoing.reader), None)

    async def _write(self, outgoing: Outgoing, address: Address, text: str, parse_mode: ParseMode | None) -> int:
        rendering: dict[str, Any] = {
            "text": text,
            "parse_mode": parse_mode,
            "reply_markup": keyboard(outgoing.message),
            "link_preview_options": LinkPreviewOptions(is_disabled=True),
        }
        if outgoing.edit:
            return await self._edit(outgoing.edit, rendering)
        sent = await self._bot.send_message(
            address.chat,
            message_thread_id=address.topic,
            disable_notification=outgoing.silent,
            reply_parameters=_reply(outgoing.reply_to.message_id if outgoing.reply_to else None),
            **rendering,
        )
        return sent.message_id

    async def _edit(self, target: Receipt, rendering: dict[str, Any]) -> int:
        try:
            chat = Address.parse(target.destination).chat
            await self._bot.edit_message_text(chat_id=chat, message_id=int(target.message_id), **rendering)
        except BadRequest as error:
            # An edit that was accepted before, and is repeated.
            if "message is not modified" not in error.message.lower():
                raise
        return int(target.message_id)

    async def _follow_up(self, outgoing: Outgoing, address: Address, message_id: int) -> tuple[str, ...]:
        """Send the attachments; the text is out, so nothing here may fail the delivery."""
        missing = []
        for attachment in outgoing.message.attachments:
            try:
                await self._send_file(outgoing, address, attachment, str(message_id))
            except (TelegramError, DeliveryError, OSError) as error:
                missing.append(f"{attachment.name}: {error}")
        return tuple(missing)

    async def _send_files_alone(self, outgoing: Outgoing, address: Address) -> Receipt:
        reply_to = outgoing.reply_to.message_id if outgoing.reply_to else None
        if not outgoing.message.attachments:
            raise MessageRejected("the message is empty; wanted a title, a block or an attachment")
        ids = [
            await self._send_file(outgoing, address, attachment, reply_to)
            for attachment in outgoing.message.attachments
        ]
        return Receipt(outgoing.destination, str(ids[0]), self._clock.now())

    async def _send_file(
        self, outgoing: Outgoing, address: Address, attachment: Attachment, reply_to: str | None
    ) -> int:
        content = await asyncio.to_thread(Path(attachment.path).read_bytes)
        if len(content) > _FILE_LIMIT:
            raise MessageRejected(f"{attachment.name} has {len(content):,} bytes; Telegram takes {_FILE_LIMIT:,}")
        file = InputFile(content, filename=attachment.name)
        options: dict[str, Any] = {
            "caption": shorten(clean(attachment.alt), CAPTION_LIMIT, utf16_len) or None,
            "message_thread_id": address.topic,
            "disable_notification": outgoing.silent,
            "reply_parameters": _reply(reply_to),
        }
        if attachment.media_type in {"image/png", "image/jpeg"} and len(content) <= _PHOTO_LIMIT:
            return (await self._bot.send_photo(address.chat, file, **options)).message_id
        return (await self._bot.send_document(address.chat, file, **options)).message_id


def _reply(message_id: str | None) -> ReplyParameters | None:
    # A reply whose target was deleted is still news: it goes out on its own.
    return ReplyParameters(int(message_id), allow_sending_without_reply=True) if message_id else None


def keyboard(message: Message) -> InlineKeyboardMarkup | None:
    """The message's buttons as an inline keyboard, ``None`` when there are none."""
    rows = telegram_buttons(message)
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(button.text, callback_data=button.data) for button in row] for row in rows]
    )


_TARGET_LOST = (
    "message to edit not found",
    "message can't be edited",
    "message to be replied not found",
    "replied message not found",
    "message to reply not found",
    "message_id_invalid",
    "there is no text in the message to edit",
)
_DESTINATION_GONE = (
    "chat not found",
    "user not found",
    "message thread not found",
    "topic_closed",
    "topic_deleted",
    "not enough rights",
    "have no rights",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_restricted",
    "group chat was deactivated",
    "peer_id_invalid",
    "user_is_blocked",
    "chat_admin_required",
)


def classified(error: TelegramError | OSError, destination: str) -> DeliveryError:
    """What the caller must do about ``error``."""
    failure: DeliveryError
    match error:
        case RetryAfter():
            failure = RetryLater(f"{destination}: Telegram asks to wait", _seconds(error))
        case ChatMigrated():
            moved = f"telegram:{error.new_chat_id}"
            failure = DestinationMoved(f"{destination} is now {moved}", moved)
        case InvalidToken():
            # The library's text may hold the token.
            failure = Misconfigured("Telegram refuses the token; check TELEGRAM_TOKEN and TELEGRAM_BASE_URL")
        case Forbidden():
            failure = DestinationGone(f"{destination}: {error.message}")
        case BadRequest():
            failure = _bad_request(error.message, destination)
        case NetworkError():
            failure = _network(error, destination)
        case OSError():
            failure = MessageRejected(f"an attachment can't be read: {error.strerror or error}")
        case _:
            failure = RetryLater(f"{destination}: {error}")
    return failure


def _seconds(error: RetryAfter) -> float:
    after = error.retry_after
    return float(after) if isinstance(after, int) else after.total_seconds()


def _bad_request(message: str, destination: str) -> DeliveryError:
    folded = message.lower()
    if any(words in folded for words in _TARGET_LOST):
        return TargetLost(f"{destination}: {message}")
    if any(words in folded for words in _DESTINATION_GONE):
        return DestinationGone(f"{destination}: {message}")
    return MessageRejected(f"{destination}: {message}")


def _network(error: NetworkError, destination: str) -> DeliveryError:
    if isinstance(error, NeverSent):
        return RetryLater(f"{destination}: Telegram can't be reached ({error.message})")
    if isinstance(error, TimedOut) or "gateway time" in error.message.lower():
        return OutcomeUnknown(f"{destination}: no answer after the message was sent ({error.message})")
    if "too large" in error.message.lower():
        return MessageRejected(f"{destination}: {error.message}")
    return RetryLater(f"{destination}: {error.message}")
