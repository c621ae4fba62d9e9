import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bot.cli.conftest import Tapewatch


@pytest.fixture(scope="module")
def document(commands: Callable[[Path], Tapewatch], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``tapewatch demo --json`` prints."""
    done = commands(tmp_path_factory.mktemp("demo"))("demo", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_week_tells_exactly_its_four_alerts_and_the_digest(document: dict[str, Any]) -> None:
    """Each of the week's events is told once, at its moment and about its observation, and nothing else is told."""
    told = [
        (each["rule"], each["kind"], each["at"][:16], (each["observed_at"] or "")[:10]) for each in document["notices"]
    ]
    assert told == [
        # bitcoin's high of the 29th, known when that UTC day had ended; no close of the week was above 73,000
        ("btc-73k", "fired", "2024-10-30T00:00", "2024-10-29"),
        # the week's close, twenty minutes after it
        ("sox-lags-ndx", "fired", "2024-11-01T20:20", "2024-11-01"),
        ("week-move-10", "fired", "2024-11-01T20:20", "2024-11-01"),
        # when the row of 1 November was complete, not when it was partial and already negative
        ("btc-etf-outflow", "fired", "2024-11-02T01:40", "2024-11-01"),
        ("weekly-digest", "digest", "2024-11-02T02:00", "2024-11-02"),
    ]


def test_the_alerts_carry_the_figures_of_the_report(document: dict[str, Any]) -> None:
    """73,577.21, -2.5pp, the ten that moved 10% and -54.9 m dollars."""
    btc, sox, moves, flow, _ = document["notices"]
    assert btc["value"] == 73577.21
    assert round(sox["value"] * 100, 1) == -2.5
    assert flow["value"] == pytest.approx(-54.9e6)
    assert {each["labels"]["symbol"]: round(each["value"] * 100, 1) for each in moves["alerts"]} == {
        "SMCI": -44.9,
        "CAN": 19.0,
        "0863.HK": 14.0,
        "1415.HK": 13.1,
        "COIN": -13.0,
        "6088.HK": -12.5,
        "SOS": -12.0,
        "EBON": 11.0,
        "CIFR": -10.0,
        "0434.HK": 10.0,
    }


def test_the_digest_comes_with_its_facts(document: dict[str, Any]) -> None:
    """The digest's document is the one of the week, with the keys that others rely on."""
    digest = document["digest"]
    assert (digest["week"]["from"], digest["week"]["to"]) == ("2024-10-28", "2024-11-01")
    assert digest["facts"]["etf.BTC.outflow_days"]["value"] == ["2024-11-01"]
    assert round(digest["facts"]["rel.SOX.NDX.week_pp"]["value"], 1) == -2.5


@pytest.mark.parametrize(("lang", "words"), [("en", "SOX lags NDX"), ("zh", "费城半导体本周跑输纳指100")])
def test_the_messages_are_printed_and_the_page_is_written(
    tapewatch: Tapewatch, tmp_path: Path, lang: str, words: str
) -> None:
    """Standard output has the messages in the language asked for; the page stands in --out, and the store is gone."""
    done = tapewatch("demo", "--lang", lang, "--out", "here")
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
    page = (tmp_path / "here" / f"digest-2024-11-01-{lang}.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert list((tmp_path / "data").iterdir()) == []


def one_line(text: str) -> str:
    """The only line of ``text``."""
    (line,) = text.strip().splitlines()
    return line


def test_a_broken_rule_is_told_with_its_place(tapewatch: Tapewatch, tmp_path: Path) -> None:
    """A misspelt function in a pack of one's own: file, line, column and the name that was probably meant."""
    pack = tmp_path / "mine.yaml"
    pack.write_text("version: 1\nrules:\n  - id: x\n    title: t\n    when: rett(SOX, this_week) <= -2%\n")
    done = tapewatch("demo", TAPEWATCH_RULES=str(pack))
    assert (done.returncode, done.stdout) == (1, "")
    assert one_line(done.stderr).startswith(f"{pack}:5:11: ")
    assert "did you mean ret?" in done.stderr


def test_an_unknown_symbol_is_told_with_the_nearest_one(tapewatch: Tapewatch, tmp_path: Path) -> None:
    """NVDIA is not of the universe; NVDA is."""
    pack = tmp_path / "mine.yaml"
    pack.write_text("version: 1\nrules:\n  - id: x\n    title: t\n    when: ret(NVDIA, 1d) > 5%\n")
    done = tapewatch("demo", TAPEWATCH_RULES=str(pack))
    assert done.returncode == 1
    assert "NVDIA" in one_line(done.stderr)
    assert "did you mean NVDA?" in done.stderr or "did you mean Nvidia?" in done.stderr


def test_a_duplicate_in_the_universe_is_told_with_its_place(tapewatch: Tapewatch, tmp_path: Path) -> None:
    """The second mention of a symbol is the mistake."""
    universe = tmp_path / "universe.yaml"
    item = "      - {symbol: AAA, name: Triple A}\n"
    universe.write_text(
        "version: 1\nextends: builtin\ngroups:\n"
        "  - kind: equity\n    currency: USD\n    calendar: XNYS\n    instruments:\n" + item + item
    )
    done = tapewatch("demo", TAPEWATCH_UNIVERSE=str(universe))
    assert (done.returncode, done.stdout) == (1, "")
    assert one_line(done.stderr).startswith(f"{universe}:9:")


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/self").exists(), reason="needs a folder nobody can write to")
def test_a_data_directory_that_cannot_be_written_is_told(tapewatch: Tapewatch) -> None:
    """One line that names the folder; no page is written."""
    done = tapewatch("demo", TAPEWATCH_HOME="/proc/tapewatch")
    assert (done.returncode, done.stdout) == (1, "")
    assert "/proc/tapewatch" in one_line(done.stderr)


def test_wrong_usage_exits_with_2(tapewatch: Tapewatch) -> None:
    """An option's bad value and an unknown command are wrong usage; the command is guessed at."""
    assert tapewatch("demo", "--lang", "fr").returncode == 2
    done = tapewatch("dmeo")
    assert done.returncode == 2
    assert "Did you mean 'demo'?" in done.stderr
