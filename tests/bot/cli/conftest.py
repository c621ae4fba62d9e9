"""The command line as its users meet it: a process with an environment of its own."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
Tapewatch = Callable[..., subprocess.CompletedProcess[str]]
"""Runs ``tapewatch ARGUMENTS`` with the environment that is given beside the folder's own."""
_PATIENCE_S = 120


def environ_in(folder: Path) -> dict[str, str]:
    """An environment with ``folder`` as the home, and nothing configured."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "TAPEWATCH_HOME": str(folder / "data"),
        "COLUMNS": "100",
    }


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Tapewatch]]:
    """What runs commands in a folder, each in a process of its own that is forked from one that has imported all."""
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.bot.cli.nursery"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    said = tmp_path_factory.mktemp("said")
    yield lambda folder: _in(folder, nursery, said)
    nursery.communicate("", timeout=10)


def _in(folder: Path, nursery: subprocess.Popen[str], said: Path) -> Tapewatch:
    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        out, err = said / "out", said / "err"
        for each in (out, err):
            each.unlink(missing_ok=True)
        order = {"arguments": arguments, "environ": environ_in(folder) | environ, "folder": str(folder)}
        print(json.dumps({**order, "out": str(out), "err": str(err)}), file=nursery.stdin, flush=True)
        if not select.select([nursery.stdout], [], [], _PATIENCE_S)[0]:
            nursery.kill()
            raise TimeoutError(f"tapewatch {' '.join(arguments)}")
        status = int(nursery.stdout.readline())
        texts = (each.read_text(encoding="utf-8") for each in (out, err))
        return subprocess.CompletedProcess(arguments, status, *texts)

    return run


@pytest.fixture
def tapewatch(commands: Callable[[Path], Tapewatch], tmp_path: Path) -> Tapewatch:
    """Run ``tapewatch ARGUMENTS`` in an empty folder, with an empty home and the environment that is given."""
    return commands(tmp_path)


@pytest.fixture
def started(tmp_path: Path) -> Tapewatch:
    """The same from the interpreter's start, for what depends on that."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from bot.cli import main; main()", *arguments],
            cwd=tmp_path,
            env=environ_in(tmp_path) | environ,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )

    return run
