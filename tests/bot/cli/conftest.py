"""The command line as its users meet it: a process with an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
Tapewatch = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tapewatch(tmp_path: Path) -> Tapewatch:
    """Run ``tapewatch ARGUMENTS`` in an empty folder, with an empty home and the environment that is given."""
    return tapewatch_in(tmp_path)


def tapewatch_in(folder: Path) -> Tapewatch:
    """Run ``tapewatch ARGUMENTS`` in ``folder``, which is its home too."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from bot.cli import main; main()", *arguments],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "HOME": str(folder),
                "TAPEWATCH_HOME": str(folder / "data"),
                "COLUMNS": "100",
                **environ,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
