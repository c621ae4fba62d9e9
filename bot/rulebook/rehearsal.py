"""What a rule would have done over the prices that are known today, and how near it is to firing now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.market.view import Figure, MarketView
from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.evaluation.history import BAR_FIELDS
from rules.evaluation.program import Program
from rules.explaining.standing import Standing, standings
from rules.model import Observation, Transition, TransitionKind
from rules.spec import RuleSpec
from rules.universe import Universe

WARM_UP = timedelta(days=400)
"""How much history before the span a rule is given, so that its windows are full when the span begins."""


_LATE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A rule over ``start`` to ``end``: what it told, and since when its series are known (``None``: not at all)."""

    start: datetime
    end: datetime
    told: tuple[Transition, ...]
    known_since: datetime | None

    @property
    def fired(self) -> tuple[Transition, ...]:
        """The alerts, the oldest first."""
        return tuple(item for item in self.told if item.kind is TransitionKind.FIRED)


class Rehearser:
    """Runs rules over what the market view holds; pure but for reading the view."""

    def __init__(self, market: MarketView, universe: Universe, calendars: Calendars) -> None:
        self._market = market
        self._universe = universe
        self._calendars = calendars

    def rehearse(self, spec: RuleSpec, start: datetime, end: datetime) -> Rehearsal:
        """Evaluate ``spec`` over the span as the live engine would; raise ``ProblemsFound`` for a wrong rule.

        Figures are as known today: revisions have replaced what was said first.
        """
        engine = Engine([replace(spec, expires=None, enabled=True)], self._universe, self._calendars)
        known = list(self._observations(engine.programs, start - WARM_UP, end))
        state = engine.seed(engine.initial_state(start), (item for item in known if item.known_at <= start))
        _, told = engine.advance(state, (item for item in known if item.known_at > start), end)
        return Rehearsal(start, end, tuple(told), min((item.at for item in known), default=None))

    def stand(self, specs: Sequence[RuleSpec], now: datetime) -> tuple[Standing, ...]:
        """Where each rule, and each member of it, stands at ``now``."""
        engine = Engine(list(specs), self._universe, self._calendars)
        known = self._observations(engine.programs, now - WARM_UP, now)
        history = engine.seed(engine.initial_state(now), known).history
        return tuple(
            found for program in engine.programs for found in standings(program, history, self._calendars, now)
        )

    def _observations(self, programs: Sequence[Program], first: datetime, last: datetime) -> Iterator[Observation]:
        for series in dict.fromkeys(name for program in programs for name in _reads(program)):
            for figure in self._market.history(series, first.date(), last.date()):
                if figure.at <= last:
                    yield _replayed(series, figure)


def _replayed(series: str, figure: Figure) -> Observation:
    """The figure as it became known; one that was filled in long afterwards counts as known when it happened."""
    known_at = figure.known_at if figure.known_at - figure.at <= _LATE else figure.at
    return Observation(series, figure.at, known_at, figure.value, figure.status, figure.source)


def _reads(program: Program) -> Iterator[str]:
    """The series that a program reads; of a price, every field of its bar."""
    for ref in program.refs | program.message_refs | ({program.trigger} if program.trigger else set()):
        for key in [ref.key] if ref.key else [item.symbol for item in program.members or ()]:
            yield from _fields(ref.feed, key, ref.field)


def _fields(feed: str, key: str, field: str) -> Iterator[str]:
    for name in BAR_FIELDS if feed == "prices" else (field,):
        yield f"{feed}.{key}.{name}"
