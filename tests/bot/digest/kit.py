"""Data for digests that differ from the reference week in one thing."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, date, datetime

from adapters.store.port import Commit, OutboxEntry, Overtaken, StoreUnavailable
from bot.digest import Digest, build
from bot.digest.data import Imported, ObservedData
from bot.digest.layout_file import parse_layout
from rules.calendars.sessions import Calendars
from rules.model import CalendarEvent, Observation, Status
from rules.universe import Universe

NOW = datetime(2024, 11, 2, 2, tzinfo=UTC)
FRIDAY = date(2024, 11, 1)
CALENDARS = Calendars()


def flow(day: date, millions: float | None, status: Status = Status.FINAL, fund: str = "total") -> Observation:
    """A day's net flow."""
    at = CALENDARS.get("XNYS").close(day)
    value = None if millions is None else millions * 1e6
    return Observation(f"etf_flows.BTC.{fund}", at, at, value, status, "Farside")


def flows(millions: Mapping[int, float | None], month: int = 10) -> list[Observation]:
    """Totals of days of October 2024; 32 is 1 November, as in the reference week."""
    days = {number: date(2024, month, number) if number < 32 else FRIDAY for number in millions}
    return [flow(days[number], value) for number, value in millions.items()]


def close(symbol: str, day: date, price: float, calendar: str = "XNYS", field: str = "close") -> Observation:
    """A session's close."""
    at = CALENDARS.get(calendar).close(day)
    return Observation(f"prices.{symbol}.{field}", at, at, price, source="Yahoo")


def digest_of(
    universe: Universe,
    observations: Iterable[Observation],
    *,
    events: Iterable[CalendarEvent] = (),
    imported: Imported | None = None,
    layout: str = "",
    slots: Mapping[str, str] | None = None,
) -> Digest:
    """The digest of the reference week's days from ``observations`` alone."""
    chosen = parse_layout("test.yaml", layout, universe) if layout else None
    data = ObservedData(observations, events, NOW, imported)
    return build(data, FRIDAY, universe, layout=chosen, calendars=CALENDARS, slots=slots)


def paragraph(digest: Digest, name: str, lang: str = "en") -> str:
    """A paragraph by name; ``""`` if it wasn't written."""
    return next((part.text["zh" if lang == "zh" else "en"] for part in digest.paragraphs if part.name == name), "")


class MemoryStore:
    """Documents and an outbox in memory that commit as one, take a key once per destination, and can be down."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], str] = {}
        self.sent: dict[tuple[str, str], OutboxEntry] = {}
        self.down = False
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []
        """What others do just before the next commit."""

    async def get(self, collection: str, key: str) -> str | None:
        """The document, or ``None``."""
        return self.documents.get((collection, key))

    async def put(self, collection: str, key: str, document: str | None) -> None:
        """Write the document."""
        assert document is not None
        self.documents[collection, key] = document

    async def all(self, collection: str) -> Mapping[str, str]:
        """The collection."""
        return {key: document for (name, key), document in self.documents.items() if name == collection}

    async def cursor(self) -> str:
        """The start."""
        return "0"

    async def alerts(self) -> Mapping[str, str]:
        """No alerts."""
        return {}

    async def commit(self, commit: Commit) -> None:
        """Everything, or nothing when down."""
        if self.down:
            raise StoreUnavailable("down")
        if self.meanwhile:
            await self.meanwhile.pop()()
        if any(self.documents.get(key) != text for key, text in (commit.unchanged or {}).items()):
            raise Overtaken("digests")
        for entry in commit.outbox:
            self.sent.setdefault((entry.key, entry.destination), entry)
        for key, document in (commit.documents or {}).items():
            assert document is not None
            self.documents[key] = document
