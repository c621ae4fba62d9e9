from datetime import UTC, datetime, timedelta

import pytest

from adapters.clock import SteppingClock
from adapters.feeds.cool_downs import StoredCoolDowns
from adapters.feeds.port import Fault
from adapters.http import HttpClient, HttpFailure, Source
from tests.fakes.documents import MemoryDocuments
from tests.fakes.http_server import FakeHttp, ok_json, rate_limited

NOW = datetime(2026, 7, 17, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = Source(name="src", base_url="http://example.invalid")


async def test_a_pause_holds_for_every_process() -> None:
    """What one process was told, another that shares the store keeps to, until the time is over."""
    documents = MemoryDocuments()
    await StoredCoolDowns(documents).begin("yahoo", NOW + HOUR, "HTTP 429")
    other = StoredCoolDowns(documents)
    instants = (NOW, NOW + HOUR - timedelta(seconds=1), NOW + HOUR)
    assert [await other.until("yahoo", now) for now in instants] == [NOW + HOUR, NOW + HOUR, None]
    assert await other.until("farside", NOW) is None


async def test_a_longer_pause_stays() -> None:
    """A shorter pause doesn't end a longer one."""
    documents = MemoryDocuments()
    await StoredCoolDowns(documents).begin("yahoo", NOW + 2 * HOUR, "HTTP 429")
    await StoredCoolDowns(documents).begin("yahoo", NOW + HOUR, "HTTP 429")
    assert await StoredCoolDowns(documents).until("yahoo", NOW) == NOW + 2 * HOUR


async def test_without_a_store_a_process_keeps_its_own() -> None:
    """While the store is away the process that was told still pauses."""
    documents = MemoryDocuments()
    documents.away = True
    cool_downs = StoredCoolDowns(documents)
    await cool_downs.begin("yahoo", NOW + HOUR, "HTTP 429")
    assert await cool_downs.until("yahoo", NOW) == NOW + HOUR


async def test_an_operator_may_end_it() -> None:
    """A pause can be ended before its time."""
    cool_downs = StoredCoolDowns(MemoryDocuments())
    await cool_downs.begin("yahoo", NOW + HOUR, "HTTP 429")
    await cool_downs.end("yahoo")
    assert await cool_downs.until("yahoo", NOW) is None


async def test_a_429_silences_other_clients(http_server: FakeHttp) -> None:
    """After a 429 no client of the store asks that source before its time; then the source is asked again."""
    http_server.route("/x", rate_limited("3600"), ok_json(1))
    documents, clock = MemoryDocuments(), SteppingClock(NOW)
    failures = []
    for _ in range(3):
        base_urls = {"src": http_server.base_url}
        async with HttpClient(clock, base_urls=base_urls, cool_downs=StoredCoolDowns(documents)) as http:
            with pytest.raises(HttpFailure) as caught:
                await http.get_json(SOURCE, "/x")
            failures.append((caught.value.fault, caught.value.retry_at))
    assert failures == [(Fault.RATE_LIMITED, NOW + HOUR)] * 3
    assert len(http_server.requests) == 1
    clock.step_to(NOW + HOUR)
    base_urls = {"src": http_server.base_url}
    async with HttpClient(clock, base_urls=base_urls, cool_downs=StoredCoolDowns(documents)) as http:
        assert await http.get_json(SOURCE, "/x") == 1
