"""What decides who is told, and what tells them, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.clock import Clock
from adapters.message import Reader
from adapters.notifiers.port import Notifier, Outgoing, Receipt
from adapters.process import is_dead
from adapters.store.port import Documents, Store
from bot import subscriptions
from bot.alert_pictures import Pictures
from bot.delivery import Sender
from bot.dispatch import Dispatcher
from bot.evidence import Evidence
from bot.market import MarketView
from bot.readers import Profiles
from bot.settings import Settings

CONSOLE = "console:"


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


def build_sender(name: str, store: Store, notifiers: Mapping[str, Notifier], reader: Reader, clock: Clock) -> Sender:
    """A sender that writes to each destination as its reader chose, and parks what is gone."""
    return Sender(
        name=name,
        store=store,
        notifiers=notifiers,
        reader_at=Profiles(store.documents, reader).at,
        clock=clock,
        owners=Caretaker(store.documents),
        is_dead=is_dead,
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


@dataclass(frozen=True, slots=True)
class Caretaker:
    """Looks after the subscriptions of destinations that are gone or have moved."""

    documents: Documents

    async def gone(self, destination: str, why: str) -> None:
        """Send nothing there until somebody subscribes there again."""
        await subscriptions.park(self.documents, destination, why)

    async def moved(self, old: str, new: str) -> None:
        """Carry subscriptions and silences over."""
        await subscriptions.move(self.documents, old, new)


@dataclass(frozen=True, slots=True)
class OnTerminal:
    """Stands in for a messenger in a dry run: what would be sent is printed."""

    console: Notifier

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Print the message."""
        return await self.console.send(replace(outgoing, destination=CONSOLE, edit=None, reply_to=None))


def on_terminal(notifiers: Mapping[str, Notifier]) -> dict[str, Notifier]:
    """Every messenger replaced by the terminal."""
    console = notifiers["console"]
    schemes = ("telegram", "slack", "webhook", "apprise")
    return {"console": console, **{scheme: OnTerminal(console) for scheme in schemes}}
