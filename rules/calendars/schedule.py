"""When a market trades, as columns: read from a packed table where there is one, else from exchange_calendars."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

TABLE = Path(__file__).with_name("schedules.json")
CONTINUOUS = "24/7"
_ERA = 20  # the same hours on so many sessions in a row are the regular ones, anything shorter is an exception
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Sessions in order (``datetime64[D]``) with their times in seconds since 1970 UTC (``int64``).

    A session without a break has both of its break times at its close. ``start`` and ``end`` bound the days,
    inclusive, about which the schedule knows.
    """

    tz: str
    start: date
    end: date
    sessions: NDArray[np.datetime64]
    opens: NDArray[np.int64]
    break_starts: NDArray[np.int64]
    break_ends: NDArray[np.int64]
    closes: NDArray[np.int64]


@cache
def _table() -> Mapping[str, Any]:
    return dict(json.loads(TABLE.read_text(encoding="utf-8")))


def canonical(name: str) -> str | None:
    """Return the calendar's own name for a name or an alias (``NYSE`` is ``XNYS``), ``None`` for an unknown one."""
    if name == CONTINUOUS or name in _table()["names"]:
        return name
    alias = _table()["aliases"].get(name)
    return None if alias is None else str(alias)


def known_names() -> tuple[str, ...]:
    """Every calendar's name and alias."""
    return (CONTINUOUS, *_table()["names"], *_table()["aliases"])


def every_day(start: date, end: date) -> Schedule:
    """UTC days, from the first to the last second of each."""
    days = _days(start, end)
    opens = days.astype("datetime64[s]").astype(np.int64)
    closes = opens + 86_399
    return Schedule("UTC", start, end, days, opens, closes, closes, closes)


def from_library(name: str, start: date, end: date) -> Schedule:
    """Ask exchange_calendars; where it doesn't know that far, weekdays with the nearest regular hours stand in."""
    import exchange_calendars  # noqa: PLC0415 - a second of import, and with it pandas
    from exchange_calendars.calendar_utils import global_calendar_dispatcher  # noqa: PLC0415

    kind = type(exchange_calendars.get_calendar(name))
    low, high = kind.bound_min(), kind.bound_max()
    first = start if low is None else max(start, low.date())
    last = end if high is None else min(end, high.date())
    calendar = global_calendar_dispatcher.get_calendar(name, start=first, end=last)
    frame = calendar.schedule.astype("datetime64[ns, UTC]")
    columns = {key: frame[key].to_numpy(dtype="datetime64[s]") for key in frame}
    closes = columns["close"]
    breaks = [np.where(np.isnat(columns[key]), closes, columns[key]) for key in ("break_start", "break_end")]
    days = frame.index.to_numpy().astype("datetime64[D]")
    seconds = [each.astype(np.int64) for each in (columns["open"], *breaks, closes)]
    return _padded(Schedule(str(calendar.tz), first, last, days, *seconds), start, end)


def from_table(name: str) -> Schedule | None:
    """Unpack the table's row for ``name``; ``None`` if it has none or was made by another exchange_calendars."""
    row = _table()["schedules"].get(name)
    if row is None or _table()["library"] != metadata.version("exchange_calendars"):
        return None
    return unpack(row)


def pack(schedule: Schedule) -> dict[str, Any]:
    """Say a schedule briefly: regular hours by era, holidays, and the sessions with hours of their own."""
    zone = ZoneInfo(schedule.tz)
    rows = zip(schedule.opens, schedule.break_starts, schedule.break_ends, schedule.closes, strict=True)
    hours = [" ".join(datetime.fromtimestamp(int(at), zone).strftime("%H:%M") for at in row) for row in rows]
    days = [str(day) for day in schedule.sessions]
    eras, special = _runs(days, hours)
    everyday = _days(schedule.start, schedule.end)
    weekdays = everyday[np.is_busday(everyday)]
    holidays = [str(day) for day in np.setdiff1d(weekdays, schedule.sessions)]
    weekend = [str(day) for day in np.setdiff1d(schedule.sessions, weekdays)]
    span = {"tz": schedule.tz, "start": schedule.start.isoformat(), "end": schedule.end.isoformat()}
    return {**span, "hours": eras, "special": special, "weekend": weekend, "holidays": holidays}


def unpack(row: Mapping[str, Any]) -> Schedule:
    """The inverse of ``pack``."""
    start, end = date.fromisoformat(row["start"]), date.fromisoformat(row["end"])
    everyday = _days(start, end)
    weekdays = np.setdiff1d(everyday[np.is_busday(everyday)], np.array(row["holidays"], dtype="datetime64[D]"))
    days = np.union1d(weekdays, np.array(row["weekend"], dtype="datetime64[D]"))
    offsets = np.zeros((len(days), 4), dtype=np.int64)
    for first, hours in row["hours"].items():
        offsets[np.searchsorted(days, np.datetime64(first)) :] = _seconds_of_day(hours)
    for day, hours in row["special"].items():
        offsets[np.searchsorted(days, np.datetime64(day))] = _seconds_of_day(hours)
    local = days.astype("datetime64[s]").astype(np.int64) - _utc_offsets(days, ZoneInfo(row["tz"]))
    columns = np.ascontiguousarray((offsets + local[:, None]).T)
    return Schedule(row["tz"], start, end, days, *columns)


def make_table(names: Iterable[str], start: date, end: date) -> dict[str, Any]:
    """Build what ``schedules.json`` holds from the installed exchange_calendars."""
    from exchange_calendars import get_calendar_names  # noqa: PLC0415 - as in from_library
    from exchange_calendars.calendar_utils import global_calendar_dispatcher as known  # noqa: PLC0415

    every = get_calendar_names(include_aliases=True)
    aliases = {name: known.resolve_alias(name) for name in every if known.resolve_alias(name) != name}
    return {
        "library": metadata.version("exchange_calendars"),
        "names": [name for name in every if name not in aliases and name != CONTINUOUS],
        "aliases": aliases,
        "schedules": {name: pack(from_library(name, start, end)) for name in names},
    }


def _padded(schedule: Schedule, start: date, end: date) -> Schedule:
    if schedule.start <= start and end <= schedule.end:
        return schedule
    row = pack(schedule)
    first = next(iter(row["hours"].values()), "09:30 16:00 16:00 16:00")
    row["hours"] = {start.isoformat(): first, **row["hours"]}
    return unpack({**row, "start": min(start, schedule.start).isoformat(), "end": max(end, schedule.end).isoformat()})


def _runs(days: list[str], hours: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    eras: dict[str, str] = {}
    special: dict[str, str] = {}
    regular, begin = "", 0
    for index in range(1, len(days) + 1):
        if index < len(days) and hours[index] == hours[begin]:
            continue
        if hours[begin] != regular and index - begin >= _ERA:
            eras[days[begin]] = regular = hours[begin]
        elif hours[begin] != regular:
            special.update(dict.fromkeys(days[begin:index], hours[begin]))
        begin = index
    return eras, special


def _days(start: date, end: date) -> NDArray[np.datetime64]:
    return np.arange(np.datetime64(start), np.datetime64(end) + 1)


def _seconds_of_day(hours: str) -> list[int]:
    return [int(text[:2]) * 3600 + int(text[3:]) * 60 for text in hours.split()]


def _utc_offsets(days: NDArray[np.datetime64], zone: ZoneInfo) -> NDArray[np.int64]:
    noons = (datetime.combine(day, time(12), zone).utcoffset() or timedelta(0) for day in days.tolist())
    return np.fromiter((noon // _SECOND for noon in noons), dtype=np.int64, count=len(days))


def main() -> None:
    """Write the table again: ``python -m rules.calendars.schedule``, after each change of exchange_calendars."""
    table = make_table(("XNYS", "XHKG"), date(1990, 1, 1), date(2040, 12, 31))
    TABLE.write_text(json.dumps(table, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
