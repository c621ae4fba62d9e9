"""The names that an expression may use."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rules.calendars.schedule import canonical
from rules.language.catalogue import FUNCTIONS, PERIODS
from rules.spec import Expression, SeriesSpec
from rules.universe import Instrument, Universe


@dataclass(frozen=True, slots=True)
class Ref:
    """A series that an expression reads; an empty ``key`` means that of ``it``. ``unit`` is as in ``units``."""

    feed: str
    key: str
    field: str
    calendar: str
    unit: str = ""
    _hash: int = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.feed, self.key, self.field, self.calendar, self.unit)))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return f"{self.feed}.{self.key or 'it'}.{self.field}"

    def with_field(self, field: str) -> Ref:
        """Another field of the same key."""
        return Ref(self.feed, self.key, field, self.calendar, self.unit)


@dataclass(frozen=True, slots=True)
class Scope:
    """Instruments of the universe, the pack's own series and macros, and what ``it`` stands for, if anything."""

    universe: Universe
    series: Mapping[str, SeriesSpec] = dataclasses.field(default_factory=dict)
    macros: Mapping[str, Expression] = dataclasses.field(default_factory=dict)
    it: tuple[Instrument, ...] | None = None
    is_calendar: Callable[[str], bool] = lambda name: canonical(name) is not None

    def with_it(self, members: tuple[Instrument, ...]) -> Scope:
        """The same names, with ``it`` standing for ``members``."""
        return Scope(self.universe, self.series, self.macros, members, self.is_calendar)

    def names(self) -> frozenset[str]:
        """Everything that a name could have meant, for suggestions."""
        return frozenset({*self.universe.names, *self.series, *self.macros, *PERIODS, *FUNCTIONS, "it"})

    def members(self, text: str) -> tuple[Instrument, ...]:
        """The instruments of a list or of several joined by commas; raise ``KeyError`` with a name that is none."""
        found: dict[str, Instrument] = {}
        for part in (item.strip() for item in text.split(",")):
            for instrument in self._listed(part):
                found.setdefault(instrument.symbol, instrument)
        return tuple(found.values())

    def _listed(self, name: str) -> tuple[Instrument, ...]:
        if name == "universe":
            return tuple(item for item in self.universe.instruments if item.priced)
        tag = name.removeprefix("universe.")
        if tag in self.universe.tags:
            return tuple(item for item in self.universe.tagged(tag) if item.priced)
        if name == "universe.all":
            return self._listed("universe")
        single = self.universe.resolve(name)
        if single is None:
            raise KeyError(name)
        return (single,)


def price_of(instrument: Instrument, name: str = "close") -> Ref:
    """The series of an instrument's price."""
    return _price(instrument.symbol, name, instrument.calendar, f"price:{instrument.currency}")


@lru_cache(maxsize=65_536)
def _price(symbol: str, name: str, calendar: str, unit: str) -> Ref:
    """One object for each price: comparing it with itself costs nothing."""
    return Ref("prices", symbol, name, calendar, unit)


def price_of_it(unit: str) -> Ref:
    """The price of whatever ``it`` stands for."""
    return _price("", "close", "", unit)
