"""What ``tapewatch backtest`` tells: the report, and how it differs from that of other rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.failures import Failure
from bot.past.prices import Data
from rules.backtesting.backtest import MANY, Report, RuleResult, backtest
from rules.backtesting.fired import Fired
from rules.backtesting.forward import HORIZONS
from rules.calendars.sessions import Calendars
from rules.model import Severity
from rules.problems import Problem, nearest
from rules.spec import RuleSpec


@dataclass(frozen=True, slots=True)
class Change:
    """The alerts of a rule that only one of two versions of it fires."""

    rule: str
    new: tuple[Fired, ...]
    gone: tuple[Fired, ...]


def chosen(rules: Sequence[RuleSpec], names: Sequence[str]) -> list[RuleSpec]:
    """The rules called ``names``, without a name all that speak of markets.

    Those of data health watch feeds, and a file has none. ``Failure`` tells the nearest known name for one there isn't.
    """
    known = {rule.id: rule for rule in rules}
    for name in names:
        if name not in known:
            guess = nearest(name, known)
            raise Failure(f"there is no rule {name!r}" + (f"; did you mean {guess}?" if guess else ""))
    return [rule for rule in rules if (rule.id in names if names else rule.severity is not Severity.HEALTH)]


def run(rules: Sequence[RuleSpec], data: Data, calendars: Calendars, first: date | None, last: date | None) -> Report:
    """The backtest from ``first`` to ``last``, by default over all that is known."""
    if data.span is None:
        raise Failure("there are no prices to test on; give --data DIR with SYMBOL.csv files, or let the bot run first")
    start, end = first or data.span[0], last or data.span[1]
    if start > end:
        raise Failure(f"--from {start} is after --to {end}")
    return backtest(rules, data.universe, calendars, data.bars, start=start, end=end)


def changes(new: Report, old: Report) -> tuple[Change, ...]:
    """What differs, by rule; a rule that one of them lacks fires nothing there."""
    ours, theirs = ({rule.id: rule for rule in report.rules} for report in (new, old))
    names = dict.fromkeys([*ours, *theirs])
    found = (Change(name, _only(ours, theirs, name), _only(theirs, ours, name)) for name in names)
    return tuple(change for change in found if change.new or change.gone)


def _only(one: Mapping[str, RuleResult], other: Mapping[str, RuleResult], name: str) -> tuple[Fired, ...]:
    known = {_identity(fire) for fire in other[name].fires} if name in other else set()
    return tuple(fire for fire in one[name].fires if _identity(fire) not in known) if name in one else ()


def _identity(fire: Fired) -> tuple[object, ...]:
    return fire.fired_at, _labels(fire)


def document(report: Report, problems: Sequence[Problem], against: Sequence[Change] | None) -> dict[str, Any]:
    """The contract's document; ``problems`` are rows that could not be read, ``against`` what differs."""
    found = report.to_json()
    found["problems"] = [str(problem) for problem in problems]
    if against is not None:
        found["against"] = [
            {"id": change.rule, "new": [_plain(fire) for fire in change.new], "gone": [_plain(f) for f in change.gone]}
            for change in against
        ]
    return found


def _plain(fire: Fired) -> dict[str, Any]:
    return {"fired_at": fire.fired_at.isoformat(), "labels": dict(fire.labels), "because": fire.because}


def lines(report: Report, against: Sequence[Change] | None) -> Iterator[str]:
    """The report for a terminal."""
    for rule in report.rules:
        rate = f" ({len(rule.fires) / rule.years:.1f} a year)" if rule.years and rule.fires else ""
        counted = f"{len(rule.fires)} alerts{rate} in {rule.evaluations:,} evaluations"
        yield f"{rule.id}: {counted}, {report.start} to {report.end}"
        if rule.unknown:
            yield f"  no figure of {', '.join(rule.unknown)} in this time"
        for fire, ended in zip(rule.fires, endings(rule), strict=True):
            labels = " ".join(fire.labels.values())
            ahead = " ".join(_ahead(fire.forward, horizon) for horizon in HORIZONS)
            until = ended if rule.momentary else f"to {ended[:10]}"
            yield f"  {fire.fired_at:%Y-%m-%d %H:%M}  {until:<13}  {labels:<10} {ahead}  {fire.because}"
        if rule.fires:
            yield f"  {'mean of these':<43}{' '.join(_ahead(rule.mean, horizon) for horizon in HORIZONS)}"
            yield f"  {'every session':<43}{' '.join(_ahead(rule.base, horizon) for horizon in HORIZONS)}"
        yield from (f"  {line}" for line in doubts(rule))
    if against is not None:
        yield from _differences(against)


def _differences(against: Sequence[Change]) -> Iterator[str]:
    """What only one of the two versions fires, by rule and time."""
    if not against:
        yield "against the other rules: no difference"
    for change in against:
        yield f"{change.rule} against the other rules: {len(change.new)} new, {len(change.gone)} gone"
        both = [("+", fire) for fire in change.new] + [("-", fire) for fire in change.gone]
        for sign, fire in sorted(both, key=lambda one: one[1].fired_at):
            words = (sign, change.rule, f"{fire.fired_at:%Y-%m-%d %H:%M}", *fire.labels.values())
            yield f"{' '.join(words)}  {fire.because}"


def endings(rule: RuleResult) -> list[str]:
    """When each alert ended: its minute, ``at once``, ``next`` where the next one took its place, else ``open``."""
    newest = {_labels(fire): fire.fired_at for fire in rule.fires}
    return [_ending(fire, rule, followed=newest[_labels(fire)] > fire.fired_at) for fire in rule.fires]


def _ending(fire: Fired, rule: RuleResult, *, followed: bool) -> str:
    if fire.resolved_at:
        return f"{fire.resolved_at:%Y-%m-%d %H:%M}"
    return "at once" if rule.momentary else "next" if followed else "open"


def _labels(fire: Fired) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(fire.labels.items()))


def doubts(rule: RuleResult) -> Iterator[str]:
    """What speaks against a rule: that it flaps, or says too much."""
    if rule.flapping:
        yield f"{rule.flapping} fired again within a day of their end"
    if rule.busy_months:
        worst = max(rule.busy_months, key=lambda month: rule.busy_months[month])
        yield f"more than {MANY} alerts in {len(rule.busy_months)} months, {rule.busy_months[worst]} in {worst}"


def _ahead(returns: Mapping[str, float | None], horizon: int) -> str:
    value = returns.get(f"{horizon}d")
    return f"{horizon}d {'—' if value is None else f'{value:+.1%}':>7}"
