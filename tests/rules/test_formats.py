"""Figures as chat.md's table of numbers wants them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.formats import suits, write
from rules.language.template import Format, Hole, parse_template


def layout(spec: str) -> Format:
    """The format behind a hole's colon."""
    (hole,) = parse_template(f"{{BTC:{spec}}}")
    assert isinstance(hole, Hole)
    assert hole.format is not None
    return hole.format


@pytest.mark.parametrize(
    ("value", "unit", "spec", "en", "zh"),
    [
        (-0.041, "%", "+.1%", "-4.1%", "-4.1%"),
        (0.054, "%", "+.1%", "+5.4%", "+5.4%"),
        (-0.0001, "%", "+.1%", "0.0%", "0.0%"),  # never -0.0
        (1.73, "%", "", "173%", "173%"),  # no decimals from 100% on
        (-0.0249, "pp", "+.1pp", "-2.5pp", "-2.5pct"),
        (0.0125, "%", ".1%", "1.3%", "1.3%"),  # half away from zero, not to even
        (-0.0125, "%", ".1%", "-1.3%", "-1.3%"),
        (0.00255, "%", ".0bp", "26bp", "26bp"),
        (5001.4, "price:USD", "", "5,001.4", "5001.4"),
        (73620.0, "price:USD", ",.0f", "73,620", "73,620"),
        (135.4, "price:USD", "", "135.40", "135.40"),
        (0.7151, "price:USD", "", "0.7151", "0.7151"),
        (-54.9e6, "money:USD", "+$", "-$54.9M", "-0.55 亿美元"),
        (2220.1e6, "money:USD", "+$", "+$2.22B", "+22.20 亿美元"),
        (2.33e12, "money:USD", "", "$2.33T", "2.33 万亿美元"),
        (4.35e9, "money:HKD", "", "HK$4.35B", "43.50 亿港元"),
        (30e9, "money:USD", "", "$30.00B", "300.0 亿美元"),
        (1000.0, "money:USD", "", "<$0.1M", "<0.01 亿美元"),  # never 0.00 for something
        (0.0, "money:USD", "", "$0.0M", "0.00 亿美元"),
        (2040.0, "s", "", "34 min", "34 分钟"),
        (1.0, "days", "", "1 day", "1 天"),
        (20028.0, "date", "", "1 Nov 2024", "2024年11月1日"),
        (1.0, "bool", "", "yes", "是"),
        (5.2e9, "money:USD", ".1bn", "5.2bn", "5.2bn"),
        (73_000.0, "", ",d", "73,000", "73,000"),
        (0.9996, "%", "", "100%", "100%"),  # judged after rounding
        (2.5, "", ".1x", "2.5x", "2.5x"),
        (None, "%", "+.1%", "—", "—"),
        (math.nan, "money:USD", "", "—", "—"),
        (math.inf, "", "", "—", "—"),
    ],
)
def test_figures_are_written_by_unit_and_language(value: float | None, unit: str, spec: str, en: str, zh: str) -> None:
    """One row a kind of figure."""
    assert (en, zh) == tuple(write(value, unit, layout(spec), lang) for lang in ("en", "zh"))


@pytest.mark.parametrize(
    ("spec", "unit", "fits"),
    [
        ("+.1%", "%", True),
        ("+.1%", "money:USD", False),
        ("$", "%", False),
        ("pp", "%", True),
        ("+", "date", False),
        ("", "date", True),
    ],
)
def test_a_format_fits_some_units(spec: str, unit: str, fits: bool) -> None:
    """Money isn't written in percent, nor a date with a sign."""
    assert fits is suits(layout(spec), unit)


@given(
    st.floats(allow_nan=True),
    st.sampled_from(["", "%", "pp", "price:USD", "money:HKD", "s", "days"]),
    st.sampled_from(["", "%", "f", "bn", "$", "d"]),
)
def test_every_float_can_be_written(value: float, unit: str, kind: str) -> None:
    """No size of a figure breaks a message."""
    assert write(value, unit, Format(kind=kind), "zh")
