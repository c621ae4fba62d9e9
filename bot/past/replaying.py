"""A recorded span of the tape, evaluated once more, beside what was decided then: what is the same and what is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from bot.locale import say
from rules.engine import Engine, State
from rules.model import Lang, Observation, Reason, Trace, Transition, TransitionKind

CLOSE_ENOUGH = timedelta(minutes=1)
"""A live turn evaluates a moment after the figures became known; the record has that moment."""
_UNSEEN = frozenset({TransitionKind.PENDING})
"""Kinds that are not recorded."""


class Verdict(StrEnum):
    """How a decision of then and one of now compare."""

    MISSING = "missing"
    """It was decided then and isn't now."""
    EXTRA = "extra"
    """It is decided now and wasn't then."""
    DIFFERENT = "different"
    """Both, with another figure, reason or time."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision that is not the same; ``why`` is a key of the locale below ``replay.`` with its values."""

    verdict: Verdict
    recorded: Transition | None
    replayed: Transition | None
    why: str
    values: Mapping[str, object]

    @property
    def transition(self) -> Transition:
        """The decision that there is, the recorded one first."""
        found = self.recorded or self.replayed
        if found is None:
            raise ValueError("a difference has at least one side")
        return found

    def reason(self, lang: Lang) -> str:
        """Why it differs, as far as the record tells."""
        return say(lang, f"replay.{self.why}", **self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What was replayed, and on what."""

    start: datetime
    end: datetime
    versions: Mapping[str, str]
    """The version of each rule when the span began."""
    current: Mapping[str, str]
    """The version of each rule that was replayed."""
    figures: frozenset[tuple[str, datetime]]
    """Series and time of everything that is on the tape."""


@dataclass(frozen=True, slots=True)
class Late:
    """History that came into the archive at ``at``, after the engine had started."""

    at: datetime
    figures: Sequence[Observation]


def advanced(
    engine: Engine, state: State, tape: Iterable[Observation], late: Sequence[Late], until: datetime
) -> Iterator[Transition]:
    """Evaluate ``tape`` in its own order up to ``until``, each figure when it became known, and the clocks between.

    ``late`` is history that was completed on the way: it is taken in when it was, and evaluated no more than then.
    """
    coming = sorted(late, key=lambda each: each.at, reverse=True)
    for known_at, group in groupby(tape, key=lambda seen: seen.known_at):
        while coming and coming[-1].at <= known_at:
            state = engine.seed(state, coming.pop().figures)
        state, found = engine.advance(state, list(group), max(known_at, state.now))
        yield from found
    _, found = engine.advance(state, (), until)
    yield from found


def compared(
    recorded: Iterable[Transition], replayed: Iterable[Transition], span: Span
) -> tuple[int, list[Difference]]:
    """How many decisions of the span are the same, and every one that isn't, by time."""
    then, now = (_by_alert(each, span) for each in (recorded, replayed))
    same, found = 0, list[Difference]()
    for key in dict.fromkeys([*then, *now]):
        pairs = list(_paired(then.get(key, []), now.get(key, [])))
        differing = [(old, new) for old, new in pairs if old is None or new is None or _differs(old, new)]
        same += len(pairs) - len(differing)
        found += [_difference(old, new, span) for old, new in differing]
    return same, sorted(found, key=lambda each: each.transition.at)


def _by_alert(transitions: Iterable[Transition], span: Span) -> dict[tuple[str, str, str], list[Transition]]:
    found: dict[tuple[str, str, str], list[Transition]] = {}
    for each in sorted(transitions, key=lambda item: item.at):
        if span.start <= each.at <= span.end and each.kind not in _UNSEEN:
            found.setdefault((each.rule, each.alert, each.kind.value), []).append(each)
    return found


Pair = tuple[Transition | None, Transition | None]


def _paired(then: Sequence[Transition], now: Sequence[Transition]) -> Iterator[Pair]:
    """Decisions about the same figure belong together, then those that were taken at nearly the same time."""
    left = list(now)
    waiting: list[Transition] = []
    for old in then:
        new = next((item for item in left if item.observed_at == old.observed_at and _near(item, old)), None)
        if new is None:
            waiting.append(old)
        else:
            left.remove(new)
            yield old, new
    for old in waiting:
        new = next((item for item in left if _near(item, old)), None)
        if new is not None:
            left.remove(new)
        yield old, new
    yield from ((None, new) for new in left)


def _near(one: Transition, other: Transition) -> bool:
    return abs(one.at - other.at) <= CLOSE_ENOUGH


def _differs(old: Transition, new: Transition) -> bool:
    facts = [(item.value, item.observed_at, item.reason, item.labels, item.because) for item in (old, new)]
    return facts[0] != facts[1]


def _difference(old: Transition | None, new: Transition | None, span: Span) -> Difference:
    why, values = _why(old, new, span)
    verdict = Verdict.EXTRA if old is None else Verdict.MISSING if new is None else Verdict.DIFFERENT
    return Difference(verdict, old, new, why, values)


def _why(old: Transition | None, new: Transition | None, span: Span) -> tuple[str, Mapping[str, object]]:
    one = old or new
    if one is None:
        raise ValueError("a difference has at least one side")
    then = old.rule_version if old else span.versions.get(one.rule)
    now = span.current.get(one.rule)
    if old and old.reason is Reason.RULE_EDITED:
        return "edited", {}
    if then is None or now is None:
        return ("new", {}) if then is None else ("gone", {})
    if then and then != now:
        return "changed", {"then": then, "now": now}
    if old and new:
        return "figures", {"what": "; ".join(_lines(old.trace, new.trace)) or "—"}
    if old and old.observed_at and not _on_tape(old, span):
        return "trimmed", {"at": f"{old.observed_at:%Y-%m-%d %H:%M:%S} UTC", "series": ", ".join(old.series)}
    return ("holds_now" if new else "holds_not"), {}


def _on_tape(old: Transition, span: Span) -> bool:
    """Whether a figure that decided then can be there now; one from before the span is in the history."""
    if old.observed_at is None or old.observed_at < span.start or not old.series:
        return True
    return any((series, old.observed_at) in span.figures for series in old.series)


def _lines(old: Trace, new: Trace) -> Iterator[str]:
    now = {line.expression: line.value for line in new.lines}
    for line in old.lines:
        if now.get(line.expression) != line.value:
            yield f"{line.expression}: {line.value} → {now.get(line.expression, '—')}"
