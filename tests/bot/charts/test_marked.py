"""The marked chart: nothing leaves the frame, and no label lies over another."""

from itertools import pairwise
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from bot.charts.bars import Bar, columns
from bot.charts.candles import Candle
from bot.charts.marked import Curve, Level, Trigger, marked
from bot.charts.svg import Frame, text_width

SVG = "{http://www.w3.org/2000/svg}"
FRAME = Frame(720, "t", "u", "s")
prices = st.floats(0.01, 1e6, allow_nan=False).map(lambda value: round(value, 4))


def texts(svg: str) -> list[ET.Element]:
    """The words below the unit's line and above the source's."""
    return list(ET.fromstring(svg).findall(f"{SVG}g/{SVG}text"))


@given(st.lists(prices, min_size=1, max_size=40), st.lists(prices, min_size=1, max_size=5), prices)
def test_labels_at_the_edge_never_touch(closes: list[float], levels: list[float], trigger: float) -> None:
    """However close the levels lie to each other and to the price, their words are a line apart, inside the frame."""
    days = [Candle(f"{n}", close, close, close, close) for n, close in enumerate(closes)]
    lines = [Level(value, f"level {value:,.4f}", "until") for value in levels]
    svg = marked(FRAME, [day.label for day in days], days, lines, Trigger(0, trigger, "triggered"), close="last")
    edge = [item for item in texts(svg) if (item.text or "").startswith(("level", "last"))]
    heights = sorted(float(item.attrib["y"]) for item in edge)
    assert len(levels) + 1 == len(heights)
    assert all(below - above >= 14.7 for above, below in pairwise(heights))
    assert all(float(item.attrib["x"]) + text_width(item.text or "", 11) <= 721 for item in edge)


@given(st.lists(st.one_of(st.none(), prices), min_size=2, max_size=12).filter(any))
def test_a_curve_with_gaps_goes_through_what_is_known(values: list[float | None]) -> None:
    """Each known value is a dot, an unknown one is none."""
    days = [f"{n}" for n in range(len(values))]
    svg = marked(FRAME, days, [Curve(tuple(values), "SOX")], [], None)
    dots = list(ET.fromstring(svg).iter(f"{SVG}circle"))
    assert len(dots) == sum(value is not None for value in values)


def test_columns_make_room_for_the_words_of_a_level() -> None:
    """The level's words stand right of the last column."""
    bars = [Bar(f"{n}", 100.0 * n, f"{n}") for n in range(1, 6)]
    root = ET.fromstring(columns(FRAME, bars, level=(-300.0, "threshold -300"), marked=(4, "triggered")))
    words = {item.text: item for item in root.iter(f"{SVG}text")}
    right = max(float(item.attrib["x"]) + float(item.attrib["width"]) for item in root.iter(f"{SVG}rect"))
    assert right < float(words["threshold -300"].attrib["x"])
    assert "triggered" in words
