"""The messengers by scheme. A new one is one file in ``adapters/notifiers`` and one line here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from adapters.clock import Clock
from adapters.notifiers.console import ConsoleNotifier
from adapters.notifiers.port import Notifier
from bot.failures import Failure
from bot.settings import Settings

_CREDENTIALS = {"telegram": "TELEGRAM_TOKEN", "slack": "SLACK_BOT_TOKEN"}


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


def check_reachable(destinations: Iterable[str], notifiers: Mapping[str, Notifier]) -> None:
    """Raise ``Failure`` for a destination that no messenger serves, with what to set."""
    for destination in destinations:
        scheme, colon, address = destination.partition(":")
        if scheme in notifiers and colon and (address or scheme == "console"):
            continue
        wanted = _CREDENTIALS.get(scheme)
        hint = f"set {wanted}" if wanted and address else "wanted telegram:CHAT, slack:CHANNEL or console:"
        raise Failure(f"{destination!r} can't be written to; {hint}")


def terminal(clock: Clock, file: Path | None = None) -> ConsoleNotifier:
    """Messages on standard output, or as plain text in ``file``."""
    return ConsoleNotifier(clock, file.open("w", encoding="utf-8") if file else None)
