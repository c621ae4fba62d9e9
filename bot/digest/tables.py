"""Tables that a vendor gives or an analyst keeps, from CSV files: figures that no feed has, and top lists to compare.

``figures.csv`` (``series,date,value``, optionally ``source``) lies in the folder, in a week's own folder, or in both;
``gainers.csv``, ``losers.csv`` (``symbol,change_pct``, optionally ``en``, ``zh``, ``source``) and ``headers.csv``
(``figure,currency``) lie in the week's folder: ``2024-W44/gainers.csv``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path

from bot.digest.data import DigestData, Imported, ImportedMove, ObservedData
from bot.digest.frame import Span
from rules.calendars.sessions import Calendars
from rules.model import CalendarEvent, Observation, SeriesName
from rules.problems import Problem, ProblemsFound
from rules.universe import Universe

MAX_BYTES = 5_000_000
FIGURES, GAINERS, LOSERS, HEADERS = "figures.csv", "gainers.csv", "losers.csv", "headers.csv"
_DAY_END = time(23, 59, 59)
_ALWAYS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tables:
    """What the files hold for one week."""

    observations: tuple[Observation, ...] = ()
    imported: Imported | None = None


class WithTables:
    """``DigestData`` in which figures from files go before those of ``data``."""

    def __init__(self, data: DigestData, tables: Tables) -> None:
        self._data = data
        self._files = ObservedData(tables.observations, (), _ALWAYS)
        self._imported = tables.imported or data.imported

    @property
    def now(self) -> datetime:
        """The instant up to which feeds' figures are known."""
        return self._data.now

    @property
    def imported(self) -> Imported | None:
        """The week's own tables, else those that came with the data."""
        return self._imported

    def on(self, series: str, day: date) -> Observation | None:
        """The files' figure of ``day``, else the feeds'."""
        return self._files.on(series, day) or self._data.on(series, day)

    def last(self, series: str, day: date) -> Observation | None:
        """The later of the files' last figure and the feeds'."""
        found = [item for item in (self._files.last(series, day), self._data.last(series, day)) if item]
        return max(found, key=lambda item: item.at.date(), default=None)

    def span(self, series: str, first: date, last: date) -> tuple[Observation, ...]:
        """One figure a day, oldest first."""
        told = (*self._data.span(series, first, last), *self._files.span(series, first, last))
        days = {item.at.date(): item for item in told}
        return tuple(days[day] for day in sorted(days))

    def told(self, series: str, day: date) -> tuple[Observation, ...]:
        """The files' figure alone where there is one."""
        return self._files.told(series, day) or self._data.told(series, day)

    def series(self, prefix: str) -> tuple[str, ...]:
        """The series of both."""
        return tuple(sorted({*self._files.series(prefix), *self._data.series(prefix)}))

    def events(self, first: date, last: date) -> tuple[CalendarEvent, ...]:
        """As the data has them."""
        return self._data.events(first, last)


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of a file, by column."""

    file: str
    number: int
    cells: dict[str, str]

    def decimal(self, name: str) -> Decimal:
        """A finite number, without separators."""
        try:
            found = Decimal(self.cells[name])
        except InvalidOperation:
            found = Decimal("nan")
        if not found.is_finite():
            raise ValueError(f"{self.cells[name]!r} is no number; wanted one such as 15918.9 under {name!r}")
        return found


def read_tables(folder: Path, span: Span, universe: Universe, calendars: Calendars) -> Tables:
    """What ``folder`` and its folder of the week hold; nothing where there are no files.

    Raise ``ProblemsFound`` with every mistake, ``OSError`` for a file that can't be read.
    """
    mistakes: list[Problem] = []
    week, observations = folder / span.name, list[Observation]()
    for path in (folder / FIGURES, week / FIGURES):
        for line in _lines(path, ("series", "date", "value"), mistakes):
            with _Noted(line, mistakes):
                observations.append(_observation(line, universe, calendars))
    lists = {name: tuple(_moves(week / name, universe, mistakes)) for name in (GAINERS, LOSERS)}
    currencies: dict[int, str] = {}
    for line in _lines(week / HEADERS, ("figure", "currency"), mistakes):
        with _Noted(line, mistakes):
            currencies[int(line.decimal("figure"))] = line.cells["currency"]
    if mistakes:
        raise ProblemsFound(mistakes)
    moves = [move for _, move in (*lists[GAINERS], *lists[LOSERS])]
    if not moves and not currencies:
        return Tables(tuple(observations))
    source = next((source for source, _ in (*lists[GAINERS], *lists[LOSERS]) if source), span.name)
    gainers, losers = (tuple(move for _, move in lists[name]) for name in (GAINERS, LOSERS))
    return Tables(tuple(observations), Imported(source, span.last, gainers, losers, currencies or None))


class _Noted:
    """Turns a ``ValueError`` about a line into a mistake among others."""

    def __init__(self, line: _Line, mistakes: list[Problem]) -> None:
        self._line = line
        self._mistakes = mistakes

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if isinstance(error, ValueError):
            self._mistakes.append(Problem(self._line.file, self._line.number, 1, "bad-value", str(error)))
            return True
        return False


def _lines(path: Path, wanted: Sequence[str], mistakes: list[Problem]) -> Iterator[_Line]:
    """The rows of a file that is there; a column that is wanted and missing is a mistake of the whole file."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"not UTF-8 text (byte {error.start}); save it as CSV UTF-8"
        mistakes.append(Problem(str(path), 1, 1, "encoding", what))
        return
    if len(raw) > MAX_BYTES:
        mistakes.append(Problem(str(path), 1, 1, "too-large", f"longer than {MAX_BYTES:,} bytes"))
        return
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = [name.strip().casefold() for name in reader.fieldnames or ()]
    if lacking := [name for name in wanted if name not in columns]:
        what = f"no column {', '.join(map(repr, lacking))}; wanted {','.join(wanted)}"
        mistakes.append(Problem(str(path), 1, 1, "missing-column", what))
        return
    reader.fieldnames = columns
    for row in reader:
        cells = {name: (cell or "").strip() for name, cell in row.items() if name and not isinstance(cell, list)}
        if any(cells.values()):
            yield _Line(str(path), reader.line_num, cells)


def _observation(line: _Line, universe: Universe, calendars: Calendars) -> Observation:
    series, text = line.cells["series"], line.cells["date"]
    name = SeriesName.parse(series)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date; wanted one such as 2024-11-01") from None
    at = datetime.combine(day, _DAY_END, UTC)
    if name.feed in {"prices", "etf_flows"}:
        known = universe.by_symbol.get(name.key)
        calendar = calendars.get(known.calendar if known else "XNYS")
        if not calendar.is_session(day):
            raise ValueError(f"{series} has no session on {day}")
        at = calendar.close(day)
    return Observation(series, at, at, float(line.decimal("value")), source=line.cells.get("source") or FIGURES)


def _moves(path: Path, universe: Universe, mistakes: list[Problem]) -> Iterator[tuple[str, ImportedMove]]:
    """Each line of a top list, with the source that it names."""
    for line in _lines(path, ("symbol", "change_pct"), mistakes):
        with _Noted(line, mistakes):
            symbol, change = line.cells["symbol"], line.decimal("change_pct")
            known = universe.by_symbol.get(symbol)
            name = known.name if known else {"en": symbol, "zh": symbol}
            yield (
                line.cells.get("source", ""),
                ImportedMove(
                    symbol,
                    {"en": line.cells.get("en") or name["en"], "zh": line.cells.get("zh") or name["zh"]},
                    str(change).lstrip("+"),
                ),
            )
