"""The reference week's digest in every format: ``python -m benchmarks.digest``.

Each format is made in a fresh process from the digest on, its imports counted, as ``tapewatch digest`` pays for them.
"""

from __future__ import annotations

import subprocess
import sys
import time

from adapters.message import Colour, Reader
from bot.digest import Digest, build
from bot.reference.imported import digest_data
from bot.reference.recording import FRIDAY, recording
from rules.loading.universe_file import load_universe

LIMITS_S = {"html": 2.0, "all": 8.0}
ROUNDS = 3


def digest() -> Digest:
    """The week of 28 October 2024."""
    universe = load_universe()
    return build(digest_data(recording(universe)), FRIDAY, universe)


def made(name: str) -> float:
    """Seconds from the built digest to the bytes of the format."""
    known = digest()
    reader = Reader(lang="zh", colour=Colour.CN)
    start = time.perf_counter()
    from bot.digest.formats import FORMATS

    FORMATS[name][1](known, reader)
    return time.perf_counter() - start


def main() -> None:
    """Print each format beside its limit."""
    total = 0.0
    for name in ("html", "pdf", "xlsx", "ics", "json"):
        command = [sys.executable, "-m", "benchmarks.digest", name]
        runs = [subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(ROUNDS)]
        if any(run.returncode for run in runs):
            print(f"{name:<36}{runs[0].stderr.strip().splitlines()[-1]}")
            continue
        seconds = min(float(run.stdout) for run in runs)
        total += seconds
        print(f"{name:<36}{seconds:>9.2f} s  {_beside(name, seconds)}")
    print(f"{'all of them':<36}{total:>9.2f} s  {_beside('all', total)}")


def _beside(name: str, seconds: float) -> str:
    limit = LIMITS_S.get(name)
    return f"{seconds / limit:5.2f} x the limit ({limit:g} s)" if limit else ""


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(made(sys.argv[1]))
    else:
        main()
