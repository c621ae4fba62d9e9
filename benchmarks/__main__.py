"""Every benchmark beside its peers and limits: ``python -m benchmarks [NAME …]``; see docs/benchmarks.md."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.util import find_spec

BENCHMARKS = {
    "startup": "from the command to its first answer",
    "engine": "rules over ticks",
    "panels": "rules over polls and history",
    "alerts": "a million price alerts, resting, struck and restarted",
    "loader": "reading a thousand rules",
    "store": "durable writes beside the disk",
    "delivery": "messages beside the services' limits",
    "memory": "what each process of a deployment holds",
    "messengers": "one message beside the bare libraries",
    "price_poll": "500 symbols beside yfinance",
    "commands": "chat commands from warm data",
    "digest": "the weekly digest in every format",
}
"""Each is a module ``benchmarks.NAME`` that runs in a process of its own, so that none warms another."""

PEERS = {"rule_engine": "rule-engine", "cel": "common-expression-language", "sortedcontainers": "", "vectorbt": ""}
"""Import name of what is measured against and not needed otherwise, with its distribution's where that differs."""


def main(names: list[str]) -> int:
    """Run the benchmarks called ``names``, all without a name; return the exit status."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"there is no benchmark {unknown[0]!r}; wanted one of {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    missing = [distribution or module for module, distribution in PEERS.items() if find_spec(module) is None]
    if missing:
        print(f"left out, since not installed: {', '.join(missing)}; `make bench` installs them", file=sys.stderr)
    failed = [name for name in names or BENCHMARKS if not _ran(name)]
    for name in failed:
        print(f"failed: {name}", file=sys.stderr)
    return 1 if failed else 0


def _ran(name: str) -> bool:
    print(f"\n== {name}: {BENCHMARKS[name]}", flush=True)
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False)
    print(f"   ({time.perf_counter() - start:.0f} s)", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
