"""A replay, put together: the store's tape from its nearest snapshot on, by the rules as they are now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from adapters.store.port import LogLine, Store
from bot.alerts.incidents import INCIDENTS
from bot.alerts.notices import Incident
from bot.app.sending import CONSOLE
from bot.app.world import World, open_world
from bot.failures import Failure
from bot.feeding.archive import Archive
from bot.feeding.backfilling import MARKS
from bot.past.replaying import Difference, Late, Span, advanced, compared
from bot.past.snapshots import Snapshot, kept
from bot.routing.lane import notice_key
from bot.rulebook.personal import everyones
from bot.rulebook.personal_rules import RECIPIENT, is_personal
from bot.settings import Settings
from rules.engine import CLOCK_KEY, AlertRecord, Engine
from rules.model import Observation, SeriesName, Status, Transition
from rules.spec import RuleSpec

_TRANSITIONS = TypeAdapter(list[Transition])
_CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay found.

    ``left_out`` are personal alerts that came or went meanwhile. ``price_alerts`` counts those on one price that were
    told: they rest in an index that is not recorded, so they are not replayed.
    """

    start: datetime
    end: datetime
    rules: int
    observations: int
    same: int
    differences: Sequence[Difference]
    left_out: Sequence[str]
    price_alerts: int
    numbers: Sequence[str]
    """For each difference the number of the recorded decision, ``""`` where there is none."""
    deliveries: Sequence[Sequence[LogLine]]
    """For each difference what became of the recorded decision's notice."""

    @property
    def recorded(self) -> int:
        """How many decisions were taken then."""
        return self.same + sum(each.recorded is not None for each in self.differences)

    @property
    def replayed(self) -> int:
        """How many are taken now."""
        return self.same + sum(each.replayed is not None for each in self.differences)


async def replay(settings: Settings, start: datetime | None, end: datetime | None, *, reference: bool) -> Replayed:
    """Evaluate the span again and compare; without ``start`` and ``end``, everything that can be.

    With ``reference`` the recorded week is lived through first, on a store of its own. Raise ``Failure`` where the
    record doesn't reach back to ``start``.
    """
    async with AsyncExitStack() as stack:
        world = await open_world(stack, settings, [CONSOLE] if reference else [], reference=reference)
        snapshot, start = _from(await kept(world.store.documents), start)
        reached = await _evaluated(world.store)
        end = min(end or reached, reached)
        if end < start:
            raise Failure("record_ends", start=f"{start:%Y-%m-%d %H:%M}", at=_at(reached))
        return await _compare(world, snapshot, start, end)


def _from(snapshots: Sequence[Snapshot], start: datetime | None) -> tuple[Snapshot, datetime]:
    if not snapshots:
        raise Failure("no_record")
    first = snapshots[0]
    if start is None:
        return first, first.at
    if first.at > start:
        raise Failure("record_begins", at=_at(first.at))
    # One that was taken at that very instant stands after what was decided then.
    return next((each for each in reversed(snapshots) if each.at < start), first), start


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


async def _evaluated(store: Store) -> datetime:
    clock = (await store.states.alerts()).get(CLOCK_KEY)
    at = AlertRecord.from_json(clock).fired_at if clock else None
    if at is None:
        raise Failure("not_evaluated")
    return at


async def _compare(world: World, snapshot: Snapshot, start: datetime, end: datetime) -> Replayed:
    store = world.store
    recorded = await _recorded(store)
    specs, left_out = await _rules(world, snapshot, recorded)
    engine = Engine(specs, world.universe, world.calendars)
    whole = await _tape(store, "0")
    tape = await _tape(store, snapshot.cursor)
    before = whole[: len(whole) - len(tape)]
    history, late = await _history(store, snapshot.at, before, tape)
    state = engine.seed(engine.initial_state(snapshot.at, snapshot.records()), history)
    tape = [seen for seen in tape if seen.known_at <= end]
    span = Span(
        start=start,
        end=end,
        versions=snapshot.rules,
        current={each.spec.id: each.version for each in engine.programs},
        figures=frozenset((seen.series, seen.at) for seen in whole),
    )
    incidents = [
        each for each in recorded if each.transition.rule not in left_out and not _is_price_alert(each.transition)
    ]
    replayed = advanced(engine, state, tape, late, end)
    same, differences = compared((each.transition for each in incidents), replayed, span)
    found = [next((each for each in incidents if each.transition is item.recorded), None) for item in differences]
    return Replayed(
        start=start,
        end=end,
        rules=len(engine.programs),
        observations=sum(start <= seen.known_at for seen in tape),
        same=same,
        differences=differences,
        left_out=left_out,
        price_alerts=sum(_is_price_alert(each.transition) and start <= each.transition.at <= end for each in recorded),
        numbers=[each.number if each else "" for each in found],
        deliveries=[await store.outbox.log(key=notice_key(each)) if each else () for each in found],
    )


def _is_price_alert(told: Transition) -> bool:
    """Whether it was told by the index of price alerts, which names whom it is for, and not by a rule of the engine."""
    return RECIPIENT in told.options


async def _rules(
    world: World, snapshot: Snapshot, recorded: Sequence[Incident]
) -> tuple[Sequence[RuleSpec], Sequence[str]]:
    """The desk's rules, and the personal ones that ran at the snapshot and still do; and the ids of the others."""
    specs = await world.running.specs(world.universe, world.calendars, snapshot.at)
    created = {each.rule_id: each.created_at for each in await everyones(world.store.documents)}
    own = [each.id for each in specs if is_personal(each.id)]
    late = {name for name in own if not snapshot.personal or created[name] > snapshot.at}
    known = {each.id for each in specs}
    told = {each.transition.rule for each in recorded if not _is_price_alert(each.transition)}
    ended = {rule for rule in told if is_personal(rule)} - known
    return [each for each in specs if each.id not in late], sorted([*late, *ended])


async def _tape(store: Store, after: str) -> list[Observation]:
    found: list[Observation] = []
    while chunk := await store.tape.read(after, _CHUNK):
        after = chunk[-1][0]
        found.extend(seen for _, seen in chunk)
    return found


async def _history(
    store: Store, at: datetime, before: Sequence[Observation], after: Sequence[Observation]
) -> tuple[Sequence[Observation], Sequence[Late]]:
    """What was known at ``at``, and the histories that came later.

    The archive has a bar as known at its close, and as last revised; where the tape tells of it, the tape is believed.
    """
    archived = await Archive(store.bars, store.documents).load()
    told = {(seen.series, seen.at) for seen in before}
    to_come = {(seen.series, seen.at) for seen in after if seen.status is Status.FINAL} - told
    tape_begins = min((seen.known_at for seen in (*before, *after)), default=at)
    marks = [json.loads(text) for text in (await store.documents.all(MARKS)).values()]
    late_at = {
        (feed, key): when
        for mark in marks
        if (when := datetime.fromisoformat(mark["at"])) > at
        for feed, key in mark["keys"]
    }
    known: list[Observation] = list(before)
    late: dict[datetime, list[Observation]] = {}
    for seen in archived:
        name = SeriesName.parse(seen.series)
        came = late_at.get((name.feed, name.key))
        came_late = came is not None and (name.feed == "prices" or seen.known_at == came)
        if (seen.known_at > at and seen.known_at != came) or (
            seen.at >= tape_begins and (seen.series, seen.at) in to_come
        ):
            continue
        if came is not None and came_late:
            late.setdefault(came, []).append(seen)
        elif (seen.series, seen.at) not in told:
            known.append(seen)
    return known, [Late(when, figures) for when, figures in late.items()]


async def _recorded(store: Store) -> list[Incident]:
    """Every decision of the engine that is kept; what other roles handed in was never evaluated."""
    found = []
    for number, text in (await store.documents.all(INCIDENTS)).items():
        steps = _TRANSITIONS.validate_json(text)
        found += [Incident(number, step) for step in steps if "{" in step.alert]
    return found
