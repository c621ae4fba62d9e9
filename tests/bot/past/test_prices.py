from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np

from bot.market.view import MarketView
from bot.past.prices import from_observations
from rules.calendars.sessions import Calendars
from rules.loading.universe_file import load_universe
from rules.model import Observation, Status
from rules.universe import Universe

UNIVERSE: Universe = load_universe()
CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC)
LATER = datetime(2024, 11, 2, 1, 40, tzinfo=UTC)


def columns(observations: Sequence[Observation]) -> dict[str, dict[str, list[float]]]:
    data = from_observations(observations, MarketView(UNIVERSE, Calendars()), UNIVERSE)
    return {f"{bars.feed}.{bars.key}": {k: v.tolist() for k, v in bars.fields.items()} for bars in data.bars}


def test_kept_figures_become_columns_of_their_sessions() -> None:
    """A row a session, a column a field, and a gap where a field was not known."""
    first = datetime(2024, 10, 31, 20, tzinfo=UTC)
    known = [
        Observation("prices.NVDA.close", first, first, 132.76),
        Observation("prices.NVDA.close", CLOSE, CLOSE, 135.4),
        Observation("prices.NVDA.high", CLOSE, CLOSE, 137.31),
        Observation("etf_flows.BTC.total", CLOSE, LATER, -54.9e6),
    ]
    found = columns(known)
    assert [132.76, 135.4] == found["prices.NVDA"]["close"]
    assert np.array_equal([np.nan, 137.31], found["prices.NVDA"]["high"], equal_nan=True)
    assert {"total": [-54.9e6]} == found["etf_flows.BTC"]


def test_a_revision_replaces_and_a_running_figure_is_left_out() -> None:
    """What became known last stands; partial and pending figures are of no session yet."""
    known = [
        Observation("etf_flows.BTC.total", CLOSE, LATER, -54.9e6),
        Observation("etf_flows.BTC.total", CLOSE, CLOSE, 10e6),
        Observation("prices.NVDA.close", CLOSE, CLOSE, 1.0, Status.PARTIAL),
        Observation("etf_flows.ETH.total", CLOSE, CLOSE, None, Status.PENDING),
    ]
    assert {"etf_flows.BTC": {"total": [-54.9e6]}} == columns(known)


def test_the_span_is_that_of_all_figures() -> None:
    """From the first to the last day of any series; nothing at all has none."""
    market = MarketView(UNIVERSE, Calendars())
    data = from_observations([Observation("prices.NVDA.close", CLOSE, CLOSE, 1.0)], market, UNIVERSE)
    assert (date(2024, 11, 1), date(2024, 11, 1)) == data.span
    assert from_observations([], market, UNIVERSE).span is None
