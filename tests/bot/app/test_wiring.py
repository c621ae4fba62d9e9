"""What the composition root adds to delivery: the dry run."""

import io
from datetime import UTC, datetime

from adapters.clock import SteppingClock
from adapters.message import Message, Reader, Text
from adapters.notifiers.console import ConsoleNotifier
from adapters.notifiers.port import Outgoing
from bot.app.sending import on_terminal

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)


async def test_a_dry_run_prints_what_would_be_sent():
    """Whatever the destination, nothing leaves the terminal."""
    clock, paper = SteppingClock(NOW), io.StringIO()
    shown = on_terminal({"console": ConsoleNotifier(clock, paper)})
    message = Message(summary="SOX lags NDX", title=(Text("SOX lags NDX"),))
    for scheme in ("telegram:-100", "slack:C1", "console:"):
        outgoing = Outgoing(key="n1", destination=scheme, message=message, reader=Reader())
        await shown[scheme.partition(":")[0]].send(outgoing)
    assert 3 == paper.getvalue().count("SOX lags NDX")
