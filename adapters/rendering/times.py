"""A market time as the reader reads it: in the market's zone, then in their own. Zone names are never ambiguous."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from adapters.message import Instant, Reader
from rules.model import Lang

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMES: dict[str, dict[Lang, str]] = {
    # CST and EST are missing on purpose: CST alone means three zones.
    "America/New_York": {"en": "ET", "zh": "美东"},
    "Asia/Hong_Kong": {"en": "HKT", "zh": "香港"},
    "Asia/Shanghai": {"en": "UTC+8", "zh": "北京"},
    "Asia/Tokyo": {"en": "JST", "zh": "东京"},
    "Europe/London": {"en": "London", "zh": "伦敦"},
}


def zone_of(name: str) -> tzinfo:
    """The IANA zone ``name``, or UTC where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (
        KeyError,
        ValueError,
        OSError,
    ):  # ZoneInfoNotFoundError is a KeyError; "../x" a ValueError; "Asia" an OSError
        return UTC


def zone_name(name: str, at: datetime, lang: Lang) -> str:
    """What to call the zone ``name`` at ``at``: its known short name, else its offset such as ``UTC+5:30``."""
    known = _NAMES.get(name)
    return known[lang] if known else _offset_name(at.astimezone(zone_of(name)).utcoffset() or timedelta())


def _offset_name(offset: timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    if minutes == 0:
        return "UTC"
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def market_time(instant: Instant, lang: Lang) -> str:
    """``Close Fri 1 Nov 16:00 ET`` or ``收盘 美东 11-01 16:00``."""
    local = instant.at.astimezone(zone_of(instant.zone))
    zone = zone_name(instant.zone, instant.at, lang)
    clock = f"{local:%H:%M}"
    if lang == "zh":
        text = f"{zone} {local:%m-%d} {clock}"
    else:
        text = f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {clock} {zone}"
    return f"{instant.label} {text}" if instant.label else text


def reader_time(instant: Instant, reader: Reader) -> str:
    """``Sat 04:00 UTC+8`` or ``北京 11-02 04:00``; ``""`` where the reader's clock shows what the market's does."""
    market = instant.at.astimezone(zone_of(instant.zone))
    own = instant.at.astimezone(zone_of(reader.tz))
    if own.utcoffset() == market.utcoffset():
        return ""
    zone = zone_name(reader.tz, instant.at, reader.lang)
    if reader.lang == "zh":
        return f"{zone} {own:%m-%d %H:%M}"
    day = "" if own.date() == market.date() else f"{_DAYS[own.weekday()]} "
    return f"{day}{own:%H:%M} {zone}"


def instant_text(instant: Instant, reader: Reader) -> str:
    """``Close Fri 1 Nov 16:00 ET (Sat 04:00 UTC+8)`` or ``收盘 美东 11-01 16:00（北京 11-02 04:00）``."""
    if not instant.zone:
        return market_time(replace(instant, zone=reader.tz), reader.lang)
    market, own = market_time(instant, reader.lang), reader_time(instant, reader)
    if not own:
        return market
    return f"{market}（{own}）" if reader.lang == "zh" else f"{market} ({own})"
