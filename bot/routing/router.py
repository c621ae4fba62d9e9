"""From incidents to deliveries: who is told what, together with what, when, and why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from adapters.store.port import LogLine
from bot.alerts.edits import Edit, edits_for
from bot.alerts.notices import Incident
from bot.routing.lane import Delivery, LaneTurn, closes, forgets, is_told, opens, subject
from bot.routing.routes import Facts, Options, Route, Target, facts_of, targets
from bot.routing.stages.base import Item, Manners, Silencing, Situation, Stage
from bot.routing.stages.grouping import GroupingStage
from bot.routing.stages.inhibition import Inhibition, InhibitionStage
from bot.routing.stages.quiet import QuietHoursStage
from bot.routing.stages.silence import SilenceStage
from bot.routing.state import Announcements, Document, Lane, RoutingState, changes
from bot.rulebook.personal_rules import RECIPIENT, is_personal
from rules.model import Severity, Transition, TransitionKind
from rules.universe import Universe


class Subscribing(Protocol):
    """A subscription, as somebody set it."""

    @property
    def id(self) -> str:
        """Names the subscription."""
        ...

    @property
    def destination(self) -> str:
        """Who wants it."""
        ...

    @property
    def silent(self) -> bool:
        """Whether it arrives without a sound."""
        ...

    def wants(self, transition: Transition, lists: frozenset[str]) -> bool:
        """Whether the transition, whose instrument is on ``lists``, is to be sent to the destination."""
        ...


@dataclass(frozen=True, slots=True)
class Routed:
    """What a step decided. The caller commits ``deliveries``, ``decisions`` and ``documents`` with the alert state."""

    state: RoutingState
    deliveries: Sequence[Delivery]
    edits: Sequence[Edit]
    decisions: Sequence[LogLine]
    """What was held back, and why."""
    documents: Mapping[Document, str | None]


def _no_manners(_destination: str) -> Manners:
    return Manners()


class Router:
    """Decides by route tree, subscriptions and stages. Pure: what it remembers is the state that it is given."""

    def __init__(
        self,
        *,
        tree: Route,
        universe: Universe,
        inhibitions: tuple[Inhibition, ...] = (),
        urgent: Iterable[Severity] = (Severity.CRITICAL,),
        storm: int = 50,
    ) -> None:
        self._tree = tree
        self._universe = universe
        self._urgent = frozenset(urgent)
        self._storm = storm
        self.stages: tuple[Stage, ...] = (
            SilenceStage(),
            InhibitionStage(inhibitions),
            QuietHoursStage(),
            GroupingStage(),
        )

    def step(
        self,
        state: RoutingState,
        incidents: Sequence[Incident],
        now: datetime,
        *,
        subscriptions: Sequence[Subscribing] = (),
        silences: Sequence[Silencing] = (),
        manners_at: Callable[[str], Manners] = _no_manners,
    ) -> Routed:
        """Route what happened, and what waited and is due at ``now``.

        ``manners_at`` gives a destination's quiet hours and budget. The returned state replaces ``state``.
        """
        firing = self._firing(state.firing, incidents)
        arrivals = self._arrivals(state, incidents, subscriptions)
        told = Announcements(state)
        lanes = dict(state.lanes)
        deliveries: list[Delivery] = []
        decisions: list[LogLine] = []
        for destination in dict.fromkeys([*arrivals, *_waiting(state)]):
            lane = lanes.get(destination, Lane())
            situation = Situation(
                destination=destination,
                now=now,
                manners=manners_at(destination),
                silences=silences,
                firing=firing,
                flushed=lane.flushed,
                urgent=self._urgent,
            )
            turn = LaneTurn(lane, told, situation, self.stages, storm=self._storm, item=self._item)
            lanes[destination] = turn.run(arrivals.get(destination, ()))
            deliveries += turn.deliveries
            decisions += turn.decisions
        after = told.state(lanes, firing)
        edits = edits_for(incidents, state, told)
        return Routed(after, deliveries, edits, decisions, changes(state, after))

    def targets(self, transition: Transition, subscriptions: Sequence[Subscribing] = ()) -> Sequence[Target]:
        """Where the transition goes: the routes' destinations, then the subscriptions'.

        A personal alert has no routes: it is for who subscribed to it alone.
        """
        recipient = transition.options.get(RECIPIENT)
        if recipient:
            return (Target(recipient, self._tree.options, "own alert"),)
        facts = facts_of(transition, self._universe)
        routed = () if is_personal(transition.rule) else targets(self._tree, facts)
        found = {target.destination: target for target in routed}
        for subscription in subscriptions:
            if subscription.wants(transition, facts["list"]):
                options = replace(self._tree.options, silent=subscription.silent)
                path = f"subscription {subscription.id}"
                found.setdefault(subscription.destination, Target(subscription.destination, options, path))
        return tuple(found.values())

    def _arrivals(
        self, state: RoutingState, incidents: Sequence[Incident], subscriptions: Sequence[Subscribing]
    ) -> dict[str, list[Item]]:
        arrivals: dict[str, list[Item]] = {}
        for incident in incidents:
            transition = incident.transition
            if not (is_told(transition) or forgets(transition)):
                continue
            found = {target.destination: target for target in self.targets(transition, subscriptions)}
            for destination in _announced_at(state, transition):
                found.setdefault(destination, Target(destination, Options(), "announced there"))
            for destination, target in found.items():
                arrivals.setdefault(destination, []).append(self._item(incident, target))
        return arrivals

    def _item(self, incident: Incident, target: Target) -> Item:
        transition = incident.transition
        facts = facts_of(transition, self._universe)
        return Item(incident, facts, target, _group(transition, facts, target), closes(transition))

    def _firing(self, firing: Mapping[str, Facts], incidents: Sequence[Incident]) -> Mapping[str, Facts]:
        changed = dict(firing)
        for incident in incidents:
            transition = incident.transition
            if opens(transition) and transition.kind is TransitionKind.FIRED:
                changed[transition.alert] = facts_of(transition, self._universe)
            elif forgets(transition) or closes(transition):
                changed.pop(transition.alert, None)
        return changed


def _announced_at(state: RoutingState, transition: Transition) -> Iterator[str]:
    """Where the alert was announced or waits to be, whatever the routes say by now."""
    if opens(transition):
        return
    yield from state.told.get(subject(transition), ())
    for destination, lane in state.lanes.items():
        if any(subject(held.incident.transition) == subject(transition) for held in lane.held):
            yield destination


def _waiting(state: RoutingState) -> Iterator[str]:
    yield from (destination for destination, lane in state.lanes.items() if lane.held)
    for alert in state.repeating:
        yield from (destination for destination, item in state.told[alert].items() if item.repeat_at is not None)


def _group(transition: Transition, facts: Facts, target: Target) -> str:
    """What is told together: the route's ``group_by``, else the rule's; without either each alert stands alone."""
    names = target.options.group_by if target.options.group_by is not None else transition.group_by
    if not names:
        return transition.alert
    return "|".join([transition.rule, *(",".join(sorted(facts.get(name, ()))) for name in names)])
