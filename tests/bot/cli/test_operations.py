"""The commands that look into a system, and the one that answers: exit statuses, documents, languages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.app.doctor.sources import ADDRESSES
from tests.bot.cli.conftest import ROOT, Tapewatch

NO_SOURCES = {f"TAPEWATCH_FEEDS__{name.upper()}__ENABLED": "false" for name in ADDRESSES}


def test_doctor_exits_with_1_on_a_problem(tapewatch: Tapewatch) -> None:
    """Warnings alone are 0; the document and the lines say the same, in the language asked for."""
    done = tapewatch("doctor", "--json", **NO_SOURCES)
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"]) == (0, True)
    assert {each["level"] for each in document["checks"]} == {"ok", "warning"}
    broken = tapewatch("doctor", "--lang", "zh", **NO_SOURCES, TAPEWATCH_DESTINATIONS="telegram:42")
    assert broken.returncode == 1
    assert "问题  destinations" in broken.stdout
    assert "无法发送到“telegram:42”；请设置 TELEGRAM_TOKEN" in broken.stdout
    assert "→ 请设置缺少的变量" in broken.stdout


def test_replay_says_what_is_the_same(tapewatch: Tapewatch) -> None:
    """The recorded week has no difference; an empty store and an impossible span are told."""
    done = tapewatch("replay", "--reference", "--json", "--from", "2024-10-30", "--to", "2024-11-01")
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"], document["differences"]) == (0, True, [])
    assert (document["from"], document["to"]) == ("2024-10-30T00:00:00+00:00", "2024-11-02T00:00:00+00:00")
    assert document["recorded"] == document["same"] > 0
    empty = tapewatch("replay", "--from", "2024-10-30", "--to", "2024-11-01")
    assert (empty.returncode, empty.stdout) == (1, "")
    assert "nothing was recorded yet" in empty.stderr
    assert tapewatch("replay", "--from", "2024-11-01", "--to", "2024-10-30").returncode == 2
    assert tapewatch("replay", "--from", "yesterday").returncode == 2


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [("/fng", 0, "59"), ("/nosuch", 1, "nosuch"), ("/movers crypto 2w", 1, "2w"), ("/quote NVDIA", 1, "NVDA")],
)
def test_ask_exits_with_1_when_it_can_not_answer(tapewatch: Tapewatch, text: str, status: int, words: str) -> None:
    """The answer, or why there is none, is the result either way; the document has both."""
    done = tapewatch("ask", "--reference", "--json", text)
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"]) == (status, status == 0)
    assert words in document["text"]
    assert document["message"]["title"] is not None


def test_a_reader_who_leaves_ends_the_demo_quietly(tmp_path: Path) -> None:
    """``demo | head -1``: no log, no traceback, and nothing left behind."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from bot.cli import main; main()", "demo", "--out", str(tmp_path / "out")],
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "TAPEWATCH_HOME": str(tmp_path / "data")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() != ""
    process.stdout.close()
    assert process.stderr.read() == ""
    assert (process.wait(timeout=60), list((tmp_path / "data").iterdir())) == (1, [])


def test_chinese_on_a_terminal_that_has_no_chinese(started: Tapewatch) -> None:
    """Under the C locale nothing breaks: Python speaks UTF-8 there, and an ASCII terminal gets question marks."""
    done = started("status", "--lang", "zh", LANG="C", LC_ALL="C")
    assert (done.returncode, "存储" in done.stdout) == (0, True)
    ascii_only = started("status", "--lang", "zh", PYTHONIOENCODING="ascii")
    assert (ascii_only.returncode, "Traceback" in ascii_only.stderr) == (0, False)
