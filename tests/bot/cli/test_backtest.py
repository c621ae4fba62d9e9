"""``tapewatch backtest`` over a folder of files."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from bot.cli import cli

CLOSES = [100.0, 101.0, 106.0, 107.0, 100.0, 99.0, 104.0, 105.0, 105.0, 104.0]
"""AAA from Monday 8 January 2024; more than 4% up on the 10th and the 16th."""
PACK = """
version: 1
rules:
  - id: up
    title: Up
    when: ret(AAA, 1d) > 4%
  - id: other
    title: Other
    when: BTC > 50_000
"""


def weekdays(first: date, count: int) -> list[date]:
    days = (first + timedelta(days=number) for number in range(2 * count + 7))
    # 15 January 2024 is a holiday in New York
    return [day for day in days if day.weekday() < 5 and day != date(2024, 1, 15)][:count]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a pack and two files of prices."""
    (tmp_path / "data").mkdir()
    (tmp_path / "pack.yaml").write_text(PACK)
    with (tmp_path / "data" / "AAA.csv").open("w") as file:
        out = csv.writer(file)
        out.writerow(["date", "open", "high", "low", "close", "volume", "note"])
        for day, close in zip(weekdays(date(2024, 1, 8), len(CLOSES)), CLOSES, strict=True):
            out.writerow([day, close, close + 1, close - 1, close, 1000, "x"])
    (tmp_path / "data" / "BTC.csv").write_text("date,close\n2024-01-08,49000\n2024-01-13,51000\n2024-01-14,49500\n")
    return tmp_path


def backtest(desk: Path, *words: str) -> Result:
    rules = [] if "--rules" in words else ["--rules", str(desk / "pack.yaml")]
    arguments = ["backtest", *words, *rules, "--data", str(desk / "data")]
    return CliRunner().invoke(cli, arguments, env={"TAPEWATCH_HOME": str(desk / "home")})


def test_the_document_is_that_of_the_contract(desk: Path) -> None:
    """A fire stands at the close of its session in UTC, with its end, value, reason, labels and what followed."""
    done = backtest(desk, "up", "--json")
    document = json.loads(done.stdout)
    assert ("2024-01-08", "2024-01-22", ["up"], []) == (
        document["from"],
        document["to"],
        [rule["id"] for rule in document["rules"]],
        document["problems"],
    )
    first, second = document["rules"][0]["fires"]
    assert ("2024-01-10T21:00:00+00:00", "2024-01-10T21:00:00+00:00") == (first["fired_at"], first["observed_at"])
    assert "2024-01-11T21:00:00+00:00" == first["resolved_at"]
    assert pytest.approx(106 / 101 - 1) == first["value"]
    assert pytest.approx({"1d": 107 / 106 - 1, "5d": 105 / 106 - 1, "20d": None}) == first["forward"]
    assert ("2024-01-17T21:00:00+00:00", {}) == (second["fired_at"], second["labels"])
    assert "ret(AAA, 1d) = 5.0%" in first["because"]


def test_a_known_name_is_the_instrument_of_the_universe(desk: Path) -> None:
    """BTC.csv is bitcoin, of UTC days, weekends included; its price is known when the day is over."""
    (rule,) = json.loads(backtest(desk, "other", "--json").stdout)["rules"]
    assert ["2024-01-13T23:59:59+00:00"] == [fire["fired_at"] for fire in rule["fires"]]


def test_the_span_bounds_what_is_evaluated_but_not_what_is_known(desk: Path) -> None:
    """From the 16th on there is one alert, and the change to the 12th is known at once."""
    (rule,) = json.loads(backtest(desk, "up", "--json", "--from", "2024-01-16", "--to", "2024-01-17").stdout)["rules"]
    assert (["2024-01-17T21:00:00+00:00"], 2) == ([f["fired_at"] for f in rule["fires"]], rule["evaluations"])


def test_two_versions_of_a_rule_are_compared(desk: Path) -> None:
    """What only the new version fires is told with a plus; what both fire isn't told."""
    (desk / "old.yaml").write_text(PACK.replace("4%", "4.99%"))
    done = backtest(desk, "up", "--against", str(desk / "old.yaml"), "--json")
    (change,) = json.loads(done.stdout)["against"]
    assert ("up", ["2024-01-10T21:00:00+00:00"], []) == (
        change["id"],
        [fire["fired_at"] for fire in change["new"]],
        change["gone"],
    )
    told = backtest(desk, "up", "--against", str(desk / "old.yaml")).stdout
    assert "up against the other rules: 1 new, 0 gone\n+ up 2024-01-10 21:00" in told
    same = backtest(desk, "up", "--against", str(desk / "pack.yaml")).stdout
    assert "against the other rules: no difference" == same.splitlines()[-1]


def test_the_page_marks_each_alert(desk: Path) -> None:
    """One chart of the price with a triangle for each of the two alerts, and nothing from elsewhere."""
    done = backtest(desk, "up", "--html", str(desk / "out" / "page.html"))
    page = (desk / "out" / "page.html").read_text(encoding="utf-8")
    assert (0, 1) == (done.exit_code, page.count("<svg"))
    drawing = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    svg = "{http://www.w3.org/2000/svg}"
    marks = [path.find(f"{svg}title") for path in drawing.iter(f"{svg}path")]
    told = [mark.text for mark in marks if mark is not None and mark.text]
    assert ["2024-01-10", "2024-01-17"] == [text[:10] for text in told]
    assert "http://" not in page.replace("http://www.w3.org/", "")


def test_a_row_that_can_not_be_read_is_told_and_left_out(desk: Path) -> None:
    """The rest of the file counts; the place of the mistake is on standard error and in the document."""
    path = desk / "data" / "AAA.csv"
    path.write_text(path.read_text() + "yesterday,1,1,1,1,1,x\n")
    done = backtest(desk, "up", "--json")
    assert (0, 2) == (done.exit_code, len(json.loads(done.stdout)["rules"][0]["fires"]))
    assert f"{path}:12:1: " in done.stderr
    assert [True] == [f"{path}:12:1: " in problem for problem in json.loads(done.stdout)["problems"]]


def test_a_rule_that_is_not_there_is_refused_in_words(desk: Path) -> None:
    """A failure that names the nearest one."""
    done = backtest(desk, "upp")
    assert (1, "there is no rule 'upp'; did you mean up?") == (done.exit_code, str(done.exception))


def test_a_span_that_ends_before_it_begins_is_wrong_usage(desk: Path) -> None:
    """It is told before anything is read."""
    done = backtest(desk, "up", "--from", "2024-02-01", "--to", "2024-01-01")
    assert 2 == done.exit_code
    assert "2024-02-01" in done.output


def test_an_empty_folder_is_told(desk: Path) -> None:
    """Without a price there is nothing to test on."""
    for path in (desk / "data").iterdir():
        path.unlink()
    done = backtest(desk, "up")
    assert (1, True) == (done.exit_code, "has no files SYMBOL.csv" in str(done.exception))


def test_a_bad_day_is_wrong_usage(desk: Path) -> None:
    """Exit status 2."""
    assert 2 == backtest(desk, "up", "--from", "yesterday").exit_code
