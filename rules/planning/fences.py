"""Levels that follow from closed bars: found by bisection over the compiled condition, forgotten when a bar closes.

A windowed condition that is monotone in the latest price (``ret(X, 1d) <= -5%``) is a price level as long as the
closed bars stay. A lane is loose, evaluated at every tick, until its group was evaluated often enough to make finding
the levels of all its loose lanes at once worth it. What is not certain stays loose. A lane whose life is not at rest is
evaluated at every tick as well, and one at rest again when a timer, a key or a period may have turned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan

import numpy as np

from rules.calendars.axis import micros
from rules.evaluation.frames import Evaluate, NowFrame
from rules.evaluation.history import Column, Floats, Ints
from rules.evaluation.instances import Moment
from rules.evaluation.runtime import Group
from rules.language.scope import Ref
from rules.planning.levels import Levels
from rules.planning.monotone import Probe

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

    @property
    def is_constant(self) -> bool:
        """Whether all levels are written in the rule, so that finding them costs nothing."""
        return all(probe.level is not None for probe in self.probes)

    def symbols(self) -> tuple[str, ...]:
        """The symbol of each lane."""
        return (self.ref.key,) if self.group.members is None else self.group.members.symbols


@dataclass(frozen=True, slots=True)
class Tick:
    """When a price is looked at: the instant, the end of its session, and the count of changes of its closed bars."""

    moment: int
    session_end: int
    version: int
    revision: bool


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
    restless: set[int] = field(default_factory=set)
    """Lanes that may change at the next tick, wherever the price is."""
    looks: dict[int, int] = field(default_factory=dict)
    """By lane, from when (microseconds) it is to be looked at again."""
    version: int = -1
    session_end: int = 0
    quiet_until: int = 0
    """From then on the next tick is to be looked at, wherever the price is."""
    price: float = float("nan")

    def rest(self) -> None:
        """Find out how long ticks between two levels are quiet."""
        busy = self.loose or self.near or self.restless
        self.quiet_until = 0 if busy else min((self.session_end, *self.looks.values()))


class Fences:
    """The index of one state: by symbol, the levels of constants (numbered by rule) and of lanes (numbered above)."""

    def __init__(self, levels: dict[str, Levels], plots: Sequence[Plot], rules: int, patience: int) -> None:
        self._plots, self._rules, self._patience = plots, rules, patience
        self._watches = {symbol: _Watch(own) for symbol, own in levels.items()}
        self._lanes: list[tuple[int, int]] = []
        self._first: list[int] = []
        self._places: dict[tuple[int, int], int] = {}
        self._spent = [0] * len(plots)
        self.due: set[int] = set()
        """The groups that were evaluated often enough to look for their levels."""
        for number, plot in enumerate(plots):
            self._first.append(rules + len(self._lanes))
            self._places[plot.rule, plot.number] = number
            for lane, symbol in enumerate(plot.symbols()):
                watch = self._watches.setdefault(symbol, _Watch(Levels()))
                watch.lanes.append(rules + len(self._lanes))
                self._lanes.append((number, lane))

    def watches(self, symbol: str) -> bool:
        """Whether any rule waits for the price of ``symbol``."""
        return symbol in self._watches

    def is_quiet(self, symbol: str, price: float, version: int, moment: int) -> bool:
        """Whether no rule that waits for the price of ``symbol`` has to be evaluated; such a price is remembered."""
        watch = self._watches.get(symbol)
        if watch is None:
            return True
        if moment >= watch.quiet_until or watch.version != version or not watch.levels.is_between(price):
            return False
        if not LOWEST <= price <= HIGHEST:
            return False
        watch.price = price
        return True

    def note(self, rule: int, group: int, lanes: Iterable[int], looks: Mapping[int, int | None]) -> None:
        """Take in what an evaluation of ``lanes`` found: by stepped lane from when to look again, 0 for at once.

        A lane that was neither known nor stepped stays as restless as it was; it is not among ``lanes``.
        """
        at = self._places.get((rule, group))
        if at is None:
            return
        plot = self._plots[at]
        symbols = plot.symbols()
        for lane in lanes:
            watch, number = self._watches[symbols[lane]], self._first[at] + lane
            look = looks.get(lane)
            if look is None and number not in watch.restless and number not in watch.looks:
                continue
            watch.restless.discard(number)
            watch.looks.pop(number, None)
            if look == 0:
                watch.restless.add(number)
            elif look is not None:
                watch.looks[number] = look
            watch.rest()

    def everything(self, symbol: str) -> Iterator[tuple[int, int, int]]:
        """Rule, group and lane of all that has levels in the price of ``symbol`` but plain constants."""
        for number in self._watches[symbol].lanes:
            yield self._target(number, counts=False)

    def prices(self, symbol: str) -> list[float]:
        """The levels of a symbol that are known now, ascending."""
        return list(self._watches[symbol].levels.prices())

    def tick(self, symbol: str, price: float, tick: Tick) -> Iterator[tuple[int, int, int]]:
        """Rule, group and lane of what the new price may change."""
        watch = self._watches[symbol]
        if watch.version != tick.version or tick.moment >= watch.session_end:
            self._forget(watch, tick)
        passed = watch.levels.tick(price)
        numbers = watch.loose.union(passed, watch.near, watch.restless)
        numbers.update(number for number, look in watch.looks.items() if look <= tick.moment)
        if watch.bands:
            self._near(watch, price, passed)
        if tick.revision or not LOWEST <= price <= HIGHEST:
            numbers.update(watch.lanes, watch.levels.numbers())
        watch.price = price
        watch.rest()
        for number in sorted(numbers):
            yield self._target(number, counts=number in watch.loose and number not in watch.doubtful)

    def _target(self, number: int, *, counts: bool) -> tuple[int, int, int]:
        if number < self._rules:
            return number, 0, 0
        at, lane = self._lanes[number - self._rules]
        self._spent[at] += counts
        if counts and (self._spent[at] >= self._patience or self._plots[at].is_constant):
            self.due.add(at)
        return self._plots[at].rule, self._plots[at].number, lane

    def _forget(self, watch: _Watch, tick: Tick) -> None:
        watch.version, watch.session_end = tick.version, tick.session_end
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
        found: dict[str, list[tuple[float, int]]] = {}
        for at in sorted(self.due):
            self._spent[at] = 0
            self._find(self._plots[at], self._first[at], moment, found)
        for symbol, levels in found.items():
            watch = self._watches[symbol]
            watch.levels.add_at(watch.price, levels)
            watch.rest()
        self.due.clear()

    def _find(self, plot: Plot, first: int, moment: Moment, found: dict[str, list[tuple[float, int]]]) -> None:
        """Add the levels of a group's lanes to ``found``, by symbol."""
        frame = plot.group.frame(moment.shared, moment.memories[plot.group], None)
        track = frame.track(plot.ref)
        lanes = self._ready(plot, first, track.column, np.broadcast_to(track.keys, (plot.group.size,)))
        if not lanes:
            return
        bench = _Bench(plot, moment, np.array(lanes, np.int64), track.column, track.keys[lanes])
        certain, edges = np.ones(len(lanes), np.bool_), []
        for probe in plot.probes:
            for strict in probe.strict:
                edge = bench.edge(probe, strict=strict)
                certain &= edge.certain
                edges.append(edge)
        symbols, turns = plot.symbols(), zip(*(edge.by_lane() for edge in edges), strict=True)
        for lane, sure, own in zip(lanes, certain.tolist(), turns, strict=True):
            watch, levels = self._watches[symbols[lane]], found.setdefault(symbols[lane], [])
            if sure:
                levels += self._fence(watch, first + lane, [edge for edge in own if edge is not None])
            else:
                watch.doubtful.add(first + lane)

    def _ready(self, plot: Plot, first: int, column: Column, keys: Ints) -> list[int]:
        """The lanes that are loose and were evaluated at the price that the history holds now."""
        prices, versions = column.gather(column.last[keys], keys).tolist(), column.versions[keys].tolist()
        found = []
        for lane, symbol in enumerate(plot.symbols()):
            watch, number, price = self._watches[symbol], first + lane, prices[lane]
            fits = watch.price == price and watch.version == versions[lane] and LOWEST <= price <= HIGHEST
            if fits and number in watch.loose and number not in watch.doubtful:
                found.append(lane)
        return found

    @staticmethod
    def _fence(watch: _Watch, number: int, edges: list[tuple[float, float]]) -> Iterator[tuple[float, int]]:
        """The levels of a lane that is no longer loose; between two that lie apart it is evaluated."""
        watch.loose.discard(number)
        for low, high in edges:
            yield low, number
            if low < high:
                yield high, number
                watch.bands.setdefault(number, []).append((low, high))
                if low <= watch.price <= high:
                    watch.near.add(number)


@dataclass(frozen=True, slots=True)
class _Edge:
    """By lane: whether the answer is certain, and the prices between which it may change (NaN where it does not)."""

    certain: Mask
    low: Floats
    high: Floats

    def by_lane(self) -> list[tuple[float, float] | None]:
        """The prices of each lane, ``None`` where its answer does not change."""
        pairs = zip(self.low.tolist(), self.high.tolist(), strict=True)
        return [None if isnan(low) else (low, high) for low, high in pairs]


class _Bench:
    """Evaluates figures as if the newest prices of some lanes were others."""

    def __init__(self, plot: Plot, moment: Moment, lanes: Ints, column: Column, keys: Ints) -> None:
        self._plot, self._history = plot, moment.history
        self._now, self._memory = np.array([micros(moment.at)]), moment.memories[plot.group]
        self._lanes, self._column, self._keys = lanes, column, keys
        self._rows = column.last[keys] - column.first

    def edge(self, probe: Probe, *, strict: bool) -> _Edge:
        """Where the answer changes: a constant, else found by bisection down to neighbouring floats."""
        if probe.level is not None:
            level = np.full(len(self._lanes), probe.level)
            return _Edge(np.ones(len(level), np.bool_), level, level)
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
