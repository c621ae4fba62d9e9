"""What the parts of an expression mean: typed trees, windows and the series that they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rules.language import units
from rules.language.catalogue import FUNCTIONS
from rules.language.scope import Ref, price_of
from rules.language.tree import Node
from rules.universe import Instrument

_FIELDS = {**{name: (name,) for name in ("open", "high", "low", "volume")}, "atr": ("high", "low", "close")}
_ONE_FIELD = frozenset({"open", "high", "low", "volume"})


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of history in sessions (``d``), bars, calendar spans (``w mo y``), seconds, or since a period began."""

    unit: Literal["d", "bars", "w", "mo", "y", "s", "session", "week", "month", "quarter", "year"]
    count: int = 1

    @property
    def is_period(self) -> bool:
        """Whether it starts where the session, week, month, quarter or year began."""
        return self.unit in {"session", "week", "month", "quarter", "year"}

    @property
    def sessions(self) -> int:
        """A bound of the sessions that it holds."""
        per = {
            "d": 1,
            "bars": 1,
            "w": 7,
            "mo": 31,
            "y": 366,
            "session": 1,
            "week": 7,
            "month": 31,
            "quarter": 92,
            "year": 366,
        }
        return per.get(self.unit, 1) * self.count


@dataclass(frozen=True, slots=True)
class Typed:
    """A node with its meaning. ``key`` names the meaning: equal keys have equal values in one frame."""

    node: Node
    form: Literal["literal", "series", "op", "call", "window", "set", "calendar", "text", "broken"]
    unit: str
    key: str
    name: str = ""
    """The operator or the function."""
    args: tuple[Typed, ...] = ()
    ref: Ref | None = None
    value: float = 0.0
    window: Window | None = None
    members: tuple[Instrument, ...] = ()

    def reads(self) -> frozenset[Ref]:
        """Every series that the expression reads; those of `it` have no key, members of a list inside have theirs."""
        found = frozenset() if self.ref is None else frozenset({self.ref})
        if self.form == "call":
            found |= _own_reads(self)
        if self.over_set:
            return found | _each(self.args[0].members, self.args[1].reads())
        for arg in self.args:
            found |= arg.reads()
        return found - {self.args[0].ref} if self.name in _ONE_FIELD and self.form == "call" else found

    @property
    def has_edge(self) -> bool:
        """Whether there is an edge anywhere inside."""
        own = self.form == "call" and FUNCTIONS[self.name].group == "edges"
        return own or any(arg.has_edge for arg in self.args)

    @property
    def anchored(self) -> bool:
        """Whether there is a series whose calendar can count sessions."""
        return self.ref is not None or any(arg.anchored for arg in self.args)

    @property
    def over_set(self) -> bool:
        """Whether the second argument is about each member of a list, not about the `it` outside."""
        return self.form == "call" and FUNCTIONS[self.name].group == "sets"

    @property
    def is_condition(self) -> bool:
        """Whether it is true, false or unknown rather than a figure."""
        return self.unit == units.BOOL


def _own_reads(call: Typed) -> frozenset[Ref]:
    """What a function reads beyond its arguments: other fields of a bar, an event's date."""
    ref = call.args[0].ref if call.args else None
    if call.name in {"earnings", "event"}:
        return frozenset({event_ref(call)})
    if call.name == "rank":
        return _each(call.args[1].members, frozenset())
    if ref is None or call.name not in _FIELDS:
        return frozenset()
    return frozenset(ref.with_field(leaf) for leaf in _FIELDS[call.name])


def _each(members: tuple[Instrument, ...], refs: frozenset[Ref]) -> frozenset[Ref]:
    """``refs`` with `it` replaced by every member, and the members' prices."""
    own = {ref for ref in refs if ref.key}
    for item in members:
        own.add(price_of(item))
        own |= {Ref(ref.feed, item.symbol, ref.field, item.calendar, ref.unit) for ref in refs if not ref.key}
    return frozenset(own)


def event_ref(call: Typed) -> Ref:
    """The series of an event's date: ``earnings.SYMBOL.date`` or ``events.TAG.date``, as YYYYMMDD."""
    ref = call.args[0].ref
    if ref is not None:
        return Ref("earnings", ref.key, "date", ref.calendar, "date")
    return Ref("events", call.args[0].key.strip("'"), "date", "24/7", "date")
