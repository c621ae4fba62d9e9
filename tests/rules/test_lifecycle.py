"""The lifecycle against a written-out model of Prometheus, and row by row of its own table."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.lifecycle import AlertRecord, Policy, Verdict, step
from rules.model import Phase, Reason, TransitionKind
from rules.spec import OnMissing, Span

START = datetime(2026, 3, 2, tzinfo=UTC)
FIRED, RESOLVED, ENDED = TransitionKind.FIRED, TransitionKind.RESOLVED, TransitionKind.ENDED
CORRECTED = TransitionKind.CORRECTED


class Days:
    """Sessions that are the days of the month."""

    def between(self, earlier: datetime, later: datetime) -> int:
        return (later.date() - earlier.date()).days

    def after(self, earlier: datetime, count: int) -> datetime:
        return earlier.replace(hour=0, minute=0) + timedelta(days=count)


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


@dataclass
class Prometheus:
    """rules/alerting.go, Eval, for one series: pending, hold duration, keep_firing_for, resolved."""

    hold: float
    keep: float
    state: str = "inactive"
    active_at: float = 0.0
    keep_since: float | None = None

    def eval(self, ts: float, value: bool) -> list[str]:
        told: list[str] = []
        if value:
            if self.state in {"inactive", "resolved"}:
                self.state, self.active_at, self.keep_since = "pending", ts, None
            self.keep_since = None
        elif self.state == "pending":
            self.state = "inactive"
        elif self.state == "firing":
            keep_firing = False
            if self.keep > 0:
                if self.keep_since is None:
                    self.keep_since = ts
                keep_firing = ts - self.keep_since < self.keep
            if not keep_firing:
                self.state = "resolved"
                told.append("resolved")
        if self.state == "pending" and ts - self.active_at >= self.hold:
            self.state = "firing"
            told.append("fired")
        return told


def random_trace(chance: random.Random) -> list[tuple[float, bool]]:
    stay = chance.choice([0.2, 0.5, 0.8])
    value, trace = False, []
    for _ in range(chance.randrange(60)):
        value = value if chance.random() < stay else not value
        trace.append((chance.choice([0.5, 1, 2, 3, 5, 10]), value))
    return trace


def test_for_and_keep_for_are_those_of_prometheus() -> None:
    """Fired and resolved at the same evaluations, over 4,000 random traces."""
    chance = random.Random(11)
    for _ in range(4000):
        hold, keep = chance.choice([0, 1, 2, 5, 7.5]), chance.choice([0, 1, 2, 5, 7.5])
        model = Prometheus(hold, keep)
        policy = Policy(for_=Span(seconds=hold * 60), keep_for=Span(seconds=keep * 60))
        record, minute = AlertRecord(rule="r", version="1"), 0.0
        for gap, value in random_trace(chance):
            minute += gap
            record, events = step(record, Verdict(when=value, clear=not value), at(minute), policy, Days())
            told = [event.kind.value for event in events if event.kind in {FIRED, RESOLVED}]
            assert model.eval(minute, value) == told
            assert (model.state == "firing") == (record.phase in {Phase.FIRING, Phase.RECOVERING})
            assert (model.state == "pending") == (record.phase is Phase.PENDING)


def life(policy: Policy, *verdicts: Verdict) -> list[tuple[int, str, str]]:
    """One verdict a minute; what was told, with its minute and reason."""
    record, told = AlertRecord(rule="r", version="1"), []
    for minute, verdict in enumerate(verdicts):
        record, events = step(record, verdict, at(minute), policy, Days())
        told += [(minute, event.kind.value, event.reason.value) for event in events]
        assert record == AlertRecord.from_json(record.to_json())
    return told


def v(when: bool | None, clear: bool | None = None, **more: object) -> Verdict:
    return Verdict(when=when, clear=(None if when is None else not when) if clear is None else clear, **more)  # type: ignore[arg-type]


T, F, U = v(True), v(False), v(None)
FIRST, ALL = "first", "all_resolved"
D1 = {"key": "D1", "figure": "D1"}
LIVES = [
    (
        "a condition that stays true is told once",
        Policy(),
        [T, T, T, F, F],
        [(0, "fired", FIRST), (3, "resolved", ALL)],
    ),
    ("unknown holds, and never resolves", Policy(), [T, U, U, T, U, F], [(0, "fired", FIRST), (5, "resolved", ALL)]),
    ("unknown does not fire", Policy(), [F, U, U, F], []),
    (
        "unknown does not forget a timer",
        Policy(for_=Span(seconds=120)),
        [T, U, T],
        [(0, "pending", FIRST), (2, "fired", FIRST)],
    ),
    (
        "one false forgets the timer",
        Policy(for_=Span(seconds=120)),
        [T, F, T, T],
        [(0, "pending", FIRST), (2, "pending", FIRST)],
    ),
    (
        "a firing alert asks clear, not when",
        Policy(),
        [v(True, False), v(False, False), v(False, True)],
        [(0, "fired", FIRST), (2, "resolved", ALL)],
    ),
    (
        "clear decides although when is unknown",
        Policy(),
        [v(True, False), v(None, True)],
        [(0, "fired", FIRST), (1, "resolved", ALL)],
    ),
    (
        "keep_for forgives a short recovery",
        Policy(keep_for=Span(seconds=120)),
        [T, F, T, F, F, F],
        [
            (0, "fired", FIRST),
            (1, "recovering", "condition_false"),
            (2, "relapsed", "condition_true"),
            (3, "recovering", "condition_false"),
            (5, "resolved", ALL),
        ],
    ),
    (
        "once a week: resolved and true again is not told again",
        Policy(once_per=True),
        [v(True, key="W1"), v(False, key="W1"), v(True, key="W1"), v(True, key="W2")],
        [(0, "fired", FIRST), (1, "resolved", ALL), (3, "fired", FIRST)],
    ),
    (
        "once an observation: the next one fires again although nothing resolved",
        Policy(once_per=True),
        [v(True, key="D1"), v(True, key="D1"), v(True, key="D2"), v(False, key="D3")],
        [(0, "fired", FIRST), (2, "fired", FIRST), (3, "resolved", ALL)],
    ),
    (
        "a new week ends the old one's alert quietly",
        Policy(once_per=True),
        [v(True, key="W1", period="1"), v(False, key="W2", period="2"), v(True, key="W2", period="2")],
        [(0, "fired", FIRST), (1, "ended", "period_rollover"), (2, "fired", FIRST)],
    ),
    (
        "a week that begins unknown ends the old alert too",
        Policy(),
        [v(True, period="1"), v(None, period="2"), v(False, period="2")],
        [(0, "fired", FIRST), (1, "ended", "period_rollover")],
    ),
    ("an edge is over when it fired", Policy(momentary=True), [T, F, T], [(0, "fired", FIRST), (2, "fired", FIRST)]),
    (
        "rearm must have held before the next fire",
        Policy(momentary=True, rearm=True),
        [v(True, rearm=False), v(False, rearm=False), v(True, rearm=False), v(False, rearm=True), v(True, rearm=True)],
        [(0, "fired", FIRST), (4, "fired", FIRST)],
    ),
    (
        "what is known of rearm counts while the condition is unknown",
        Policy(momentary=True, rearm=True),
        [v(True, rearm=False), v(None, rearm=True), v(True, rearm=False)],
        [(0, "fired", FIRST), (2, "fired", FIRST)],
    ),
    (
        "rearm that holds only together with the edge comes too late",
        Policy(momentary=True, rearm=True),
        [v(True, rearm=False), v(True, rearm=True), v(True, rearm=False)],
        [(0, "fired", FIRST), (2, "fired", FIRST)],
    ),
    (
        "cooldown",
        Policy(cooldown=Span(seconds=180)),
        [T, F, T, T, F],
        [(0, "fired", FIRST), (1, "resolved", ALL), (3, "fired", FIRST), (4, "resolved", ALL)],
    ),
    (
        "a revision that undoes the figure it fired on is a correction, and it may fire again",
        Policy(once_per=True),
        [v(True, **D1), v(False, **D1, revision=True), v(True, **D1)],
        [(0, "fired", FIRST), (1, "corrected", "correction"), (2, "fired", FIRST)],
    ),
    (
        "a revision of a later figure resolves",
        Policy(),
        [v(True, figure="D1"), v(True, figure="D2"), v(False, figure="D2", revision=True)],
        [(0, "fired", FIRST), (2, "resolved", ALL)],
    ),
    (
        "a revision that makes it true fires, as a correction",
        Policy(),
        [v(False, figure="D1"), v(True, figure="D1", revision=True)],
        [(1, "fired", "correction")],
    ),
    (
        "a revision that changes no verdict says nothing",
        Policy(),
        [v(True, figure="D1"), v(True, figure="D1", revision=True)],
        [(0, "fired", FIRST)],
    ),
    (
        "a momentary alert is taken back too",
        Policy(momentary=True),
        [v(True, figure="D1"), v(False, figure="D1", revision=True), v(False, figure="D1", revision=True)],
        [(0, "fired", FIRST), (1, "corrected", "correction")],
    ),
    (
        "on_missing: resolve",
        Policy(on_missing=OnMissing("resolve")),
        [T, U, U, T],
        [(0, "fired", FIRST), (1, "resolved", "data_missing"), (3, "fired", FIRST)],
    ),
    (
        "on_missing: fire",
        Policy(on_missing=OnMissing("fire")),
        [F, U, U, F],
        [(1, "fired", "data_missing"), (3, "resolved", ALL)],
    ),
    (
        "expires after a while",
        Policy(expires=Span(seconds=120)),
        [T, T, T, T, F, T],
        [(0, "fired", FIRST), (2, "ended", "expired"), (5, "fired", FIRST)],
    ),
    ("expires at an instant", Policy(expires=at(1)), [T, T, T], [(0, "fired", FIRST), (1, "ended", "expired")]),
]


@pytest.mark.parametrize(("policy", "verdicts", "expected"), [row[1:] for row in LIVES], ids=[row[0] for row in LIVES])
def test_each_row_of_the_lifecycle(
    policy: Policy, verdicts: list[Verdict], expected: list[tuple[int, str, str]]
) -> None:
    """What is told, when and why."""
    assert expected == life(policy, *verdicts)


def test_sessions_count_as_a_clock() -> None:
    """``for: 2 sessions`` fires at the first evaluation two sessions later, not 48 hours later."""
    policy, record = Policy(for_=Span(sessions=2)), AlertRecord(rule="r", version="1")
    told = []
    for hour in (22, 23, 25, 47, 49):
        record, events = step(record, T, START + timedelta(hours=hour), policy, Days())
        told += [(hour, event.kind) for event in events if event.kind is FIRED]
    assert [(49, FIRED)] == told


ANY = st.builds(
    Verdict,
    when=st.sampled_from([True, False, None]),
    clear=st.sampled_from([True, False, None]),
    rearm=st.sampled_from([True, False, None]),
    key=st.sampled_from(["", "a", "b"]),
    period=st.sampled_from(["", "1", "2"]),
    figure=st.sampled_from(["", "x", "y"]),
    revision=st.booleans(),
)
POLICIES = st.builds(
    Policy,
    for_=st.sampled_from([Span(), Span(seconds=90), Span(sessions=1)]),
    keep_for=st.sampled_from([Span(), Span(seconds=90)]),
    cooldown=st.sampled_from([Span(), Span(seconds=300)]),
    on_missing=st.sampled_from([OnMissing(), OnMissing("fire"), OnMissing("resolve"), OnMissing("notify", Span(1))]),
    expires=st.sampled_from([None, Span(seconds=200), at(20)]),
    once_per=st.booleans(),
    rearm=st.booleans(),
    momentary=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(POLICIES, st.lists(ANY, max_size=30))
def test_no_trace_tells_an_end_without_a_beginning(policy: Policy, verdicts: list[Verdict]) -> None:
    """Ends alternate with beginnings, unknown alone never resolves, and every record survives its JSON."""
    record, open_now = AlertRecord(rule="r", version="1"), False
    for minute, verdict in enumerate(verdicts):
        record, events = step(record, verdict, at(minute), policy, Days())
        for event in events:
            if event.kind is FIRED:
                open_now = not policy.momentary
            elif event.kind in {RESOLVED, ENDED}:
                assert open_now
                open_now = False
            elif event.kind is CORRECTED:
                assert open_now or policy.momentary
                open_now = False
        if verdict.when is None and verdict.clear is None and policy.on_missing.action != "resolve":
            assert RESOLVED not in [event.kind for event in events]
        assert Reason.NOT_REARMED not in [event.reason for event in events]
        assert open_now == (record.phase in {Phase.FIRING, Phase.RECOVERING})
        assert record == AlertRecord.from_json(record.to_json())
