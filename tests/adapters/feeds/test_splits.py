from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feeds.daily_bars import Bar, Chart, Split
from adapters.feeds.splits import looks_like_split, rescaled_since, with_history_rescaled

DAY = date(2026, 7, 13)
PRICES = st.lists(st.floats(1.0, 10_000.0), min_size=3, max_size=8)
RATIOS = st.sampled_from([1.5, 2.0, 3.0, 4.0, 10.0, 20.0, 0.5, 0.1, 0.05])


def chart(closes: list[float], *splits: Split) -> Chart:
    """A bar a day."""
    bars = [Bar(DAY + timedelta(days=n), c, c, c, c, 100.0) for n, c in enumerate(closes)]
    return Chart("X", tuple(bars), splits=splits)


def given_closes(closes: list[float]) -> dict[date, float]:
    """What was told before."""
    return {DAY + timedelta(days=n): close for n, close in enumerate(closes)}


@given(PRICES, RATIOS)
def test_a_common_factor_is_a_rescaling(closes: list[float], ratio: float) -> None:
    """Closes that all differ by one factor were rescaled by it, whatever they are."""
    found = rescaled_since(given_closes(closes), chart([close / ratio for close in closes]))
    assert found == pytest.approx(ratio)


@given(PRICES)
def test_the_same_closes_are_no_rescaling(closes: list[float]) -> None:
    """Unchanged closes have no factor."""
    assert rescaled_since(given_closes(closes), chart(closes)) is None


@given(PRICES, st.floats(1.05, 3.0))
def test_a_revised_day_is_no_rescaling(closes: list[float], by: float) -> None:
    """One corrected close among others that stay is a revision."""
    assert rescaled_since(given_closes(closes), chart([closes[0] * by, *closes[1:]])) is None


def test_one_day_is_too_little() -> None:
    """A single close that differs may be an error; it is no rescaling."""
    assert rescaled_since(given_closes([100.0]), chart([10.0, 10.1])) is None


@given(RATIOS)
def test_an_undone_split_is_done(ratio: float) -> None:
    """Bars before a declared split that the source left in old shares come out in new ones; volumes grow in turn."""
    raw = chart([100.0, 101.0, 102.0 / ratio, 103.0 / ratio], Split(DAY + timedelta(days=2), ratio))
    done = with_history_rescaled(raw).bars
    assert [bar.close for bar in done] == pytest.approx([x / ratio for x in (100.0, 101.0, 102.0, 103.0)])
    assert [bar.volume for bar in done] == pytest.approx([100.0 * ratio, 100.0 * ratio, 100.0, 100.0])


@given(RATIOS)
def test_a_split_that_is_done_is_left_alone(ratio: float) -> None:
    """A history that the source has rescaled already isn't rescaled twice."""
    done = chart([100.0, 101.0, 102.0, 103.0], Split(DAY + timedelta(days=2), ratio))
    assert with_history_rescaled(done) == done


@pytest.mark.parametrize("day", [DAY - timedelta(days=1), DAY, DAY + timedelta(days=9)])
def test_a_split_outside_the_bars_changes_nothing(day: date) -> None:
    """A split before the first bar, on it, or after the last one leaves the chart as it is."""
    raw = chart([100.0, 10.0, 10.0], Split(day, 10.0))
    assert with_history_rescaled(raw) == raw


@pytest.mark.parametrize(
    ("before", "after", "ratio"),
    [
        (1000.0, 100.0, 10.0),
        (1000.0, 98.0, 10.0),  # with a move of two per cent on the day
        (300.0, 200.0, None),  # a fall by a third is commoner than three for two
        (10.0, 100.0, 0.1),  # reverse
        (100.0, 93.0, None),  # a bad day
        (100.0, 60.0, None),  # a very bad day
        (100.0, 100.0, None),
        (None, 100.0, None),
        (100.0, 0.0, None),
    ],
)
def test_what_an_undeclared_split_looks_like(before: float | None, after: float | None, ratio: float | None) -> None:
    """A change by a usual ratio, within three per cent, looks like a split; an ordinary move doesn't."""
    assert looks_like_split(before, after) == ratio
