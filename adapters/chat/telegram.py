"""Telegram's front end: long polling, commands, buttons, inline queries, groups, topics and migration."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from weakref import WeakSet

import structlog
from pydantic import SecretStr
from telegram import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeDefault,
    CallbackQuery,
    ChatMemberUpdated,
    InlineQuery,
    InlineQueryResultArticle,
    InputTextMessageContent,
    Update,
)
from telegram import Chat as TelegramChat
from telegram import Message as TelegramMessage
from telegram import User as TelegramUser
from telegram.constants import ParseMode
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ApplicationBuilder, TypeHandler, Updater

from adapters.chat.conversation import ABOUT_ALERTS, Conversation, finish, meant, pressed, spoken, typed
from adapters.chat.inbox import Inbox
from adapters.chat.port import Application, Chat, Origin, Reply, Request, User
from adapters.clock import Clock
from adapters.message import Reader
from adapters.notifiers.port import DeliveryError, Misconfigured, Notifier, Outgoing, Receipt, RetryLater, TargetLost
from adapters.notifiers.telegram import DEFAULT_BASE_URL
from adapters.notifiers.telegram_http import AiohttpRequest
from adapters.process import acquired, this_process
from adapters.rendering.plain import title_text
from adapters.rendering.telegram import telegram_html
from adapters.rendering.text import shorten, utf16_len
from adapters.store.port import Documents, Leases, StoreUnavailable
from rules.model import Lang

_LOG = structlog.get_logger(__name__)
_BAD_TOKEN = "Telegram refuses the token; check TELEGRAM_TOKEN and TELEGRAM_BASE_URL"  # noqa: S105
_LEASE = "telegram-poller"
_UPDATES = ["message", "callback_query", "inline_query", "my_chat_member"]
_POLL_S = 25
_TOAST = 200
_MENU_LIMIT = 100
_INLINE_CACHE_S = 5
_MENU_LANGUAGES: tuple[tuple[Lang, str | None], ...] = (("en", None), ("zh", "zh"))
_LONGEST_WAIT_S = 30.0


class _Heard(AiohttpRequest):
    """Asks for updates, and keeps them before they are handed on: the next request confirms them to the service."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(connections=1)
        self._inbox = inbox

    async def do_request(self, *args: Any, **named: Any) -> tuple[int, bytes]:
        """As its parent; what arrived is in the inbox when this returns."""
        status, body = await super().do_request(*args, **named)
        if status == HTTPStatus.OK:
            found = json.loads(body).get("result")
            updates = [each for each in found if "inline_query" not in each] if isinstance(found, list) else []
            await self._inbox.keep({str(each["update_id"]): each for each in updates})
        return status, body


class TelegramFrontEnd:
    """Listens by long polling and replies through ``notifier``.

    Telegram serves one poller a bot. Whoever holds the lease polls; any other process waits as a standby and takes over
    within ``lease_s`` of its death. What is heard is kept in ``documents`` until it is answered.
    """

    def __init__(
        self,
        token: SecretStr,
        application: Application,
        notifier: Notifier,
        leases: Leases,
        clock: Clock,
        *,
        base_url: str = DEFAULT_BASE_URL,
        lease_s: float = 30.0,
        patience_s: float = 1.0,
        documents: Documents | None = None,
    ) -> None:
        self._application = application
        self._notifier = notifier
        self._leases = leases
        self._clock = clock
        self._lease_s = lease_s
        self._owner = f"{this_process()}#{uuid.uuid4().hex}"
        self._conversation = Conversation(application, leases, patience_s=patience_s)
        self._menu: asyncio.Task[None] | None = None
        self._answering: WeakSet[asyncio.Task[Any]] = WeakSet()
        root = base_url.rstrip("/")
        self._inbox = Inbox(documents, "telegram", clock)
        self._updates = _Heard(self._inbox)
        builder = (
            ApplicationBuilder()
            .token(token.get_secret_value())
            .base_url(f"{root}/bot")
            .base_file_url(f"{root}/file/bot")
            .concurrent_updates(256)
            .job_queue(None)
            .request(AiohttpRequest())
            .get_updates_request(self._updates)
        )
        self._poller = builder.build()
        self._poller.add_handler(TypeHandler(Update, self._on_update))

    async def run(self) -> None:
        """Listen while this process holds the lease, wait for it otherwise; raise ``Misconfigured`` on a bad token."""
        async with AsyncExitStack() as stack:
            await self._initialize()
            stack.push_async_callback(self._poller.shutdown)
            await self._poller.start()
            stack.push_async_callback(self._poller.stop)
            # The library would wait for every answer, however long it takes.
            stack.push_async_callback(finish, self._answering)
            left = asyncio.create_task(self._inbox.look_after(self._again))
            stack.callback(left.cancel)
            stack.push_async_callback(self._release)
            stack.push_async_callback(self._stop_polling)
            while True:
                await self._take_turn()
                await self._clock.sleep_until(self._clock.now() + timedelta(seconds=self._lease_s / 3))

    async def _initialize(self) -> None:
        while True:
            try:
                await self._poller.initialize()
            except InvalidToken:
                raise Misconfigured(_BAD_TOKEN) from None
            except TelegramError as error:
                _LOG.warning("telegram_unreachable", error=type(error).__name__)
                await self._clock.sleep_until(self._clock.now() + timedelta(seconds=self._lease_s / 3))
            else:
                return

    async def _take_turn(self) -> None:
        """Start or stop polling as the lease says."""
        if self._updates.refused:
            # The library's poller ends without a word.
            raise Misconfigured(_BAD_TOKEN)
        try:
            mine = await acquired(self._leases, _LEASE, self._owner, self._lease_s)
        except StoreUnavailable as error:
            if self._polls:
                _LOG.warning("telegram_lease_unknown", error=str(error))
            mine = False
        if mine and not self._polls:
            await self._start_polling()
        elif not mine:
            await self._stop_polling()

    @property
    def _updater(self) -> Updater:
        if self._poller.updater is None:
            raise RuntimeError("the poller was built without an updater")
        return self._poller.updater

    @property
    def _polls(self) -> bool:
        return self._updater.running

    async def _start_polling(self) -> None:
        try:
            await self._updater.start_polling(
                timeout=_POLL_S, allowed_updates=_UPDATES, error_callback=_note_polling_error
            )
        except InvalidToken:
            raise Misconfigured(_BAD_TOKEN) from None
        except TelegramError as error:
            _LOG.warning("telegram_unreachable", error=type(error).__name__)
        else:
            _LOG.info("telegram_polling", owner=self._owner)
            # Beside the loop: six slow calls must not cost the lease.
            self._menu = asyncio.create_task(self._publish_menu())

    async def _stop_polling(self) -> None:
        if self._menu:
            self._menu.cancel()
        if self._polls:
            # The poller's own failure, if it ended by one, is raised again here.
            with suppress(TelegramError):
                await self._updater.stop()
            _LOG.info("telegram_standby", owner=self._owner)

    async def _release(self) -> None:
        try:
            await self._leases.release(_LEASE, self._owner)
        except StoreUnavailable as error:
            _LOG.warning("telegram_lease_unknown", error=str(error))

    async def _publish_menu(self) -> None:
        """Offer the commands in each language, in private chats and in groups."""
        scopes = (
            (BotCommandScopeDefault(), {"everywhere"}),
            (BotCommandScopeAllPrivateChats(), {"everywhere", "direct"}),
            (BotCommandScopeAllGroupChats(), {"everywhere", "group"}),
        )
        try:
            for scope, kinds in scopes:
                for lang, code in _MENU_LANGUAGES:
                    await self._poller.bot.set_my_commands(self._commands(kinds, lang), scope=scope, language_code=code)
        except TelegramError as error:
            _LOG.warning("telegram_menu_not_published", error=str(error))

    def _commands(self, kinds: set[str], lang: Lang) -> list[BotCommand]:
        entries = [entry for entry in self._application.menu if entry.scope in kinds][:_MENU_LIMIT]
        return [BotCommand(entry.verb, shorten(entry.summary[lang], 256)) for entry in entries]

    # From updates to requests.

    async def _on_update(self, update: Update, _: object) -> None:
        if task := asyncio.current_task():
            self._answering.add(task)
        await self._handle(update, f"telegram:{update.update_id}")
        await self._inbox.done(str(update.update_id))

    async def _again(self, body: dict[str, Any]) -> None:
        """Handle an update that a process left behind when it died: under another id, since its own was used."""
        update = Update.de_json(body, self._poller.bot)
        _LOG.info("telegram_update_again", update=update.update_id)
        await self._handle(update, f"telegram:{update.update_id}.again")

    async def _handle(self, update: Update, event: str) -> None:
        try:
            await self._dispatch(update, event)
        except (DeliveryError, TelegramError) as error:
            _LOG.warning("telegram_reply_failed", update=update.update_id, error=str(error))

    async def _dispatch(self, update: Update, event: str) -> None:
        if update.message:
            await self._on_message(event, update.message)
        elif update.callback_query:
            await self._on_press(event, update.callback_query)
        elif update.inline_query:
            await self._on_inline(event, update.inline_query)
        elif update.my_chat_member:
            await self._on_membership(update.my_chat_member)

    async def _on_message(self, event: str, message: TelegramMessage) -> None:
        if message.migrate_to_chat_id:
            await self._application.moved(f"telegram:{message.chat.id}", f"telegram:{message.migrate_to_chat_id}")
            return
        if not message.text or not message.from_user:
            return
        plain = self._heard(message)
        if plain is None:
            return
        verb, text = spoken(plain, self._verbs)
        chat, earlier = _chat(message.chat, _topic(message)), message.reply_to_message
        request = Request(
            id=event,
            platform="telegram",
            origin=Origin.COMMAND if verb else Origin.TEXT,
            user=_user(message.from_user),
            chat=chat,
            verb=verb,
            text=meant(verb, text, _data_of(earlier)),
            at=self._clock.now(),
            answers=self._receipt(chat, earlier.message_id) if earlier else None,
            typed=typed(verb, plain),
        )
        asked = self._receipt(request.chat, message.message_id) if request.chat.kind == "group" else None

        async def hold(working: Reply) -> Receipt:
            return await self._send(request, working, edit=None, reply_to=asked)

        async def show(reply: Reply, earlier: Receipt | None) -> Receipt:
            return await self._send(request, reply, edit=earlier, reply_to=asked)

        await self._conversation.answer(request, hold, show)

    @property
    def _verbs(self) -> frozenset[str]:
        return ABOUT_ALERTS | {entry.verb for entry in self._application.menu}

    def _heard(self, message: TelegramMessage) -> str | None:
        """What was said to the bot, or ``None`` where the message is not for it."""
        text = message.text or ""
        name = self._poller.bot.username
        if text.startswith("/"):
            addressee = text.split(maxsplit=1)[0].partition("@")[2].lower()
            return text if addressee in {"", name.lower()} else None
        direct = message.chat.type == TelegramChat.PRIVATE
        mentioned = re.search(rf"@{re.escape(name)}\b", text, re.IGNORECASE)
        answered = message.reply_to_message and message.reply_to_message.from_user == self._poller.bot.bot
        cashtag = any(entity.type == entity.CASHTAG for entity in message.entities)
        if not (direct or mentioned or answered or cashtag):
            return None
        if mentioned:
            text = f"{text[: mentioned.start()]} {text[mentioned.end() :]}"
        return text

    async def _on_press(self, event: str, query: CallbackQuery) -> None:
        chat = _pressed_chat(query)
        verb, text = pressed(query.data or "")
        request = Request(
            id=event,
            platform="telegram",
            origin=Origin.BUTTON,
            user=_user(query.from_user),
            chat=chat,
            verb=verb,
            text=text,
            at=self._clock.now(),
            pressed=self._receipt(chat, query.message.message_id) if query.message else None,
        )
        told = False

        async def hold(working: Reply) -> None:
            nonlocal told
            told = True
            await _quietly(query.answer, working.toast)

        async def show(reply: Reply, _: Receipt | None) -> None:
            if not told:
                await hold(reply)
            if reply.message.title or reply.message.blocks or reply.message.attachments:
                edit = request.pressed if reply.edit else None
                await self._send(request, reply, edit=edit, reply_to=None if reply.edit else request.pressed)

        await self._conversation.answer(request, hold, show)
        if not told:
            await _quietly(query.answer, "")

    async def _on_inline(self, event: str, query: InlineQuery) -> None:
        user = _user(query.from_user)
        request = Request(
            id=event,
            platform="telegram",
            origin=Origin.INLINE,
            user=user,
            chat=Chat(user.id, "direct"),
            verb="quote",
            text=query.query,
            at=self._clock.now(),
        )
        reply = await self._application.answer(request)
        results = [_article(reply)] if reply else []
        await query.answer(results, cache_time=_INLINE_CACHE_S, is_personal=True)

    async def _on_membership(self, change: ChatMemberUpdated) -> None:
        if change.new_chat_member.status in {"kicked", "left"}:
            await self._application.removed(f"telegram:{change.chat.id}")

    # From replies to messages.

    def _receipt(self, chat: Chat, message_id: int) -> Receipt:
        return Receipt(chat.destination, str(message_id), self._clock.now())

    async def _send(self, request: Request, reply: Reply, *, edit: Receipt | None, reply_to: Receipt | None) -> Receipt:
        outgoing = Outgoing(
            key=request.id,
            destination=request.chat.destination,
            message=reply.message,
            reader=reply.reader,
            edit=edit,
            reply_to=reply_to,
        )
        try:
            return await self._deliver(outgoing)
        except TargetLost:
            return await self._deliver(_anew(outgoing))

    async def _deliver(self, outgoing: Outgoing) -> Receipt:
        """Send; wait as long as Telegram asks, once, where that is soon enough for somebody who waits."""
        try:
            return await self._notifier.send(outgoing)
        except RetryLater as error:
            if (error.after_s or 1.0) > _LONGEST_WAIT_S:
                raise
            await self._clock.sleep_until(self._clock.now() + timedelta(seconds=error.after_s or 1.0))
            return await self._notifier.send(outgoing)


def _anew(outgoing: Outgoing) -> Outgoing:
    return Outgoing(
        key=outgoing.key, destination=outgoing.destination, message=outgoing.message, reader=outgoing.reader
    )


def _user(user: TelegramUser) -> User:
    return User(f"telegram:{user.id}", user.full_name, user.language_code or "")


def _chat(chat: TelegramChat, topic: int | None) -> Chat:
    destination = f"telegram:{chat.id}/{topic}" if topic else f"telegram:{chat.id}"
    return Chat(destination, "direct" if chat.type == TelegramChat.PRIVATE else "group", chat.title or "")


def _pressed_chat(query: CallbackQuery) -> Chat:
    """Where the button is; under a message that was sent inline Telegram doesn't say."""
    message = query.message
    if message is None:
        return Chat(f"telegram:{query.from_user.id}", "direct")
    return _chat(message.chat, _topic(message) if isinstance(message, TelegramMessage) else None)


def _data_of(message: TelegramMessage | None) -> list[str]:
    """The data of the buttons under ``message``."""
    rows = message.reply_markup.inline_keyboard if message and message.reply_markup else ()
    return [str(button.callback_data) for row in rows for button in row if button.callback_data]


def _topic(message: TelegramMessage) -> int | None:
    """The forum topic; other messages have a thread id too, that of the discussion under a post."""
    return message.message_thread_id if message.is_topic_message else None


def _article(reply: Reply) -> InlineQueryResultArticle:
    content = InputTextMessageContent(telegram_html(reply.message, reply.reader), parse_mode=ParseMode.HTML)
    title = title_text(reply.message, Reader(lang=reply.reader.lang)) or reply.message.summary
    return InlineQueryResultArticle(uuid.uuid4().hex, shorten(title, 100), content, description=reply.message.summary)


async def _quietly(answer: Callable[[str | None], Awaitable[bool]], toast: str) -> None:
    """Stop the button's spinner; a query that is too old needs no answer any more."""
    try:
        await answer(shorten(toast, _TOAST, utf16_len) or None)
    except TelegramError as error:
        _LOG.info("telegram_query_expired", error=str(error))


def _note_polling_error(error: TelegramError) -> None:
    _LOG.warning("telegram_polling_failed", error=type(error).__name__)
