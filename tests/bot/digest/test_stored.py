"""What a digest takes of the archive."""

from datetime import UTC, date, datetime

from adapters.store.redis import RedisStore
from bot.digest.stored import stored_data
from bot.feeding.archive import FIELDS, Archive
from rules.model import Observation

CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC)


async def test_of_most_bars_the_close_alone_is_taken(store: RedisStore) -> None:
    """Candles are drawn of coins; of all else a digest tells closes, and whatever isn't a bar."""
    bars = [
        Observation(f"prices.{name}.{field}", CLOSE, CLOSE, 1.0) for name in ("NVDA", "BTC-USD") for field in FIELDS
    ]
    others = [Observation(name, CLOSE, CLOSE, 2.0) for name in ("prices.NVDA.market_cap", "etf_flows.BTC.total")]
    await Archive(store.bars, store.documents).keep([*bars, *others])
    known = await stored_data(store.bars, store.documents, CLOSE, whole_bars={"BTC-USD"})
    day = date(2024, 11, 1)
    assert [True, False, True, True] == [
        known.on(series, day) is not None
        for series in ("prices.NVDA.close", "prices.NVDA.high", "prices.BTC-USD.high", "prices.NVDA.market_cap")
    ]
    assert known.on("etf_flows.BTC.total", day) is not None
