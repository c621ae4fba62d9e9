"""The ``sender`` role, put together: it needs the store and the messengers, and nothing of rules and markets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from adapters.clock import Clock
from adapters.message import Reader
from adapters.notifiers.port import Notifier, Outgoing, Receipt
from adapters.process import is_dead, this_process
from adapters.store.port import Documents, Store
from bot import subscriptions
from bot.app.ground import HOST, Ground
from bot.app.notifiers import build_notifiers, out_of_reach
from bot.delivery import Sender
from bot.readers import Profiles
from bot.settings import Settings

CONSOLE = "console:"


async def run_sender(
    settings: Settings,
    *,
    report: Callable[[str, str], None],
    ready: Callable[[Sequence[str]], None] = lambda _work: None,
    ground: Ground = HOST,
) -> None:
    """Run this role alone until cancelled, in a fraction of the memory that the whole bot takes."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(ground.open_store(settings.secrets.redis_url, settings.home))
        notifiers = await build_notifiers(stack, settings, ground.clock)
        report("store", store.place)
        report("messengers", ", ".join(notifiers))
        for why in out_of_reach(settings, notifiers):
            report("missing", why)
        ready(["sender"])
        await build_sender(this_process(), store, notifiers, settings.reader.reader(), ground.clock).run()


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
