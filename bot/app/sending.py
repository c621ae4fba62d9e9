"""The ``sender`` role, put together: it needs the store and the messengers, and nothing of rules and markets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from adapters.clock import Clock
from adapters.notifiers.port import Notifier, Outgoing, Receipt
from adapters.process import is_dead, this_process
from adapters.store.port import Store
from bot.app.ground import HOST, Ground
from bot.app.notifiers import build_notifiers, out_of_reach
from bot.locale import Saying
from bot.readers import Profiles
from bot.sending.caretaking import Caretaker
from bot.sending.sender import Sender
from bot.settings import Settings

CONSOLE = "console:"

Report = Callable[[str, Saying | str], None]
"""Told, before the work begins, what there is and what is missing: the key of a heading ``run.…``, and a sentence."""


async def run_sender(
    settings: Settings,
    *,
    report: Report,
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
        await build_sender(this_process(), settings, store, notifiers, ground.clock).run()


def build_sender(
    name: str, settings: Settings, store: Store, notifiers: Mapping[str, Notifier], clock: Clock
) -> Sender:
    """A sender that writes to each destination as its reader chose, and parks what is gone."""
    return Sender(
        name=name,
        store=store,
        notifiers=notifiers,
        reader_at=Profiles(store.documents, settings.reader.reader()).at,
        clock=clock,
        owners=build_caretaker(settings, store, clock),
        is_dead=is_dead,
    )


def build_caretaker(settings: Settings, store: Store, clock: Clock) -> Caretaker:
    """Parks what is gone and tells whoever subscribed, or the admins."""
    return Caretaker(
        documents=store.documents,
        states=store.states,
        profiles=Profiles(store.documents, settings.reader.reader()),
        clock=clock,
        admins=settings.access.admins,
    )


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
    schemes = {"telegram", "slack", "webhook", "apprise", *notifiers} - {"console"}
    return {"console": console, **{scheme: OnTerminal(console) for scheme in schemes}}
