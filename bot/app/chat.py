"""The chat front ends, put together over one view of the market that stays warm."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from adapters.chat.port import Application, FrontEnd
from adapters.feeds.health import COLLECTION as HEALTH
from adapters.feeds.health import HealthBook
from adapters.feeds.port import SourceHealth
from adapters.notifiers.port import Notifier
from adapters.store.port import Store
from bot.app.answers import build_commands
from bot.app.world import World
from bot.failures import Failure
from bot.feeding.archive import Archive
from bot.market.view import MarketView
from bot.market.warm import Follower
from bot.settings import Settings

PLATFORMS = ("telegram", "slack")
Work = Callable[[], Coroutine[Any, Any, None]]

_WANTED = {"telegram": ("TELEGRAM_TOKEN",), "slack": ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")}


def lacking(settings: Settings, platform: str) -> list[str]:
    """The environment variables that ``platform`` needs and that aren't set."""
    return [name for name in _WANTED[platform] if not getattr(settings.secrets, name.lower())]


async def open_application(world: World) -> tuple[Application, Follower]:
    """The commands over a warm view, and what keeps it so."""
    market = MarketView(world.universe, world.calendars)
    store = world.store
    follower = Follower(
        market,
        archive=Archive(store.bars, store.documents),
        tape=store.tape,
        documents=store.documents,
        health=lambda: health_of(store),
        clock=world.known.clock,
    )
    await follower.load()
    commands = build_commands(
        world.settings,
        market=market,
        store=store,
        clock=world.known.clock,
        rulebook=world.rulebook,
        data=world.known.data,
    )
    return commands, follower


async def health_of(store: Store) -> Iterable[SourceHealth]:
    """How every source does."""
    return HealthBook(await store.documents.all(HEALTH)).sources


def build_front_end(
    world: World, platform: str, application: Application, notifiers: Mapping[str, Notifier]
) -> FrontEnd:
    """The listener of ``platform``; raise ``Failure`` where its tokens are missing."""
    settings, secrets, clock = world.settings, world.settings.secrets, world.known.clock
    if missing := lacking(settings, platform):
        raise Failure("tokens", tokens=", ".join(missing), platform=platform)
    if platform == "telegram" and secrets.telegram_token:
        from adapters.chat.telegram import TelegramFrontEnd  # noqa: PLC0415 - half a second to load

        return TelegramFrontEnd(
            secrets.telegram_token,
            application,
            notifiers["telegram"],
            world.store.leases,
            clock,
            base_url=settings.telegram_base_url,
            documents=world.store.documents,
        )
    if secrets.slack_bot_token and secrets.slack_app_token:
        from adapters.chat.slack import SlackFrontEnd  # noqa: PLC0415

        return SlackFrontEnd(
            secrets.slack_bot_token,
            secrets.slack_app_token,
            application,
            notifiers["slack"],
            world.store.leases,
            clock=clock,
            base_url=settings.slack_base_url,
            documents=world.store.documents,
        )
    raise Failure("platform", name=platform, known=", ".join(PLATFORMS))
