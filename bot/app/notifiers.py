"""The messengers by scheme. A new one is one file in ``adapters/notifiers`` and one line here."""

from __future__ import annotations

from contextlib import AsyncExitStack

from adapters.clock import Clock
from adapters.notifiers.console import ConsoleNotifier
from adapters.notifiers.port import Notifier
from bot.settings import Settings


async def build_notifiers(stack: AsyncExitStack, settings: Settings, clock: Clock) -> dict[str, Notifier]:
    """The messengers whose credentials are there, open until ``stack`` closes them."""
    secrets = settings.secrets
    notifiers: dict[str, Notifier] = {"console": ConsoleNotifier(clock)}
    if secrets.telegram_token:
        from adapters.notifiers.telegram import TelegramNotifier  # noqa: PLC0415 - half a second to load

        telegram = TelegramNotifier(secrets.telegram_token, clock, settings.telegram_base_url)
        notifiers["telegram"] = await stack.enter_async_context(telegram)
    if secrets.slack_bot_token:
        from adapters.notifiers.slack import SlackNotifier  # noqa: PLC0415

        slack = SlackNotifier(secrets.slack_bot_token, clock, settings.slack_base_url)
        notifiers["slack"] = await stack.enter_async_context(slack)
    return notifiers
