"""How each source does: pure. One notice when a source degrades, one when it recovers, whatever the number of rules.

What a symbol or a day lacks is no failure of the source; a refusal, silence or an unknown form is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from adapters.feeds.port import Fault, FeedProblem, Fetched, Noted, SourceHealth, source_names
from rules.calendars.schedule import CONTINUOUS
from rules.calendars.sessions import Calendar
from rules.model import Observation, Reason, Severity, Trace, TraceLine, Transition, TransitionKind

COLLECTION = "health"
_STORED = TypeAdapter(SourceHealth)
_FAILURES = {Fault.UNREACHABLE, Fault.RATE_LIMITED, Fault.BLOCKED, Fault.UNAUTHORIZED, Fault.CHANGED}
_PASSING = {Fault.UNREACHABLE, Fault.RATE_LIMITED}
_WORDS = {
    Fault.UNREACHABLE: ("can't be reached", "无法连接"),
    Fault.RATE_LIMITED: ("asked for a pause", "触发限流"),
    Fault.BLOCKED: ("refuses requests", "拒绝访问"),
    Fault.UNAUTHORIZED: ("wants a valid key", "密钥无效或权限不足"),
    Fault.CHANGED: ("answers in an unknown form", "返回格式已变化"),
    Fault.INCOMPLETE: ("has given nothing new", "没有新数据"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much a source may fail before it is told.

    A passing fault is told after ``passing_failures`` in a row, another at once. A degraded source is well again after
    ``successes`` in a row, or after one if it had been left alone for ``calm``: a flapping one isn't told each time.
    """

    passing_failures: int = 3
    successes: int = 2
    calm: timedelta = timedelta(minutes=10)


STREAM = Patience(passing_failures=1)
"""A stream tells an outage itself only when it lasts, and tells it once."""


class HealthBook:
    """The health of every source that has been asked; load it with what the store has in :data:`COLLECTION`."""

    def __init__(self, stored: Mapping[str, str] | None = None, patience: Patience = Patience()) -> None:
        self._sources = {name: _STORED.validate_json(text) for name, text in (stored or {}).items()}
        self._stored = dict(self._sources)
        self._patience = patience

    @property
    def sources(self) -> Sequence[SourceHealth]:
        """Every source by name."""
        return tuple(self._sources[name] for name in sorted(self._sources))

    def note(self, asked: str, fetched: Fetched, now: datetime, patience: Patience | None = None) -> Noted:
        """Take in a fetch. ``asked`` names the source that a fetch without any news or problem speaks well of."""
        fetched = _newest_of_each(fetched)
        told = [*(item.source for item in fetched.observations), *(item.source for item in fetched.events)]
        seen = {name for source in dict.fromkeys(told) for name in source_names(source)}
        names = seen | set(fetched.answered) | {problem.source for problem in fetched.problems if problem.source} or {
            asked
        }
        transitions, documents = [], {}
        for name in sorted(names):
            before = self._sources.get(name, SourceHealth(source=name))
            after, transition = advance(before, only(name, fetched), now, patience or self._patience)
            self._sources[name] = after
            if _worth_storing(self._stored.get(name), after):
                self._stored[name] = after
                documents[COLLECTION, name] = _STORED.dump_json(after).decode()
            transitions += [transition] if transition else []
        return Noted(tuple(transitions), documents)


def _newest_of_each(fetched: Fetched) -> Fetched:
    """``fetched`` with each source's newest known figure alone: health asks for no more, and there may be thousands."""
    newest: dict[str, Observation] = {}
    for item in fetched.observations:
        held = newest.get(item.source)
        if held is None or (item.value is not None and (held.value is None or item.at > held.at)):
            newest[item.source] = item
    return replace(fetched, observations=tuple(newest.values()))


def _worth_storing(stored: SourceHealth | None, health: SourceHealth) -> bool:
    """A stream says every second that it is well; once a minute is enough to write down."""
    if stored is None or stored.last_asked is None or health.last_asked is None:
        return True
    same = (stored.degraded_since, stored.fault, stored.failures) == (
        health.degraded_since,
        health.fault,
        health.failures,
    )
    return not same or health.last_asked - stored.last_asked >= timedelta(minutes=1)


def only(source: str, fetched: Fetched) -> Fetched:
    """What ``source`` has to do with ``fetched``."""
    return Fetched(
        tuple(item for item in fetched.observations if source in source_names(item.source)),
        tuple(item for item in fetched.events if source in source_names(item.source)),
        tuple(item for item in fetched.problems if item.source == source),
        tuple(name for name in fetched.answered if name == source),
    )


def advance(
    health: SourceHealth, fetched: Fetched, now: datetime, patience: Patience = Patience()
) -> tuple[SourceHealth, Transition | None]:
    """The health after one fetch of this source's, and the notice that it calls for."""
    failure = next((problem for problem in fetched.problems if _fails(problem, fetched)), None)
    open_problems = sum(1 for problem in fetched.problems if problem.subject)
    calm = health.last_asked is None or now - health.last_asked >= patience.calm
    health = replace(_with_newest(health, fetched), last_asked=now, open_problems=open_problems)
    needed = 1 if calm else patience.successes
    return _failed(health, failure, now, patience) if failure else _succeeded(health, now, needed)


def _fails(problem: FeedProblem, fetched: Fetched) -> bool:
    """A problem of the source as a whole; one of a symbol counts as such when nothing else came."""
    came = fetched.observations or fetched.events or fetched.answered
    return problem.fault in _FAILURES and (not problem.subject or not came)


def _with_newest(health: SourceHealth, fetched: Fetched) -> SourceHealth:
    valued = [item for item in fetched.observations if item.value is not None]
    if not valued:
        return health
    last = max(valued, key=lambda item: item.at)
    if health.newest is not None and last.at < health.newest:
        return health
    return replace(health, newest=last.at, lag_s=(last.known_at - last.at).total_seconds())


def _failed(
    health: SourceHealth, failure: FeedProblem, now: datetime, patience: Patience
) -> tuple[SourceHealth, Transition | None]:
    health = replace(
        health,
        failures=health.failures + 1,
        successes=0,
        fault=failure.fault,
        error=failure.message,
        cool_down_until=failure.retry_at,
    )
    enough = patience.passing_failures if failure.fault in _PASSING else 1
    if health.degraded_since is not None or health.failures < enough:
        return health, None
    health = replace(health, degraded_since=now)
    return health, _notice(health, now, Reason.DATA_MISSING, health.fault or Fault.UNREACHABLE)


def _succeeded(health: SourceHealth, now: datetime, needed: int) -> tuple[SourceHealth, Transition | None]:
    health = replace(health, failures=0, successes=health.successes + 1, last_success=now, cool_down_until=None)
    if health.degraded_since is None:
        return replace(health, fault=None, error=""), None
    if health.successes < needed:
        return health, None
    well = replace(health, degraded_since=None, fault=None, error="")
    return well, _notice(health, now, Reason.DATA_BACK, health.fault or Fault.UNREACHABLE)


def _notice(health: SourceHealth, now: datetime, reason: Reason, fault: Fault) -> Transition:
    back = reason is Reason.DATA_BACK
    english, chinese = _WORDS[fault]
    since = f"{health.degraded_since:%Y-%m-%d %H:%M} UTC"
    success = f"{health.last_success:%Y-%m-%d %H:%M} UTC" if health.last_success else ""
    title = {"en": f"{health.source} is back", "zh": f"数据源 {health.source} 已恢复"}
    say = {"en": f"It had been degraded since {since}.", "zh": f"自 {since} 起异常，现已恢复。"}
    if not back:
        title = {"en": f"{health.source} {english}", "zh": f"数据源 {health.source} {chinese}"}
        say = {
            "en": f"{health.error}. Last success: {success or 'none yet'}.",
            "zh": f"{health.error}。上次成功：{success or '尚无'}。",
        }
    return Transition(
        kind=TransitionKind.HEALTH,
        reason=reason,
        rule="source-health",
        rule_version="1",
        alert=f"source-health/{health.source}/{health.degraded_since:%Y%m%dT%H%M%S}",
        labels={"source": health.source},
        at=now,
        observed_at=health.newest,
        value=None,
        unit="",
        title=title,  # type: ignore[arg-type]
        say=say,  # type: ignore[arg-type]
        because=health.error if not back else "",
        severity=Severity.HEALTH,
        tags=("health",),
        group_by=("rule",),
        trace=Trace((TraceLine("failures in a row", str(health.failures)),), health.error),
        sources=(health.source,),
        calendar=CONTINUOUS,
    )


def market_age(calendar: Calendar, since: datetime, now: datetime) -> timedelta:
    """How long the market was open between ``since`` and ``now``: a weekend makes no figure older.

    Lunch breaks count as open.
    """
    if calendar.name == CONTINUOUS or now <= since:
        return max(now - since, timedelta(0))
    total, day = timedelta(0), calendar.session_of(since)
    while (opened := calendar.open(day)) < now:
        total += max(min(calendar.close(day), now) - max(opened, since), timedelta(0))
        day = calendar.next(day)
    return total
