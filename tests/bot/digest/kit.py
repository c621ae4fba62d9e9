"""Data for digests that differ from the reference week in one thing."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from bot.digest import Digest, build
from bot.digest.data import Imported, ObservedData
from bot.digest.layout_file import parse_layout
from rules.calendars import Calendars
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
