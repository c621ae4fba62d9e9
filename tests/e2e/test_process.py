"""``tapewatch run`` as a process: what it says at its start, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def start(home: Path, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    """``tapewatch run ARGUMENTS`` with an empty home."""
    return subprocess.Popen(
        [sys.executable, "-c", "from bot.cli import main; main()", "run", *arguments],
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "TAPEWATCH_HOME": str(home / "data"),
            "TAPEWATCH_WEB__PORT": "0",
            **environ,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fetched(address: str) -> tuple[int, str]:
    """Status and body of a page of the bot."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.status, answer.read().decode()


def test_sigterm_closes_everything(tmp_path: Path) -> None:
    """A dry run says what is missing, serves its probes, and leaves nothing behind when it is told to stop."""
    process = start(tmp_path, "engine", "sender", "web", "--dry-run", "--reference")
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("web"):
            break
    address = re.search(r"http://[\d.:]+", said[-1])
    assert address is not None, "".join(said)
    assert fetched(f"{address[0]}/healthz") == (200, "ok\n")
    assert fetched(f"{address[0]}/readyz") == (200, "ready\n")
    assert "tapewatch_engine_caught_up 1.0" in fetched(f"{address[0]}/metrics")[1]
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert [name for name in ("TELEGRAM_TOKEN", "SLACK_BOT_TOKEN", "sec_contact") if name not in "".join(said)] == []
    assert "A-1001" in out
    assert list((tmp_path / "data").glob("reference-*")) == []


@pytest.mark.parametrize(
    ("role", "words"), [("telegram", "TELEGRAM_TOKEN"), ("slack", "SLACK_BOT_TOKEN and SLACK_APP_TOKEN")]
)
def test_a_named_front_end_needs_its_tokens(tmp_path: Path, role: str, words: str) -> None:
    """Whoever names a platform without its tokens is told which to set."""
    process = start(tmp_path, role)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, f"tapewatch: {words} must be set for {role}" in said) == (1, True)
