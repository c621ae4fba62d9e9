"""An alert's life: inactive, pending, firing, recovering. One pure function decides, and names its reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from rules.model import Phase, Reason, TransitionKind
from rules.spec import OnMissing, Span


class SessionCounter(Protocol):
    """Counts sessions of the rule's calendar."""

    def after(self, earlier: datetime, count: int) -> datetime:
        """When the ``count``-th session after that of ``earlier`` opens."""
        ...

    def between(self, earlier: datetime, later: datetime) -> int:
        """How many sessions opened after ``earlier``, up to ``later``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """What is remembered of one instance (rule and labels). JSON-serialisable; times are aware UTC."""

    rule: str
    version: str
    labels: Mapping[str, str] = field(default_factory=dict)
    phase: Phase = Phase.INACTIVE
    active_since: datetime | None = None
    fired_at: datetime | None = None
    false_since: datetime | None = None
    key: str = ""
    """The ``once_per`` key that was used last."""
    period: str = ""
    """The period in which it fired, for rules about ``this_week`` and its siblings."""
    armed: bool = True
    outlived: bool = False
    """Whether ``expires`` ended it while its condition may still hold: the same episode does not fire again."""
    unknown_told: bool = False
    """Whether readers were told that the data is overdue."""
    value: float | None = None
    observed_at: datetime | None = None
    figure: str = ""
    """The session of the newest figure when it fired."""
    sides: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By edge: the side it was on and the session's date in days since 1970."""

    def to_json(self) -> str:
        """The record as one JSON object; what has its default is left out."""
        plain: dict[str, Any] = {"rule": self.rule, "version": self.version}
        for name in self.__slots__[2:]:
            value = getattr(self, name)
            if value != _DEFAULTS[name]:
                plain[name] = value.isoformat() if isinstance(value, datetime) else value
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> AlertRecord:
        """The inverse of ``to_json``; unknown keys are ignored, so that an older version can read a newer one's."""
        plain = {name: value for name, value in json.loads(text).items() if name in cls.__slots__}
        for name in _TIMES & plain.keys():
            plain[name] = datetime.fromisoformat(plain[name])
        plain["phase"] = Phase(plain.get("phase", Phase.INACTIVE))
        plain["sides"] = {edge: (int(side), int(day)) for edge, (side, day) in plain.get("sides", {}).items()}
        return cls(**plain)


_TIMES = frozenset({"active_since", "fired_at", "false_since", "observed_at"})
_DEFAULTS: dict[str, Any] = {
    name: getattr(AlertRecord(rule="", version=""), name) for name in AlertRecord.__slots__[2:]
}


_NO_TIME, _HOLD = Span(), OnMissing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The timers and limits of a rule."""

    for_: Span = _NO_TIME
    keep_for: Span = _NO_TIME
    cooldown: Span = _NO_TIME
    on_missing: OnMissing = _HOLD
    expires: datetime | Span | None = None
    once_per: bool = False
    rearm: bool = False
    momentary: bool = False
    """The condition is an edge without ``clear``: it fires and is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an evaluation found; ``None`` is unknown."""

    when: bool | None
    clear: bool | None = None
    """Whether the alert is over: the rule's ``clear``, else not ``when``."""
    rearm: bool | None = None
    key: str = ""
    period: str = ""
    figure: str = ""
    revision: bool = False
    """Whether a figure that was final has changed since the last evaluation."""


class Event(NamedTuple):
    """A step of the lifecycle and why."""

    kind: TransitionKind
    reason: Reason


Step = tuple[AlertRecord, tuple[Event, ...]]


def step(record: AlertRecord, verdict: Verdict, now: datetime, policy: Policy, sessions: SessionCounter) -> Step:
    """Advance one instance by one evaluation."""
    life = _Life(record, verdict, now, policy, sessions)
    life.roll_over()
    life.expire()
    if verdict.when is None and not life.decides_without_when():
        life.unknown()
    else:
        life.known()
    life.arm()
    return life.record, tuple(life.events)


def overdue(record: AlertRecord, *, late: bool) -> Step:
    """Tell once that the data is overdue, and once that it is back; the alert's own life goes on beside it."""
    if late == record.unknown_told:
        return record, ()
    reason = Reason.DATA_MISSING if late else Reason.DATA_BACK
    return replace(record, unknown_told=late), (Event(TransitionKind.HEALTH, reason),)


def close_edited(record: AlertRecord) -> tuple[Event, ...]:
    """What to tell of an instance whose rule was changed or removed."""
    burning = record.phase in {Phase.FIRING, Phase.RECOVERING}
    return (Event(TransitionKind.ENDED, Reason.RULE_EDITED),) if burning else ()


def next_timer(record: AlertRecord, policy: Policy, sessions: SessionCounter) -> datetime | None:
    """When the instance may change without any new figure: ``for``, ``keep_for`` or ``expires`` have passed."""
    if record.phase is Phase.PENDING:
        return _later(record.active_since, policy.for_, sessions)
    times: list[datetime | None] = []
    if record.phase is Phase.RECOVERING:
        times.append(_later(record.false_since, policy.keep_for, sessions))
    if record.phase in {Phase.FIRING, Phase.RECOVERING} and policy.expires is not None:
        expires = policy.expires
        times.append(_later(record.fired_at, expires, sessions) if isinstance(expires, Span) else expires)
    return min((at for at in times if at is not None), default=None)


def next_look(record: AlertRecord, policy: Policy, now: datetime, sessions: SessionCounter) -> datetime | None:
    """From when the verdict that has just left ``record`` as it was might do something: time is up by then."""
    cooled = None if policy.cooldown.is_zero else _later(record.fired_at, policy.cooldown, sessions)
    times = [next_timer(record, policy, sessions), cooled if cooled and cooled > now else None]
    return min((at for at in times if at is not None), default=None)


def _later(since: datetime | None, span: Span, sessions: SessionCounter) -> datetime | None:
    if since is None:
        return None
    return sessions.after(since, span.sessions) if span.sessions else since + timedelta(seconds=span.seconds)


class _Life:
    def __init__(
        self, record: AlertRecord, verdict: Verdict, now: datetime, policy: Policy, sessions: SessionCounter
    ) -> None:
        self.record, self.verdict, self.now, self.policy, self.sessions = record, verdict, now, policy, sessions
        self.events: list[Event] = []

    def decides_without_when(self) -> bool:
        """A firing instance asks ``clear``, not ``when``."""
        return self.record.phase in {Phase.FIRING, Phase.RECOVERING} and self.verdict.clear is not None

    def _tell(self, kind: TransitionKind, reason: Reason) -> None:
        self.events.append(Event(kind, reason))

    def _rest(self) -> None:
        self.record = replace(self.record, phase=Phase.INACTIVE, active_since=None, false_since=None)

    def _elapsed(self, since: datetime | None, span: Span) -> bool:
        if span.is_zero:
            return True
        if since is None:
            return False
        if span.sessions:
            return self.sessions.between(since, self.now) >= span.sessions
        return self.now - since >= timedelta(seconds=span.seconds)

    def roll_over(self) -> None:
        """A new period ends the episode of the one before without a word to readers."""
        record, period = self.record, self.verdict.period
        if not period or record.period in {"", period}:
            return
        if record.phase in {Phase.FIRING, Phase.RECOVERING}:
            self._tell(TransitionKind.ENDED, Reason.PERIOD_ROLLOVER)
        if record.phase is not Phase.INACTIVE:
            self._rest()
        self.record = replace(self.record, period="", outlived=False)

    def expire(self) -> None:
        """An alert that has outlived ``expires`` ends, and is not told again before its condition was false."""
        if self.record.phase in {Phase.FIRING, Phase.RECOVERING} and self._is_expired():
            self._tell(TransitionKind.ENDED, Reason.EXPIRED)
            self._rest()
            self.record = replace(self.record, outlived=True)

    def _is_expired(self) -> bool:
        expires = self.policy.expires
        if expires is None:
            return False
        if isinstance(expires, Span):
            return self.record.phase is not Phase.INACTIVE and self._elapsed(self.record.fired_at, expires)
        return self.now >= expires

    def unknown(self) -> None:
        """Unknown holds the state; ``on_missing`` may do more."""
        record, missing = self.record, self.policy.on_missing
        if missing.action == "resolve" and record.phase in {Phase.FIRING, Phase.RECOVERING}:
            self._tell(TransitionKind.RESOLVED, Reason.DATA_MISSING)
            self._rest()
        elif missing.action == "resolve" and record.phase is Phase.PENDING:
            self._rest()
        elif missing.action == "fire" and record.phase in {Phase.INACTIVE, Phase.PENDING}:
            self._try_to_fire(Reason.DATA_MISSING)

    def known(self) -> None:
        """The condition is true or false."""
        if self.record.phase in {Phase.INACTIVE, Phase.PENDING}:
            self._waiting()
        else:
            self._burning()

    def arm(self) -> None:
        """What is known of ``rearm`` counts, also while the condition itself is unknown."""
        if not self.record.armed and self.verdict.rearm:
            self.record = replace(self.record, armed=True)

    def _waiting(self) -> None:
        record = self.record
        if not self.verdict.when:
            if record.phase is Phase.PENDING:
                self._rest()
            if record.outlived:
                self.record = replace(self.record, outlived=False)
            self._take_back()
        elif record.phase is Phase.INACTIVE and self._blocked() is not None:
            return
        elif record.phase is Phase.INACTIVE and not self.policy.for_.is_zero:
            self.record = replace(record, phase=Phase.PENDING, active_since=self.now, period=self.verdict.period)
            self._tell(TransitionKind.PENDING, Reason.FIRST)
        elif record.phase is Phase.INACTIVE or self._elapsed(record.active_since, self.policy.for_):
            self._try_to_fire(Reason.FIRST)

    def _take_back(self) -> None:
        """A momentary alert whose figure was revised so that it would not have fired."""
        if self.policy.momentary and self._was_this_figure():
            self._tell(TransitionKind.CORRECTED, Reason.CORRECTION)
            self.record = replace(self.record, key="", figure="")

    def _was_this_figure(self) -> bool:
        """Whether what it fired on is what has been revised now."""
        return self.verdict.revision and bool(self.record.figure) and self.record.figure == self.verdict.figure

    def _blocked(self) -> Reason | None:
        record, policy = self.record, self.policy
        if isinstance(policy.expires, datetime) and self.now >= policy.expires:
            return Reason.EXPIRED
        if policy.rearm and not record.armed:
            return Reason.NOT_REARMED
        if policy.once_per and record.key == self.verdict.key:
            return Reason.ALREADY_TOLD
        if record.outlived and not policy.once_per:
            return Reason.EXPIRED
        if not policy.cooldown.is_zero and record.fired_at and not self._elapsed(record.fired_at, policy.cooldown):
            return Reason.SUPPRESSED_COOLDOWN
        return None

    def _try_to_fire(self, reason: Reason) -> None:
        if self._blocked() is not None:
            return
        self._tell(
            TransitionKind.FIRED, Reason.CORRECTION if self.verdict.revision and reason is Reason.FIRST else reason
        )
        self.record = replace(
            self.record,
            phase=Phase.FIRING,
            active_since=self.record.active_since or self.now,
            fired_at=self.now,
            false_since=None,
            key=self.verdict.key,
            figure=self.verdict.figure,
            period=self.verdict.period,
            armed=not self.policy.rearm,
            outlived=False,
        )
        if self.policy.momentary:
            self._rest()

    def _burning(self) -> None:
        clear = self.verdict.clear
        if clear is None:
            return
        if clear and self._was_this_figure():
            self._tell(TransitionKind.CORRECTED, Reason.CORRECTION)
            self.record = replace(self.record, key="", figure="")
            self._rest()
        elif clear:
            self._recover()
        else:
            self._still_true()

    def _recover(self) -> None:
        since = self.record.false_since or self.now
        if self._elapsed(since, self.policy.keep_for):
            self._tell(TransitionKind.RESOLVED, Reason.ALL_RESOLVED)
            self._rest()
        elif self.record.phase is Phase.FIRING:
            self._tell(TransitionKind.RECOVERING, Reason.CONDITION_FALSE)
            self.record = replace(self.record, phase=Phase.RECOVERING, false_since=since)

    def _still_true(self) -> None:
        if self.record.phase is Phase.RECOVERING:
            self._tell(TransitionKind.RELAPSED, Reason.CONDITION_TRUE)
            self.record = replace(self.record, phase=Phase.FIRING, false_since=None)
        if self.policy.once_per and self.verdict.when and self.verdict.key != self.record.key:
            before = self.record
            self._rest()
            if self._blocked() is None:
                self._try_to_fire(Reason.FIRST)
            else:
                self.record = before
