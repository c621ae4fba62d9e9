"""Figures are written by the table of the chat design."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import numbers
from rules.model import Lang


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (0.05, 1, "0.1"),  # half goes away from zero, up
        (-0.05, 1, "-0.1"),  # and down
        (30.575, 2, "30.58"),  # the decimal that is written decides, not the binary one below it
        (0.1 + 0.2, 1, "0.3"),  # noise is no reason to round differently
        (2.4999999999999996, 0, "3"),  # 2.5 with noise
        (2.449999, 1, "2.4"),  # one rounding: not 2.45 and then 2.5
        (1e15, 0, "1000000000000000"),
    ],
)
def test_rounding_is_half_away_from_zero_and_happens_once(value: float, decimals: int, expected: str) -> None:
    """Ties leave zero behind, whatever the sign."""
    assert str(numbers.rounded(value, decimals)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.054, "+5.4%"),
        (-0.041, "-4.1%"),
        (0.0, "0.0%"),
        (-0.0004, "0.0%"),  # what rounds to zero has no sign
        (0.9994, "+99.9%"),
        (0.9996, "+100%"),  # rounds to 100.0, so it has no decimals
        (7.99, "+799%"),
        (-1.0, "-100%"),
        (-0.449, "-44.9%"),
        (None, "—"),
    ],
)
def test_percent_changes(value: float | None, expected: str) -> None:
    """One decimal and a sign; no decimals from 100% on."""
    assert numbers.percent(value) == expected


def test_a_ratio_takes_its_decimals_and_no_sign() -> None:
    """A share of something is not a change."""
    assert numbers.percent(0.039824, decimals=2, signed=False) == "3.98%"


@pytest.mark.parametrize(
    ("value", "lang", "expected"),
    [
        (-0.02533, "zh", "-2.5pct"),
        (-0.02533, "en", "-2.5pp"),
        (0.02, "zh", "+2.0pct"),
        (0.0, "en", "0.0pp"),
        (None, "en", "—"),
    ],
)
def test_differences_of_percents(value: float | None, lang: Lang, expected: str) -> None:
    """Percentage points have a unit of their own in each language."""
    assert numbers.points(value, lang) == expected


@pytest.mark.parametrize(
    ("value", "crypto", "zh", "en"),
    [
        (5001.4, False, "5001.4", "5,001.4"),
        (20033.14, False, "20033.1", "20,033.1"),
        (73620.4, True, "73,620", "$73,620"),
        (2500.5, True, "2,501", "$2,501"),
        (197.93, False, "197.93", "197.93"),
        (135.4, False, "135.40", "135.40"),
        (1.0, False, "1.00", "1.00"),
        (0.7151, False, "0.7151", "0.7151"),
        (0.5, True, "0.5000", "$0.5000"),
        (10.325, False, "10.33", "10.33"),
        (None, True, "—", "—"),
    ],
)
def test_prices(value: float | None, crypto: bool, zh: str, en: str) -> None:
    """The decimals follow the size; coins are whole dollars above 1,000."""
    assert (numbers.price(value, "zh", crypto=crypto), numbers.price(value, "en", crypto=crypto)) == (zh, en)


@pytest.mark.parametrize(
    ("value", "currency", "signed", "zh", "en"),
    [
        (-54.9e6, "USD", True, "-0.55 亿美元", "-$54.9M"),
        (2220.2e6, "USD", True, "+22.20 亿美元", "+$2.22B"),
        (3057.5e6, "USD", False, "30.58 亿美元", "$3.06B"),
        (92.79e9, "USD", False, "927.9 亿美元", "$92.79B"),
        (2.33e12, "USD", False, "2.33 万亿美元", "$2.33T"),
        (4.35e9, "HKD", False, "43.50 亿港元", "HK$4.35B"),
        (9.9996e9, "USD", False, "100.0 亿美元", "$10.00B"),  # rounds into the next precision
        (999.96e6, "USD", False, "10.00 亿美元", "$1.00B"),  # rounds into the next unit
        (999.996e9, "USD", False, "1.00 万亿美元", "$1.00T"),
        (12.3e6, "CHF", False, "0.12 亿CHF", "CHF 12.3M"),
        (30_000.0, "USD", False, "<0.01 亿美元", "<$0.1M"),  # never 0.00 for what is not zero
        (-30_000.0, "USD", True, "-<0.01 亿美元", "-<$0.1M"),
        (0.0, "USD", True, "0.00 亿美元", "$0.0M"),
        (None, "USD", False, "—", "—"),
    ],
)
def test_money(value: float | None, currency: str, signed: bool, zh: str, en: str) -> None:
    """Hundred millions and trillions in Chinese; M, B and T in English."""
    found = (numbers.money(value, currency, "zh", signed=signed), numbers.money(value, currency, "en", signed=signed))
    assert found == (zh, en)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-54.9e6, "-54.9"), (0.0, "0.0"), (1045e6, "1045.0"), (20_000.0, "<0.1"), (-20_000.0, "-<0.1"), (None, "—")],
)
def test_table_cells_in_millions(value: float | None, expected: str) -> None:
    """A cell leaves the unit to its header."""
    assert numbers.amount(value, 6, 1) == expected


def test_money_that_is_not_a_number_is_refused() -> None:
    """Infinity has no unit."""
    with pytest.raises(ValueError, match="inf is not a finite number"):
        numbers.money(math.inf, "USD", "en")


@pytest.mark.parametrize(
    ("quarter", "year", "shift", "zh", "en"),
    [
        (3, 2024, 0, "3Q24", "CQ3'24"),
        (3, 2024, 2, "FY1Q25（3Q24）", "FQ1'25 (CQ3'24)"),
        (2, 2023, 2, "FY4Q23（2Q23）", "FQ4'23 (CQ2'23)"),
        (4, 2099, 2, "FY2Q00（4Q99）", "FQ2'00 (CQ4'99)"),
    ],
)
def test_quarters(quarter: int, year: int, shift: int, zh: str, en: str) -> None:
    """A fiscal quarter names its calendar quarter."""
    found = (
        numbers.quarter(quarter, year, "zh", fiscal_shift=shift),
        numbers.quarter(quarter, year, "en", fiscal_shift=shift),
    )
    assert found == (zh, en)


def test_how_much_is_in() -> None:
    """A preliminary figure tells how many have reported."""
    assert (numbers.preliminary(9, 11, "zh"), numbers.preliminary(9, 11, "en")) == ("初值 9/11", "prelim 9/11")


@given(st.integers(-(10**9), 10**9), st.integers(0, 4))
def test_rounding_agrees_with_exact_decimals(thousandths: int, decimals: int) -> None:
    """Against an oracle in integers: the nearest multiple, the farther from zero on a tie."""
    value = thousandths / 1000
    step = 10 ** (3 - decimals) if decimals < 3 else 1
    oracle = (abs(thousandths) + step // 2) // step * step
    expected = Decimal(oracle if thousandths >= 0 else -oracle) / 1000
    assert numbers.rounded(value, decimals) == expected


@given(st.floats(-1e14, 1e14, allow_nan=False), st.sampled_from(["zh", "en"]))
def test_money_never_shows_a_bare_zero_for_something(value: float, lang: Lang) -> None:
    """Only zero is written as zero, and the sign is the amount's."""
    text = numbers.money(value, "USD", lang)
    assert text.startswith("-") == (value < 0)
    assert ("<" in text or any(digit in text for digit in "123456789")) == (value != 0)
