"""What a backtest runs on when no folder is given: the figures that the store keeps."""

from __future__ import annotations

from adapters.store.embedded import open_store
from bot.feeding.archive import Archive
from bot.market.view import MarketView
from bot.past.prices import Data, from_observations
from bot.settings import Settings
from rules.calendars.sessions import Calendars
from rules.universe import Universe


async def kept(settings: Settings, universe: Universe, calendars: Calendars) -> Data:
    """Everything that the archive has, as daily columns."""
    async with open_store(settings.secrets.redis_url, settings.home) as store:
        known = await Archive(store.bars, store.documents).load()
    return from_observations(known, MarketView(universe, calendars), universe)
