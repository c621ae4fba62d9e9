"""The messengers by scheme. A new one is one file in ``adapters/notifiers`` and one line here."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from adapters.clock import Clock
from adapters.notifiers.console import ConsoleNotifier
from adapters.notifiers.port import Notifier
from bot.app.plugins import NOTIFIERS, plugins
from bot.failures import Failure
from bot.locale import Saying
from bot.routing.settings import RouteSettings
from bot.settings import Secrets, Settings

_CREDENTIALS = {
    "telegram": "TELEGRAM_TOKEN",
    "slack": "SLACK_BOT_TOKEN",
    "webhook": "WEBHOOK_{name}_URL and WEBHOOK_{name}_SECRET",
    "apprise": "APPRISE_{name}_URL",
}
_BUILT_IN = ("console", *_CREDENTIALS)


async def build_notifiers(
    stack: AsyncExitStack, settings: Settings, clock: Clock, only: Container[str] | None = None
) -> dict[str, Notifier]:
    """The messengers whose credentials are there, or ``only`` some schemes, open until ``stack`` closes them.

    The terminal is always there.
    """
    secrets = settings.secrets
    notifiers: dict[str, Notifier] = {"console": ConsoleNotifier(clock)}

    def wanted(scheme: str) -> bool:
        return only is None or scheme in only

    if secrets.telegram_token and wanted("telegram"):
        from adapters.notifiers.telegram import TelegramNotifier  # noqa: PLC0415 - half a second to load

        telegram = TelegramNotifier(secrets.telegram_token, clock, settings.telegram_base_url)
        notifiers["telegram"] = await stack.enter_async_context(telegram)
    if secrets.slack_bot_token and wanted("slack"):
        from adapters.notifiers.slack import SlackNotifier  # noqa: PLC0415

        slack = SlackNotifier(secrets.slack_bot_token, clock, settings.slack_base_url)
        notifiers["slack"] = await stack.enter_async_context(slack)
    if named(secrets, "webhook") and wanted("webhook"):
        from adapters.notifiers.webhook import Endpoint, WebhookNotifier  # noqa: PLC0415

        endpoints = {
            name: Endpoint(each.url, each.secret) for name, each in secrets.webhooks.items() if each.url and each.secret
        }
        notifiers["webhook"] = await stack.enter_async_context(WebhookNotifier(endpoints, clock))
    if secrets.apprise and wanted("apprise"):
        from adapters.notifiers.apprise import AppriseNotifier  # noqa: PLC0415 - an optional extra

        notifiers["apprise"] = AppriseNotifier(secrets.apprise, clock)
    for scheme, open_notifier in plugins(NOTIFIERS, _BUILT_IN).items():
        if not wanted(scheme):
            continue
        notifiers[scheme] = await stack.enter_async_context(open_notifier(clock))
    return notifiers


def named(secrets: Secrets, scheme: str) -> frozenset[str]:
    """The names behind ``webhook:`` or ``apprise:`` that can be written to."""
    complete = {name for name, each in secrets.webhooks.items() if each.url and each.secret}
    return frozenset({"webhook": complete, "apprise": {*secrets.apprise}}.get(scheme, ()))


def unreachable(destination: str, settings: Settings, schemes: Iterable[str]) -> Saying | None:
    """Why no messenger of ``schemes`` serves ``destination``, and what to set; ``None`` where one does."""
    scheme, colon, address = destination.partition(":")
    known = named(settings.secrets, scheme)
    if scheme in schemes and colon and (address or scheme == "console") and (not known or address in known):
        return None
    wanted = _CREDENTIALS.get(scheme, "").format(name=address.upper() or "NAME")
    form = not (wanted and address)
    key = "failure.destination_form" if form else "failure.destination_unset"
    return Saying(key, {"destination": destination, "wanted": WANTED if form else wanted})


WANTED = "telegram:CHAT, slack:CHANNEL, webhook:NAME, apprise:NAME or console:"


def check_reachable(destinations: Iterable[str], settings: Settings, notifiers: Mapping[str, Notifier]) -> None:
    """Raise ``Failure`` for the first destination that no messenger serves, with what to set."""
    for destination in destinations:
        if why := unreachable(destination, settings, notifiers):
            raise Failure.of(why)


def out_of_reach(settings: Settings, schemes: Iterable[str]) -> list[Saying]:
    """What :func:`unreachable` says of the destinations that the settings name."""
    served = frozenset(schemes)
    return [why for each in destinations_of(settings) if (why := unreachable(each, settings, served))]


def destinations_of(settings: Settings) -> Sequence[str]:
    """Every destination that the settings name, once."""
    digest = settings.digest
    named_there = [*settings.destinations, *_routed(settings.routing), *digest.editors, *digest.team, *digest.brief_to]
    return list(dict.fromkeys(named_there))


def schemes_of(settings: Settings) -> frozenset[str]:
    """The schemes that :func:`build_notifiers` serves with these settings."""
    secrets = settings.secrets
    credentials = {
        "telegram": secrets.telegram_token,
        "slack": secrets.slack_bot_token,
        "webhook": named(secrets, "webhook"),
        "apprise": secrets.apprise,
    }
    there = [scheme for scheme, credential in credentials.items() if credential]
    return frozenset({"console", *there, *plugins(NOTIFIERS, _BUILT_IN)})


def _routed(route: RouteSettings) -> Iterator[str]:
    yield from route.to or ()
    for child in route.routes:
        yield from _routed(child)


def check_read(notifiers: Mapping[str, Notifier]) -> None:
    """Raise ``BrokenPipeError`` once nobody reads the terminal's messages any more."""
    console = notifiers["console"]
    if isinstance(console, ConsoleNotifier) and console.closed.is_set():
        raise BrokenPipeError


async def until_unread(notifiers: Mapping[str, Notifier]) -> None:
    """Raise ``BrokenPipeError`` as soon as nobody reads the terminal's messages any more."""
    console = notifiers["console"]
    if isinstance(console, ConsoleNotifier):
        await console.closed.wait()
        raise BrokenPipeError


def terminal(clock: Clock, file: Path | None = None) -> ConsoleNotifier:
    """Messages on standard output, or as plain text in ``file``."""
    return ConsoleNotifier(clock, file.open("w", encoding="utf-8") if file else None)
