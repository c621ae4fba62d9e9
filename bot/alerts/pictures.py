"""Pictures that follow alerts: ordered in the commit that tells the alert, drawn later, sent under the text.

An order is a document that is committed with the notice, so a crash loses none: it goes away in the commit that puts
the picture into the outbox (or when the picture can't be drawn). The text never waits for any of this.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from adapters.clock import Clock
from adapters.message import Attachment, Message
from adapters.store.port import Commit, LogLine, OutboxEntry, Store, StoreUnavailable
from bot.alerts.charts import chart_of
from bot.charts.png import label_language
from bot.charts.render import Render, RenderingFailed, rendered
from bot.files import write_whole
from bot.market.view import MarketView
from bot.routing.lane import Delivery
from bot.sending.courier import ReaderAt
from bot.sending.payload import pack
from rules.model import Lang, Transition

log = structlog.get_logger()

ORDERS = "alert_pictures"
LOOK_EVERY_S = 1.0
_KEPT = timedelta(days=7)
"""How long a file stays: longer than any message waits for its service."""
_TRIES = 3
_PAUSE = timedelta(seconds=20)
"""Between two tries at a drawing that failed: what was in its way (a full disk, a busy machine) may be over."""


@dataclass(frozen=True, slots=True)
class Order:
    """A picture to be drawn: the notice that it follows, where, and the alerts that the notice told of."""

    key: str
    destination: str
    transitions: tuple[Transition, ...]
    failed: int = 0
    """How often the drawing was tried in vain."""
    due: datetime | None = None
    """When it is to be tried again."""


_ORDER = TypeAdapter(Order)


def orders_for(deliveries: Sequence[Delivery]) -> Mapping[tuple[str, str], str | None]:
    """The documents that order a picture for each delivery that one is to follow."""
    found: dict[tuple[str, str], str | None] = {}
    for each in deliveries:
        if each.pictured:
            transitions = tuple(incident.transition for incident in each.incidents)
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
            order = _read(text)
            if order is None or order.due is None or order.due <= self._clock.now():
                made += await self._carry_out(name, order)
        if orders:
            await asyncio.to_thread(_forget_old, self._folder, self._clock.now() - _KEPT)
        return made

    async def _carry_out(self, name: str, order: Order | None) -> bool:
        """Commit what becomes of an order: the picture, another try, or that it was given up, with the reason."""
        entry, again, decisions = None, None, []
        if order is not None:
            try:
                entry = await self._drawn(order)
            except StoreUnavailable:
                raise
            except Exception as error:  # a fault of ours must not stop the alerts
                again = self._again(order, error)
                if again is None:
                    decisions = [self._given_up(order, error)]
        document = _ORDER.dump_json(again).decode() if again else None
        outbox = [entry] if entry else []
        await self._store.states.commit(
            Commit(alerts={}, outbox=outbox, documents={(ORDERS, name): document}, decisions=decisions)
        )
        return entry is not None

    def _again(self, order: Order, error: Exception) -> Order | None:
        """The order for another try; ``None`` when there were enough."""
        failed = order.failed + 1
        known = isinstance(error, RenderingFailed | OSError)
        report = log.warning if known else log.exception
        report("picture_failed", key=order.key, destination=order.destination, tries=failed, why=str(error))
        if failed == _TRIES:
            return None
        return replace(order, failed=failed, due=self._clock.now() + _PAUSE * failed)

    def _given_up(self, order: Order, error: Exception) -> LogLine:
        why = f"the picture could not be drawn: {error}"
        return LogLine(f"{order.key}:chart", order.destination, self._clock.now(), "dropped", why)

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


def _read(text: str) -> Order | None:
    try:
        return _ORDER.validate_json(text)
    except ValidationError as error:
        log.warning("picture_order_unreadable", mistakes=error.error_count())
        return None


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
