"""A digest's data out of the store: what the archive of daily figures keeps, as far as a digest can show it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from functools import cache

from adapters.store.port import Documents, PriceHistory
from bot.digest.data import Imported, ObservedData
from bot.feeding.archive import Archive
from bot.feeding.intake import EVENTS, stored_events
from rules.model import SeriesName

_REST_OF_BAR = frozenset({"open", "high", "low", "volume"})


async def inputs(bars: PriceHistory, documents: Documents) -> str:
    """Names what ``stored_data`` reads: the same as long as none of it was added to or changed."""
    events = hashlib.sha256()
    for key, text in sorted((await documents.all(EVENTS)).items()):
        events.update(f"{key}\0{text}\0".encode())
    return f"{await Archive(bars, documents).revision()} {events.hexdigest()}"


async def stored_data(
    bars: PriceHistory,
    documents: Documents,
    now: datetime,
    imported: Imported | None = None,
    *,
    whole_bars: Collection[str],
) -> ObservedData:
    """What is kept of prices, flows, statements and events, as known at ``now``.

    Of a bar the close alone is taken, but of the symbols ``whole_bars``: years of hundreds of symbols fit in memory so.
    """

    @cache
    def shown(series: str) -> bool:
        name = SeriesName.parse(series)
        return name.feed != "prices" or name.field not in _REST_OF_BAR or name.key in whole_bars

    kept = [item async for part in Archive(bars, documents).read() for item in part if shown(item.series)]
    return ObservedData(kept, await stored_events(documents), now, imported)
