"""Daily figures as columns: what a backtest reads, and the CSV files that it comes from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from rules.calendars.axis import Axis, instant
from rules.evaluation.history import BAR_FIELDS, PRICE_FEED, Floats, History, Ints
from rules.model import Observation
from rules.problems import Problem

_EPOCH = date(1970, 1, 1).toordinal()
_NONE: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """The figures of one key: ``days`` (``datetime64[D]``, ascending) and a column of each field, NaN where missing."""

    key: str
    days: NDArray[np.datetime64]
    fields: Mapping[str, Floats]
    feed: str = PRICE_FEED
    problems: tuple[Problem, ...] = field(default=_NONE, compare=False)

    def fill(self, history: History) -> None:
        """Put the figures into a history that has room for them; days on which the market was closed are left out."""
        home = history.home(self.feed, self.key)
        if home is None:
            return
        block, key = home
        index, kept = _sessions(block.axis, self.days)
        for name, values in self.fields.items():
            block.column(name).fill(key, index, values[kept], block.axis.close(index))


def _sessions(axis: Axis, days: NDArray[np.datetime64]) -> tuple[Ints, Ints]:
    """The sessions of ``days``, and which of them are sessions."""
    number = days.astype("datetime64[D]").astype(np.int64)
    index = axis.on_or_before(number)
    kept = np.flatnonzero((index >= 0) & (axis.days(index) == number))
    return index[kept], kept


def observations(data: Sequence[Bars], history: History, end: int) -> Iterator[Observation]:
    """The same figures one by one, each final and known at its session's close, up to ``end`` (microseconds)."""
    for bars in data:
        home = history.home(bars.feed, bars.key)
        if home is None:
            continue
        index, kept = _sessions(home[0].axis, bars.days)
        closes = home[0].axis.close(index)
        for row, close in zip(kept.tolist(), closes.tolist(), strict=True):
            at = instant(close)
            for name, values in bars.fields.items():
                if close <= end and not np.isnan(values[row]):
                    yield Observation(f"{bars.feed}.{bars.key}.{name}", at, at, float(values[row]))


def parse_csv(text: str, key: str, file: str = "") -> Bars:
    """Read ``date,open,high,low,close,volume`` with a header; other columns are ignored, empty cells are missing.

    Rows that can't be read are left out and told as problems; of two rows of one day the last one counts.
    """
    reader = csv.DictReader(io.StringIO(text))
    names = [name.strip().casefold() for name in reader.fieldnames or ()]
    missing = {"date", "close"} - set(names)
    if missing:
        wanted = f"the header lacks {' and '.join(sorted(missing))}; wanted date,open,high,low,close,volume"
        return _empty(key, (Problem(file, 1, 1, "bad-header", wanted),))
    reader.fieldnames = names
    rows: dict[int, list[float]] = {}
    problems: list[Problem] = []
    for number, row in enumerate(reader, start=2):
        try:
            rows[date.fromisoformat((row["date"] or "").strip()[:10]).toordinal()] = _figures(row)
        except ValueError as error:
            problems.append(Problem(file, number, 1, "bad-row", f"the row can't be read: {error}"))
    ordered = sorted(rows)
    table = np.array([rows[day] for day in ordered], np.float64).reshape(len(ordered), len(BAR_FIELDS))
    days = (np.array(ordered, np.int64) - _EPOCH).astype("datetime64[D]")
    columns = {name: table[:, at].copy() for at, name in enumerate(BAR_FIELDS) if name in names}
    return Bars(key, days, columns, problems=tuple(problems))


def _figures(row: Mapping[str, str | None]) -> list[float]:
    found = []
    for name in BAR_FIELDS:
        text = (row.get(name) or "").strip()
        value = float(text) if text and text.casefold() not in {"null", "none", "nan", "-"} else float("nan")
        found.append(value if np.isfinite(value) else float("nan"))
    return found


def _empty(key: str, problems: tuple[Problem, ...]) -> Bars:
    return Bars(key, np.zeros(0, "datetime64[D]"), {}, problems=problems)
