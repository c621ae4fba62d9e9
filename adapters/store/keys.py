"""The names of everything in the store: ``tw1:`` and colon-separated parts, outside text percent-encoded.

``tw1`` is the version of the layout. A release that changes the layout counts it up and leaves the older keys alone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, unquote

LAYOUT = "tw1"

TAPE = f"{LAYOUT}:tape"
CURSOR = f"{LAYOUT}:cursor"
ALERTS = f"{LAYOUT}:alerts"
OUTBOX_SEQUENCE = f"{LAYOUT}:outbox:sequence"
OUTBOX_DUE = f"{LAYOUT}:outbox:due"
OUTBOX_NOTICES = f"{LAYOUT}:outbox:notices"
OUTBOX_LOG = f"{LAYOUT}:outbox:log"
OUTBOX_DEAD = f"{LAYOUT}:outbox:dead"
OUTBOX_DOUBTS = f"{LAYOUT}:outbox:doubts"
OUTBOX_HOLDERS = f"{LAYOUT}:outbox:holders"
OUTBOX_BELL = f"{LAYOUT}:outbox:bell"
LANE_PREFIX = f"{LAYOUT}:outbox:lane:"

_REMEMBERED = 16_384
_SAFE = "@^+=-_./"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(_REMEMBERED)
def encoded(text: str) -> str:
    """Outside text as one part of a key: without colon, space or control character; :func:`decoded` undoes it."""
    return quote(text, safe=_SAFE, errors="replace")


@lru_cache(_REMEMBERED)
def decoded(part: str) -> str:
    """The text that :func:`encoded` was given."""
    return unquote(part)


def documents(collection: str) -> str:
    """The hash that holds ``collection``."""
    return f"{LAYOUT}:doc:{encoded(collection)}"


def lease(name: str) -> str:
    """The string that holds the owner of the lease."""
    return f"{LAYOUT}:lease:{encoded(name)}"


@lru_cache(_REMEMBERED)
def bucket(name: str) -> str:
    """The hash that holds a token bucket."""
    return f"{LAYOUT}:rate:{encoded(name)}"


def bars(symbol: str) -> str:
    """The hash that holds a symbol's packed price history, a field a year."""
    return f"{LAYOUT}:bars:{encoded(symbol)}"


def to_us(instant: datetime) -> int:
    """Microseconds since 1970: exact, and small enough for the double that scores are."""
    return (instant - _EPOCH) // _MICROSECOND


def from_us(microseconds: float) -> datetime:
    """The instant, in UTC."""
    return _EPOCH + int(microseconds) * _MICROSECOND


def is_later(position: str, than: str) -> bool:
    """Whether one position in a stream lies after another."""
    return _parts(position) > _parts(than)


def after(position: str) -> str:
    """The smallest position in a stream after ``position``."""
    milliseconds, sequence = _parts(position)
    return f"{milliseconds}-{sequence + 1}"


def _parts(position: str) -> tuple[int, int]:
    milliseconds, _, sequence = position.partition("-")
    return int(milliseconds), int(sequence or 0)
