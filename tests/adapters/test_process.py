"""Whether another process is dead: certain about this machine's, silent about any other."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.process import is_dead, this_process

pytestmark = pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="only Linux tells boot and namespace")
ROOT = Path(__file__).parents[2]
NAMED = "import sys, time; from adapters.process import this_process; print(this_process(), flush=True); time.sleep(60)"


def started() -> tuple[subprocess.Popen[str], str]:
    """A process, and what it calls itself."""
    process = subprocess.Popen([sys.executable, "-c", NAMED], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_killed_process_is_dead_before_and_after_its_parent_collects_it() -> None:
    """A zombie does nothing any more."""
    process, name = started()
    assert not is_dead(name)
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(name)
    process.wait()
    assert is_dead(name)


def test_a_number_that_was_given_out_again_names_another_process() -> None:
    """The start time tells two processes with one number apart."""
    place, space, began = this_process().split(" ")
    assert not is_dead(f"{place} {space} {began}")
    assert is_dead(f"{place} {space} {int(began) - 1}")


@pytest.mark.parametrize(
    "name",
    [
        "elsewhere:1",  # as a version before this one called itself
        "elsewhere:999999999 another-boot/pid:[1] 1",  # on another machine, or in another container
        "nonsense",
        "",
    ],
)
def test_nothing_is_known_of_processes_elsewhere(name: str) -> None:
    """Only the end of its lease tells of their death."""
    assert not is_dead(name)
