"""Everybody's price alerts: a million of them at 16 bytes each, looked at only when a price touches their level.

An alert here is one comparison or crossing of a price with a constant, told once. It rests in the index of its symbol;
when its condition comes true it is struck: taken out, to be told by whoever drains the crowd.
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rules.evaluation.history import PRICE_FEED, Floats, Ints
from rules.language.analysis import analyse
from rules.language.errors import ExpressionError
from rules.language.parser import parse
from rules.language.scope import Scope
from rules.language.typed import Typed
from rules.model import Observation
from rules.planning.levels import Levels

_BELOW, _ABOVE = 1, 2
_SIDE_BITS, _BITS = 2, 5
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Way(IntEnum):
    """How an alert asks of its price and its level."""

    ABOVE = 0
    AT_LEAST = 1
    BELOW = 2
    AT_MOST = 3
    CROSSES = 4
    CROSSES_UP = 5
    CROSSES_DOWN = 6

    @property
    def is_crossing(self) -> bool:
        """Whether it needs a side that was known before."""
        return self >= Way.CROSSES


_WAYS = {
    ">": Way.ABOVE,
    ">=": Way.AT_LEAST,
    "<": Way.BELOW,
    "<=": Way.AT_MOST,
    "crosses": Way.CROSSES,
    "crosses_up": Way.CROSSES_UP,
    "crosses_down": Way.CROSSES_DOWN,
}
_TURNED = {Way.ABOVE: Way.BELOW, Way.AT_LEAST: Way.AT_MOST, Way.BELOW: Way.ABOVE, Way.AT_MOST: Way.AT_LEAST}


@dataclass(frozen=True, slots=True)
class PriceAlert:
    """What one alert waits for; ``id`` is a number below 2**56 that its owner knows it by."""

    symbol: str
    way: Way
    level: float
    id: int = 0


@dataclass(frozen=True, slots=True)
class Strike:
    """The alerts that one price struck, by their ids."""

    seen: Observation
    ids: array[int]


def price_alert(when: str, scope: Scope) -> PriceAlert | None:
    """``when`` as an alert on one price and a constant; ``None`` where it is anything else, or no condition at all."""
    try:
        analysis = analyse(parse(when), scope, "condition")
    except ExpressionError:
        return None
    typed, way = analysis.typed, _WAYS.get(analysis.typed.name)
    if not analysis.ok or way is None or len(typed.args) != 2 or typed.form not in {"op", "call"}:
        return None
    left, right = typed.args
    if left.form == "literal" and not way.is_crossing:
        left, right, way = right, left, _TURNED[way]
    if left.form == "call" and left.name == "close":
        left = left.args[0]
    ref = left.ref if left.form == "series" else None
    if ref is None or right.form != "literal" or (ref.feed, ref.field) != (PRICE_FEED, "close"):
        return None
    return PriceAlert(ref.key, way, right.value) if _is_plain(right) else None


def _is_plain(level: Typed) -> bool:
    return 0 < level.value < float("inf")


@dataclass(slots=True)
class _Desk:
    """One symbol."""

    symbol: str
    levels: Levels
    at: datetime = _LONG_AGO
    """When its newest price happened."""


class Crowd:
    """The alerts that wait, by symbol. It changes in place, and its keeper drains what happened."""

    def __init__(self) -> None:
        self._desks: dict[str, _Desk] = {}
        self.struck: list[Strike] = []
        self.changed: set[str] = set()
        """The symbols whose alerts are others, or stand otherwise, than when they were last packed."""

    def __len__(self) -> int:
        return sum(len(desk.levels) for desk in self._desks.values())

    def add(self, alert: PriceAlert) -> None:
        """Let an alert wait. One that holds already is struck by the next price; a crossing starts from there."""
        self.remove(alert)
        desk = self._desk(alert.symbol)
        desk.levels.add(alert.level, _number(alert))
        desk.levels.look_again()
        self.changed.add(alert.symbol)

    def remove(self, alert: PriceAlert) -> bool:
        """Take an alert out; whether it was there."""
        desk = self._desks.get(_series(alert.symbol))
        sides = (0, _BELOW, _ABOVE)
        found = desk is not None and any(desk.levels.remove(alert.level, _number(alert) | side) for side in sides)
        if found:
            self.changed.add(alert.symbol)
        return found

    def drain(self) -> tuple[list[Strike], dict[str, str | None]]:
        """What was struck since the last time, and by symbol what is to be kept of those that changed."""
        struck, kept = self.struck, {symbol: self.pack(symbol) for symbol in sorted(self.changed)}
        self.struck, self.changed = [], set()
        return struck, kept

    def is_quiet(self, seen: Observation) -> bool:
        """Whether ``seen`` strikes and moves nothing; its time is remembered if so."""
        desk = self._desks.get(seen.series)
        if desk is None or seen.value is None or seen.at < desk.at:
            return True
        if not desk.levels.low < seen.value < desk.levels.high:
            return False
        desk.at = seen.at
        return True

    def stand(self, seen: Observation) -> None:
        """Take note of a price that is not evaluated: what happened before it is of no interest any more."""
        desk = self._desks.get(seen.series)
        if desk is not None and seen.at > desk.at:
            desk.at = seen.at

    def take(self, seen: Observation) -> None:
        """Strike what the price of ``seen`` makes true. One older than the newest, or without a value, does nothing."""
        if self.is_quiet(seen):
            return
        desk, price = self._desks[seen.series], float(seen.value or 0.0)
        if not np.isfinite(price):
            return
        desk.at = seen.at
        places = desk.levels.span(price)
        levels, numbers = desk.levels.at(places)
        if not levels:
            return
        struck, after = _struck(np.array(levels), np.array(numbers), price)
        if struck.any():
            ids = array("q", (after[struck] >> _BITS).tobytes())
            self.struck.append(Strike(seen, ids))
        if struck.any() or (after != np.array(numbers)).any():
            rest = ~struck
            kept = array("d", np.array(levels)[rest].tobytes()), array("q", after[rest].tobytes())
            desk.levels.put(places, *kept)
            self.changed.add(desk.symbol)

    def pack(self, symbol: str) -> str | None:
        """The alerts of a symbol as text, ``None`` without any."""
        desk = self._desks.get(_series(symbol))
        if desk is None or not len(desk.levels):
            return None
        levels, numbers = desk.levels.at(slice(None))
        return base64.b64encode(levels.tobytes() + numbers.tobytes()).decode()

    @classmethod
    def unpack(cls, packed: Mapping[str, str]) -> Crowd:
        """The crowd whose symbols were packed so."""
        crowd = cls()
        for symbol, text in packed.items():
            raw = base64.b64decode(text)
            half = len(raw) // 2
            levels, numbers = array("d", raw[:half]), array("q", raw[half:])
            crowd._desk(symbol).levels.put(slice(None), levels, numbers)
        return crowd

    def ids(self) -> Iterator[int]:
        """The ids of all that wait."""
        for desk in self._desks.values():
            yield from (number >> _BITS for number in desk.levels.numbers())

    def _desk(self, symbol: str) -> _Desk:
        series = _series(symbol)
        if series not in self._desks:
            self._desks[series] = _Desk(symbol, Levels())
        return self._desks[series]


def _series(symbol: str) -> str:
    return f"{PRICE_FEED}.{symbol}.close"


def _number(alert: PriceAlert) -> int:
    return alert.id << _BITS | alert.way << _SIDE_BITS


def _struck(levels: Floats, numbers: Ints, price: float) -> tuple[NDArray[np.bool_], Ints]:
    """Which alerts come true at ``price``, and their numbers with the side on which the price is now."""
    way, side = (numbers >> _SIDE_BITS) & 7, numbers & 3
    above, below = price > levels, price < levels
    rises, falls = above & (side == _BELOW), below & (side == _ABOVE)
    found = (
        ((way == Way.ABOVE) & above)
        | ((way == Way.AT_LEAST) & ~below)
        | ((way == Way.BELOW) & below)
        | ((way == Way.AT_MOST) & ~above)
        | (((way == Way.CROSSES) | (way == Way.CROSSES_UP)) & rises)
        | (((way == Way.CROSSES) | (way == Way.CROSSES_DOWN)) & falls)
    )
    now = np.where(above, _ABOVE, np.where(below, _BELOW, side))
    return found, np.where(way >= Way.CROSSES, numbers - side + now, numbers)
