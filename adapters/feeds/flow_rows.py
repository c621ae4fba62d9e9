"""From the rows of a per-fund table to days: one row a day, sessions only, totals recomputed and checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from adapters.feeds.answer import BadAnswer
from adapters.feeds.flow_day import FlowDay, FlowDays, is_session, new_york, of_funds, provisional, without_unlisted
from adapters.feeds.port import Fault, FeedProblem

_FIGURE = re.compile(r"(?P<plain>-?\d{1,15}(\.\d+)?)|\((?P<bracketed>\d{1,15}(\.\d+)?)\)")
_NOT_REPORTED = {"", "-", "–", "—"}


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One row of a source's table in USD; ``printed`` is its own total, ``None`` where it gives none.

    ``tolerance`` (USD) is how far rounding alone may move the printed total from the sum of the funds.
    """

    day: date
    funds: Mapping[str, float | None]
    printed: float | None = None
    tolerance: float = 1.0


@dataclass(frozen=True, slots=True)
class FlowTable:
    """The readable rows of an answer, in its order, and what was wrong with the others."""

    rows: tuple[FlowRow, ...]
    faults: tuple[BadAnswer, ...] = ()


def table_of(readers: Iterable[Callable[[], FlowRow]]) -> FlowTable:
    """Read every row by its reader; raise the first ``BadAnswer`` when not one row is readable."""
    rows: list[FlowRow] = []
    faults: list[BadAnswer] = []
    for read in readers:
        try:
            rows.append(read())
        except BadAnswer as bad:
            faults.append(bad)
    if faults and not rows:
        raise faults[0]
    return FlowTable(tuple(rows), tuple(faults))


def usd_millions(cell: str, what: str) -> float | None:
    """``209.4`` and ``(44.5)``, in millions, as USD; ``None`` for a dash: not reported is not zero."""
    if cell.strip() in _NOT_REPORTED:
        return None
    found = _FIGURE.fullmatch(cell.strip().replace(",", "").replace("−", "-").removesuffix("*"))
    if found is None:
        raise BadAnswer(f"{what} is {cell!r:.30}; wanted US$ millions such as 209.4 or (44.5)")
    value = Decimal(found["plain"] or found["bracketed"]) * 1_000_000
    return float(value if found["plain"] else -value) + 0.0


def to_days(asset: str, source: str, table: FlowTable, now: datetime) -> FlowDays:
    """Make days of ``table``, in any order and with repetitions; what is not believable comes back as problems."""
    kept: dict[date, FlowRow] = {}
    problems = [fault.problem(source, f"etf_flows.{asset}.total") for fault in table.faults]
    for row in table.rows:
        if (why := _not_a_session(row, now)) is not None:
            problems += [_problem(asset, source, row.day, Fault.INCOMPLETE, why)] if why else []
            continue
        known = kept.get(row.day)
        if known is not None and (clash := _clash(known, row)):
            problems.append(_problem(asset, source, row.day, Fault.DISAGREEMENT, f"two rows differ in {clash}"))
        kept[row.day] = row if known is None or _reported(row) >= _reported(known) else known
    days = [_day(asset, source, kept[day], funds) for day, funds in _listed(kept).items()]
    problems += [problem for _, problem in days if problem is not None]
    return FlowDays(tuple(day for day, _ in days), tuple(problems))


def _listed(rows: Mapping[date, FlowRow]) -> dict[date, dict[str, float | None]]:
    return without_unlisted({day: row.funds for day, row in rows.items()})


def _not_a_session(row: FlowRow, now: datetime) -> str | None:
    """``None`` for a session that has closed, ``""`` for a placeholder, else what is odd about the row."""
    if is_session(row.day):
        return None if new_york().close(row.day) <= now else ""
    return "figures for a day on which the funds don't trade" if any(row.funds.values()) else ""


def _reported(row: FlowRow) -> int:
    return sum(value is not None for value in row.funds.values())


def _clash(one: FlowRow, other: FlowRow) -> str:
    pairs = ((ticker, value, other.funds.get(ticker)) for ticker, value in one.funds.items())
    return ", ".join(ticker for ticker, a, b in pairs if a is not None and b is not None and a != b)


def _day(
    asset: str, source: str, row: FlowRow, funds: Mapping[str, float | None]
) -> tuple[FlowDay, FeedProblem | None]:
    day = of_funds(asset, row.day, funds, source)
    if row.printed is None or day.total is None or abs(row.printed - day.total) <= row.tolerance:
        return day, None
    message = f"its funds sum to {day.total:,.0f} USD, it prints a total of {row.printed:,.0f}"
    return provisional(day), _problem(asset, source, row.day, Fault.DISAGREEMENT, message)


def _problem(asset: str, source: str, day: date, fault: Fault, message: str) -> FeedProblem:
    return FeedProblem(source, fault, f"{asset} {day}: {message}", f"etf_flows.{asset}.total {day}")
