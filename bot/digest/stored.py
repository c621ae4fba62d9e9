"""A digest's data out of the store: everything that the archive of daily figures keeps."""

from __future__ import annotations

from datetime import datetime

from adapters.store.port import Documents, PriceHistory
from bot.digest.data import Imported, ObservedData
from bot.feeding.archive import Archive
from bot.feeding.intake import stored_events


async def stored_data(
    bars: PriceHistory, documents: Documents, now: datetime, imported: Imported | None = None
) -> ObservedData:
    """What is kept of prices, flows, statements and events, as known at ``now``."""
    return ObservedData(await Archive(bars, documents).load(), await stored_events(documents), now, imported)
