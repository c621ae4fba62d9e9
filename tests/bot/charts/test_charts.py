"""Charts are pure: data in, SVG out, with nothing outside of the frame."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.bars import Bar, columns, grouped, ranked
from bot.charts.candles import Candle, candles
from bot.charts.gauge import gauge
from bot.charts.lines import area
from bot.charts.png import emboldened, label_language, picture
from bot.charts.svg import PAGE, Frame, plain_palette, shortened, text, text_width, ticks

SVG = "{http://www.w3.org/2000/svg}"
FRAME = Frame(620, "Net flow", "$m", "Source: Farside", ident="f")
values = st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=False).map(lambda value: round(value, 2))


def parsed(svg: str) -> ET.Element:
    """The drawing as XML, which it must be."""
    return ET.fromstring(svg)


def texts(root: ET.Element) -> list[str]:
    """What is written in it."""
    return [item.text or "" for item in root.iter(f"{SVG}text")]


@given(st.lists(values, min_size=1, max_size=20), st.sampled_from([340, 620, 1072]))
def test_columns_stay_inside_of_the_frame(flows: list[float], width: int) -> None:
    """Whatever the figures, each column ends between the frame's edges and has no negative size."""
    root = parsed(
        columns(Frame(width, "t", "u", "s"), [Bar(f"{n}", flow, f"{flow:+}") for n, flow in enumerate(flows)])
    )
    rects = list(root.iter(f"{SVG}rect"))
    assert len(rects) == len(flows)
    for rect in rects:
        x, y, w, h = (float(rect.get(name, "0")) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert x + w <= width + 0.1
        assert h > 0
        assert y >= 0


@given(st.lists(values, min_size=1, max_size=30))
def test_an_area_has_one_point_a_day(levels: list[float]) -> None:
    """Equal levels too."""
    root = parsed(area(FRAME, [(str(n), level, f"{level:.0f}") for n, level in enumerate(levels)]))
    line = next(path for path in root.iter(f"{SVG}path") if path.get("fill") == "none")
    assert len(re.findall(r"[ML]", line.get("d", ""))) == len(levels)


@given(st.integers(-(10**14), 10**14), st.integers(0, 10**14))
def test_ticks_span_the_values(cents_low: int, cents: int) -> None:
    """The first is at or below the lowest, the last at or above the highest."""
    low, size = cents_low / 100, cents / 100
    found = ticks(low, low + size)
    slack = max(abs(low), size) * 1e-9
    assert found[0] <= low + slack
    assert found[-1] >= low + size - slack
    assert found == sorted(found)
    assert len(found) <= 12


def test_what_is_not_final_is_hatched() -> None:
    """A provisional column has the pattern, a final one the colour."""
    root = parsed(columns(FRAME, [Bar("31 Oct", 5.0, "+5.0"), Bar("1 Nov", -3.0, "-3.0", firm=False)]))
    assert [rect.get("fill") for rect in root.iter(f"{SVG}rect")] == [PAGE.up, "url(#f-down)"]
    assert {pattern.get("id") for pattern in root.iter(f"{SVG}pattern")} == {"f-up", "f-down"}


def test_a_rising_day_is_hollow_a_falling_one_filled_and_a_close_alone_a_dash() -> None:
    """So a candle is read without its colour."""
    days = [
        Candle("1", None, None, None, 9.0),
        Candle("2", 10.0, 13.0, 9.0, 12.0),
        Candle("3", 12.0, 12.5, 10.0, 11.0),
    ]
    root = parsed(candles(FRAME, days, "high 13 (2)", "11"))
    assert [rect.get("fill") for rect in root.iter(f"{SVG}rect")] == [PAGE.surface, PAGE.down]
    assert {"high 13 (2)", "11"} <= set(texts(root))


def test_bars_carry_label_and_value_as_written() -> None:
    """A chart never rounds."""
    root = parsed(ranked(FRAME, [Bar("高伟电子 1415.HK", 13.1, "+13.1%"), Bar("Dell", 6.8, "+6.8%")]))
    assert texts(root) == ["$m", "高伟电子 1415.HK", "+13.1%", "Dell", "+6.8%", "Source: Farside"]


@given(st.lists(values, min_size=1, max_size=12), st.sampled_from([340, 516, 620]))
def test_rises_and_falls_stand_on_both_sides_of_zero(moves: list[float], width: int) -> None:
    """Bars of both directions share a zero line, and all of them stay between labels and edge."""
    bars = [Bar(f"S{n}", move, f"{move:+.1f}%") for n, move in enumerate(moves)]
    root = parsed(ranked(Frame(width, "t", "u", "s"), bars))
    rects = list(root.iter(f"{SVG}rect"))
    for rect in rects:
        x, w = float(rect.get("x", "0")), float(rect.get("width", "0"))
        assert x >= 0
        assert x + w <= width + 0.2
    lines = list(root.iter(f"{SVG}line"))
    assert len(lines) == (1 if min(moves) < 0 < max(moves) else 0)
    for rect, move in zip(rects, moves, strict=True):
        if lines and move < 0:
            zero = float(lines[0].get("x1", "0"))
            assert float(rect.get("x", "0")) + float(rect.get("width", "0")) == pytest.approx(zero, abs=0.2)


def test_groups_have_a_legend_and_a_value_a_bar() -> None:
    """Every bar of every series."""
    series = [("3Q23", [Bar("", 65.4, "65.43")]), ("3Q24", [Bar("", 82.6, "82.58")])]
    assert {"3Q23", "3Q24", "Meta", "65.43", "82.58"} <= set(texts(parsed(grouped(FRAME, ["Meta"], series))))


@pytest.mark.parametrize("score", [0, 59, 100])
def test_a_gauge_shows_score_reading_and_bands(score: int) -> None:
    """At both ends too."""
    root = parsed(gauge(Frame(340, "t", "CoinMarketCap", ""), score, str(score), "Neutral", (20, 40, 60, 80)))
    assert {str(score), "Neutral", "20", "40", "60", "80"} <= set(texts(root))


def test_text_from_outside_is_escaped() -> None:
    """In labels, titles and sources."""
    evil = '<script>"&'
    svg = ranked(Frame(300, evil, evil, evil), [Bar(evil, 1.0, evil)])
    assert "<script>" not in svg
    assert texts(parsed(svg)).count(evil) == 4


def test_long_labels_are_cut_with_an_ellipsis() -> None:
    """They never run into the bars."""
    cut = shortened("Monolithic Power Systems MPWR", 80)
    assert cut.endswith("…")
    assert text_width(cut) <= 80
    assert shortened("短", 80) == "短"


def test_a_drawing_becomes_a_picture() -> None:
    """A PNG of twice the size, in plain colours."""
    svg = ranked(Frame(200, "t", "u", "s", plain_palette("red"), alone=True), [Bar("IBIT", 1.0, "+1.0")])
    png = picture(svg)
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == 2 * (200 + 2 * 14)


def test_english_labels_need_no_font_of_the_machine() -> None:
    """They are drawn with the bundled one."""
    assert label_language("en") == "en"


def test_what_is_bold_and_chinese_is_outlined() -> None:
    """The Chinese font has one weight; an outline in the text's own colour makes it bold."""
    drawn = [
        emboldened(text(0, 0, words, "#111", weight=weight))
        for words, weight in (("SOX 跑输 <NDX>", "600"), ("SOX lags", "600"), ("跑输", ""))
    ]
    assert [True, False, False] == ['stroke="#111"' in svg for svg in drawn]
    assert ["SOX 跑输 <NDX>"] == texts(parsed(f'<svg xmlns="http://www.w3.org/2000/svg">{drawn[0]}</svg>'))
