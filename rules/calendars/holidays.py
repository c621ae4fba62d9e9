"""Why a market rests on a weekday: the holiday's key, from a packed table made from exchange_calendars' own dates.

A key is a festival (``chung_yeung``), with ``.next`` for the day behind it that stands in for a Sunday (重阳节翌日) and
``.observed`` for a day beside a fixed date that falls on a weekend (New York). Closures that no holiday explains, such
as storms and days of mourning, have no key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("holidays.json")
_FIRST, _LAST = date(1998, 1, 1), date(2040, 12, 31)  # Hong Kong's list since 1998, as far as schedules.json reaches
_DAY = timedelta(days=1)
_NEW_YORK = {
    "New Year's Day": "new_year",
    "Dr. Martin Luther King Jr. Day": "king",
    "President's Day": "presidents",
    "Good Friday": "good_friday",
    "Memorial Day": "memorial",
    "Juneteenth National Independence Day": "juneteenth",
    "July 4th": "independence",
    "Labor Day": "labor",
    "Thanksgiving": "thanksgiving",
    "Christmas": "christmas",
}
_FIXED = {"new_year": (1, 1), "juneteenth": (6, 19), "independence": (7, 4), "christmas": (12, 25)}
_HONG_KONG = {"new_year": (1, 1), "labour": (5, 1), "establishment": (7, 1), "national": (10, 1)}


def holiday(calendar: str, day: date) -> str:
    """The key of the holiday that closes the market on ``day``; ``""`` where none is known."""
    return _table().get(calendar, {}).get(day.isoformat(), "")


@cache
def _table() -> dict[str, dict[str, str]]:
    packed = json.loads(TABLE.read_text(encoding="utf-8"))
    return {name: {day: key for key, days in row.items() for day in days} for name, row in packed.items()}


def make_table() -> dict[str, dict[str, list[str]]]:
    """Build what ``holidays.json`` holds, by calendar and key, from the installed exchange_calendars."""
    return {"XNYS": _packed("XNYS", _new_york()), "XHKG": _packed("XHKG", _hong_kong())}


def _packed(name: str, found: Iterable[tuple[date, str]]) -> dict[str, list[str]]:
    """The days of each key on which the market rests; of two holidays on one day the first found names it."""
    from rules.calendars.schedule import from_library  # noqa: PLC0415 - with numpy; a look-up needs neither

    sessions = set(from_library(name, _FIRST, _LAST).sessions.tolist())
    keys: dict[date, str] = {}
    for day, key in found:
        if day.weekday() < 5 and day not in sessions and _FIRST <= day <= _LAST:
            keys.setdefault(day, key)
    packed: dict[str, list[str]] = {}
    for day, key in sorted(keys.items()):
        packed.setdefault(key, []).append(day.isoformat())
    return packed


def _new_york() -> Iterator[tuple[date, str]]:
    import exchange_calendars  # noqa: PLC0415 - a second of import, and with it pandas

    rules = exchange_calendars.get_calendar("XNYS").regular_holidays
    named = rules.holidays(_FIRST.isoformat(), _LAST.isoformat(), return_name=True)
    for at, name in named.items():
        day, key = at.date(), _NEW_YORK[name]
        moved = key in _FIXED and (day.month, day.day) != _FIXED[key]
        yield day, f"{key}.observed" if moved else key


def _hong_kong() -> Iterator[tuple[date, str]]:
    """Each holiday with the day that stands in for it, as the government's gazette names them."""
    from exchange_calendars import lunisolar_holidays as lunar  # noqa: PLC0415 - as above

    for new_year in _dates(lunar.chinese_lunar_new_year_dates):
        yield from ((new_year + n * _DAY, f"lunar_new_year_{n + 1}") for n in range(4))
    yield from _or_next("ching_ming", _dates(lunar.qingming_festival_dates))
    yield from _easter()
    yield from _or_next("buddha", _dates(lunar.chinese_buddhas_birthday_dates))
    yield from _or_next("dragon_boat", _dates(lunar.dragon_boat_festival_dates))
    for key, (month, day) in _HONG_KONG.items():
        yield from _or_next(key, (date(year, month, day) for year in range(_FIRST.year, _LAST.year + 1)))
    for mid_autumn in _dates(lunar.mid_autumn_festival_dates):
        yield mid_autumn + _DAY, "mid_autumn.next"
        if (mid_autumn + _DAY).weekday() == 6:
            yield mid_autumn + 2 * _DAY, "mid_autumn_second"
    yield from _or_next("chung_yeung", _dates(lunar.double_ninth_festival_dates))
    yield from _christmas()


def _dates(index: Iterable[date]) -> Iterator[date]:
    """The days of one of the library's indices of timestamps."""
    return (date(at.year, at.month, at.day) for at in index)


def _or_next(key: str, days: Iterable[date]) -> Iterator[tuple[date, str]]:
    for day in days:
        yield (day + _DAY, f"{key}.next") if day.weekday() == 6 else (day, key)


def _easter() -> Iterator[tuple[date, str]]:
    """Good Friday and Easter Monday; the Tuesday rests where the Monday is Ching Ming's already."""
    from pandas.tseries.holiday import EasterMonday  # noqa: PLC0415 - as above

    for monday in _dates(EasterMonday.dates(_FIRST.isoformat(), _LAST.isoformat())):
        yield monday - 3 * _DAY, "good_friday"
        yield monday, "easter_monday"
        yield monday + _DAY, "easter_monday.next"


def _christmas() -> Iterator[tuple[date, str]]:
    """The day itself, and the first weekday (Saturdays count) behind it, or two where it falls on a Sunday."""
    for year in range(_FIRST.year, _LAST.year + 1):
        day = date(year, 12, 25)
        first = day + (2 if day.weekday() == 5 else 1) * _DAY
        yield day, "christmas"
        yield first, "christmas_first"
        if day.weekday() == 6:
            yield first + _DAY, "christmas_second"


def main() -> None:
    """Write the table again: ``python -m rules.calendars.holidays``, after each change of exchange_calendars."""
    TABLE.write_text(json.dumps(make_table(), separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
