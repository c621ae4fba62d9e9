"""Makes transitions and drives a router through them, for the tests of routing and delivery."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.alerts.notices import Incident
from bot.routing.router import Router
from bot.routing.routes import Options, Route
from bot.routing.stages.base import Manners
from bot.routing.state import RoutingState
from rules.model import Reason, Severity, Trace, Transition, TransitionKind
from rules.universe import Instrument, Kind, Universe

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)
DESK, CHANNEL = "telegram:-100", "slack:C1"

UNIVERSE = Universe(
    Instrument(symbol, {"en": symbol, "zh": symbol}, Kind.EQUITY, "USD", "XNYS", tags=tags)
    for symbol, tags in (("NVDA", ("ai", "coverage")), ("AMD", ("ai",)), ("COIN", ("crypto",)))
)


def transition(alert="sox", kind=TransitionKind.FIRED, reason=Reason.FIRST, at=NOW, rule="", **changes):
    """A transition of ``alert``; its rule has the alert's name up to ``{`` unless one is given."""
    made = Transition(
        kind=kind,
        reason=reason,
        rule=rule or alert.partition("{")[0],
        rule_version="v1",
        alert=alert,
        labels={},
        at=at,
        observed_at=at,
        value=-0.025,
        unit="pp",
        title={"en": "SOX lags NDX", "zh": "费半跑输纳指100"},
        say={"en": "SOX -4.1% vs NDX -1.6%", "zh": "费半 -4.1%，纳指100 -1.6%"},
        because="rel(SOX, NDX, this_week) = -2.5pp",
        severity=Severity.INFO,
        tags=("semis",),
        group_by=(),
        trace=Trace(lines=(), deciding="rel(SOX, NDX, this_week) <= -2pp"),
    )
    return replace(made, **changes)


def fired(alert="sox", **changes):
    return transition(alert, **changes)


def resolved(alert="sox", **changes):
    return transition(alert, TransitionKind.RESOLVED, Reason.ALL_RESOLVED, **changes)


def corrected(alert="sox", **changes):
    return transition(alert, TransitionKind.CORRECTED, Reason.CORRECTION, **changes)


@dataclass
class Silenced:
    """A silence of one alert."""

    alert: str
    end: datetime
    id: str = "M-1"
    author_name: str = "Li"
    reason: str = "maintenance"

    def holds(self, transition, destination, now, lists):
        return transition.alert == self.alert and now < self.end


@dataclass
class Desk:
    """A router with its state and a clock that only moves forward."""

    router: Router
    state: RoutingState = field(default_factory=RoutingState)
    now: datetime = NOW
    manners: dict = field(default_factory=dict)
    silences: list = field(default_factory=list)
    subscriptions: list = field(default_factory=list)
    log: list = field(default_factory=list)

    def step(self, *transitions, after=timedelta()):
        """Route the transitions ``after`` the last step and return the deliveries."""
        self.now += after
        instants = (self.now + number * timedelta(microseconds=1) for number in range(len(transitions)))
        incidents = [Incident(f"A-{t.alert}", replace(t, at=at)) for t, at in zip(transitions, instants, strict=True)]
        routed = self.router.step(
            self.state,
            incidents,
            self.now,
            subscriptions=self.subscriptions,
            silences=self.silences,
            manners_at=lambda destination: self.manners.get(destination, Manners()),
        )
        self.state = routed.state
        self.log += routed.decisions
        return list(routed.deliveries)

    def reasons(self):
        return [line.outcome for line in self.log]


def desk(options=None, manners=None, to=(DESK,), routes=(), **router):
    tree = Route(to=to, options=options or Options(), routes=routes)
    return Desk(Router(tree=tree, universe=UNIVERSE, **router), manners={DESK: manners or Manners()})


def told(deliveries):
    """Each delivery as its kinds and alerts, for comparison."""
    return [
        (item.reason.value, [f"{i.transition.kind}:{i.transition.alert}" for i in item.incidents])
        for item in deliveries
    ]
