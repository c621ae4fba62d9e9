"""Instruments and named lists of them: what a rule, a command or a digest may speak of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property

from rules.model import Localized


class Kind(StrEnum):
    """What an instrument is."""

    INDEX = "index"
    EQUITY = "equity"
    CRYPTO = "crypto"
    FUND = "fund"
    """A spot ETF that is followed for its flows."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument.

    ``symbol`` is unique and is the price source's (Yahoo's) symbol where there is one; ``calendar`` is an
    exchange_calendars name (``XNYS``, ``XHKG``) or ``24/7`` for UTC days; ``valid_from`` and ``valid_to`` bound the
    dates, inclusive, on which it belongs to its lists.
    """

    symbol: str
    name: Localized
    kind: Kind
    currency: str
    calendar: str
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sector: Localized | None = None
    subsector: Localized | None = None
    priced: bool = True
    """False where no price source knows it (a vendor-only index)."""
    underlying: str = ""
    """For a fund: the key of its flow feed, ``BTC`` or ``ETH``."""
    fee: float | None = None
    """For a fund: what it costs a year, as a fraction."""
    valid_from: date | None = None
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """Whether the instrument belongs to the universe on ``day``."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


class Universe:
    """The instruments, found by symbol, alias, name or tag. A tag is a list: ``universe.ai`` is all tagged ``ai``."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self.instruments = tuple(instruments)
        self.by_symbol: Mapping[str, Instrument] = {item.symbol: item for item in self.instruments}

    @cached_property
    def _by_name(self) -> dict[str, list[Instrument]]:
        found: dict[str, list[Instrument]] = {}
        for item in self.instruments:
            names = {name.casefold() for name in (item.symbol, *item.aliases, *item.name.values())}
            for name in names:
                found.setdefault(name, []).append(item)
        for candidates in found.values():
            candidates.sort(key=lambda item: item.kind is Kind.FUND)
        return found

    @cached_property
    def names(self) -> frozenset[str]:
        """Every symbol and alias, for suggestions."""
        return frozenset(name for item in self.instruments for name in (item.symbol, *item.aliases))

    @cached_property
    def tags(self) -> frozenset[str]:
        """The names of the lists."""
        return frozenset(tag for item in self.instruments for tag in item.tags)

    def candidates(self, name: str) -> tuple[Instrument, ...]:
        """Everything that ``name`` (symbol, alias or name, in any case) may mean; funds come last."""
        return tuple(self._by_name.get(name.casefold(), ()))

    def resolve(self, name: str) -> Instrument | None:
        """What ``name`` means in a rule: a fund is meant only when nothing else has the name (BTC is bitcoin)."""
        candidates = self.candidates(name)
        return candidates[0] if candidates else None

    def tagged(self, tag: str, day: date | None = None) -> tuple[Instrument, ...]:
        """The list ``tag`` in file order, on ``day`` if one is given."""
        return tuple(item for item in self.instruments if tag in item.tags and (day is None or item.valid_on(day)))
