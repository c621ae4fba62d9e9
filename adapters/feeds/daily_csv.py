"""Daily figures from a CSV file: history from before Tapewatch kept its own (crypto overview, fear and greed).

The header is ``date`` and a field a column; dates are ``YYYY-MM-DD`` (UTC days), an empty cell is left out. Each column
becomes the series ``PREFIX.FIELD``, such as ``crypto.coinmarketcap.market_cap``, so a file belongs to one provider.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from adapters.feeds.answer import BadAnswer, iso_day, optional_number
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.utc_day import end_of
from rules.model import Observation, Status

NAME = "csv"
_FIELD = re.compile(r"[a-z][a-z0-9_]*")


class DailyCsv:
    """The series of one provider from a file, read anew at every fetch."""

    def __init__(self, *, path: Path, prefix: str) -> None:
        self._path = path
        self._prefix = prefix

    async def fetch(self, now: datetime) -> Fetched:
        """Read the file; a mistake in it comes back as a problem with its line, and the other lines are used."""
        try:
            text = await asyncio.to_thread(self._path.read_text, encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            message = f"{self._path} can't be read ({error}); wanted a CSV file in UTF-8"
            return Fetched(problems=(FeedProblem(NAME, Fault.INCOMPLETE, message),))
        told, problems = parse(text, file=self._path.name, prefix=self._prefix, now=now)
        return Fetched(tuple(told), problems=tuple(problems))


def parse(text: str, *, file: str, prefix: str, now: datetime) -> tuple[list[Observation], list[FeedProblem]]:
    """Read the file's figures of days that have ended, and say which lines can't be read."""
    rows = list(csv.reader(io.StringIO(text)))
    header = [cell.strip() for cell in rows[0]] if rows else []
    fields = header[1:]
    if not fields or header[0] != "date" or not all(map(_FIELD.fullmatch, fields)) or len(set(fields)) != len(fields):
        bad = BadAnswer(f"{file}:1: the header is {','.join(header)!r:.80}; wanted date and one column a field")
        return [], [bad.problem(NAME)]
    told: list[Observation] = []
    problems: list[FeedProblem] = []
    for line, cells in enumerate(rows[1:], start=2):
        try:
            told += _row(cells, fields, f"{file}:{line}", prefix, now) if any(cells) else ()
        except BadAnswer as bad:
            problems.append(bad.problem(NAME))
    return told, problems


def _row(cells: list[str], fields: list[str], where: str, prefix: str, now: datetime) -> Iterator[Observation]:
    if len(cells) != len(fields) + 1:
        raise BadAnswer(f"{where}: {len(cells)} cells; the header has {len(fields) + 1}")
    at = end_of(iso_day(cells[0].strip(), f"{where}: the date"))
    for field, cell in zip(fields, cells[1:], strict=True):
        value = optional_number(cell, f"{where}: {field}")
        if value is not None and at <= now:
            yield Observation(f"{prefix}.{field}", at, now, value, Status.FINAL, NAME)
