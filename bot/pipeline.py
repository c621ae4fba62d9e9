"""The one path: tape → engine → notices → outbox, each turn committed whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.store.port import Commit, Cursor, Store
from bot.alerts.evidence import Evidence
from bot.alerts.incidents import Document, Entered, Numbering, documents_of
from bot.alerts.messages import compose
from bot.alerts.notices import TOLD, Incident, Notice, group
from bot.feeding.archive import Archive
from bot.feeding.backfilling import LateHistory
from bot.feeding.intake import handed_in
from bot.market.view import MarketView
from bot.past.snapshots import Snapshots
from bot.routing.dispatch import LANGS, Dispatched, Dispatcher
from bot.rulebook.price_watch import PriceWatch
from rules.engine import CLOCK_KEY, AlertRecord, Engine, State
from rules.model import Observation, Transition
from rules.universe import Universe


@dataclass(frozen=True, slots=True)
class _Decided:
    """What the engine decided in a turn and the store has not taken yet."""

    cursor: Cursor
    alerts: Mapping[str, str | None]
    entered: Entered
    taken_out: Mapping[Document, str | None]
    """What other roles had handed in, to be removed with the same commit, and what became of price alerts."""
    notices: tuple[Notice, ...]
    dispatched: Dispatched | None = None


class Pipeline:
    """Evaluates what the tape brings and commits, in one transaction, what follows from it.

    One pipeline at a time works on a store (it holds the ``engine`` lease).
    """

    def __init__(
        self, *, engine: Engine, universe: Universe, store: Store, dispatcher: Dispatcher, market: MarketView
    ) -> None:
        self._market = market
        self._evidence = Evidence(market)
        self._engine = engine
        self._universe = universe
        self._store = store
        self._dispatcher = dispatcher
        self._state: State
        self._numbering = Numbering()
        self._cursor: Cursor = "0"
        self._decided: _Decided | None = None
        self._late: LateHistory | None = None
        self._snapshots = Snapshots(store)
        self._watch = PriceWatch(store.documents, universe, engine.calendars)

    async def start(self, history: Sequence[Observation], now: datetime, archive: Archive | None = None) -> None:
        """Take up the work where the store says it was left.

        ``history``, and whatever ``archive`` keeps, is known then and not evaluated again.
        """
        stored = await self._store.states.alerts()
        records = {key: AlertRecord.from_json(text) for key, text in stored.items()}
        state = self._engine.initial_state(now, records)
        state.crowd = await self._watch.load()
        self._state = self._engine.seed(state, history)
        self._market.apply(history)
        if archive:
            async for portion in archive.read():
                self._state = self._engine.seed(self._state, portion)
                self._market.apply(portion)
        self._cursor = await self._store.states.cursor()
        self._numbering = await Numbering.load(self._store.documents)
        self._late = LateHistory(Archive(self._store.bars, self._store.documents), self._store.documents, now)
        await self._dispatcher.start(now)
        await self._snapshots.start()
        await self._snapshots.take(self._state, self._cursor, self._engine)

    async def use(self, engine: Engine, archive: Archive) -> None:
        """Evaluate by ``engine`` from the next turn on; the rules that stay keep their state.

        What only the new rules read comes from ``archive``. Call it after a turn that was committed.
        """
        if self._decided is not None:
            raise RuntimeError("a turn that is not committed yet was decided by the rules that run")
        old = self._state
        missing = engine.reads - self._engine.reads
        clock = AlertRecord(rule=CLOCK_KEY, version="1", fired_at=old.now)
        state = engine.initial_state(old.now, {**old.alerts, CLOCK_KEY: clock})
        async for portion in archive.read(only=missing):
            state = engine.seed(state, portion)
        self._engine, self._state = engine, engine.adopt(state, old)

    async def record(self, observations: Sequence[Observation]) -> None:
        """Put ``observations`` on the tape."""
        await self._store.tape.append(observations)

    @property
    def next_wakeup(self) -> datetime | None:
        """When a rule's own clock strikes next, or something that was held back is due."""
        wakeups = (self._engine.next_wakeup(self._state), self._dispatcher.next_due)
        return min((wakeup for wakeup in wakeups if wakeup is not None), default=None)

    async def wait(self, timeout_s: float) -> None:
        """Return when something new is on the tape or still to be told, after ``timeout_s`` at the latest."""
        if self._watch.is_busy:
            return
        await self._store.tape.read(self._cursor, 1, wait_s=timeout_s)

    async def turn(self, now: datetime, most: int = 10_000) -> Sequence[Notice]:
        """Evaluate what the tape brought since the last turn, up to ``now``; return the notices that it committed.

        What was decided but could not be committed is not decided again: the next turn commits it, and nothing else.
        """
        if self._decided is None:
            entries = await self._store.tape.read(self._cursor, most)
            cursor = entries[-1][0] if entries else self._cursor
            await self._learn()
            handed, taken_out = await handed_in(self._store.documents)
            taken_out |= await self._watch.learn(self._state.crowd)
            # last, since nothing may fail between what is taken out to be told and the decision that tells it
            struck, told = await self._watch.tell()
            handed, taken_out = [*handed, *struck], {**taken_out, **told}
            self._decided = self._decide([_known(seen, now) for _, seen in entries], handed, taken_out, cursor, now)
        decided = self._decided
        dispatched = decided.dispatched or await self._dispatcher.dispatch(decided.entered.incidents, now)
        self._decided = replace(decided, dispatched=dispatched)
        await self._store.states.commit(
            Commit(
                cursor=decided.cursor,
                alerts=decided.alerts,
                outbox=dispatched.outbox,
                documents={
                    **decided.taken_out,
                    **await documents_of(decided.entered, self._store.documents),
                    **(dispatched.documents or {}),
                },
                decisions=dispatched.decisions,
            )
        )
        self._numbering.settle(decided.entered)
        self._dispatcher.settle(dispatched)
        self._cursor, self._decided = decided.cursor, None
        await self._snapshots.take(self._state, self._cursor, self._engine)
        return decided.notices

    async def _learn(self) -> None:
        """Take in history that was completed meanwhile: before what is new, and without evaluating it."""
        history = await self._late.take() if self._late else ()
        if history:
            self._state = self._engine.seed(self._state, history)
            self._market.apply(history)

    def _decide(
        self,
        observations: Sequence[Observation],
        handed: Sequence[Transition],
        taken_out: Mapping[Document, str | None],
        cursor: Cursor,
        now: datetime,
    ) -> _Decided:
        before = self._state
        self._market.apply(observations)
        self._state, transitions = self._engine.advance(before, observations, now)
        entered = self._numbering.enter([*transitions, *handed])
        told = [incident for incident in entered.incidents if incident.transition.kind in TOLD]
        changed = self._state.changed_since(before)
        return _Decided(
            cursor=cursor,
            alerts={key: record.to_json() if record else None for key, record in changed.items()},
            entered=entered,
            taken_out={**taken_out, **self._watch.keep(self._state.crowd)},
            notices=tuple(self._word(members) for members in group(told)),
        )

    def _word(self, members: tuple[Incident, ...]) -> Notice:
        first = members[0].transition
        return Notice(
            key=f"{members[0].number}:{first.kind}:{first.at.isoformat()}",
            kind=first.kind.value,
            rule=first.rule,
            at=first.at,
            incidents=members,
            messages={
                lang: compose(members, lang, self._universe, self._evidence.beside(members, lang)) for lang in LANGS
            },
        )


def _known(seen: Observation, now: datetime) -> Observation:
    """What is read from the tape is known, also where the clock that stamped it goes ahead of ours.

    The engine would keep it in memory until its time, and a crash would lose it: the cursor has passed it.
    """
    return replace(seen, known_at=now) if seen.known_at > now else seen
