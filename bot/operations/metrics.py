"""What Prometheus reads: gauges over what the store knows, so that any one process can tell of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from adapters.feeds.port import SourceHealth
from adapters.store.port import Store
from bot.rulebook.files import standing_mistakes
from rules.engine import CLOCK_KEY, AlertRecord

CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The system at one instant."""

    sources: tuple[SourceHealth, ...]
    waiting: int
    lanes: int
    dead: int
    caught_up: bool
    """Whether everything on the tape was evaluated."""
    evaluated_at: float | None
    """When the engine last committed a turn, in seconds since 1970 UTC."""
    phases: dict[str, int]
    rule_mistakes: int
    """Mistakes that keep edited rule files from being taken up."""


async def snapshot(store: Store, sources: Iterable[SourceHealth]) -> Snapshot:
    """Read the store; raise ``StoreUnavailable``."""
    records = {key: AlertRecord.from_json(text) for key, text in (await store.states.alerts()).items()}
    clock = records.pop(CLOCK_KEY, None)
    waiting = await store.outbox.waiting()
    return Snapshot(
        sources=tuple(sources),
        waiting=sum(waiting.values()),
        lanes=len(waiting),
        dead=len(await store.outbox.dead()),
        caught_up=await store.states.cursor() == await store.tape.end(),
        evaluated_at=clock.fired_at.timestamp() if clock and clock.fired_at else None,
        phases=dict(Counter(record.phase.value for record in records.values())),
        rule_mistakes=len(await standing_mistakes(store.documents)),
    )


def exposition(seen: Snapshot) -> str:
    """``seen``, and this process, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collected(seen))
    ProcessCollector(registry=registry)
    return generate_latest(registry).decode()


class _Collected(Collector):
    def __init__(self, seen: Snapshot) -> None:
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        """Every gauge."""
        seen = self._seen
        yield _gauge("outbox_waiting", "Messages that wait to be delivered.", seen.waiting)
        yield _gauge("outbox_lanes", "Destinations with messages that wait.", seen.lanes)
        yield _gauge("outbox_dead", "Messages that were given up (at most 100 are counted).", seen.dead)
        yield _gauge("engine_caught_up", "1 when everything on the tape was evaluated.", int(seen.caught_up))
        yield _gauge("rule_mistakes", "Mistakes that keep edited rule files from running.", seen.rule_mistakes)
        if seen.evaluated_at is not None:
            yield _gauge("engine_evaluated_timestamp_seconds", "When the engine last evaluated.", seen.evaluated_at)
        alerts = GaugeMetricFamily("tapewatch_alerts", "Alert instances by phase.", labels=["phase"])
        for phase, count in sorted(seen.phases.items()):
            alerts.add_metric([phase], count)
        yield alerts
        yield from _of_sources(seen.sources)


def _of_sources(sources: Iterable[SourceHealth]) -> Iterator[Metric]:
    well = GaugeMetricFamily("tapewatch_source_up", "0 while a source is degraded.", labels=["source"])
    told = GaugeMetricFamily(
        "tapewatch_source_last_success_timestamp_seconds", "When a source last answered.", labels=["source"]
    )
    for source in sources:
        well.add_metric([source.source], 0 if source.degraded_since else 1)
        if source.last_success:
            told.add_metric([source.source], source.last_success.timestamp())
    yield well
    yield told


def _gauge(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tapewatch_{name}", says, value=value)
