"""What other packages add: messengers and feeds that they name as entry points.

A package offers a messenger under ``tapewatch.notifiers`` (its name is the scheme of its destinations) and a feed under
``tapewatch.feeds`` (its name is what ``tapewatch fetch`` calls it). To install
the package is all that is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from adapters.clock import Clock
from adapters.feeds.port import Feed
from adapters.notifiers.port import Notifier
from bot.failures import Failure

if TYPE_CHECKING:
    from adapters.http import HttpClient

NOTIFIERS, FEEDS = "tapewatch.notifiers", "tapewatch.feeds"

OpenNotifier = Callable[[Clock], AbstractAsyncContextManager[Notifier]]
"""What an entry point of ``tapewatch.notifiers`` names; it takes its settings from the environment itself."""
BuildFeed = Callable[["HttpClient"], Feed]
"""What an entry point of ``tapewatch.feeds`` names; the client keeps its pace, cool-downs and base URL."""


def plugins(group: str, taken: Iterable[str]) -> dict[str, Any]:
    """What installed packages offer in ``group``, loaded, by name.

    Raise ``Failure`` for what can't be loaded, and for a name that is ``taken`` already or offered twice.
    """
    found: dict[str, Any] = {}
    for offered in sorted(entry_points(group=group), key=lambda each: each.name):
        if offered.name in {*taken, *found}:
            raise Failure("plugin_twice", plugin=_whose(offered), name=offered.name)
        found[offered.name] = _loaded(offered)
    return found


def _loaded(offered: EntryPoint) -> Any:
    try:
        return offered.load()
    except Exception as error:
        raise Failure("plugin_broken", plugin=_whose(offered), error=f"{type(error).__name__}: {error}") from error


def _whose(offered: EntryPoint) -> str:
    package = f" of {offered.dist.name}" if offered.dist else ""
    return f"{offered.name!r}{package} ({offered.group})"
