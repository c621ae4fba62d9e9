"""The memory of daily figures on a real store."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.store.embedded import open_store
from adapters.store.redis import RedisStore
from bot.feeding.archive import FIELDS, KEPT, Archive
from rules.model import Observation, Status
from tests.fakes.documents import MemoryDocuments

DAY = datetime(2023, 12, 29, 21, tzinfo=UTC)

FIGURES = st.builds(
    lambda series, day, lag, value, status: Observation(
        series, DAY + timedelta(days=day), DAY + timedelta(days=day, hours=lag), value, status, "source ü"
    ),
    st.sampled_from(["etf_flows.BTC.IBIT", "etf_flows.BTC.total", "fear_greed.alternative_me.value"]),
    st.integers(0, 5),
    st.integers(0, 20),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(Status),
)
BARS = st.builds(
    lambda symbol, field, day, value: Observation(
        f"prices.{symbol}.{field}", DAY + timedelta(days=day), DAY + timedelta(days=day), value, source="yahoo"
    ),
    st.sampled_from(["NVDA", "0700.HK", "^SOX"]),
    st.sampled_from(FIELDS),
    st.integers(0, 5),
    st.floats(0.01, 1e9),
)


@pytest.fixture
def archive(store: RedisStore) -> Archive:
    return Archive(store.bars, store.documents)


def latest(observations: list[Observation]) -> set[Observation]:
    """Of each series and time the figure that was told last."""
    return set({(item.series, item.at): item for item in observations}.values())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(FIGURES | BARS, max_size=12), min_size=1, max_size=4))
def test_what_is_kept_comes_back(tmp_path: Path, batches: list[list[Observation]]) -> None:
    """Whatever is kept, in whatever portions, comes back: of each series and time what was told last, oldest first."""

    async def round_trip() -> None:
        async with open_store(None, tmp_path) as store:
            archive = Archive(store.bars, MemoryDocuments())
            for symbol in ("NVDA", "0700.HK", "^SOX"):
                await archive.forget(symbol)
            for batch in batches:
                await archive.keep(batch)
            loaded = await archive.load()
        assert latest([item for batch in batches for item in batch]) == set(loaded)
        assert len(set(loaded)) == len(loaded)
        assert [(item.known_at, item.at) for item in loaded] == sorted((item.known_at, item.at) for item in loaded)

    asyncio.run(round_trip())


async def test_it_is_read_in_portions(archive: Archive) -> None:
    """A symbol's bars or another series at a time, each oldest first: no more of it is in memory together."""
    told = [
        Observation(f"prices.{symbol}.{field}", at, at, 1.0)
        for at in (DAY + timedelta(days=1), DAY)
        for symbol in ("NVDA", "AMD")
        for field in ("close", "high")
    ]
    await archive.keep([*told, Observation("etf_flows.BTC.total", DAY, DAY, 1.0)])
    portions = [portion async for portion in archive.read()]
    assert [1, 4, 4] == sorted(map(len, portions))
    assert all(1 == len({item.series.split(".")[1] for item in portion}) for portion in portions)
    assert all([*portion] == sorted(portion, key=lambda item: item.at) for portion in portions)
    assert {item for portion in portions for item in portion} == set(await archive.load())


async def test_running_bars_are_left_out(archive: Archive) -> None:
    """A tick and a bar without a value are no history."""
    tick = Observation("prices.NVDA.close", DAY, DAY, 1.0, Status.PARTIAL)
    await archive.keep([tick, Observation("prices.NVDA.high", DAY, DAY, None)])
    assert [] == await archive.load()


async def test_a_revised_close_leaves_the_rest_of_its_bar(archive: Archive) -> None:
    """A later figure of one field doesn't blank the others."""
    await archive.keep([Observation(f"prices.NVDA.{field}", DAY, DAY, 10.0) for field in FIELDS])
    await archive.keep([Observation("prices.NVDA.close", DAY, DAY, 10.5)])
    assert {"close": 10.5, "high": 10.0, "low": 10.0, "open": 10.0, "volume": 10.0} == {
        item.series.rpartition(".")[2]: item.value for item in await archive.load()
    }


async def test_only_what_is_asked_for_is_loaded(archive: Archive) -> None:
    """Pairs of feed and key."""
    series = ["prices.NVDA.close", "prices.AMD.close", "etf_flows.BTC.total", "etf_flows.ETH.total"]
    await archive.keep([Observation(name, DAY, DAY, 1.0) for name in series])
    loaded = await archive.load(only={("prices", "AMD"), ("etf_flows", "BTC")})
    assert ["etf_flows.BTC.total", "prices.AMD.close"] == sorted(item.series for item in loaded)


async def test_a_symbol_that_is_forgotten_is_gone(archive: Archive) -> None:
    """Its bars only."""
    await archive.keep([Observation(f"prices.{name}.close", DAY, DAY, 1.0) for name in ("NVDA", "AMD")])
    await archive.forget("NVDA")
    assert ["prices.AMD.close"] == [item.series for item in await archive.load()]


async def test_of_a_series_the_newest_figures_are_kept(archive: Archive) -> None:
    """No series grows for ever."""
    told = [Observation("x.y.value", DAY + timedelta(days=n), DAY, float(n)) for n in range(KEPT + 5)]
    await archive.keep(told)
    assert (KEPT, 5.0) == (len(await archive.load()), min(item.value or 0.0 for item in await archive.load()))


async def test_the_revision_changes_with_what_is_kept_and_with_nothing_else(archive: Archive) -> None:
    """What is told again is no news; a revised value, a new day and a new series are."""
    bar = Observation("prices.NVDA.close", DAY, DAY, 135.4, source="yahoo")
    flow = Observation("etf_flows.BTC.total", DAY, DAY, -54.9e6, source="Farside")
    seen = [await archive.revision()]
    for told in ([bar, flow], [bar, flow], [replace(bar, value=135.5)], [replace(bar, value=135.5)], [],
                 [replace(flow, at=DAY + timedelta(days=1))], [replace(flow, status=Status.PENDING, value=None)],
                 [replace(bar, status=Status.PARTIAL)]):  # fmt: skip
        await archive.keep(told)
        seen.append(await archive.revision())
    changed = [after != before for before, after in pairwise(seen)]
    assert changed == [True, False, True, False, False, True, True, False]
    await archive.forget("NVDA")
    assert await archive.revision() != seen[-1]
