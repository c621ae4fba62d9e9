"""The pages about the rule language: their examples are run, and nothing of the language is left out."""

import math
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from rules.calendars.axis import Axis, micros
from rules.calendars.sessions import Calendars
from rules.evaluation.compile import compile_typed
from rules.evaluation.frames import NowFrame
from rules.evaluation.history import History
from rules.formats import write
from rules.functions.base import Part
from rules.language import Scope, analyse, parse
from rules.language.catalogue import FUNCTIONS, PERIODS
from rules.language.template import Hole, parse_template
from rules.loading.loader import PACK_KEYS, PackText, load_packs
from rules.loading.pack_rules import RULE_KEYS
from rules.loading.pack_tests import TEST_KEYS, TestSpec, read_points
from rules.loading.universe_file import load_universe, parse_universe
from rules.loading.yaml_source import Mapping, Scalar, read
from rules.packtest import observations_of, run_tests
from rules.spec import Expression, RuleSpec, SeriesSpec

PAGES = Path(__file__).parents[2] / "docs" / "rules"
UNIVERSE = load_universe()
CALENDARS = Calendars()
MONDAY = datetime(2024, 10, 21, tzinfo=UTC)
BOTH = {"en": "x", "zh": "x"}


class Example(NamedTuple):
    """One line ``expression -> value`` of a page, with the figures above it."""

    place: str
    data: str
    expression: str
    value: str


def examples() -> list[Example]:
    """Every example of every function's page."""
    found = []
    for page in sorted(PAGES.glob("functions/*.md")):
        for block in re.findall(r"```example\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            data, _, lines = block.partition("---\n")
            for line in lines.strip().splitlines():
                expression, _, value = line.rpartition(" -> ")
                found.append(Example(page.stem, data, expression, value))
    return found


def yaml_blocks() -> list[tuple[str, str]]:
    """Every whole pack that a page shows."""
    found = []
    for page in sorted(PAGES.rglob("*.md")):
        blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
        found += [(page.name, block) for block in blocks if block.startswith("version: 1\n")]
    return found


def _series(line: str) -> SeriesSpec:
    node, _ = read("example", line.removeprefix("series "))
    assert isinstance(node, Mapping)
    ((name, (_, fields)),) = node.entries.items()
    assert isinstance(fields, Mapping)
    given = {key: value.value for key, (_, value) in fields.entries.items() if isinstance(value, Scalar)}
    return SeriesSpec(name, given["feed"], given["key"], given["field"], given["unit"], given["calendar"])


def evaluated(example: Example) -> str:
    """What the engine makes of an example, as a message would show it."""
    start, now, series, data = MONDAY, None, {}, {}
    for line in example.data.strip().splitlines():
        if line.startswith("series "):
            own = _series(line)
            series[own.name] = own
        elif line.startswith("from "):
            start = datetime.combine(date.fromisoformat(line[5:]), datetime.min.time(), UTC)
        elif line.startswith("now "):
            now = datetime.fromisoformat(line[4:])
        else:
            name, _, points = line.partition(": ")
            data[name] = read_points(points)
    rule = RuleSpec(id="x", title=BOTH, when=Expression("x"), series=series)
    test = TestSpec(rule="x", name="", step="session", start=start, data=data, expect=())
    observations = observations_of(test, rule, UNIVERSE, CALENDARS)
    analysis = analyse(parse(example.expression), Scope(UNIVERSE, series))
    assert analysis.ok, analysis.findings
    part = compile_typed(analysis.typed, "example")
    history = _history(part)
    for seen in observations:
        history.apply(seen)
    newest = max(seen.known_at for seen in observations) + timedelta(minutes=0)
    frame = NowFrame(history, np.array([micros(now or newest)]), 1)
    value = float(np.broadcast_to(part.evaluate(frame), (1,))[0])
    if math.isnan(value):
        return "unknown"
    unit = analysis.typed.unit
    return str(bool(value)).lower() if unit == "bool" else write(value, unit, None, "en")


def _history(part: Part) -> History:
    axes = {name: Axis(CALENDARS.get(name)) for name in ("24/7", "XNYS", "XHKG")}
    history = History(axes)
    keys: dict[tuple[str, str], dict[str, None]] = {}
    for ref in part.typed.reads():
        keys.setdefault((ref.feed, ref.calendar), {})[ref.key] = None
    for (feed, calendar), own in keys.items():
        history.declare(feed, axes[calendar], list(own))
    return history


@pytest.mark.parametrize("example", examples(), ids=lambda example: f"{example.place}: {example.expression}")
def test_examples_of_functions_are_true(example: Example) -> None:
    """Each line of each page gives what the page says."""
    assert example.value == evaluated(example)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_has_a_page_with_an_example(name: str) -> None:
    """The page states signature and summary as the language itself does."""
    page = (PAGES / "functions" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# `{FUNCTIONS[name].signature}`\n")
    assert FUNCTIONS[name].summary[1:] in page
    assert re.search(rf"```example\n.*{name}\(.*```", page, re.S)


def test_no_page_speaks_of_a_function_that_is_not_there() -> None:
    """The folder and the language have the same names, and the index links each."""
    assert set(FUNCTIONS) == {page.stem for page in PAGES.glob("functions/*.md")}
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    assert [name for name in FUNCTIONS if f"(functions/{name}.md)" not in index] == []


def test_every_key_is_documented() -> None:
    """Rule keys, pack keys, test keys and window words each have their place in the guide."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES.glob("*.md"))
    assert [key for key in (*RULE_KEYS, *PACK_KEYS, *TEST_KEYS, *PERIODS) if f"`{key}`" not in text] == []


@pytest.mark.parametrize(("page", "text"), yaml_blocks())
def test_packs_in_the_pages_load_and_pass(page: str, text: str) -> None:
    """What a reader copies works."""
    loaded = load_packs([PackText(page, text)], UNIVERSE)
    assert loaded.problems == ()
    for outcome in run_tests(loaded, UNIVERSE, CALENDARS):
        assert outcome.ok, outcome.differences()


def test_links_between_the_pages_lead_somewhere() -> None:
    """No link to a page that is not there."""
    for page in PAGES.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+\.md)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


FIGURES = {
    "ret(SOX, this_week)": (-0.0406, "%"),
    "rel(SOX, NDX, this_week)": (-0.0249, "pp"),
    "BTC_ETF": (-54.9e6, "money:USD"),
    "SOX": (5001.4, "price:USD"),
    "high(BTC)": (73577.21, "price:USD"),
    "volume(it) / mean(prev(volume(it), 1), 20d)": (3.21, ""),
    "obs_date(BTC_ETF)": (20028.0, "date"),
    "age(BTC)": (2040.0, "s"),
}


def message_rows() -> list[tuple[str, str, str]]:
    """The table of holes in the page about messages."""
    text = (PAGES / "messages.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `(\{.+\})` \| (.+) \| (.+) \|$", text, re.M)


@pytest.mark.parametrize(("hole", "english", "chinese"), [row for row in message_rows() if row[0] != "{it}"])
def test_holes_are_written_as_the_page_says(hole: str, english: str, chinese: str) -> None:
    """One row a kind of figure, in both languages."""
    (piece,) = parse_template(hole)
    assert isinstance(piece, Hole)
    value, unit = FIGURES[piece.text]
    assert (english, chinese) == (write(value, unit, piece.format, "en"), write(value, unit, piece.format, "zh"))


def test_the_universe_in_the_page_loads() -> None:
    """The example of a universe file extends the bundled one."""
    (text,) = re.findall(r"```\n(version: 1\n.*?)```", (PAGES / "universe.md").read_text(encoding="utf-8"), re.S)
    universe = parse_universe("universe.md", text, UNIVERSE)
    assert len(universe.instruments) == len(UNIVERSE.instruments) + 2
    listed = (PAGES / "universe.md").read_text(encoding="utf-8")
    assert [tag for tag in UNIVERSE.tags if f"`{tag}`" not in listed] == []
