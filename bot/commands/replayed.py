"""A rule over the past: its alerts, how they were spread, what held others back, and a picture of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from bot.charts.fires import Marked, fired_line
from bot.charts.png import label_language
from bot.commands.context import Context
from bot.commands.pictures import Drawing, frame
from bot.locale.sources import source_name
from bot.market.view import Figure, MarketView
from bot.rulebook.rehearsal import Rehearsal, Rehearser
from rules.calendars.schedule import CONTINUOUS
from rules.calendars.sessions import Calendar
from rules.engine import Engine
from rules.evaluation.program import Program
from rules.language.scope import Ref
from rules.model import SeriesName, Transition, TransitionKind
from rules.problems import ProblemsFound
from rules.spec import Expression, RuleSpec, Span

_EXTREMES = re.compile(r"\b(?:high|low)\(([^(),]+)\)")
_CLOSED = {TransitionKind.RESOLVED, TransitionKind.ENDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What one rule did over a span.

    ``raw`` counts its alerts without re-arm band, cooldown and once-per; ``on_closes`` holds the sessions on which it
    would have fired on closes alone, ``None`` where it reads nothing else. ``drawn`` is what a picture
    shows, ``price`` the series whose later closes are told (``""`` without one). Spans are in days.
    """

    spec: RuleSpec
    rehearsal: Rehearsal
    raw: int
    on_closes: frozenset[date] | None
    calendar: Calendar
    drawn: str
    price: str
    sources: str
    median_gap: int | None
    longest: int | None
    missing: int | None

    def session(self, item: Transition) -> date:
        """The session that an alert is about."""
        return self.calendar.session_of(item.observed_at or item.at)


def replayed(ctx: Context, spec: RuleSpec, start: datetime, end: datetime) -> Replayed:
    """Run ``spec`` over what is known today; to be called beside the loop."""
    rehearser = Rehearser(ctx.market, ctx.universe, ctx.desk.calendars)
    found = rehearser.rehearse(spec, start, end)
    program = Engine([replace(spec, expires=None, enabled=True)], ctx.universe, ctx.desk.calendars).programs[0]
    anchor = program.when.anchor
    drawn = _drawn(found.fired, anchor)
    calendar = ctx.market.calendar_of(drawn) if drawn else ctx.desk.calendars.get(CONTINUOUS)
    days = sorted({calendar.session_of(item.observed_at or item.at) for item in found.fired})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    return Replayed(
        spec=spec,
        rehearsal=found,
        raw=_raw(rehearser, spec, start, end, found),
        on_closes=_on_closes(rehearser, spec, start, end, calendar),
        calendar=calendar,
        drawn=drawn,
        price=str(anchor.with_field("close")) if anchor and anchor.feed == "prices" and anchor.key else "",
        sources=" · ".join(source_name(name, ctx.lang) for name in _sources(ctx.market, program)),
        median_gap=round(median(gaps)) if gaps else None,
        longest=_longest(found),
        missing=_missing(ctx.market, program, found) if program.members is None else None,
    )


def _drawn(fired: Sequence[Transition], anchor: Ref | None) -> str:
    """What to draw: the rule's own series, or the price of the member that fired most."""
    if anchor and anchor.key:
        return str(anchor.with_field("close")) if anchor.feed == "prices" else str(anchor)
    symbols = Counter(item.labels["symbol"] for item in fired if "symbol" in item.labels)
    return f"prices.{symbols.most_common(1)[0][0]}.close" if symbols else ""


def _raw(rehearser: Rehearser, spec: RuleSpec, start: datetime, end: datetime, found: Rehearsal) -> int:
    bare = replace(spec, clear=None, rearm=None, once_per=None, cooldown=Span(), keep_for=Span())
    return len(found.fired) if bare == spec else len(rehearser.rehearse(bare, start, end).fired)


def _on_closes(
    rehearser: Rehearser, spec: RuleSpec, start: datetime, end: datetime, calendar: Calendar
) -> frozenset[date] | None:
    text = _EXTREMES.sub(r"\1", spec.when.text)
    if text == spec.when.text:
        return None
    try:
        fired = rehearser.rehearse(replace(spec, when=Expression(text)), start, end).fired
    except ProblemsFound:
        return None
    return frozenset(calendar.session_of(item.observed_at or item.at) for item in fired)


def _longest(found: Rehearsal) -> int | None:
    """The most days that an alert stood until it was over; ``None`` where none ended."""
    opened: dict[str, datetime] = {}
    stood = []
    for item in found.told:
        if item.kind is TransitionKind.FIRED:
            opened[item.alert] = item.at
        elif item.kind in _CLOSED and item.alert in opened:
            stood.append((item.at - opened.pop(item.alert)).days)
    return max(stood, default=None)


def _missing(market: MarketView, program: Program, found: Rehearsal) -> int | None:
    """How many sessions of the span, from the first known one on, lack a figure that the rule reads."""
    if found.known_since is None:
        return None
    holes: set[date] = set()
    for ref in program.refs:
        if ref.feed not in {"prices", "etf_flows", "fear_greed", "crypto"}:
            continue
        calendar = market.calendar_of(str(ref))
        first = max(found.start, found.known_since).date()
        known = {each.session for each in market.history(str(ref), first) if each.value is not None}
        last = max(known, default=first)
        expected = {day for day in _sessions(calendar, first, last) if known and day > min(known)}
        holes |= expected - known
    return len(holes)


def _sessions(calendar: Calendar, first: date, last: date) -> list[date]:
    days: list[date] = []
    day = last
    while day >= first and len(days) < 5000:
        days.append(day)
        day = calendar.previous(day)
    return days


def _sources(market: MarketView, program: Program) -> list[str]:
    names = [str(ref) for ref in program.refs if ref.key]
    names += [f"prices.{item.symbol}.close" for item in (program.members or ())[:3]]
    found = (market.latest(name) for name in sorted(names))
    return list(dict.fromkeys(each.source for each in found if each and each.source))


def drawing_of(ctx: Context, found: Replayed) -> Drawing | None:
    """The series with a triangle at each alert; ``None`` where too little is known to draw it."""
    first = found.calendar.session_of(found.rehearsal.start)
    last = found.rehearsal.end.date()
    figures = [each for each in ctx.market.history(found.drawn, first, last) if each.value is not None]
    if len(figures) < 2:
        return None
    name, lang = SeriesName.parse(found.drawn), label_language(ctx.lang)
    item = ctx.universe.by_symbol.get(name.key) if name.feed == "prices" else None
    about = item.name[lang] if item else f"{name.key} ETF" if name.feed == "etf_flows" else name.feed
    unit = f"{about} · {item.currency}" if item else f"{about} · USD m" if name.feed == "etf_flows" else about
    scale = 1e6 if name.feed == "etf_flows" else 1.0
    empty = frame(ctx, f"{found.spec.title[lang]} · {found.spec.id}", unit, source_name(figures[-1].source, lang))
    rows = {each.session: row for row, each in enumerate(figures)}
    fires = [found.session(each) for each in found.rehearsal.fired if _is_drawn(each, name)]
    marks = [Marked(rows[day], None, str(day)) for day in fires if day in rows]
    svg = fired_line(empty, _days(figures), np.array([(each.value or 0.0) / scale for each in figures]), marks)
    return Drawing(svg, f"replay-{found.spec.id}", found.spec.title[ctx.lang])


def _is_drawn(item: Transition, name: SeriesName) -> bool:
    return item.labels.get("symbol", name.key) == name.key


def _days(figures: Sequence[Figure]) -> NDArray[np.datetime64]:
    return np.array([each.session for each in figures], dtype="datetime64[D]")
