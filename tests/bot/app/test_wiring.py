"""What the composition root adds to delivery: care for destinations, and the dry run."""

import io
from datetime import UTC, datetime

from adapters.clock import SteppingClock
from adapters.message import Message, Reader, Text
from adapters.notifiers.console import ConsoleNotifier
from adapters.notifiers.port import Outgoing
from adapters.store.embedded import open_throwaway_store
from bot.app.sending import Caretaker, on_terminal
from bot.subscriptions import Matcher, Subscription, identity, subscriptions

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)
GROUP = "telegram:-100"


def subscription(destination=GROUP):
    about = Matcher("rule", "sox")
    return Subscription(
        id=identity("S", destination, about),
        destination=destination,
        matcher=about,
        owner="telegram:7",
        owner_name="Li",
        created_at=NOW,
    )


async def test_the_subscriptions_of_a_destination_that_is_gone_are_parked():
    """Nothing is sent there until somebody subscribes again; the reason is kept."""
    async with open_throwaway_store() as store:
        register = subscriptions(store.documents)
        await register.put(subscription())
        await Caretaker(store.documents).gone(GROUP, "bot was kicked")
        assert ["bot was kicked"] == [item.parked for item in await register.all()]


async def test_the_subscriptions_of_a_destination_that_moved_go_along():
    """They hold at the new address alone."""
    async with open_throwaway_store() as store:
        register = subscriptions(store.documents)
        await register.put(subscription())
        await Caretaker(store.documents).moved(GROUP, "telegram:-200")
        assert ["telegram:-200"] == [item.destination for item in await register.all()]


async def test_a_dry_run_prints_what_would_be_sent():
    """Whatever the destination, nothing leaves the terminal."""
    clock, paper = SteppingClock(NOW), io.StringIO()
    shown = on_terminal({"console": ConsoleNotifier(clock, paper)})
    message = Message(summary="SOX lags NDX", title=(Text("SOX lags NDX"),))
    for scheme in ("telegram:-100", "slack:C1", "console:"):
        outgoing = Outgoing(key="n1", destination=scheme, message=message, reader=Reader())
        await shown[scheme.partition(":")[0]].send(outgoing)
    assert 3 == paper.getvalue().count("SOX lags NDX")
