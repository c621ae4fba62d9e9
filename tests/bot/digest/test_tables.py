"""Vendors' tables fill what no feed gives; a mistake in one is told with file and line."""

from datetime import date
from pathlib import Path

import pytest

from bot.digest import build
from bot.digest.data import ObservedData
from bot.digest.frame import Span
from bot.digest.tables import Tables, WithTables, read_tables
from rules.problems import ProblemsFound
from rules.universe import Universe
from tests.bot.digest.kit import CALENDARS, FRIDAY, NOW, close

WEEK = Span.week_of(FRIDAY)
DOCS = Path(__file__).parents[3] / "docs" / "digest.md"


def written(folder: Path, **files: str) -> Path:
    """Files by name, ``__`` for the week's folder; the rest of the name is without its ending."""
    for name, text in files.items():
        path = folder / f"{name.replace('week__', f'{WEEK.name}/')}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_the_documented_example_fills_a_vendors_index(universe: Universe, tmp_path: Path) -> None:
    """Level, changes of week, month and year, and the source."""
    example = DOCS.read_text(encoding="utf-8").partition("```csv\n")[2].partition("```")[0]
    tables = read_tables(written(tmp_path, figures=example), WEEK, universe, CALENDARS)
    data = WithTables(ObservedData((), (), NOW), tables)
    digest = build(data, FRIDAY, universe, calendars=CALENDARS)
    (row,) = [row for row in digest.figures[1].rows if row["symbol"] == "8884057.WI"]
    assert (row["close"], *(round(row[f"{name}_pct"], 1) for name in ("week", "month", "year"))) == (
        15918.9, -2.0, 1.0, 34.9,
    )  # fmt: skip
    assert digest.facts["index.TAMAMA.close"].source == "Wind"
    assert digest.facts["equity.NVDA.market_cap"].value == 3321360000000.0
    assert digest.facts["cloud.AMZN"].value == 27452000000.0


def test_a_file_goes_before_the_feeds_and_the_weeks_own_before_the_folders(universe: Universe, tmp_path: Path) -> None:
    """What the desk wrote down is what it wants printed."""
    head = "series,date,value\n"
    folder = written(
        tmp_path,
        figures=f"{head}prices.^NDX.close,2024-11-01,101\nprices.^NDX.close,2024-10-25,50",
        week__figures=f"{head}prices.^NDX.close,2024-11-01,102",
    )
    tables = read_tables(folder, WEEK, universe, CALENDARS)
    data = WithTables(ObservedData([close("^NDX", FRIDAY, 99.0)], (), NOW), tables)
    found = [data.on("prices.^NDX.close", day) for day in (date(2024, 10, 25), FRIDAY)]
    assert [item.value for item in found if item] == [50.0, 102.0]
    assert read_tables(folder, Span.week_of(date(2024, 11, 8)), universe, CALENDARS).observations[0].value == 101.0


def test_a_top_list_stands_beside_the_desks_own_and_is_checked(universe: Universe, tmp_path: Path) -> None:
    """As the reference week's, but from a file; a name comes from the universe unless the file has one."""
    lists = written(
        tmp_path,
        week__gainers="symbol,change_pct,en,zh,source\nRMBS,+10,Rambus,蓝博士,Wind\nDELL,7,,,",
        week__headers="figure,currency\n16,USD",
    )
    tables = read_tables(lists, WEEK, universe, CALENDARS)
    known = [close("NVDA", date(2024, 10, 25), 100.0), close("NVDA", FRIDAY, 115.0)]
    digest = build(WithTables(ObservedData(known, (), NOW), tables), FRIDAY, universe, calendars=CALENDARS)
    second = [row for row in digest.figures[2].rows if "Wind" in str(row["group"])]
    assert [(row["symbol"], row["name"]["zh"], row["week_pct"]) for row in second] == [
        ("RMBS", "蓝博士", 10.0),
        ("DELL", "戴尔科技", 7.0),
    ]
    assert [finding.code for finding in digest.findings][:1] == ["mover-missing"]
    assert tables.imported is not None
    assert tables.imported.header_currency == {16: "USD"}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("figures", "series,date\n", "figures.csv:1:1: no column 'value'; wanted series,date,value"),
        ("figures", "series,date,value\nndx,2024-11-01,1", "figures.csv:2:1: 'ndx' is not a series name"),
        ("figures", "series,date,value\nprices.^NDX.close,1 Nov,1", "figures.csv:2:1: '1 Nov' is no date"),
        ("figures", "series,date,value\nprices.^NDX.close,2024-11-02,1", "has no session on 2024-11-02"),
        ("figures", 'series,date,value\nprices.^NDX.close,2024-11-01,"20,033"', "'20,033' is no number"),
        ("figures", "series,date,value\nprices.^NDX.close,2024-11-01,nan", "'nan' is no number"),
        ("week__losers", "symbol,change_pct\nSMCI,-45\nQRVO,", "losers.csv:3:1: '' is no number"),
        ("week__headers", "figure,currency\nx,USD", "headers.csv:2:1: 'x' is no number"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_and_line(
    universe: Universe, tmp_path: Path, name: str, text: str, told: str
) -> None:
    """What is wrong and what is wanted."""
    with pytest.raises(ProblemsFound) as caught:
        read_tables(written(tmp_path, **{name: text}), WEEK, universe, CALENDARS)
    assert told in str(caught.value)


def test_every_mistake_is_told_at_once(universe: Universe, tmp_path: Path) -> None:
    """In all the files."""
    folder = written(tmp_path, figures="series,date,value\nx,y,z\na.b.c,2024-11-01,?", week__gainers="symbol\n")
    with pytest.raises(ProblemsFound) as caught:
        read_tables(folder, WEEK, universe, CALENDARS)
    assert len(caught.value.problems) == 3


def test_no_files_are_no_tables(universe: Universe, tmp_path: Path) -> None:
    """An empty folder, or one that isn't there."""
    assert read_tables(tmp_path / "none", WEEK, universe, CALENDARS) == Tables()


def test_files_and_feeds_make_one_history(universe: Universe) -> None:
    """A day of which a file tells is the file's, the others are the feeds'."""
    days = [date(2024, 10, 30), date(2024, 10, 31), FRIDAY]
    files = Tables((close("^NDX", days[0], 1.0), close("^NDX", days[1], 2.0)))
    data = WithTables(ObservedData([close("^NDX", day, 9.0) for day in days[1:]], (), NOW), files)
    assert [item.value for item in data.span("prices.^NDX.close", days[0], FRIDAY)] == [1.0, 2.0, 9.0]
    assert [item.value for day in days if (item := data.last("prices.^NDX.close", day))] == [1.0, 2.0, 9.0]
    assert data.series("prices.") == ("prices.^NDX.close",)
