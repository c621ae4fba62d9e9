"""Facts: every number of a digest once, with its unit, source, as-of time and status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rules.model import Localized, Observation

Value = float | str | tuple[str, ...] | None


class Standing(StrEnum):
    """How much a fact can be relied on, the firmest first: an observation's status, and two more."""

    FINAL = "final"
    PROVISIONAL = "provisional"
    PARTIAL = "partial"
    STALE = "stale"
    """The last figure there is, of an earlier day than the one wanted."""
    PENDING = "pending"
    MISSING = "missing"


_FIRMEST_FIRST = tuple(Standing)


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure.

    ``unit`` is a currency, ``points``, ``%`` (the value is in percent), ``pp``, ``days``, ``date``, ``dates`` …
    A fact without a value (``known`` is false) carries the ``reason``.
    """

    value: Value
    unit: str
    source: str = ""
    as_of: datetime | None = None
    status: Standing = Standing.FINAL
    reason: Localized | None = None

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.status not in {Standing.MISSING, Standing.PENDING}

    @property
    def number(self) -> float | None:
        """The value where it is a number."""
        return self.value if isinstance(self.value, float) else None

    def to_json(self) -> dict[str, object]:
        """The fact as plain JSON."""
        document: dict[str, object] = {
            "value": list(self.value) if isinstance(self.value, tuple) else _clean(self.value),
            "unit": self.unit,
            "source": self.source,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "status": self.status.value,
        }
        return document | ({"reason": dict(self.reason)} if self.reason else {})


def missing(unit: str, en: str, zh: str) -> Fact:
    """A fact that isn't there, with the reason."""
    return Fact(None, unit, status=Standing.MISSING, reason={"en": en, "zh": zh})


def observed(found: Observation | None, unit: str, what: str | Localized) -> Fact:
    """A fact that is one observation; ``what`` names it in the reason should it be missing."""
    named: Localized = {"en": what, "zh": what} if isinstance(what, str) else what
    if found is None:
        gap = " " if named["zh"][-1:].isascii() else ""
        return missing(unit, f"no figure for {named['en']}", f"缺 {named['zh']}{gap}数据")
    if found.value is None:
        reason: Localized = {"en": f"{named['en']} is not published yet", "zh": f"{named['zh']} 未公布"}
        return Fact(None, unit, found.source, found.at, Standing.PENDING, reason)
    return Fact(float(found.value), unit, found.source, found.at, Standing(found.status.value))


def derived(value: Value, unit: str, inputs: Iterable[Fact]) -> Fact:
    """A fact computed from ``inputs``: all their sources, the latest time, the weakest status.

    Missing inputs make it missing, with the first one's reason.
    """
    given = tuple(inputs)
    for item in given:
        if not item.known:
            return Fact(None, unit, status=item.status, reason=item.reason)
    sources = dict.fromkeys(name for item in given for name in item.source.split("; ") if name)
    times = [item.as_of for item in given if item.as_of]
    weakest = max((item.status for item in given), key=_FIRMEST_FIRST.index, default=Standing.FINAL)
    return Fact(value, unit, "; ".join(sources), max(times, default=None), weakest)


def growth(new: Fact, old: Fact) -> Fact:
    """The change from ``old`` to ``new`` in percent; it means nothing from a base that isn't positive."""
    if new.number is None or old.number is None:
        return derived(None, "%", (new, old))
    if old.number <= 0:
        return missing("%", "the base isn't positive", "基数非正")
    return derived((new.number / old.number - 1) * 100, "%", (new, old))


def difference(new: Fact, old: Fact, unit: str) -> Fact:
    """``new`` less ``old``."""
    if new.number is None or old.number is None:
        return derived(None, unit, (new, old))
    return derived(new.number - old.number, unit, (new, old))


class Facts(Mapping[str, Fact]):
    """The facts by key, in the order in which they were stated. A key is stated once."""

    def __init__(self) -> None:
        self._facts: dict[str, Fact] = {}

    def state(self, key: str, fact: Fact) -> Fact:
        """Add ``fact`` and return it; a second value for a key is a mistake of the program."""
        if key in self._facts:
            raise ValueError(f"the fact {key} is stated twice")
        self._facts[key] = fact
        return fact

    def number(self, key: str) -> float | None:
        """The number of ``key``, ``None`` when it is missing or unknown."""
        fact = self._facts.get(key)
        return fact.number if fact else None

    def __getitem__(self, key: str) -> Fact:
        return self._facts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)


def _clean(value: float | str | None) -> float | str | None:
    """Drop a float's noise beyond 12 significant digits, so that JSON doesn't show 0.30000000000000004."""
    return float(format(value, ".12g")) if isinstance(value, float) else value
