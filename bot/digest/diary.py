"""Figures 12 and 21: what happens next week in the coverage, and in crypto over the two weeks after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.digest.facts import Standing
from bot.digest.figure import Column, Figure, Row
from bot.digest.frame import Frame
from bot.locale.sources import place_name
from rules.model import CalendarEvent, Localized, Status

SESSIONS: dict[str, Localized] = {  # an unknown one is not there
    "before_open": {"en": "before the open", "zh": "盘前"},
    "after_close": {"en": "after the close", "zh": "盘后"},
    "during": {"en": "during the session", "zh": "盘中"},
}
_KINDS: dict[str, Localized] = {"earnings": {"en": "Results", "zh": "财报"}, "event": {"en": "Event", "zh": "事件"}}


def is_crypto(frame: Frame, event: CalendarEvent) -> bool:
    """Whether the event belongs to the crypto list rather than to the coverage."""
    listed = {item.symbol for item in frame.listed(frame.layout.crypto)}
    return "crypto" in event.tags or (event.kind == "earnings" and event.key in listed)


def coverage_events(frame: Frame) -> tuple[CalendarEvent, ...]:
    """Next week's results of the coverage, and what moves markets as a whole.

    A company that the universe doesn't know is there because somebody entered its date.
    """
    monday = frame.span.last + timedelta(days=7 - frame.span.last.weekday())
    upcoming = frame.data.events(monday, monday + timedelta(days=6))
    covered = {item.symbol for item in frame.listed(frame.layout.coverage)}
    others = frame.universe.by_symbol.keys() - covered
    return tuple(
        event
        for event in upcoming
        if not is_crypto(frame, event) and not (event.kind == "earnings" and event.key in others)
    )


def crypto_events(frame: Frame) -> tuple[CalendarEvent, ...]:
    """Results and events of crypto over the next two weeks."""
    first = frame.span.last + timedelta(days=1)
    return tuple(event for event in frame.data.events(first, first + timedelta(days=15)) if is_crypto(frame, event))


def events_figure(frame: Frame, number: int) -> Figure:
    """Figure 12 or 21."""
    events = coverage_events(frame) if number == 12 else crypto_events(frame)
    title: Localized = (
        {"en": "Next week: results and events", "zh": "下周财报与事件"}
        if number == 12
        else {"en": "Crypto calendar, next two weeks", "zh": "未来两周加密行业日程"}
    )
    if not events:
        reason: Localized = {
            "en": "no calendar source has given dates for these days",
            "zh": "暂无日历来源提供该区间日期",
        }
        return Figure(number=number, title=title, missing=reason)
    rows = tuple(_row(frame, event) for event in events)
    expected = any(event.status is not Status.FINAL for event in events)
    return Figure(
        number=number,
        title=title,
        columns=tuple(column for column in _COLUMNS if column.key in _ALWAYS or any(row[column.key] for row in rows)),
        rows=rows,
        notes=({"en": "Dates are local to the company or place.", "zh": "日期为公司或活动所在地日期。"},),
        source="; ".join(dict.fromkeys(event.source for event in events)),
        as_of=max(event.known_at for event in events),
        status=Standing.PROVISIONAL if expected else Standing.FINAL,
    )


_COLUMNS = (
    Column("start", {"en": "Date", "zh": "日期"}, "date"),
    Column("end", {"en": "to", "zh": "至"}, "date"),
    Column("what", {"en": "Who or what", "zh": "公司/事件"}),
    Column("kind", {"en": "Kind", "zh": "类型"}),
    Column("session", {"en": "Time", "zh": "时段"}),
    Column("state", {"en": "Date is", "zh": "状态"}),
    Column("place", {"en": "Place", "zh": "地点"}),
)
_ALWAYS = frozenset({"start", "what", "kind", "state"})
"""The other columns are left out where none of the events has an entry."""


def title_of(frame: Frame, event: CalendarEvent) -> Localized:
    """What the desk calls the company, or the event's own title."""
    known = frame.universe.by_symbol.get(event.key) if event.kind == "earnings" else None
    return known.name if known else event.title


def _row(frame: Frame, event: CalendarEvent) -> Row:
    confirmed = event.status is Status.FINAL
    return {
        "start": event.start,
        "end": event.end if event.end != event.start else None,
        "key": event.key,
        "what": title_of(frame, event),
        "kind": _KINDS[event.kind],
        "session": SESSIONS.get(event.session),
        "state": {"en": "confirmed", "zh": "已确认"} if confirmed else {"en": "expected", "zh": "预计"},
        "place": {"en": place_name(event.place, "en"), "zh": place_name(event.place, "zh")} if event.place else None,
    }


def by_day(events: Sequence[CalendarEvent]) -> dict[date, list[CalendarEvent]]:
    """Events by their first day, in order."""
    days: dict[date, list[CalendarEvent]] = {}
    for event in events:
        days.setdefault(date.fromisoformat(event.start), []).append(event)
    return days
