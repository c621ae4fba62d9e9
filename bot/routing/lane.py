"""One destination's turn: what arrives and what waited goes through the stages, and what is left is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.store.port import LogLine
from bot.alerts.charts import pictured
from bot.alerts.notices import Incident
from bot.routing.routes import Target, length_text
from bot.routing.stages.base import Budget, Hold, Item, Situation, Stage
from bot.routing.state import Announcements, Held, Lane, Told
from rules.model import Reason, Transition, TransitionKind

_CLOSINGS = {TransitionKind.RESOLVED, TransitionKind.CORRECTED}
_OPENINGS = {TransitionKind.FIRED, TransitionKind.HEALTH}
_ENDINGS = {TransitionKind.ENDED}
_TOGETHER = {Reason.SUPPRESSED_QUIET_HOURS, Reason.SUPPRESSED_BUDGET}
"""What was held for these is told as one summary; an alert that came and went meanwhile is in it."""
_CANCELLED = {Reason.SUPPRESSED_SILENCE, Reason.SUPPRESSED_INHIBITION}
"""What was held for these and is over meanwhile is not told; they may also end early."""
_MOST_PICTURES = 3
"""Of the alerts that a destination is told in one turn, so many get a picture: more would bury the texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one destination.

    ``summary`` asks for a list of the incidents, which may be of different rules and kinds, under a heading that
    ``reason`` explains (what was held back by quiet hours or the noise budget, or an instance storm). ``follows`` is
    the key of the notice at this destination that the message continues, to be threaded under it.
    """

    key: str
    destination: str
    incidents: tuple[Incident, ...]
    reason: Reason
    summary: bool = False
    silent: bool = False
    follows: str = ""
    pictured: bool = False
    """A picture is to follow; it counts as a message of its own."""


def opens(transition: Transition) -> bool:
    """Whether the transition announces something."""
    return transition.kind in _OPENINGS and transition.reason is not Reason.DATA_BACK


def closes(transition: Transition) -> bool:
    """Whether the transition is the end of something that was, or was not, announced."""
    return transition.kind in _CLOSINGS or (
        transition.kind is TransitionKind.HEALTH and transition.reason is Reason.DATA_BACK
    )


def is_told(transition: Transition) -> bool:
    """Whether the transition is news at all."""
    return opens(transition) or closes(transition)


def forgets(transition: Transition) -> bool:
    """Whether the alert ends quietly: its period rolled over, or its rule was edited."""
    return transition.kind in _ENDINGS


def subject(transition: Transition) -> str:
    """What is announced and closed: the alert, or the health of its data."""
    return f"health of {transition.alert}" if transition.kind is TransitionKind.HEALTH else transition.alert


def notice_key(incident: Incident) -> str:
    """Names the notice of one incident once and for all."""
    transition = incident.transition
    return f"{incident.number}:{transition.kind}:{transition.at.isoformat()}"


class LaneTurn:
    """Runs one destination's turn; afterwards it holds ``deliveries`` and ``decisions``."""

    def __init__(
        self,
        lane: Lane,
        told: Announcements,
        situation: Situation,
        stages: Sequence[Stage],
        *,
        storm: int,
        item: Callable[[Incident, Target], Item],
    ) -> None:
        self._told = told
        self._stages = stages
        self._storm = storm
        self._item = item
        self._held: list[Held] = []
        self._beginning: set[str] = set()
        """What is announced in this turn, so that its end may follow in the same turn."""
        self._earlier = lane
        self._sent = list(lane.sent)
        self._flushed = dict(lane.flushed)
        self._situation = situation
        self._pictures = 0
        self.deliveries: list[Delivery] = []
        self.decisions: list[LogLine] = []

    @property
    def _now(self) -> datetime:
        return self._situation.now

    def run(self, arrivals: Iterable[Item]) -> Lane:
        """Take the turn and return what the lane remembers."""
        summaries, released = self._released()
        self._tell_summaries(summaries)
        self._tell_batches([*released, *self._repeats()])
        self._tell_batches([item for item in arrivals if self._passes(item)])
        return self._remembered()

    # What waited

    def _released(self) -> tuple[dict[Reason, list[Item]], list[Item]]:
        summaries: dict[Reason, list[Item]] = {}
        ready: list[Item] = []
        for held in self._earlier.held:
            item = self._item(held.incident, held.target)
            if self._follows_what_waits(item) or not self._is_free(held, item):
                continue
            self._note(item)
            after_ready = any(
                subject(other.incident.transition) == subject(held.incident.transition) for other in ready
            )
            if held.reason in _TOGETHER and not after_ready:
                summaries.setdefault(held.reason, []).append(item)
            else:
                ready.append(item)
        return summaries, ready

    def _follows_what_waits(self, item: Item) -> bool:
        """Whether something earlier of the same alert waits; then this waits behind it, or cancels it."""
        waiting = self._waiting_for(item.incident.transition)
        if not waiting:
            return False
        if waiting[-1].reason in _CANCELLED:
            return item.closing and not self._is_due_a_closing(item)
        self._held.append(replace(waiting[-1], incident=item.incident))
        return True

    def _is_free(self, held: Held, item: Item) -> bool:
        hold = self._still_held(held, item)
        if hold is not None:
            self._held.append(replace(held, reason=hold.reason, until=hold.until))
            return False
        return not item.closing or self._is_due_a_closing(item)

    def _still_held(self, held: Held, item: Item) -> Hold | None:
        due = held.until is not None and held.until <= self._now
        if not due and held.reason not in _CANCELLED:
            return Hold(held.reason, "", held.until)
        hold = self._first_hold(item, waited=True)
        if hold is not None and hold.reason is not held.reason:
            self._log(item.incident, hold.reason, hold.why)
        return hold

    # What arrives

    def _passes(self, item: Item) -> bool:
        transition = item.incident.transition
        if forgets(transition):
            self._end_quietly(transition)
            return False
        if self._follows_what_waits(item):
            return False
        if item.closing and not self._is_due_a_closing(item):
            return False
        hold = self._first_hold(item)
        if hold is not None:
            self._hold(item, hold)
            return False
        self._note(item)
        return True

    def _note(self, item: Item) -> None:
        alert = subject(item.incident.transition)
        (self._beginning.discard if item.closing else self._beginning.add)(alert)

    def _is_due_a_closing(self, item: Item) -> bool:
        transition = item.incident.transition
        waiting = self._waiting_for(transition)
        if waiting:
            self._held = [held for held in self._held if held not in waiting]
            self._log(item.incident, Reason.SUPPRESSED_NOT_ANNOUNCED, f"over while {waiting[0].reason.value}")
            return False
        if subject(transition) in self._beginning:
            return True
        known = self._told.of(subject(transition)).get(self._situation.destination)
        if known is None or (known.closed_at is not None and transition.kind is not TransitionKind.CORRECTED):
            self._log(item.incident, Reason.SUPPRESSED_NOT_ANNOUNCED, "its beginning was not told here")
            return False
        return True

    def _waiting_for(self, transition: Transition) -> list[Held]:
        return [held for held in self._held if subject(held.incident.transition) == subject(transition)]

    def _end_quietly(self, transition: Transition) -> None:
        self._held = [
            held
            for held in self._held
            if held.reason not in _CANCELLED or held.incident.transition.alert != transition.alert
        ]
        self._close(transition.alert)

    def _first_hold(self, item: Item, *, waited: bool = False) -> Hold | None:
        situation = replace(self._situation, flushed=self._flushed, waiting=self._waiting_groups())
        for stage in self._stages:
            hold = stage.hold(item, situation)
            if hold is not None and not (waited and hold.reason is Reason.WAITING_FOR_GROUP):
                return hold
        return None

    def _waiting_groups(self) -> dict[str, datetime]:
        waiting: dict[str, datetime] = {}
        for held in self._held:
            if held.reason is Reason.WAITING_FOR_GROUP and held.until is not None:
                waiting.setdefault(self._item(held.incident, held.target).group, held.until)
        return waiting

    def _hold(self, item: Item, hold: Hold) -> None:
        self._held.append(Held(incident=item.incident, target=item.target, reason=hold.reason, until=hold.until))
        if hold.reason is not Reason.WAITING_FOR_GROUP:
            self._log(item.incident, hold.reason, hold.why)

    def _log(self, incident: Incident, reason: Reason, why: str) -> None:
        self.decisions.append(LogLine(notice_key(incident), self._situation.destination, self._now, reason.value, why))

    # What is told again

    def _repeats(self) -> Iterator[Item]:
        for alert, told in self._told.repeating(self._situation.destination):
            if told.repeat_at is None or told.repeat_at > self._now or not told.repeated or not told.target:
                continue
            every = told.target.options.repeat
            following = self._now + every if every else None
            self._told.put(alert, self._situation.destination, replace(told, repeat_at=following))
            item = self._item(told.repeated, told.target)
            hold = self._first_hold(item, waited=True)
            if hold is None:
                yield replace(item, repeat=True)
            else:
                self._log(item.incident, hold.reason, f"not repeated: {hold.why}")

    # What is told

    def _tell_summaries(self, summaries: dict[Reason, list[Item]]) -> None:
        for reason, items in summaries.items():
            if len(items) == 1:
                self._tell(items)
            elif not self._over_budget(items):
                first, last = items[0].incident, items[-1].incident
                key = f"{reason.value}:{notice_key(first)}:{notice_key(last)}"
                self._send(key, items, reason, summary=True)

    def _tell_batches(self, items: Iterable[Item]) -> None:
        for batch in _batches(items, self._storm):
            self._tell(batch)

    def _tell(self, items: list[Item]) -> None:
        if self._over_budget(items):
            return
        reason = self._reason(items)
        key = notice_key(items[0].incident)
        if reason is Reason.REPEAT:
            key = f"{key}:again:{self._now.isoformat()}"
        self._send(key, items, reason, summary=reason is Reason.STORM)

    def _over_budget(self, items: list[Item]) -> bool:
        budget = self._situation.manners.budget
        if budget is None:
            return False
        urgent = any(item.incident.transition.severity in self._situation.urgent for item in items)
        if urgent or not self._is_used_up(budget):
            return False
        free_at = self._sent[-budget.count] + budget.period
        for item in items:
            self._hold(item, Hold(Reason.SUPPRESSED_BUDGET, _more_than(budget), free_at))
        return True

    def _is_used_up(self, budget: Budget) -> bool:
        self._sent = [at for at in self._sent if at > self._now - budget.period]
        return len(self._sent) >= budget.count

    def _reason(self, items: list[Item]) -> Reason:
        if items[0].repeat:
            return Reason.REPEAT
        if len(items) > self._storm:
            return Reason.STORM
        own = items[0].incident.transition.reason
        if own is Reason.FIRST and self._group_is_known(items[0]):
            return Reason.NEW_INSTANCES
        return own

    def _group_is_known(self, item: Item) -> bool:
        return item.group != item.incident.transition.alert and item.group in self._flushed

    def _send(self, key: str, items: list[Item], reason: Reason, *, summary: bool) -> None:
        follows = {self._key_of(item) for item in items}
        self.deliveries.append(
            Delivery(
                key=key,
                destination=self._situation.destination,
                incidents=tuple(item.incident for item in items),
                reason=reason,
                summary=summary,
                silent=all(item.target.options.silent for item in items),
                follows=follows.pop() if len(follows) == 1 and not summary else "",
            )
        )
        self._sent.append(self._now)
        if not summary and pictured(self._situation.destination, [item.incident.transition for item in items]):
            self._picture(key)
        for item in items:
            if item.group != item.incident.transition.alert or item.target.options.group_interval:
                self._flushed[item.group] = self._now
            self._announce(item, key, [] if summary else items)

    def _picture(self, key: str) -> None:
        """Let a picture follow the delivery made last, if there is room for one."""
        if self._pictures == _MOST_PICTURES:
            return
        budget = self._situation.manners.budget
        if budget is not None and self._is_used_up(budget):
            why = f"no picture: {_more_than(budget)}"
            line = LogLine(f"{key}:chart", self._situation.destination, self._now, Reason.SUPPRESSED_BUDGET.value, why)
            self.decisions.append(line)
            return
        self._pictures += 1
        self._sent.append(self._now)
        self.deliveries[-1] = replace(self.deliveries[-1], pictured=True)

    def _key_of(self, item: Item) -> str:
        known = self._told.of(subject(item.incident.transition)).get(self._situation.destination)
        return known.key if known and (item.closing or item.repeat) else ""

    def _announce(self, item: Item, key: str, together: Sequence[Item]) -> None:
        transition = item.incident.transition
        if item.closing:
            self._close(subject(transition))
            return
        if item.repeat:
            return
        every = item.target.options.repeat
        others = [other.incident.number for other in together if other is not item]
        numbers = (item.incident.number, *others) if together else ()
        told = Told(key=key, at=self._now, group=item.group, numbers=numbers)
        if every:
            told = replace(told, repeat_at=self._now + every, repeated=item.incident, target=item.target)
        self._told.put(subject(transition), self._situation.destination, told)

    def _close(self, alert: str) -> None:
        known = self._told.of(alert).get(self._situation.destination)
        if known is not None:
            ended = replace(known, closed_at=self._now, repeat_at=None, repeated=None, target=None)
            self._told.put(alert, self._situation.destination, ended)

    def _remembered(self) -> Lane:
        budget = self._situation.manners.budget
        recent = tuple(self._sent[-budget.count :]) if budget else ()
        spaced = {group: at for group, at in self._flushed.items() if self._keeps_distance(at)}
        return Lane(held=tuple(self._held), sent=recent, flushed=spaced)

    def _keeps_distance(self, flushed_at: datetime) -> bool:
        return flushed_at > self._now - timedelta(days=1)


def _batches(items: Iterable[Item], storm: int) -> list[list[Item]]:
    """What goes into one message each: the same group and kind; a storm of one rule is one batch."""
    fired: dict[str, int] = {}
    listed = list(items)
    for item in listed:
        if item.incident.transition.kind is TransitionKind.FIRED and not item.repeat:
            fired[item.incident.transition.rule] = fired.get(item.incident.transition.rule, 0) + 1
    batches: list[tuple[tuple[str, ...], list[Item]]] = []
    for item in listed:
        transition = item.incident.transition
        stormy = transition.kind is TransitionKind.FIRED and fired.get(transition.rule, 0) > storm and not item.repeat
        key = ("storm", transition.rule) if stormy else (item.group, transition.kind, str(item.repeat))
        joined = _joinable(batches, key, subject(transition))
        if joined is None:
            batches.append((key, [item]))
        else:
            joined.append(item)
    return [items for _, items in batches]


def _joinable(batches: list[tuple[tuple[str, ...], list[Item]]], key: tuple[str, ...], alert: str) -> list[Item] | None:
    """The batch of ``key``, unless the alert is in it or in a later one: what began again stays after its end."""
    for known, items in reversed(batches):
        seen = any(subject(item.incident.transition) == alert for item in items)
        if known == key:
            return None if seen else items
        if seen:
            return None
    return None


def _more_than(budget: Budget) -> str:
    return f"more than {budget.count} messages in {length_text(budget.period)}"
