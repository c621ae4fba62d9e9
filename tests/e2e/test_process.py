"""``tapewatch run`` as a process: what it says at its start, and how it ends."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.store.embedded import open_store
from adapters.store.port import Commit, OutboxEntry
from rules.model import Observation

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
    ("role", "words"), [("telegram", "TELEGRAM_TOKEN"), ("slack", "SLACK_BOT_TOKEN, SLACK_APP_TOKEN")]
)
def test_a_named_front_end_needs_its_tokens(tmp_path: Path, role: str, words: str) -> None:
    """Whoever names a platform without its tokens is told which to set."""
    process = start(tmp_path, role)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, f"tapewatch: {words} must be set for {role}" in said) == (1, True)


async def test_a_dry_run_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    """What waits there is not sent, what is on the tape is not evaluated, and the bot that works there goes on."""
    at = datetime(2024, 11, 1, 20, tzinfo=UTC)
    async with open_store(None, tmp_path / "data") as store:
        await store.tape.append([Observation("prices.BTC-USD.close", at, at, 80_000.0)])
        await store.states.commit(Commit(alerts={}, outbox=[OutboxEntry("n1", "telegram:1", "{}", at)]))
        await store.leases.acquire("engine", "elsewhere:1", 60)
        process = start(tmp_path, "engine", "sender", "web", "--dry-run")
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("web"):
                break
        address = re.search(r"http://[\d.:]+", said[-1])
        assert address is not None, "".join(said)
        # The copy's engine works, although the real one's lease is held.
        while "engine_evaluated_timestamp" not in (await asyncio.to_thread(fetched, f"{address[0]}/metrics"))[1]:
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, _ = await asyncio.to_thread(process.communicate, timeout=20)
        assert (process.returncode, out) == (0, "")
        assert said[0].split(maxsplit=1)[1] == f"a copy of {tmp_path}/data/store, forgotten at the end\n"
        assert (await store.outbox.waiting(), await store.states.cursor()) == ({"telegram:1": 1}, "0")
        assert await store.states.alerts() == {}
    assert list((tmp_path / "data").glob("dry-run-*")) == []


async def test_who_starts_again_after_a_kill_does_not_wait_for_the_dead(tmp_path: Path) -> None:
    """The lease of the killed engine lasts on; here for so long that nobody could wait for it."""
    async with open_store(None, tmp_path / "data") as store:

        async def leads(process: subprocess.Popen[str]) -> None:
            while f":{process.pid} " not in (await store.leases.holder("engine") or ""):
                assert process.poll() is None
                await asyncio.sleep(0.02)

        first = start(tmp_path, "engine")
        await asyncio.wait_for(leads(first), 60)
        first.kill()
        first.wait()
        dead = await store.leases.holder("engine")
        assert dead is not None
        assert await store.leases.acquire("engine", dead, 600)
        second = start(tmp_path, "engine")
        await asyncio.wait_for(leads(second), 60)
        second.send_signal(signal.SIGTERM)
        _, said = second.communicate(timeout=20)
        assert "holder_is_dead" in said
