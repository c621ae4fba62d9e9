"""Loading rules against reading their YAML: ``python -m benchmarks.loader``.

A thousand rules, all different, are loaded with positions, checked and compiled, in a fresh process each round, so
that nothing is remembered: with a condition each, and with ten expressions each (two conditions, two messages of two
figures in two languages, of which the languages share theirs). Processor
time is counted, since the work runs on one core and waits for nothing. The limit in the same run is the C parser's bare
events; the peers are PyYAML's own loaders, which do no more than read.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import yaml

from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.loading.loader import PACKS, PackText, load_packs
from rules.loading.universe_file import load_universe
from rules.loading.yaml_source import read

ROUNDS = 3
RULES = 1_000
GOAL = 300.0


def pack(count: int = RULES) -> str:
    """A pack of ``count`` rules, no two of them with the same expression."""
    symbols = [item.symbol for item in load_universe().instruments if item.priced and item.symbol.isalpha()]
    return "version: 1\nrules:\n" + "".join(_rule(number, symbols) for number in range(count))


def _rule(number: int, symbols: list[str]) -> str:
    one, other = symbols[number % len(symbols)], symbols[(number + 1 + number // len(symbols)) % len(symbols)]
    days = 5 + number % 240
    return f"""
  - id: r{number}
    title: {{en: {one} lags {other}, zh: {one} 跑输 {other}}}
    when: rel({one}, {other}, {days}d) <= -{2 + number % 9}pp
    clear: rel({one}, {other}, {days}d) > -1pp
    every: XNYS close+20m
    once_per: week
    severity: warning
    tags: [semis, us]
    say:
      en: "{one} {{ret({one}, {days}d):+.1%}} vs {other} {{ret({other}, {days}d):+.1%}}"
      zh: "{one} {{ret({one}, {days}d):+.1%}}，{other} {{ret({other}, {days}d):+.1%}}"
"""


def plain(count: int = RULES) -> str:
    """A pack of ``count`` rules with one expression each."""
    symbols = [item.symbol for item in load_universe().instruments if item.priced and item.symbol.isalpha()]
    return "version: 1\nrules:\n" + "".join(
        f"""
  - id: r{number}
    title: {{en: {symbols[number % len(symbols)]} moves, zh: {symbols[number % len(symbols)]} 异动}}
    when: ret({symbols[number % len(symbols)]}, {5 + number % 240}d) <= -{2 + number % 9}%
    every: XNYS close+20m
    once_per: week
    severity: warning
    tags: [semis, us]
"""
        for number in range(count)
    )


def milliseconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1_000


def measure(what: str) -> float:
    """One round of one row, in this process."""
    text = plain() if what == "plain" else pack()
    if what == "events":
        return milliseconds(lambda: sum(1 for _ in yaml.parse(text, Loader=yaml.CBaseLoader)))
    if what == "csafe":
        return milliseconds(lambda: yaml.load(text, Loader=yaml.CSafeLoader))
    if what == "safe":
        return milliseconds(lambda: yaml.load(text, Loader=yaml.SafeLoader))
    universe, calendars = load_universe(), Calendars()
    calendars.get("XNYS")
    load_packs([PACKS], universe)
    if what == "nodes":
        return milliseconds(lambda: read("bench.yaml", text))
    loaded = None

    def load() -> None:
        nonlocal loaded
        loaded = load_packs([PackText("bench.yaml", text)], universe)
        assert len(loaded.rules) == RULES, loaded.problems[:3]

    spent = milliseconds(load)
    assert loaded is not None
    rules = loaded.rules
    return spent if what == "load" else spent + milliseconds(lambda: Engine(rules, universe, calendars))


ROWS = {
    "events": "C events alone (limit)",
    "nodes": "read with positions",
    "csafe": "PyYAML CSafeLoader (reads only)",
    "safe": "PyYAML SafeLoader (reads only)",
    "plain": "load, check and compile, one expression",
    "load": "load and check, ten expressions",
    "all": "load, check and compile, ten of them",
}


def main() -> None:
    """Print the rows, each the best of several processes taken in turn."""
    best = dict.fromkeys(ROWS, float("inf"))
    for _ in range(ROUNDS):
        for row in ROWS:
            done = subprocess.run([sys.executable, "-m", "benchmarks.loader", row], capture_output=True, check=True)
            best[row] = min(best[row], float(done.stdout))
    for row, name in ROWS.items():
        print(f"{name:<42}{best[row]:>9.0f} ms  {best[row] / best['events']:>5.1f} x events")
    print(f"{'goal':<42}{GOAL:>9.0f} ms  for {RULES:,} rules")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(measure(sys.argv[1]))
    else:
        main()
