"""Price levels in a sorted index per symbol: a tick costs a comparison, and a bisection when it passes a level.

A condition on one price and a constant (``NVDA > 140``, ``crosses(SOX, 5_000)``) keeps its truth while the price moves
between two neighbouring levels. So only the levels that a move touches have to be looked at, whatever their number.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

_NOTHING: array[int] = array("q")
_FAR = float("inf")


class Levels:
    """The levels of one symbol, each with a number that means something to its owner. 16 bytes a level.

    Between ``low`` and ``high``, both excluded, no price touches a level.
    """

    __slots__ = ("_levels", "_numbers", "_price", "high", "low")

    def __init__(self, levels: Iterable[tuple[float, int]] = ()) -> None:
        ordered = sorted(levels)
        self._levels = array("d", [level for level, _ in ordered])
        self._numbers = array("q", [number for _, number in ordered])
        self._price = float("nan")
        self.low, self.high = _FAR, -_FAR

    def __len__(self) -> int:
        return len(self._levels)

    def is_between(self, price: float) -> bool:
        """Whether a move to ``price`` touches nothing; ``False`` while no price is known."""
        return self.low < price < self.high

    def tick(self, price: float) -> array[int]:
        """The numbers of the levels that the move from the last price to ``price`` touches, both ends included.

        All of them at the first price; none for NaN.
        """
        if self.low < price < self.high:
            return _NOTHING
        return self._passed(price)

    def add(self, level: float, number: int) -> None:
        """Put a level in; its owner has to look at the present price itself."""
        at = bisect_right(self._levels, level)
        self._levels.insert(at, level)
        self._numbers.insert(at, number)
        self._fence(self._price)

    def remove(self, level: float, number: int) -> bool:
        """Take a level out; whether it was there."""
        first, last = bisect_left(self._levels, level), bisect_right(self._levels, level)
        for at in range(first, last):
            if self._numbers[at] == number:
                del self._levels[at], self._numbers[at]
                self._fence(self._price)
                return True
        return False

    def numbers(self) -> array[int]:
        """The numbers of all levels."""
        return self._numbers[:]

    def prices(self) -> array[float]:
        """All levels, ascending."""
        return self._levels[:]

    def add_at(self, price: float, levels: Iterable[tuple[float, int]]) -> None:
        """Put levels in at the present price, which a quiet move may have left behind."""
        for level, number in levels:
            at = bisect_right(self._levels, level)
            self._levels.insert(at, level)
            self._numbers.insert(at, number)
        self._price = price
        self._fence(price)

    def keep_below(self, number: int) -> None:
        """Take out every level whose number is ``number`` or above."""
        kept = [at for at, own in enumerate(self._numbers) if own < number]
        self._levels = array("d", [self._levels[at] for at in kept])
        self._numbers = array("q", [self._numbers[at] for at in kept])
        self._fence(self._price)

    def span(self, price: float) -> slice:
        """Like ``tick``: the places of what the move touches."""
        if price != price:  # noqa: PLR0124 - NaN
            return slice(0, 0)
        old, self._price = self._price, price
        self._fence(price)
        if old != old:  # noqa: PLR0124 - the first price
            return slice(0, len(self._levels))
        low, high = (old, price) if old < price else (price, old)
        return slice(bisect_left(self._levels, low), bisect_right(self._levels, high))

    def at(self, places: slice) -> tuple[array[float], array[int]]:
        """Levels and numbers at some places."""
        return self._levels[places], self._numbers[places]

    def put(self, places: slice, levels: array[float], numbers: array[int]) -> None:
        """Put others, as many or fewer and in the same order, in place of those."""
        self._levels[places], self._numbers[places] = levels, numbers
        self._fence(self._price)

    def look_again(self) -> None:
        """Let the next price touch all."""
        self._price = float("nan")
        self._fence(self._price)

    def _passed(self, price: float) -> array[int]:
        return self._numbers[self.span(price)]

    def _fence(self, price: float) -> None:
        """The open interval around ``price`` in which no level is touched; empty on a level and before any price."""
        at = bisect_left(self._levels, price)
        above = self._levels[at] if at < len(self._levels) else _FAR
        known = price == price  # noqa: PLR0124 - NaN
        if not known or above == price:
            self.low, self.high = _FAR, -_FAR
        else:
            self.low, self.high = (self._levels[at - 1] if at else -_FAR), above
