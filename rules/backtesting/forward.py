"""What prices did after a session, against what they did after any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from rules.backtesting.fired import Fired
from rules.calendars.axis import Axis, micros
from rules.evaluation.history import Floats, History
from rules.evaluation.program import Program
from rules.functions.base import Part
from rules.language.scope import Ref

HORIZONS = (1, 5, 20)
"""Sessions ahead."""
_YEAR = 365.25 * 86_400e6


def followed(program: Program) -> Mapping[str, Ref]:
    """The price that follows a fire, by the fire's symbol; ``""`` for a rule without ``for_each``."""
    if program.members is not None:
        return {item.symbol: Ref("prices", item.symbol, "close", item.calendar) for item in program.members}
    prices = [ref for ref in _in_order(program.when) if ref.feed == "prices" and ref.key]
    return {"": prices[0].with_field("close")} if prices else {}


def _in_order(part: Part) -> Iterator[Ref]:
    for inner in part.walk():
        if inner.typed.ref is not None:
            yield inner.typed.ref


class Forward:
    """What prices did after a session, against what they did after any."""

    def __init__(self, history: History, members: Mapping[str, Ref], start: int, end: int) -> None:
        self._columns: dict[str, tuple[Axis, Floats, int]] = {}
        for symbol, ref in members.items():
            home = history.home(ref.feed, ref.key)
            if home is not None:
                column = home[0].column("close")
                self._columns[symbol] = (home[0].axis, column.values[:, home[1]], column.first)
        self._start, self._end = start, end

    def after(self, fire: Fired) -> Mapping[str, float | None]:
        """The returns from the last close at the fire over the next sessions."""
        found = self._columns.get(fire.labels.get("symbol", ""))
        if found is None:
            return {f"{horizon}d": None for horizon in HORIZONS}
        axis, values, first = found
        row = int(axis.closed(np.array([micros(fire.fired_at)]))[0]) - first
        return {f"{horizon}d": _return(values, row, horizon) for horizon in HORIZONS}

    def base(self) -> Mapping[str, float | None]:
        """The mean over all sessions of the span and all members."""
        return {f"{horizon}d": self._mean(horizon) for horizon in HORIZONS}

    def years(self) -> float:
        """From the first to the last close of the span that any member has."""
        known: list[int] = []
        for axis, values, first in self._columns.values():
            closes = axis.close(np.flatnonzero(~np.isnan(values)) + first)
            inside = closes[(closes > self._start) & (closes <= self._end)]
            known += [int(inside[0]), int(inside[-1])] if len(inside) else []
        return (max(known) - min(known)) / _YEAR if known else 0.0

    def _mean(self, horizon: int) -> float | None:
        total, count = 0.0, 0
        for axis, values, first in self._columns.values():
            closes = axis.close(np.arange(first, first + len(values), dtype=np.int64))
            with np.errstate(all="ignore"):
                moves = values[horizon:] / values[:-horizon] - 1.0
            inside = (closes > self._start) & (closes <= self._end)
            moves = moves[inside[:-horizon] & np.isfinite(moves)]
            total, count = total + float(moves.sum()), count + len(moves)
        return total / count if count else None


def _return(values: Floats, row: int, horizon: int) -> float | None:
    if not (row >= 0 and row + horizon < len(values)) or not values[row] > 0:
        return None
    move = float(values[row + horizon] / values[row] - 1.0)
    return move if np.isfinite(move) else None
