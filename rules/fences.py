"""Levels that follow from closed bars: found by bisection over the compiled condition, forgotten when a bar closes.

A windowed condition that is monotone in the latest price (``ret(X, 1d) <= -5%``) is a price level as long as the
closed bars stay. A lane is loose, evaluated at every tick, until its group was evaluated often enough to make finding
the levels of all its loose lanes at once worth it. What is not certain stays loose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from rules.axis import micros
from rules.frames import Evaluate, NowFrame
from rules.history import Column, Floats, Ints
from rules.instances import Moment
from rules.language.scope import Ref
from rules.levels import Levels
from rules.monotone import Probe
from rules.runtime import Group

LOWEST, HIGHEST = 1e-9, 1e15
"""Levels are looked for between these prices; beyond them everything is evaluated."""
_ROUNDING = 1e-11
Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """A group of a rule whose lanes have levels that follow from the closed bars of ``ref``."""

    rule: int
    number: int
    group: Group
    ref: Ref
    probes: tuple[Probe, ...]

    def symbols(self) -> tuple[str, ...]:
        """The symbol of each lane."""
        return (self.ref.key,) if self.group.members is None else self.group.members.symbols


@dataclass(slots=True)
class _Watch:
    """One symbol: the newest price that was looked at, the version of its closed bars, and how its lanes stand."""

    levels: Levels
    lanes: list[int] = field(default_factory=list)
    loose: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)
    """Loose lanes whose levels could not be told from these closed bars."""
    bands: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    near: set[int] = field(default_factory=set)
    version: int = -1
    price: float = float("nan")


class Fences:
    """The index of one state: by symbol, the levels of constants (numbered by rule) and of lanes (numbered above)."""

    def __init__(self, levels: dict[str, Levels], plots: Sequence[Plot], rules: int, patience: int) -> None:
        self._plots, self._rules, self._patience = plots, rules, patience
        self._watches = {symbol: _Watch(own) for symbol, own in levels.items()}
        self._lanes: list[tuple[int, int]] = []
        self._first: list[int] = []
        self._spent = [0] * len(plots)
        self.due: set[int] = set()
        """The groups that were evaluated often enough to look for their levels."""
        for number, plot in enumerate(plots):
            self._first.append(rules + len(self._lanes))
            for lane, symbol in enumerate(plot.symbols()):
                watch = self._watches.setdefault(symbol, _Watch(Levels()))
                watch.lanes.append(rules + len(self._lanes))
                self._lanes.append((number, lane))

    def watches(self, symbol: str) -> bool:
        """Whether any rule waits for the price of ``symbol``."""
        return symbol in self._watches

    def is_quiet(self, symbol: str, price: float, version: int, _moment: int) -> bool:
        """Whether no rule that waits for the price of ``symbol`` has to be evaluated at ``price``."""
        watch = self._watches.get(symbol)
        if watch is None:
            return True
        if watch.version != version or watch.loose or watch.near:
            return False
        return watch.levels.is_between(price) and LOWEST <= price <= HIGHEST

    def stand_at(self, symbol: str, price: float) -> None:
        """Remember a price that was quiet."""
        watch = self._watches.get(symbol)
        if watch is not None:
            watch.price = price

    def prices(self, symbol: str) -> list[float]:
        """The levels of a symbol that are known now, ascending."""
        return list(self._watches[symbol].levels.prices())

    def tick(self, symbol: str, price: float, version: int, *, revision: bool) -> Iterator[tuple[int, int, int]]:
        """Rule, group and lane of what the new price may change; ``version`` counts changes of closed bars."""
        watch = self._watches[symbol]
        if watch.version != version:
            self._forget(watch, version)
        passed = watch.levels.tick(price)
        numbers = watch.loose.union(passed, watch.near)
        if watch.bands:
            self._near(watch, price, passed)
        if revision or not LOWEST <= price <= HIGHEST:
            numbers.update(watch.lanes, watch.levels.numbers())
        watch.price = price
        for number in sorted(numbers):
            yield self._target(number, counts=number in watch.loose and number not in watch.doubtful)

    def _target(self, number: int, *, counts: bool) -> tuple[int, int, int]:
        if number < self._rules:
            return number, 0, 0
        at, lane = self._lanes[number - self._rules]
        self._spent[at] += counts
        if self._spent[at] >= self._patience:
            self.due.add(at)
        return self._plots[at].rule, self._plots[at].number, lane

    def _forget(self, watch: _Watch, version: int) -> None:
        watch.version = version
        if len(watch.loose) < len(watch.lanes):
            watch.levels.keep_below(self._rules)
        watch.loose = set(watch.lanes)
        watch.doubtful.clear()
        watch.bands.clear()
        watch.near.clear()

    @staticmethod
    def _near(watch: _Watch, price: float, passed: Sequence[int]) -> None:
        """Lanes inside a band are evaluated until the price has left it."""
        for number in watch.near.union(passed) & watch.bands.keys():
            if any(low <= price <= high for low, high in watch.bands[number]):
                watch.near.add(number)
            else:
                watch.near.discard(number)

    def settle(self, moment: Moment) -> None:
        """Find the levels of the groups that are due; call it after the evaluation."""
        for at in sorted(self.due):
            self._spent[at] = 0
            self._find(self._plots[at], self._first[at], moment)
        self.due.clear()

    def _find(self, plot: Plot, first: int, moment: Moment) -> None:
        frame = plot.group.frame(moment.shared, moment.memories[plot.group], None)
        track = frame.track(plot.ref)
        lanes = [lane for lane in range(plot.group.size) if self._is_ready(plot, first, lane, track.column, track.keys)]
        if not lanes:
            return
        bench = _Bench(plot, moment, np.array(lanes, np.int64), track.column, track.keys[lanes])
        certain, edges = np.ones(len(lanes), np.bool_), []
        for probe in plot.probes:
            for strict in probe.strict:
                found = bench.edge(probe, strict=strict)
                certain &= found.certain
                edges.append(found)
        symbols = plot.symbols()
        for number, lane in enumerate(lanes):
            watch = self._watches[symbols[lane]]
            if certain[number]:
                self._fence(watch, first + lane, [edge.at(number) for edge in edges])
            else:
                watch.doubtful.add(first + lane)

    def _is_ready(self, plot: Plot, first: int, lane: int, column: Column, keys: Ints) -> bool:
        """Whether the lane is loose and was evaluated at the price that the history holds now."""
        watch, key = self._watches[plot.symbols()[lane]], int(keys[lane])
        price = column.cell(int(column.last[key]), key)
        fits = watch.price == price and watch.version == int(column.versions[key])
        return first + lane in watch.loose - watch.doubtful and fits and LOWEST <= price <= HIGHEST

    @staticmethod
    def _fence(watch: _Watch, number: int, edges: list[tuple[float, float] | None]) -> None:
        watch.loose.discard(number)
        watch.levels.stand_at(watch.price)
        for edge in edges:
            if edge is None:
                continue
            low, high = edge
            watch.levels.add(low, number)
            if low < high:
                watch.levels.add(high, number)
                watch.bands.setdefault(number, []).append(edge)
                if low <= watch.price <= high:
                    watch.near.add(number)


@dataclass(frozen=True, slots=True)
class _Edge:
    """By lane: whether the answer is certain, and the prices between which it may change (NaN where it does not)."""

    certain: Mask
    low: Floats
    high: Floats

    def at(self, lane: int) -> tuple[float, float] | None:
        """One lane's."""
        low = float(self.low[lane])
        return None if np.isnan(low) else (low, float(self.high[lane]))


class _Bench:
    """Evaluates figures as if the newest prices of some lanes were others."""

    def __init__(self, plot: Plot, moment: Moment, lanes: Ints, column: Column, keys: Ints) -> None:
        self._plot, self._history = plot, moment.history
        self._now, self._memory = np.array([micros(moment.at)]), moment.memories[plot.group]
        self._lanes, self._column, self._keys = lanes, column, keys
        self._rows = column.last[keys] - column.first

    def edge(self, probe: Probe, *, strict: bool) -> _Edge:
        """Where the answer changes, by bisection down to neighbouring floats."""
        order: Callable[[Floats, Floats], Mask] = np.greater if strict else np.greater_equal
        low, high = (np.full(len(self._lanes), end).view(np.int64) for end in (LOWEST, HIGHEST))
        begin, ends = self._figures(probe, low), self._figures(probe, high)
        certain = ~np.isnan(begin[0] + begin[1] + ends[0] + ends[1])
        below = order(*begin)
        moves = certain & (below != order(*ends))
        while (high - low > 1).any():
            middle = low + (high - low) // 2
            alike = order(*self._figures(probe, middle)) == below
            low, high = np.where(alike, middle, low), np.where(alike, high, middle)
        price = low.view(np.float64)
        width = np.zeros(len(price))
        if probe.apart:
            size = np.abs(self._figures(probe, low)).sum(axis=0) + price
            width = _ROUNDING * size / probe.apart
        return _Edge(certain, np.where(moves, price - width, np.nan), np.where(moves, price + width, np.nan))

    def _figures(self, probe: Probe, prices: Ints) -> Floats:
        """Both figures at the prices, given as the bits of positive floats."""
        values = self._column.values
        kept = values[self._rows, self._keys]
        values[self._rows, self._keys] = prices.view(np.float64)
        try:
            group = self._plot.group
            lanes = None if len(self._lanes) == group.size else self._lanes
            frame = group.frame(NowFrame(self._history, self._now, 1), self._memory, lanes)
            return np.stack([_broad(side, frame, len(self._lanes)) for side in (probe.left, probe.right)])
        finally:
            values[self._rows, self._keys] = kept


def _broad(side: Evaluate, frame: NowFrame, lanes: int) -> Floats:
    return np.broadcast_to(side(frame), (lanes,))
