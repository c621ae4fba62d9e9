"""From the command to its answer, and what a process holds: ``python -m benchmarks.startup``.

The peer of ``--help`` is the interpreter that imports click and does nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

LIMITS_MS = {"tapewatch --help": 150.0, "tapewatch demo": 5_000.0}
RUN = "from bot.cli import main; main()"
COMMANDS = {
    "tapewatch --help": ([sys.executable, "-c", RUN, "--help"], 7),
    "tapewatch check": ([sys.executable, "-c", RUN, "check"], 3),
    "tapewatch demo": ([sys.executable, "-c", RUN, "demo", "--json"], 3),
}
PEER = [sys.executable, "-c", "import click"]


def cost(command: list[str], rounds: int, home: str) -> tuple[float, float]:
    """The best wall time (ms) of several runs, and the memory (MB) at its highest of one."""
    best, memory = float("inf"), 0.0
    for _ in range(rounds):
        start = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TAPEWATCH_HOME": home}
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} exits with {process.returncode}")
        best = min(best, (time.perf_counter() - start) * 1e3)
        memory = usage.ru_maxrss / 1024
    return best, memory


def main() -> None:
    """Print each command beside its limit and the bare interpreter."""
    with tempfile.TemporaryDirectory() as home:
        bare, memory = cost(PEER, 7, home)
        print(f"{'peer: python, import click':<36}{bare:>9.0f} ms{memory:>7.0f} MB")
        for name, (command, rounds) in COMMANDS.items():
            took, memory = cost(command, rounds, home)
            limit = LIMITS_MS.get(name)
            beside = f"{took / limit:5.2f} x the limit ({limit:.0f} ms)" if limit else ""
            print(f"{name:<36}{took:>9.0f} ms{memory:>7.0f} MB {took / bare:6.1f} x the peer  {beside}")


if __name__ == "__main__":
    main()
