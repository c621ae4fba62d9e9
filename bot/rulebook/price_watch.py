"""Everybody's price alerts, kept: the index is stored symbol by symbol, what a price struck is told in batches.

Chat processes store an alert and note the change; the pipeline alone takes changes up, and commits with its turn what
was struck and what is left. So a tick that strikes a hundred thousand alerts is one small commit, and a crash neither
loses one nor tells it twice; the messages follow at the pace at which services take them.
"""

from __future__ import annotations

import asyncio
import base64
import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import nextafter

from pydantic import TypeAdapter

from adapters.store.port import Documents
from bot.rulebook import personal
from bot.rulebook.personal import PersonalAlert
from bot.rulebook.personal_rules import RECIPIENT
from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.model import Observation, Status, Transition, TransitionKind
from rules.planning.crowd import Crowd, PriceAlert, Strike, Way
from rules.problems import ProblemsFound
from rules.universe import Universe

LEVELS, STRUCK = "price_levels", "price_alerts_struck"
_AT_ONCE = 200
_SEEN = TypeAdapter(Observation)
Document = tuple[str, str]


@dataclass(slots=True)
class _Waiting:
    """A strike that is not told yet, or not completely."""

    key: str
    strike: Strike


class PriceWatch:
    """Keeps the crowd of an engine's state in step with the store."""

    def __init__(self, documents: Documents, universe: Universe, calendars: Calendars) -> None:
        self._documents = documents
        self._universe, self._calendars = universe, calendars
        self._waiting: list[_Waiting] = []

    async def load(self) -> Crowd:
        """The alerts that wait, and what is still to be told."""
        struck = await self._documents.all(STRUCK)
        self._waiting = [_Waiting(key, _read(text)) for key, text in sorted(struck.items())]
        return Crowd.unpack(await self._documents.all(LEVELS))

    @property
    def is_busy(self) -> bool:
        """Whether something is still to be told."""
        return bool(self._waiting)

    async def learn(self, crowd: Crowd) -> dict[Document, str | None]:
        """Take up what was added and ended; return the documents whose removal is to be committed."""
        changes = await self._documents.all(personal.CHANGES)
        for text in changes.values():
            change = personal.Change.read(text)
            if change.gone:
                crowd.remove(change.price)
            else:
                crowd.add(change.price)
        return {(personal.CHANGES, key): None for key in changes}

    def keep(self, crowd: Crowd) -> dict[Document, str | None]:
        """The documents to commit for what the crowd decided."""
        struck, levels = crowd.drain()
        found: dict[Document, str | None] = {(LEVELS, symbol): text for symbol, text in levels.items()}
        for strike in struck:
            key = f"{strike.seen.known_at.isoformat()} {strike.seen.series} {strike.ids[0]}"
            self._waiting.append(_Waiting(key, strike))
            found[STRUCK, key] = _written(strike)
        return found

    async def tell(self) -> tuple[Sequence[Transition], dict[Document, str | None]]:
        """The next alerts that were struck, as transitions, and the documents to commit with them."""
        if not self._waiting:
            return (), {}
        first = self._waiting[0]
        chosen, rest = first.strike.ids[:_AT_ONCE], first.strike.ids[_AT_ONCE:]
        found = [await personal.find(self._documents, personal.id_of(number)) for number in chosen]
        alerts = [alert for alert in found if alert is not None and alert.price is not None]
        told = await asyncio.to_thread(transitions, first.strike.seen, alerts, self._universe, self._calendars)
        # one that was asked for again since then waits anew
        over = personal.ended(alert for alert in alerts if alert.created_at <= first.strike.seen.known_at)
        if not rest:
            del self._waiting[0]
            return told, {(STRUCK, first.key): None, **over}
        first.strike = replace(first.strike, ids=rest)
        return told, {(STRUCK, first.key): _written(first.strike), **over}


def transitions(
    seen: Observation, alerts: Sequence[PersonalAlert], universe: Universe, calendars: Calendars
) -> list[Transition]:
    """What the engine says when the price of ``seen`` makes ``alerts`` true: their rules see the move alone.

    An alert that had expired by then says nothing.
    """
    return [
        replace(told, at=seen.known_at, options={**told.options, RECIPIENT: recipient})
        for rises in (True, False)
        for told, recipient in _moved(
            seen, [each for each in alerts if _rises(each, seen) is rises], universe, calendars
        )
    ]


def _moved(
    seen: Observation, alerts: Sequence[PersonalAlert], universe: Universe, calendars: Calendars
) -> Iterator[tuple[Transition, str]]:
    prices = [alert.price for alert in alerts if alert.price is not None]
    if not prices:
        return
    owners = {alert.rule_id: alert.owner for alert in alerts}
    engine = _engine(alerts, universe, calendars)
    earlier = seen.at - timedelta(seconds=1)
    before = replace(seen, at=earlier, known_at=earlier, value=_before(prices, float(seen.value or 0)))
    state = engine.initial_state(earlier)
    state, _ = engine.advance(state, [replace(before, status=Status.PARTIAL)], earlier)
    for told in engine.advance(state, [replace(seen, known_at=seen.at)], seen.at)[1]:
        if told.kind is TransitionKind.FIRED:
            yield told, owners[told.rule]


def _engine(alerts: Sequence[PersonalAlert], universe: Universe, calendars: Calendars) -> Engine:
    """Of one whose instrument left the universe nothing is told: it must not stop the others."""
    try:
        return Engine([alert.spec() for alert in alerts], universe, calendars)
    except ProblemsFound:
        return Engine(personal.compiling([alert.spec() for alert in alerts], universe, calendars), universe, calendars)


def _rises(alert: PersonalAlert, seen: Observation) -> bool:
    """Whether the alert was struck from below."""
    price = alert.price
    if price is None or price.way in {Way.ABOVE, Way.AT_LEAST, Way.CROSSES_UP}:
        return True
    return price.way is Way.CROSSES and float(seen.value or 0) > price.level


def _before(prices: Sequence[PriceAlert], price: float) -> float:
    """A price at which none of them holds yet, on the side from which they were struck."""
    levels = [each.level for each in prices]
    low, high = nextafter(min(levels), 0), nextafter(max(levels), float("inf"))
    return low if price >= max(levels) else high


def _written(strike: Strike) -> str:
    ids = base64.b64encode(strike.ids.tobytes()).decode()
    return json.dumps({"seen": _SEEN.dump_python(strike.seen, mode="json"), "ids": ids})


def _read(text: str) -> Strike:
    plain: Mapping[str, str] = json.loads(text)
    return Strike(_SEEN.validate_python(plain["seen"]), array("q", base64.b64decode(plain["ids"])))
