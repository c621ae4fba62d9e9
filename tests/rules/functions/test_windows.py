"""Windows against pandas and exact sums, and their independence of what else is loaded."""

from __future__ import annotations

import math
import random
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.functions.stretch import sum_by_pairs
from rules.language.need import sessions_needed
from tests.rules.desk import at, bars, evaluate, plain, typed

RANDOM = random.Random(7)
LONG = [100.0 * math.exp(RANDOM.gauss(0, 0.3)) for _ in range(400)]
OTHER = [50.0 * math.exp(RANDOM.gauss(0, 0.3)) for _ in range(400)]
SERIES, BESIDE = pd.Series(LONG), pd.Series(OTHER)
RETURNS, RETURNS_B = SERIES.pct_change(), BESIDE.pct_change()


def both(text: str, count: int = 400) -> float:
    return evaluate(text, plain({"a": LONG[:count], "b": OTHER[:count]}))


PANDAS = [
    ("sum(a, 20d)", math.fsum(LONG[-20:])),
    ("sum(a, 137d)", math.fsum(LONG[-137:])),
    ("mean(a, 20d)", SERIES.rolling(20).mean().iloc[-1]),
    ("sma(a, 200d)", SERIES.rolling(200).mean().iloc[-1]),
    ("median(a, 20d)", SERIES.rolling(20).median().iloc[-1]),
    ("median(a, 21d)", SERIES.rolling(21).median().iloc[-1]),
    ("min(a, 20d)", SERIES.rolling(20).min().iloc[-1]),
    ("max(a, 20d)", SERIES.rolling(20).max().iloc[-1]),
    ("std(a, 20d)", SERIES.rolling(20).std().iloc[-1]),
    ("zscore(a, 20d)", (SERIES.iloc[-1] - SERIES.tail(20).mean()) / SERIES.tail(20).std()),
    ("pctrank(a, 50d)", (SERIES.tail(50).iloc[:-1] < SERIES.iloc[-1]).mean()),
    ("ema(a, 20d)", SERIES.ewm(span=20, adjust=False).mean().iloc[-1]),
    ("beta(a, b, 60d)", RETURNS.tail(60).cov(RETURNS_B.tail(60)) / RETURNS_B.tail(60).var()),
    ("corr(a, b, 60d)", RETURNS.tail(60).corr(RETURNS_B.tail(60))),
    ("drawdown(a, 60d)", SERIES.iloc[-1] / SERIES.tail(60).max() - 1),
    ("from_high(a, 60d)", 1 - SERIES.iloc[-1] / SERIES.tail(60).max()),
    ("prev(a, 3)", LONG[-4]),
    ("change(a, 5d)", LONG[-1] - LONG[-6]),
    ("ret(a, 5d)", LONG[-1] / LONG[-6] - 1),
    ("rel(a, b, 5d)", LONG[-1] / LONG[-6] - OTHER[-1] / OTHER[-6]),
    ("ratio(a, b)", LONG[-1] / OTHER[-1]),
    ("count(a > b, 30d)", float((SERIES > BESIDE).tail(30).sum())),
    ("sma(a / b, 10d)", (SERIES / BESIDE).tail(10).mean()),
    ("mean(ret(a, 1d), 10d)", RETURNS.tail(10).mean()),
    ("ret(a / b, 5d)", (LONG[-1] / OTHER[-1]) / (LONG[-6] / OTHER[-6]) - 1),
    ("sma(a, 20 bars)", SERIES.tail(20).mean()),
]


@pytest.mark.parametrize(("text", "expected"), PANDAS)
def test_windows_agree_with_pandas(text: str, expected: float) -> None:
    """To one part in 10^9, smoothed averages to one in 10^4 (their look-back is finite)."""
    tolerance = 1e-4 if text.startswith("ema") else 1e-9
    assert pytest.approx(float(expected), rel=tolerance) == both(text)


def wilder(values: pd.Series, count: int) -> pd.Series:
    return values.ewm(alpha=1 / count, adjust=False).mean()


def test_rsi_agrees_with_wilders_smoothing() -> None:
    """Within 0.01 points of the recursion over the whole history."""
    moves = SERIES.diff().dropna()
    gain, loss = wilder(moves.clip(lower=0), 14).iloc[-1], wilder(-moves.clip(upper=0), 14).iloc[-1]
    assert pytest.approx(100 * gain / (gain + loss), abs=0.01) == both("rsi(a, 14d)")


def test_atr_agrees_with_wilders_smoothing() -> None:
    """The true range counts the gap from the close before."""
    high, low = [value * 1.02 for value in LONG], [value * 0.97 for value in LONG]
    close = SERIES.shift()
    ranges = pd.concat([pd.Series(high), close], axis=1).max(axis=1) - pd.concat([pd.Series(low), close], axis=1).min(
        axis=1
    )
    observations = [*bars("prices.AA.close", LONG), *bars("prices.AA.high", high), *bars("prices.AA.low", low)]
    expected = wilder(ranges.iloc[1:], 14).iloc[-1]
    assert pytest.approx(expected, rel=1e-4) == evaluate("atr(AA, 14d)", observations)


@pytest.mark.parametrize("text", [text for text, _ in PANDAS] + ["rsi(a, 14d)", "streak(a > 90)", "is_high(a, 20d)"])
def test_a_window_does_not_depend_on_older_history(text: str) -> None:
    """The same bits with 400 sessions loaded and with the newest 260 alone."""
    assert sessions_needed(typed(text)) <= 260
    newest = [None] * 140
    less = evaluate(text, plain({"a": newest + LONG[140:], "b": newest + OTHER[140:]}))
    assert both(text) == less


NEEDS = [("sum(a, 20d)", 20), ("ret(a, 5d)", 6), ("prev(a, 3)", 4), ("std(a, 5d)", 5), ("is_high(a, 20d)", 20)]
NEEDS += [("sma(a, 20 bars)", 20), ("ret(a, 5 bars)", 6), ("mean(ret(a, 1d), 3d)", 4), ("count(a > 0, 7d)", 7)]


@pytest.mark.parametrize(("text", "rows"), NEEDS)
def test_too_short_history_is_unknown(text: str, rows: int) -> None:
    """One session short is unknown, exactly enough is known."""
    assert rows <= sessions_needed(typed(text)) <= (rows if "bars" not in text else 100)
    assert math.isnan(evaluate(text, plain({"a": LONG[: rows - 1]})))
    assert not math.isnan(evaluate(text, plain({"a": LONG[:rows]})))


HOLES = [
    # a session that is missing inside a window makes it unknown
    ("sum(a, 3d)", math.nan),
    ("sum(a, 2d)", 9.0),
    # bars are counted, not sessions
    ("sum(a, 3 bars)", 11.0),
    ("prev(a, 2)", math.nan),
    ("prev(a, 2 bars)", 2.0),
    ("ret(a, 2d)", math.nan),
    ("ret(a, 2 bars)", 1.5),
]


@pytest.mark.parametrize(("text", "expected"), HOLES)
def test_a_missing_session_is_unknown_not_skipped(text: str, expected: float) -> None:
    """1 2 – 4 5: the third session has no figure."""
    assert pytest.approx(expected, nan_ok=True) == evaluate(text, plain({"a": [1.0, 2.0, None, 4.0, 5.0]}))


FLAT = [
    ("std(a, 20d)", 0.0),
    ("zscore(a, 20d)", math.nan),
    ("rsi(a, 14d)", 50.0),
    ("is_high(a, 20d)", 0.0),
    ("corr(a, b, 20d)", math.nan),
]


@pytest.mark.parametrize(("text", "expected"), FLAT)
def test_a_flat_series_has_no_spread(text: str, expected: float) -> None:
    """What would divide by a spread of zero is unknown."""
    assert pytest.approx(expected, nan_ok=True) == evaluate(text, plain({"a": [0.1] * 400, "b": OTHER}))


def test_streaks_end_at_the_first_false() -> None:
    """Three outflows in a row; an unknown session before them leaves the streak unknown."""
    days = [5.0, -1.0, -2.0, -3.0]
    assert 3.0 == evaluate("streak(a < 0)", plain({"a": days}))
    assert math.isnan(evaluate("streak(a < 0)", plain({"a": [5.0, None, -2.0, -3.0]})))
    assert 0.0 == evaluate("streak(a < 0)", plain({"a": [-1.0, 5.0]}))


PERIODS = [
    # Thursday 4 July and Friday 5 July 2024: New York was closed on the 4th; 28 June ended the week, month and quarter
    ("ret(NY, this_week)", 5 / 1 - 1),
    ("ret(NY, this_month)", 5 / 1 - 1),
    ("ret(NY, this_quarter)", 5 / 1 - 1),
    ("ret(NY, today)", 5 / 4 - 1),
    ("ret(NY, 1w)", 5 / 1 - 1),
    ("ret(NY, 1d)", 5 / 4 - 1),
    ("sum(NY, this_week)", 14.0),
    ("max(NY, 1w)", 5.0),
    ("ret(NY, 1mo)", math.nan),
]


@pytest.mark.parametrize(("text", "expected"), PERIODS)
def test_periods_start_from_the_last_close_before_them(text: str, expected: float) -> None:
    """In a holiday week the sessions are Monday to Wednesday and Friday."""
    observations = bars("prices.NY.close", [1.0, 2.0, 3.0, 4.0, 5.0], "XNYS", date(2024, 6, 28))
    assert pytest.approx(expected, nan_ok=True) == evaluate(text, observations, at("2024-07-05T20:00"))


def test_a_week_without_a_figure_is_unknown() -> None:
    """On Monday before the close there is no return of this week yet, and no price after a close that brought none."""
    observations = bars("prices.NY.close", [1.0, 2.0], "XNYS", date(2024, 6, 27))
    assert math.isnan(evaluate("ret(NY, this_week)", observations, at("2024-07-01T15:00")))
    assert 2.0 == evaluate("NY", observations, at("2024-07-01T15:00"))
    assert math.isnan(evaluate("NY", observations, at("2024-07-01T20:00")))


def test_markets_are_joined_as_of_the_instant() -> None:
    """At New York's close Hong Kong stands at its own last close, and bitcoin's day before is its last full bar."""
    observations = [
        *bars("prices.HK.close", [10.0, 20.0], "XHKG", date(2024, 7, 2)),
        *bars("prices.NY.close", [1.0, 2.0], "XNYS", date(2024, 7, 2)),
        *bars("prices.AA.close", [100.0, 200.0], "24/7", date(2024, 7, 1)),
    ]
    now = at("2024-07-03T17:00")
    assert [2.0, 20.0, 200.0] == [evaluate(name, observations, now) for name in ("NY", "HK", "AA")]
    assert 2.0 / 200.0 - 1.0 / 100.0 == evaluate("change(NY / AA, 1d)", observations, now)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_sums_by_pairs_are_close_to_exact(values: list[float]) -> None:
    """Pairwise summation stays within a few units in the last place of the sum of sizes."""
    found = float(sum_by_pairs(np.array(values)[:, None])[0])
    assert abs(found - math.fsum(values)) <= 1e-14 * math.fsum(map(abs, values))
