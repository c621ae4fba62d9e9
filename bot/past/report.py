"""What ``tapewatch backtest`` tells: the report, and how it differs from that of other rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from adapters.message import Table
from adapters.rendering.tables import table_lines
from bot.failures import Failure
from bot.locale import say
from bot.locale.traces import because
from bot.past.prices import Data
from rules.backtesting.backtest import MANY, Report, RuleResult, backtest
from rules.backtesting.fired import Fired
from rules.backtesting.forward import HORIZONS
from rules.calendars.sessions import Calendars
from rules.model import Lang, Severity
from rules.numbers import percent
from rules.problems import Problem, nearest
from rules.spec import RuleSpec

_ALIGN = "lll" + "rr" * len(HORIZONS) + "l"


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
            raise Failure("no_rule_near" if guess else "no_rule", name=name, guess=guess)
    return [rule for rule in rules if (rule.id in names if names else rule.severity is not Severity.HEALTH)]


def run(rules: Sequence[RuleSpec], data: Data, calendars: Calendars, first: date | None, last: date | None) -> Report:
    """The backtest from ``first`` to ``last``, by default over all that is known."""
    if data.span is None:
        raise Failure("no_prices")
    start, end = first or data.span[0], last or data.span[1]
    if start > end:
        raise Failure("span", start=start, end=end)
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


def lines(report: Report, against: Sequence[Change] | None, lang: Lang) -> Iterator[str]:
    """The report for a terminal."""
    for rule in report.rules:
        yield say(lang, "past.rule", rule=rule.id, counted=counted(rule, lang), start=report.start, end=report.end)
        if rule.unknown:
            yield f"  {say(lang, 'past.unknown', series=say(lang, 'list.comma').join(rule.unknown))}"
        yield from (f"  {line}" for line in table_lines(Table(tuple(_rows(rule, lang)), _ALIGN)))
        yield from (f"  {line}" for line in doubts(rule, lang))
    if against is not None:
        yield from _differences(against, lang)


def counted(rule: RuleResult, lang: Lang) -> str:
    """How often it fired, and in how many evaluations."""
    rate = say(lang, "past.rate", rate=f"{len(rule.fires) / rule.years:.1f}") if rule.years and rule.fires else ""
    return say(lang, "past.counted", count=len(rule.fires), rate=rate, evaluations=f"{rule.evaluations:,}")


def _rows(rule: RuleResult, lang: Lang) -> Iterator[tuple[str, ...]]:
    """Each alert with what followed, then the means."""
    for fire, ended in zip(rule.fires, endings(rule, lang), strict=True):
        until = ended if rule.momentary else say(lang, "past.to", end=ended[:10])
        yield (
            f"{fire.fired_at:%Y-%m-%d %H:%M}",
            until,
            " ".join(fire.labels.values()),
            *_ahead(fire.forward),
            because(fire.because, lang),
        )
    if rule.fires:
        yield say(lang, "past.mean"), "", "", *_ahead(rule.mean)
        yield say(lang, "past.base"), "", "", *_ahead(rule.base)


def _differences(against: Sequence[Change], lang: Lang) -> Iterator[str]:
    """What only one of the two versions fires, by rule and time."""
    if not against:
        yield say(lang, "past.same")
    for change in against:
        yield say(lang, "past.against", rule=change.rule, new=len(change.new), gone=len(change.gone))
        both = [("+", fire) for fire in change.new] + [("-", fire) for fire in change.gone]
        for sign, fire in sorted(both, key=lambda one: one[1].fired_at):
            words = (sign, change.rule, f"{fire.fired_at:%Y-%m-%d %H:%M}", *fire.labels.values())
            yield f"{' '.join(words)}  {because(fire.because, lang)}"


def endings(rule: RuleResult, lang: Lang) -> list[str]:
    """When each alert ended: its minute, ``at once``, ``next`` where the next one took its place, else ``open``."""
    newest = {_labels(fire): fire.fired_at for fire in rule.fires}
    return [
        f"{fire.resolved_at:%Y-%m-%d %H:%M}"
        if fire.resolved_at
        else say(lang, _standing(rule, followed=newest[_labels(fire)] > fire.fired_at))
        for fire in rule.fires
    ]


def _standing(rule: RuleResult, *, followed: bool) -> str:
    """The text for an alert without an end of its own."""
    return "past.at_once" if rule.momentary else "past.next" if followed else "past.open"


def _labels(fire: Fired) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(fire.labels.items()))


def doubts(rule: RuleResult, lang: Lang) -> Iterator[str]:
    """What speaks against a rule: that it flaps, or says too much."""
    if rule.flapping:
        yield say(lang, "past.flapping", count=rule.flapping)
    if rule.busy_months:
        worst = max(rule.busy_months, key=lambda month: rule.busy_months[month])
        months, most = len(rule.busy_months), rule.busy_months[worst]
        yield say(lang, "past.busy", many=MANY, months=months, most=most, worst=worst)


def _ahead(returns: Mapping[str, float | None]) -> Iterator[str]:
    for horizon in HORIZONS:
        value = returns.get(f"{horizon}d")
        yield f"{horizon}d"
        yield percent(value, decimals=1)
