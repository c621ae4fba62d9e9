"""The router: what is told, together with what, when, and why not."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.routing.lane import notice_key
from bot.routing.routes import Matcher, Options
from bot.routing.stages.base import Budget, Manners, QuietHours
from bot.routing.stages.inhibition import Inhibition
from bot.routing.state import RoutingState, changes, load
from bot.routing.subscriptions import Matcher as Matched
from bot.routing.subscriptions import Subscription
from rules.explaining.marks import Marks
from rules.model import Reason, Severity, TransitionKind
from tests.bot.routing_kit import CHANNEL, DESK, NOW, Silenced, corrected, desk, fired, resolved, told, transition

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NIGHT = Manners(quiet=QuietHours(time(23), time(7, 30)), tz="Asia/Shanghai")


def test_a_new_alert_is_told_at_once_and_closed_under_it():
    """The end of an alert follows the notice that announced it."""
    at = desk()
    (opening,) = at.step(fired())
    (closing,) = at.step(resolved(), after=HOUR)
    assert [("first", ["fired:sox"]), ("all_resolved", ["resolved:sox"])] == told([opening, closing])
    assert ("", opening.key) == (opening.follows, closing.follows)


def test_every_destination_gets_its_own_delivery():
    """Two destinations are told of one alert, under the same key."""
    deliveries = desk(to=(DESK, CHANNEL)).step(fired())
    assert [DESK, CHANNEL] == [item.destination for item in deliveries]
    assert 1 == len({item.key for item in deliveries})


@dataclass
class Wanting:
    destination: str
    silent: bool = True
    id: str = "S-1"

    def wants(self, transition, lists):
        return "semis" in transition.tags


def test_a_subscription_adds_a_destination():
    """Who subscribed is told as well, without a sound if so chosen; who has it by a route is not told twice."""
    at = desk()
    at.subscriptions = [Wanting(CHANNEL), Wanting(DESK)]
    assert [(DESK, False), (CHANNEL, True)] == [(item.destination, item.silent) for item in at.step(fired())]
    assert [DESK] == [item.destination for item in at.step(fired("btc", tags=()))]


def test_a_personal_alert_goes_to_its_subscriber_alone():
    """Neither routes nor other people's subscriptions bring somebody's own alert to anybody else."""
    at = desk()
    at.subscriptions = [
        _subscription("telegram:1", Matched("rule", "my-p-1")),
        _subscription("telegram:2", Matched("all")),
        _subscription("telegram:3", Matched("tag", "semis")),
    ]
    assert ["telegram:1"] == [item.destination for item in at.step(fired("my-p-1"))]


def _subscription(destination, matcher):
    return Subscription(
        id=destination, destination=destination, matcher=matcher, owner=destination, owner_name="", created_at=NOW
    )


def test_what_was_announced_is_closed_where_it_was_announced():
    """After a subscription ended, its reader still learns the end of what was announced."""
    at = desk(to=())
    at.subscriptions = [Wanting(CHANNEL)]
    at.step(fired())
    at.subscriptions = []
    assert [CHANNEL] == [item.destination for item in at.step(resolved())]
    assert [] == at.step(resolved())


def test_an_end_without_a_beginning_is_not_told():
    """Nobody hears that something is over that they never heard of; the log says so."""
    at = desk()
    assert [] == at.step(resolved())
    assert ["suppressed_not_announced"] == at.reasons()


def test_what_is_no_news_is_not_told():
    """Pending, recovering and a period that rolled over are history only."""
    at = desk()
    kinds = (TransitionKind.PENDING, TransitionKind.RECOVERING, TransitionKind.ENDED)
    assert [] == [item for kind in kinds for item in at.step(transition(kind=kind))]
    assert [] == at.log


def test_a_period_that_rolls_over_closes_quietly():
    """After the rollover a stray end is not told, but a correction of what was announced is."""
    at = desk()
    at.step(fired())
    at.step(transition(kind=TransitionKind.ENDED, reason=Reason.PERIOD_ROLLOVER))
    assert [] == at.step(resolved())
    assert [("correction", ["corrected:sox"])] == told(at.step(corrected()))


def test_data_health_is_told_and_closed_apart_from_the_alert():
    """Missing data is announced once; that it is back is told only to who was told that it was gone."""
    at = desk()
    gone = transition(kind=TransitionKind.HEALTH, reason=Reason.DATA_MISSING)
    back = transition(kind=TransitionKind.HEALTH, reason=Reason.DATA_BACK)
    assert [] == at.step(back)
    assert [("data_missing", ["health:sox"])] == told(at.step(gone))
    assert [] == at.step(resolved())
    assert [("data_back", ["health:sox"])] == told(at.step(back))


# Silences


def test_a_silenced_alert_is_told_when_the_silence_ends():
    """It is still firing then; the log says who silenced it and why."""
    at = desk()
    at.silences = [Silenced("sox", NOW + HOUR)]
    assert [] == at.step(fired())
    assert ("suppressed_silence", "silenced by Li (M-1): maintenance") == (at.log[0].outcome, at.log[0].detail)
    assert NOW + HOUR == at.state.next_due
    assert [] == at.step(after=59 * MINUTE)
    assert [("first", ["fired:sox"])] == told(at.step(after=MINUTE))


def test_an_alert_that_is_over_before_its_silence_is_never_told():
    """Neither its beginning nor its end."""
    at = desk()
    at.silences = [Silenced("sox", NOW + HOUR)]
    at.step(fired())
    assert [] == at.step(resolved(), after=MINUTE)
    assert [] == at.step(after=HOUR)
    assert ["suppressed_silence", "suppressed_not_announced"] == at.reasons()


def test_a_silence_does_not_hide_the_end_of_what_was_announced():
    """What was announced is always closed, also when it resolved under a silence."""
    at = desk()
    at.step(fired())
    at.silences = [Silenced("sox", NOW + HOUR)]
    assert [("all_resolved", ["resolved:sox"])] == told(at.step(resolved()))


def test_a_silence_that_is_taken_back_ends_at_once():
    """The next step tells what it held."""
    at = desk()
    at.silences = [Silenced("sox", NOW + HOUR)]
    at.step(fired())
    at.silences = []
    assert [("first", ["fired:sox"])] == told(at.step(after=MINUTE))


# Inhibition

OUTAGE = Inhibition(Matcher({"rule": ("outage",)}), Matcher({"tag": ("semis",)}))


def test_a_consequence_waits_while_its_cause_fires():
    """It is told once the cause is over, if it still fires."""
    at = desk(inhibitions=(OUTAGE,))
    at.step(fired("outage"))
    assert [] == at.step(fired("sox"))
    assert ("suppressed_inhibition", "inhibited while outage is firing") == (at.log[0].outcome, at.log[0].detail)
    assert [["fired:sox"], ["resolved:outage"]] == [names for _, names in told(at.step(resolved("outage")))]


def test_a_cause_in_the_same_turn_holds_back_its_consequence():
    """The order within a turn has no bearing."""
    at = desk(inhibitions=(OUTAGE,))
    assert [("first", ["fired:outage"])] == told(at.step(fired("sox"), fired("outage")))


def test_equal_facts_are_required():
    """A cause for one symbol does not hold back another's alerts."""
    same = Inhibition(Matcher({"rule": ("halt",)}), Matcher({"rule": ("move",)}), equal=("symbol",))
    at = desk(inhibitions=(same,))
    at.step(fired("halt{NVDA}", labels={"symbol": "NVDA"}))
    moves = [fired(f"move{{{name}}}", labels={"symbol": name}) for name in ("NVDA", "AMD")]
    assert [("first", ["fired:move{AMD}"])] == told(at.step(*moves))


def test_a_cause_does_not_inhibit_itself():
    """An alert that is cause and consequence alike is told."""
    both = Inhibition(Matcher({"tag": ("semis",)}), Matcher({"tag": ("semis",)}))
    assert 2 == len(desk(inhibitions=(both,)).step(fired("sox"), fired("ndx")))


# Quiet hours


@pytest.mark.parametrize(
    ("local", "ends"),
    [
        ("2024-11-01T22:59", None),
        ("2024-11-01T23:00", "2024-11-02T07:30"),
        ("2024-11-02T03:00", "2024-11-02T07:30"),
        ("2024-11-02T07:29", "2024-11-02T07:30"),
        ("2024-11-02T07:30", None),
    ],
)
def test_quiet_hours_run_past_midnight(local, ends):
    """From the start inclusive to the end exclusive, in the reader's zone."""
    zone = ZoneInfo("Asia/Shanghai")
    now = datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC)
    expected = datetime.fromisoformat(ends).replace(tzinfo=zone) if ends else None
    assert expected == QuietHours(time(23), time(7, 30)).until(now, zone)


@pytest.mark.parametrize("day", ["2024-03-31", "2024-10-27"], ids=["spring", "autumn"])
def test_quiet_hours_end_by_the_wall_clock(day):
    """On the night that the clocks change they still end at half past seven."""
    zone = ZoneInfo("Europe/Berlin")
    now = datetime.fromisoformat(f"{day}T00:30").replace(tzinfo=zone).astimezone(UTC)
    until = QuietHours(time(23), time(7, 30)).until(now, zone)
    assert f"{day}T07:30" == f"{until.astimezone(zone):%Y-%m-%dT%H:%M}"


def test_the_same_time_twice_is_never_quiet():
    """An empty stretch holds nothing back."""
    assert QuietHours(time(8), time(8)).until(NOW, ZoneInfo("UTC")) is None


def test_the_night_is_told_as_one_summary_in_the_morning():
    """What came in quiet hours comes together, what came and went included."""
    at = desk(manners=NIGHT)
    assert [] == at.step(fired("sox"), fired("btc"))
    assert [] == at.step(resolved("sox"), after=HOUR)
    assert ["suppressed_quiet_hours"] * 2 == at.reasons()
    assert datetime(2024, 11, 1, 23, 30, tzinfo=UTC) == at.state.next_due
    (summary,) = at.step(after=3 * HOUR)
    assert [("suppressed_quiet_hours", ["fired:sox", "fired:btc", "resolved:sox"])] == told([summary])
    assert summary.summary
    (closing,) = at.step(resolved("btc"), after=HOUR)
    assert summary.key == closing.follows


def test_a_single_alert_of_the_night_is_told_as_itself():
    """One is no summary."""
    at = desk(manners=NIGHT)
    at.step(fired("sox"))
    (delivery,) = at.step(after=4 * HOUR)
    assert ("first", False) == (delivery.reason.value, delivery.summary)


def test_what_is_urgent_wakes_the_reader():
    """Critical alerts and their end are told at night."""
    at = desk(manners=NIGHT)
    critical = {"severity": Severity.CRITICAL}
    assert 2 == len(at.step(fired("btc", **critical)) + at.step(resolved("btc", **critical)))


# Grouping, repetition, storms


def test_a_group_waits_for_company():
    """What comes within the wait is one notice; what comes in the interval after it is the next."""
    at = desk(Options(group_by=("rule",), group_wait=MINUTE, group_interval=10 * MINUTE))
    names = [f"move{{{symbol}}}" for symbol in ("NVDA", "AMD", "COIN", "SOX")]
    assert [] == at.step(fired(names[0]))
    assert [] == at.step(fired(names[1]), after=30 * timedelta(seconds=1))
    assert [("first", [f"fired:{names[0]}", f"fired:{names[1]}"])] == told(at.step(after=30 * timedelta(seconds=1)))
    assert [] == at.step(fired(names[2]), after=MINUTE)
    assert [("new_instances", [f"fired:{names[2]}"])] == told(at.step(after=9 * MINUTE))
    assert [] == at.step(fired(names[3]), after=HOUR)
    assert 1 == len(at.step(after=MINUTE))
    assert [] == at.log


def test_a_rule_may_group_itself():
    """Without a word from the route the rule's own ``group_by`` counts."""
    group_by = {"group_by": ("rule",)}
    (delivery,) = desk().step(fired("move{NVDA}", **group_by), fired("move{AMD}", **group_by))
    assert 2 == len(delivery.incidents)


def test_kinds_are_told_apart():
    """A beginning and an end are two messages even in one group."""
    at = desk(Options(group_by=("rule",)))
    at.step(fired("move{NVDA}"))
    assert 2 == len(at.step(fired("move{AMD}"), resolved("move{NVDA}")))


def test_what_begins_and_ends_in_one_turn_is_told_in_order():
    """First that it fired, then that it is over."""
    assert [["fired:sox"], ["resolved:sox"]] == [names for _, names in told(desk().step(fired(), resolved()))]


def test_a_firing_alert_is_repeated_until_it_is_over():
    """Every four hours, and not after its end; each time under a key of its own."""
    at = desk(Options(repeat=4 * HOUR))
    (first,) = at.step(fired())
    assert NOW + 4 * HOUR == at.state.next_due
    (second,) = at.step(after=4 * HOUR)
    (third,) = at.step(after=4 * HOUR)
    assert (Reason.REPEAT, first.key) == (third.reason, third.follows)
    assert 3 == len({first.key, second.key, third.key})
    at.step(resolved())
    assert at.state.next_due is None


def test_a_repetition_is_skipped_under_a_silence():
    """It is not made up for later."""
    at = desk(Options(repeat=4 * HOUR))
    at.step(fired())
    at.silences = [Silenced("sox", NOW + 5 * HOUR)]
    assert [] == at.step(after=4 * HOUR)
    assert [] == at.step(after=2 * HOUR)
    assert [("repeat", ["fired:sox"])] == told(at.step(after=2 * HOUR))


def test_a_storm_is_one_summary():
    """More new alerts of one rule than the limit are told as one, never as none; other rules are told as ever."""
    at = desk(storm=5)
    storm = [fired(f"move{{{number}}}") for number in range(6)]
    other, summary = sorted(at.step(*storm, fired("sox")), key=lambda item: item.summary)
    assert ("first", 1, "storm", 6) == (
        other.reason.value,
        len(other.incidents),
        summary.reason.value,
        len(summary.incidents),
    )
    assert 5 == len(desk(storm=5).step(*storm[:5]))


# The noise budget


def test_what_exceeds_the_budget_comes_as_one_summary():
    """Two messages an hour: the third and fourth wait until the first is an hour old, and come together."""
    at = desk(manners=Manners(budget=Budget(2, HOUR)))
    assert 2 == len(at.step(fired("a")) + at.step(fired("b"), after=MINUTE))
    assert [] == at.step(fired("c"), after=MINUTE) + at.step(fired("d"), after=MINUTE)
    assert ("suppressed_budget", "more than 2 messages in 1h") == (at.log[0].outcome, at.log[0].detail)
    assert NOW + HOUR == at.state.next_due
    (summary,) = at.step(after=57 * MINUTE)
    assert ([("suppressed_budget", ["fired:c", "fired:d"])], True) == (told([summary]), summary.summary)
    assert [] == at.step(fired("e"))


def with_chart(alert, **changes):
    """An alert that a picture helps."""
    marks = Marks(shape="level", series=("prices.BTC-USD.close",), trigger=73_000.0, until=())
    return fired(alert, options=marks.options(), **changes)


def test_a_picture_counts_as_a_message():
    """Two alerts with a picture each are four messages; where one is left, the alert comes without its picture."""
    at = desk(manners=Manners(budget=Budget(3, HOUR)))
    deliveries = [delivery for name in "abc" for delivery in at.step(with_chart(name))]
    assert [True, False] == [delivery.pictured for delivery in deliveries]
    assert [("b:chart", "no picture: more than 3 messages in 1h"), ("c", "more than 3 messages in 1h")] == [
        (line.key.replace("A-", "").partition(":")[0] + (":chart" if line.key.endswith(":chart") else ""), line.detail)
        for line in at.log
    ]


def test_the_fourth_alert_of_a_turn_has_no_picture():
    """More would bury the texts."""
    deliveries = desk().step(*(with_chart(name) for name in "abcde"))
    assert [True, True, True, False, False] == [delivery.pictured for delivery in deliveries]


def test_what_is_urgent_disregards_the_budget_but_counts():
    """A critical alert is told beyond the budget and uses it up."""
    at = desk(manners=Manners(budget=Budget(1, HOUR)))
    assert 1 == len(at.step(fired("a", severity=Severity.CRITICAL)))
    assert 1 == len(at.step(fired("b", severity=Severity.CRITICAL)))
    assert [] == at.step(fired("c"))


# Whatever happens

ALERTS = ("outage", "sox", "move{NVDA}", "move{AMD}")
STEP = st.tuples(
    st.lists(st.tuples(st.sampled_from(ALERTS), st.booleans()), max_size=4),
    st.integers(1, 600),
    st.sampled_from([None, *ALERTS]),
)


def play(at, steps):
    """Run the steps as an engine would (an alert fires only when it doesn't, and ends only when it does)."""
    firing, deliveries, begun = set(), [], 0
    for changes_, minutes, silenced in steps:
        if silenced:
            at.silences = [Silenced(silenced, at.now + HOUR)]
        events = []
        for alert, begins in changes_:
            if begins != (alert in firing):
                events.append(fired(alert) if begins else resolved(alert))
                begun += begins
                firing ^= {alert}
        deliveries += at.step(*events, after=minutes * MINUTE)
    events = [resolved(alert) for alert in sorted(firing)]
    deliveries += at.step(*events, after=MINUTE)
    while (due := at.state.next_due) is not None:
        deliveries += at.step(after=max(due - at.now, timedelta()))
    return deliveries, begun


@settings(max_examples=60, deadline=None)
@given(
    st.lists(STEP, max_size=8),
    st.sampled_from([NIGHT, Manners(), Manners(budget=Budget(2, HOUR))]),
    st.sampled_from([Options(), Options(group_by=("rule",), group_wait=MINUTE, group_interval=HOUR)]),
)
def test_what_is_announced_is_closed_and_nothing_ends_unannounced(steps, manners, options):
    """Beginning and end alternate, all that was told is closed, keys are unique, no beginning is unaccounted for."""
    at = desk(options, manners=manners, inhibitions=(OUTAGE,))
    open_, keys, beginnings = set(), [], set()
    deliveries, begun = play(at, steps)
    for delivery in deliveries:
        keys.append(delivery.key)
        for incident in delivery.incidents:
            beginnings.add(notice_key(incident))
            alert, kind = incident.transition.alert, incident.transition.kind
            assert (kind is TransitionKind.RESOLVED) == (alert in open_)
            open_ ^= {alert}
    assert set() == open_
    assert len(keys) == len(set(keys))
    explained = beginnings | {line.key for line in at.log}
    assert begun == len([key for key in explained if ":fired:" in key])


class Shelf:
    """Documents in memory."""

    def __init__(self):
        self.kept = {}

    def apply(self, documents):
        for (collection, key), text in documents.items():
            if text is None:
                self.kept.get(collection, {}).pop(key, None)
            else:
                self.kept.setdefault(collection, {})[key] = text

    async def all(self, collection):
        return dict(self.kept.get(collection, {}))

    async def put(self, collection, key, document):
        self.apply({(collection, key): document})


@settings(max_examples=30, deadline=None)
@given(st.lists(STEP, max_size=6), st.sampled_from([NIGHT, Manners(budget=Budget(1, HOUR))]))
def test_the_stored_state_is_the_state(steps, manners):
    """A router that is restarted after any step, from what was committed, goes on as if it had not been."""
    at = desk(Options(group_by=("rule",), repeat=HOUR), manners=manners, inhibitions=(OUTAGE,))
    shelf = Shelf()
    for changes_, minutes, _ in steps:
        before = at.state
        at.step(*(fired(a) if b else resolved(a) for a, b in changes_), after=minutes * MINUTE)
        shelf.apply(changes(before, at.state))
        restored = asyncio.run(load(shelf, at.now))
        lanes = {name: lane for name, lane in at.state.lanes.items() if lane != type(lane)()}
        assert RoutingState(lanes, at.state.told, at.state.firing, at.state.repeating) == restored
