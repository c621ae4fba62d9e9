"""What every command keeps: exit statuses, one document, one line for a failure, no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import COMMANDS
from tests.bot.cli.conftest import ROOT, Tapewatch

PACK = """version: 1
rules:
  - id: btc-73k
    title: {en: Bitcoin crosses 73k, zh: 比特币触及 73000 美元}
    when: crosses(high(BTC), 73_000)
    rearm: abs(BTC / 73_000 - 1) >= 1%
    max_gap: 30m
    severity: critical
    say: {en: "BTC {BTC:,.0f}", zh: "…"}
tests:
  - rule: btc-73k
    step: 5m
    start: 2026-03-02T14:00Z
    data: {BTC: "72900 73000 73010 x3 72990 73020"}
    expect: [{at: "14:10", event: fired}]
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(tapewatch: Tapewatch, name: str) -> None:
    """On standard output, with exit status 0, and nothing on standard error."""
    done = tapewatch(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: tapewatch ")


def test_the_languages_own_example_passes(tapewatch: Tapewatch, tmp_path: Path) -> None:
    """Bitcoin reaches 73,000, then crosses it at 14:10; without its re-arm band it does not fire again."""
    (tmp_path / "pack.yaml").write_text(PACK, encoding="utf-8")
    done = tapewatch("test", "pack.yaml")
    assert (done.returncode, done.stdout) == (0, "ok   pack.yaml:11 btc-73k\n")


def test_settings_that_are_missing_are_a_problem_in_the_document(tapewatch: Tapewatch) -> None:
    """``check --json`` prints its document also when nothing can be read."""
    done = tapewatch("--config", "none.yaml", "check", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"]) == (1, False)
    assert document["problems"][0]["file"] == "none.yaml"


def test_a_data_directory_may_be_relative(tapewatch: Tapewatch, tmp_path: Path) -> None:
    """It lies below the folder where the command was given."""
    done = tapewatch("status", TAPEWATCH_HOME="here")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "here" / "store").is_dir()


def test_a_folder_that_can_not_be_written_stops_the_demo_before_it_starts(tapewatch: Tapewatch) -> None:
    """No notice is printed for a digest that has no place."""
    done = tapewatch("demo", "--out", "/proc/here")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().splitlines()[-1].startswith("tapewatch: /proc/here")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [("status",), ("check", "--schema")])
def test_a_full_disk_is_told_in_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """The result went nowhere: exit status 1, no traceback."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from bot.cli import main; main()", *arguments],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "No space left" in done.stderr
