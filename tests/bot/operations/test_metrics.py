"""What Prometheus reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.feeds.port import SourceHealth
from adapters.store.port import Commit, OutboxEntry
from adapters.store.redis import RedisStore
from bot.operations.metrics import exposition, snapshot
from bot.rulebook.files import BROKEN, COLLECTION
from rules.engine import CLOCK_KEY, AlertRecord
from rules.model import Observation, Phase

NOW = datetime(2024, 11, 1, 20, 0, tzinfo=UTC)


async def gauges(store: RedisStore, *sources: SourceHealth) -> dict[str, float]:
    """Every gauge of the system, by name and labels."""
    lines = exposition(await snapshot(store, sources)).splitlines()
    told = (line.rsplit(" ", 1) for line in lines if line.startswith("tapewatch_"))
    return {name: float(value) for name, value in told}


async def test_an_empty_store_is_caught_up_and_has_nothing_to_do(store: RedisStore) -> None:
    """Nothing waits, nothing was evaluated, no source was heard of."""
    found = await gauges(store)
    assert (found["tapewatch_outbox_waiting"], found["tapewatch_outbox_lanes"], found["tapewatch_outbox_dead"]) == (
        0,
        0,
        0,
    )
    assert "tapewatch_engine_evaluated_timestamp_seconds" not in found


async def test_what_waits_is_counted_by_message_and_by_destination(store: RedisStore) -> None:
    """Three messages for two chats; what was given up counts apart."""
    outbox = [OutboxEntry(f"A-{at}", f"telegram:{at % 2}", "{}", NOW) for at in range(3)]
    await store.states.commit(Commit(alerts={}, outbox=outbox))
    (claimed,) = await store.outbox.claim("sender", NOW, 1)
    await store.outbox.bury(claimed, "blocked", NOW)
    found = await gauges(store)
    assert (found["tapewatch_outbox_lanes"], found["tapewatch_outbox_dead"]) == (2, 1)
    assert found["tapewatch_outbox_waiting"] == 2


async def test_mistakes_in_rule_files_are_counted_while_they_stand(store: RedisStore) -> None:
    """As the engine left them when it read the files last."""
    assert 0 == (await gauges(store))["tapewatch_rule_mistakes"]
    broken = {"since": NOW.isoformat(), "mistakes": [], "places": ["a.yaml:1:1: x", "a.yaml:2:1: y"]}
    await store.documents.put(COLLECTION, BROKEN, json.dumps(broken))
    assert 2 == (await gauges(store))["tapewatch_rule_mistakes"]


async def test_alerts_are_counted_by_phase_and_the_clock_is_none_of_them(store: RedisStore) -> None:
    """The engine's own clock says when it last evaluated; a tape that it hasn't read is lag."""
    records = {
        "a": AlertRecord(rule="r", version="1", phase=Phase.FIRING),
        "b": AlertRecord(rule="r", version="1", phase=Phase.FIRING),
        "c": AlertRecord(rule="r", version="1", phase=Phase.PENDING),
        CLOCK_KEY: AlertRecord(rule=CLOCK_KEY, version="1", fired_at=NOW),
    }
    await store.states.commit(Commit(alerts={key: record.to_json() for key, record in records.items()}))
    await store.tape.append([Observation("prices.BTC-USD.close", NOW, NOW, 1.0, source="test")])
    found = await gauges(store)
    assert found['tapewatch_alerts{phase="firing"}'] == 2
    assert found['tapewatch_alerts{phase="pending"}'] == 1
    assert found["tapewatch_engine_evaluated_timestamp_seconds"] == NOW.timestamp()
    assert found["tapewatch_engine_caught_up"] == 0


@pytest.mark.parametrize(("since", "up"), [(None, 1), (NOW - timedelta(minutes=5), 0)])
async def test_a_source_is_up_until_it_is_degraded(store: RedisStore, since: datetime | None, up: int) -> None:
    """With the time of its last answer, whichever it is."""
    found = await gauges(store, SourceHealth(source="farside", degraded_since=since, last_success=NOW))
    assert found['tapewatch_source_up{source="farside"}'] == up
    assert found['tapewatch_source_last_success_timestamp_seconds{source="farside"}'] == NOW.timestamp()
