"""The digest's events as a calendar file."""

from __future__ import annotations

from datetime import date, timedelta

from bot.digest.document import Digest
from bot.digest.figure import Row, written
from rules.model import Lang


def render(digest: Digest, lang: Lang) -> bytes:
    """Figures 12 and 21 as whole days, confirmed or tentative. An event keeps its identity from week to week."""
    from icalendar import Calendar, Event  # noqa: PLC0415 - only when a calendar is wanted

    calendar = Calendar()
    calendar.add("prodid", "-//Tapewatch//weekly digest//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", digest.layout.title[lang])
    for row in _rows(digest):
        start, end = _day(row["start"]), _day(row["end"] or row["start"])
        event = Event()
        event.add("uid", _identity(row, start))
        event.add("dtstamp", digest.now)
        event.add("dtstart", start)
        event.add("dtend", end + timedelta(days=1))
        kind = written(row["kind"], "text", lang)
        event.add("summary", f"{written(row['what'], 'text', lang)} · {kind}")
        event.add("status", "CONFIRMED" if _english(row["state"]) == "confirmed" else "TENTATIVE")
        event.add("transp", "TRANSPARENT")
        if row["place"]:
            event.add("location", written(row["place"], "text", lang))
        if row["session"]:
            event.add("description", written(row["session"], "text", lang))
        calendar.add_component(event)
    written_out: bytes = calendar.to_ical()
    return written_out


def _identity(row: Row, start: date) -> str:
    """Results are one event a quarter, whatever becomes of their date; other events have a name of their own."""
    quarter = f"-{start.year}Q{(start.month - 1) // 3 + 1}" if _english(row["kind"]) == "Results" else ""
    return f"{row['key']}{quarter}@tapewatch"


def _rows(digest: Digest) -> list[Row]:
    return [row for number in (12, 21) if number in digest.figures for row in digest.figures[number].rows]


def _day(cell: object) -> date:
    return date.fromisoformat(str(cell))


def _english(cell: object) -> str:
    return str(cell["en"]) if isinstance(cell, dict) else str(cell)
