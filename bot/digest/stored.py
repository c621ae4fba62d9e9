"""A digest's data out of the store: everything that the archive of daily figures keeps."""

from __future__ import annotations

import hashlib
from datetime import datetime

from adapters.store.port import Documents, PriceHistory
from bot.digest.data import Imported, ObservedData
from bot.feeding.archive import Archive
from bot.feeding.intake import EVENTS, stored_events


async def inputs(bars: PriceHistory, documents: Documents) -> str:
    """Names what ``stored_data`` reads: the same as long as none of it was added to or changed."""
    events = hashlib.sha256()
    for key, text in sorted((await documents.all(EVENTS)).items()):
        events.update(f"{key}\0{text}\0".encode())
    return f"{await Archive(bars, documents).revision()} {events.hexdigest()}"


async def stored_data(
    bars: PriceHistory, documents: Documents, now: datetime, imported: Imported | None = None
) -> ObservedData:
    """What is kept of prices, flows, statements and events, as known at ``now``."""
    return ObservedData(await Archive(bars, documents).load(), await stored_events(documents), now, imported)
