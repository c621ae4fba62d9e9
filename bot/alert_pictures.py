"""Pictures that follow alerts: ordered in the commit that tells the alert, drawn later, sent under the text.

An order is a document that is committed with the notice, so a crash loses none: it goes away in the commit that puts
the picture into the outbox (or when the picture can't be drawn). The text never waits for any of this.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from adapters.clock import Clock
from adapters.message import Attachment, Message
from adapters.store.port import Commit, OutboxEntry, Store, StoreUnavailable
from bot.alert_charts import chart_of, wanted
from bot.charts.png import label_language
from bot.charts.render import RenderingFailed, rendered
from bot.courier import ReaderAt
from bot.files import write_whole
from bot.lane import Delivery
from bot.market import MarketView
from bot.payload import pack
from rules.model import Lang, Transition

log = structlog.get_logger()

ORDERS = "alert_pictures"
LOOK_EVERY_S = 1.0
_KEPT = timedelta(days=7)
"""How long a file stays: longer than any message waits for its service."""
_MOST_AT_ONCE = 3
"""Of the alerts that a destination is told in one turn, so many get a picture: more would bury the texts."""
_SHOWN_BY = ("telegram:", "slack:")
"""The services that show a picture under a message; a terminal or a webhook has no use for one."""

Render = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Order:
    """A picture to be drawn: the notice that it follows, where, and the alerts that the notice told of."""

    key: str
    destination: str
    transitions: tuple[Transition, ...]


_ORDER = TypeAdapter(Order)


def orders_for(deliveries: Sequence[Delivery]) -> Mapping[tuple[str, str], str | None]:
    """The documents that order a picture for each delivery of alerts that can be drawn."""
    found: dict[tuple[str, str], str | None] = {}
    counts: Counter[str] = Counter()
    for each in deliveries:
        transitions = tuple(incident.transition for incident in each.incidents)
        if each.summary or not each.destination.startswith(_SHOWN_BY) or not all(map(wanted, transitions)):
            continue
        counts[each.destination] += 1
        if counts[each.destination] <= _MOST_AT_ONCE:
            order = Order(each.key, each.destination, transitions)
            found[ORDERS, f"{each.destination}|{each.key}"] = _ORDER.dump_json(order).decode()
    return found


class Pictures:
    """Draws what was ordered. One process at a time does (it runs under the ``engine`` lease, beside the market)."""

    def __init__(
        self,
        *,
        store: Store,
        market: MarketView,
        reader_at: ReaderAt,
        folder: Path,
        clock: Clock,
        render: Render = rendered,
    ) -> None:
        self._store = store
        self._market = market
        self._reader_at = reader_at
        self._folder = folder
        self._clock = clock
        self._render = render

    async def run(self) -> None:
        """Draw for ever. A store that can't be reached delays the work."""
        while True:
            try:
                await self.draw()
            except StoreUnavailable as error:
                log.warning("store_unavailable", role="pictures", error=str(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def draw(self) -> int:
        """Draw everything that is ordered; return how many pictures were put into the outbox."""
        orders = await self._store.documents.all(ORDERS)
        made = 0
        for name, text in orders.items():
            entry = await self._entry(text)
            await self._store.states.commit(
                Commit(alerts={}, outbox=[entry] if entry else [], documents={(ORDERS, name): None})
            )
            made += entry is not None
        if orders:
            await asyncio.to_thread(_forget_old, self._folder, self._clock.now() - _KEPT)
        return made

    async def _entry(self, text: str) -> OutboxEntry | None:
        """The message with the picture; ``None`` where there is nothing to draw or the drawing failed."""
        try:
            order = _ORDER.validate_json(text)
        except ValidationError as error:
            log.warning("picture_order_unreadable", mistakes=error.error_count())
            return None
        try:
            return await self._drawn(order)
        except StoreUnavailable:
            raise
        except (RenderingFailed, OSError) as error:
            log.warning("picture_failed", key=order.key, destination=order.destination, why=str(error))
        except Exception:  # a fault of ours must not stop the alerts
            log.exception("picture_failed", key=order.key, destination=order.destination)
        return None

    async def _drawn(self, order: Order) -> OutboxEntry | None:
        reader = await self._reader_at(order.destination)
        lang = label_language(reader.lang)
        svg = chart_of(order.transitions, self._market, lang, reader.colour)
        if svg is None:
            return None
        path = self._folder / f"{hashlib.sha256(svg.encode()).hexdigest()[:20]}.png"
        if not await asyncio.to_thread(_still_there, path):
            await asyncio.to_thread(write_whole, path, await self._render(svg))
        message = _message(order.transitions[0], path, reader.lang)
        payload = pack({reader.lang: message}, silent=True, follows=order.key)
        return OutboxEntry(f"{order.key}:chart", order.destination, payload, self._clock.now())


def _message(first: Transition, path: Path, lang: Lang) -> Message:
    """The picture alone, described by the alert's title for those who can't see it."""
    title = first.title[lang]
    return Message(
        summary=title, title=(), attachments=(Attachment(str(path), f"{first.rule}.png", "image/png", alt=title),)
    )


def _still_there(path: Path) -> bool:
    """Whether the picture was drawn before; it then counts as new."""
    if not path.exists():
        return False
    path.touch()
    return True


def _forget_old(folder: Path, before: datetime) -> None:
    for path in folder.glob("*.png"):
        if path.stat().st_mtime < before.timestamp():
            path.unlink(missing_ok=True)
