"""What the rules about one instrument would have fired, and where their thresholds lie: the marks of a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from bot.commands.concerning import is_about, programs_about
from bot.commands.context import Context
from bot.rulebook import personal
from bot.rulebook.rehearsal import Rehearser
from rules.engine import Engine
from rules.evaluation.program import Program
from rules.problems import ProblemsFound
from rules.universe import Instrument, Universe

_FAR = 0.35
"""A threshold further from the price than this part of it would flatten the line, and is left out."""
_MOST_LEVELS = 4


@dataclass(frozen=True, slots=True)
class Marks:
    """``fires`` are sessions with the rule that fired, the oldest first; ``levels`` prices with the rule's name."""

    fires: tuple[tuple[date, str], ...]
    levels: tuple[tuple[float, str], ...]


async def programs_watching(ctx: Context, item: Instrument) -> Sequence[Program]:
    """The desk's rules about ``item``; where nobody reads along, the asker's own alerts too."""
    shared = list(programs_about(ctx, item))
    if ctx.shared:
        return shared
    for alert in await personal.of(ctx.desk.documents, ctx.request.user.id):
        if alert.expires_at > ctx.now:
            shared += [each for each in _compiled(ctx, alert) if is_about(each, item)]
    return shared


def _compiled(ctx: Context, alert: personal.PersonalAlert) -> Sequence[Program]:
    """The alert as if it repeated; nothing where it doesn't compile any more."""
    try:
        return Engine([replace(alert, repeats=True).spec()], ctx.universe, ctx.desk.calendars).programs
    except ProblemsFound:
        return ()


def marks_on(ctx: Context, item: Instrument, programs: Sequence[Program], first: date) -> Marks:
    """What ``programs`` fired for ``item`` since ``first``, on what is known today. To be called beside the loop."""
    start = datetime.combine(first, time(), UTC)
    calendar = ctx.desk.calendars.get(item.calendar)
    alone = Rehearser(ctx.market, _alone(ctx.universe, item), ctx.desk.calendars)
    whole = Rehearser(ctx.market, ctx.universe, ctx.desk.calendars)
    fires: list[tuple[date, str]] = []
    levels: list[tuple[float, str]] = []
    for program in programs:
        spec = program.spec
        rehearser = alone if spec.for_each else whole
        try:
            fired, standing = rehearser.rehearse(spec, start, ctx.now).fired, rehearser.stand([spec], ctx.now)
        except ProblemsFound:
            continue
        fires += [(calendar.session_of(each.observed_at or each.at), spec.id) for each in fired]
        if spec.for_each or {ref.key for ref in program.refs} == {item.symbol}:
            levels += [(each.threshold, spec.id) for each in standing if each.threshold and _is_price(each.unit)]
    return Marks(tuple(sorted(fires)), tuple(_near(ctx, item, levels)))


def _is_price(unit: str) -> bool:
    return unit.partition(":")[0] == "price"


def _near(ctx: Context, item: Instrument, levels: Sequence[tuple[float, str]]) -> Iterator[tuple[float, str]]:
    last = ctx.market.latest(f"prices.{item.symbol}.close")
    at = last.value if last and last.value else 0.0
    reachable = {level for level in levels if at and abs(level[0] / at - 1) <= _FAR}
    return iter(sorted(reachable, key=lambda level: abs(level[0] - at))[:_MOST_LEVELS])


def _alone(universe: Universe, item: Instrument) -> Universe:
    """The universe with ``item`` as the only member of its lists, so that a rule over a list costs one member."""
    return Universe(each if each.symbol == item.symbol else replace(each, tags=()) for each in universe.instruments)
