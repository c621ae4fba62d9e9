"""What decides who is told, and what tells them, put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adapters.clock import Clock
from adapters.message import Reader
from adapters.store.port import Store
from bot.alerts.evidence import Evidence
from bot.alerts.pictures import Pictures
from bot.market.view import MarketView
from bot.readers import Profiles
from bot.routing.dispatch import Dispatcher
from bot.settings import Settings


def build_dispatcher(
    settings: Settings, market: MarketView, store: Store, destinations: Sequence[str], reader: Reader
) -> Dispatcher:
    """The routes of the settings, with ``destinations`` where they name none."""
    return Dispatcher(
        router=settings.routing.router(tuple(destinations), market.universe),
        settings=settings.routing,
        documents=store.documents,
        profiles=Profiles(store.documents, reader),
        universe=market.universe,
        evidence=Evidence(market),
    )


def build_pictures(home: Path, store: Store, market: MarketView, reader: Reader, clock: Clock) -> Pictures:
    """Draws under alerts what each destination's reader is used to; the files lie below ``home``."""
    return Pictures(
        store=store,
        market=market,
        reader_at=Profiles(store.documents, reader).at,
        folder=home / "pictures" / "alerts",
        clock=clock,
    )
