"""Looks at a bot of Telegram's and at the chats that it is to write to."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from pydantic import SecretStr
from telegram import Bot
from telegram.constants import ChatAction
from telegram.error import InvalidToken, TelegramError

from adapters.notifiers.inspection import Identity
from adapters.notifiers.port import RetryLater
from adapters.notifiers.telegram import DEFAULT_BASE_URL, Address, classified
from adapters.notifiers.telegram_http import AiohttpRequest


class TelegramInspector:
    """See :class:`adapters.notifiers.inspection.Inspector`. A chat sees the bot typing for a moment."""

    def __init__(self, token: SecretStr, base_url: str = DEFAULT_BASE_URL, *, timeout_s: float = 8.0) -> None:
        self._request = AiohttpRequest(timeout_s)
        root = base_url.rstrip("/")
        self._bot = Bot(token.get_secret_value(), base_url=f"{root}/bot", request=self._request)

    async def __aenter__(self) -> Self:
        await self._request.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._request.shutdown()

    async def identity(self) -> Identity:
        """The bot's user name."""
        try:
            me = await self._bot.get_me()
        except TelegramError as error:
            raise classified(error, "telegram") from error
        return Identity(f"@{me.username}")

    async def look(self, destination: str) -> None:
        """Say that something is being typed, which needs the right to write."""
        address = Address.parse(destination)
        try:
            await self._bot.send_chat_action(address.chat, ChatAction.TYPING, message_thread_id=address.topic)
        except InvalidToken:
            # The token was taken before: the library means any 404.
            raise RetryLater(f"{destination}: this server doesn't know sendChatAction") from None
        except TelegramError as error:
            raise classified(error, destination) from error
