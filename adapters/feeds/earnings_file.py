"""A desk's own earnings dates from YAML: what a company told it, most of all in Hong Kong, where calendars know little.

.. code-block:: yaml

    version: 1
    earnings:
      - {symbol: 0700.HK, date: 2026-11-11, when: after_close}
      - {symbol: 9988.HK, date: 2026-11-25, status: expected}

A date is that of the company's exchange; ``when`` is before_open, after_close or during; ``status`` is confirmed
unless it says expected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

from adapters.feeds.earnings_date import EarningsDate, EarningsDates, When, told
from adapters.feeds.port import Fault, FeedProblem, Fetched
from rules.loading.yaml_source import Items, Mapping, Node, Scalar, read
from rules.problems import Problem, nearest

NAME = "desk"
_KEYS = ("symbol", "date", "when", "status")
_WHEN: dict[str, When] = {
    "before_open": "before_open",
    "after_close": "after_close",
    "during": "during",
    "unknown": "unknown",
}
_CONFIRMED = {"confirmed": True, "expected": False}


class EarningsFile:
    """The dates of ``paths``, read anew at every fetch; ``known`` are the symbols that may be named, empty for all."""

    name = NAME

    def __init__(self, *, paths: Sequence[Path], known: Collection[str] = ()) -> None:
        self._paths = tuple(paths)
        self._known = frozenset(known)

    async def dates(self, now: datetime) -> EarningsDates:  # noqa: ARG002 - a file knows no time
        """Read the files; a mistake costs its own entry."""
        found: list[EarningsDate] = []
        problems: list[FeedProblem] = []
        for path in self._paths:
            dates, mistakes = await asyncio.to_thread(load, path, self._known)
            found += dates
            problems += [FeedProblem(NAME, Fault.INCOMPLETE, str(mistake), path.name) for mistake in mistakes]
        return EarningsDates(tuple(found), tuple(problems))

    async def fetch(self, now: datetime) -> Fetched:
        """The same as calendar items and figures."""
        return told(await self.dates(now), now)


def load(path: Path, known: Collection[str] = ()) -> tuple[list[EarningsDate], list[Problem]]:
    """Read one file: its right entries and all its mistakes."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return [], [Problem(path.name, 1, 1, "unreadable", f"{path} can't be read ({error.strerror})")]
    return parse(path.name, content, known)


def parse(file: str, content: bytes | str, known: Collection[str] = ()) -> tuple[list[EarningsDate], list[Problem]]:
    """Read the text of a file: its right entries and all its mistakes, in file order."""
    root, problems = read(file, content)
    entries = root.get("earnings") if isinstance(root, Mapping) else None
    if not isinstance(entries, Items):
        if not problems:
            line, column = (entries.line, entries.column) if entries else (1, 1)
            problems.append(Problem(file, line, column, "shape", "wanted version: 1 and earnings: [ … ]"))
        return [], problems
    found = []
    for node in entries.items:
        mistakes = list(_mistakes(file, node, known))
        problems += mistakes
        if not mistakes and isinstance(node, Mapping):
            found.append(_date(node))
    return found, sorted(problems)


def _mistakes(file: str, node: Node, known: Collection[str]) -> Iterator[Problem]:
    if not isinstance(node, Mapping):
        yield Problem(file, node.line, node.column, "shape", "wanted {symbol: 0700.HK, date: 2026-11-11}")
        return
    for key, (scalar, _) in node.entries.items():
        if key not in _KEYS:
            said = f"unknown key {key!r:.40}; known are {', '.join(_KEYS)}"
            yield Problem(file, scalar.line, scalar.column, "unknown-key", said, nearest(key, _KEYS))
    symbol = _text(node, "symbol")
    if not symbol or (known and symbol not in known):
        said = f"symbol is {symbol!r:.40}; wanted one of the universe" if symbol else "symbol is missing"
        yield _at(file, node, "symbol", said, nearest(symbol, known))
    if _day(_text(node, "date")) is None:
        yield _at(file, node, "date", f"date is {_text(node, 'date')!r:.40}; wanted YYYY-MM-DD")
    for key, choices in (("when", _WHEN), ("status", _CONFIRMED)):
        value = _text(node, key)
        if value and value not in choices:
            said = f"{key} is {value!r:.40}; wanted {', '.join(choices)}"
            yield _at(file, node, key, said, nearest(value, choices))


def _date(node: Mapping) -> EarningsDate:
    day = date.fromisoformat(_text(node, "date"))
    when = _WHEN[_text(node, "when") or "unknown"]
    return EarningsDate(_text(node, "symbol"), day, day, when, _CONFIRMED[_text(node, "status") or "confirmed"], NAME)


def _text(node: Mapping, key: str) -> str:
    found = node.get(key)
    return found.value.strip() if isinstance(found, Scalar) else ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def _at(file: str, node: Mapping, key: str, message: str, suggestion: str = "") -> Problem:
    place = node.get(key) or node
    return Problem(file, place.line, place.column, key, message, suggestion)
