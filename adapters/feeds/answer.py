"""Reading what a source answered: typed access that says what is wrong, and where, instead of raising KeyError."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from adapters.feeds.port import Fault, FeedProblem
from adapters.http import HttpFailure

Json = Mapping[str, Any]
_ABSURD = 1e16
"""Nothing that is told here, in USD or percent, is near ten quadrillion; NaN and infinities fail the same check."""
_SILENT = 3
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}


class BadAnswer(Exception):
    """The source answered, but not with what is wanted; ``fault`` says what can be done about it."""

    def __init__(self, message: str, fault: Fault = Fault.CHANGED, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.fault = fault
        self.retry_at = retry_at

    def problem(self, source: str, subject: str = "") -> FeedProblem:
        """The same as a value."""
        return FeedProblem(source, self.fault, str(self), subject, self.retry_at)


def mapping(value: object, what: str) -> Json:
    """``value`` as an object, or :class:`BadAnswer` that names ``what`` it should be."""
    if not isinstance(value, Mapping):
        raise BadAnswer(f"{what} is {_kind(value)}; wanted an object")
    return value


def sequence(value: object, what: str) -> Sequence[Any]:
    """``value`` as a list, or :class:`BadAnswer`."""
    if not isinstance(value, list):
        raise BadAnswer(f"{what} is {_kind(value)}; wanted a list")
    return value


def dig(value: object, path: str) -> Any:
    """Follow the dotted ``path`` of keys into ``value``; :class:`BadAnswer` names the first one that is missing."""
    for key in path.split("."):
        here = mapping(value, f"what holds {key!r} (of {path})")
        if key not in here:
            raise BadAnswer(f"{key!r} (of {path}) is missing; there are {', '.join(sorted(here)[:8]) or 'no keys'}")
        value = here[key]
    return value


def maybe(value: object, key: str) -> Any:
    """What the object ``value`` has under ``key``, ``None`` if nothing; :class:`BadAnswer` if it is no object."""
    return mapping(value, f"what may hold {key!r}").get(key)


def number(value: object, what: str) -> float:
    """``value`` (a number, or one written as text) as a finite float, or :class:`BadAnswer`."""
    found = optional_number(value, what)
    if found is None:
        raise BadAnswer(f"{what} is missing; wanted a number")
    return found


def optional_number(value: object, what: str) -> float | None:
    """Like :func:`number`, but ``None`` for null and blank text."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadAnswer(f"{what} is {_kind(value)}; wanted a number")
    try:
        found = float(value)
    except (ValueError, OverflowError) as error:
        raise BadAnswer(f"{what} is {value!r:.40}; wanted a number") from error
    if not abs(found) < _ABSURD:
        raise BadAnswer(f"{what} is {found:g}; wanted a figure of this world")
    return found


def positive(value: object, what: str) -> float:
    """Like :func:`number`, and above zero."""
    found = number(value, what)
    if found <= 0:
        raise BadAnswer(f"{what} is {found:g}; wanted more than zero")
    return found


def iso_day(value: object, what: str) -> date:
    """``value`` (``YYYY-MM-DD``, a time after it is ignored) as a date, or :class:`BadAnswer`."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise BadAnswer(f"{what} is {value!r:.40}; wanted a date such as 2026-07-24") from error


def english_day(text: str) -> date | None:
    """``24 Jul 2026`` as a date whatever the host's language, ``None`` for anything else."""
    parts = text.replace(",", " ").split()
    if len(parts) != 3:
        return None
    day, month, year = parts if parts[0].isdigit() else (parts[1], parts[0], parts[2])
    try:
        return date(int(year), _MONTHS[month[:3].casefold()], int(day))
    except (ValueError, KeyError):
        return None


def instant(value: object, what: str, *, per_second: int = 1) -> datetime:
    """Epoch seconds (or milliseconds with ``per_second=1000``), as a number or text, as an instant in UTC."""
    try:
        return datetime.fromtimestamp(number(value, what) / per_second, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadAnswer(f"{what} is {value!r:.40}; wanted seconds since 1970") from error


def iso_instant(value: object, what: str) -> datetime:
    """An ISO 8601 time as an instant in UTC; one without an offset is read as UTC."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise BadAnswer(f"{what} is {value!r:.40}; wanted a time such as 2026-07-24T20:00:00Z") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


@contextmanager
def noting(problems: list[FeedProblem], source: str, subject: str = "") -> Iterator[None]:
    """Turn what the block meets in the world, no answer or a bad one, into a problem."""
    try:
        yield
    except BadAnswer as bad:
        problems.append(bad.problem(source, subject))
    except HttpFailure as failure:
        problems.append(failure.problem(subject))


def gives_up(problems: Sequence[FeedProblem]) -> bool:
    """Whether the next request to the same source would fare no better: it refused, or was silent three times."""
    last = [problem.fault for problem in problems[-_SILENT:]]
    refused = bool(last) and last[-1] in {Fault.BLOCKED, Fault.RATE_LIMITED, Fault.UNAUTHORIZED}
    return refused or last == [Fault.UNREACHABLE] * _SILENT


def _kind(value: object) -> str:
    return {type(None): "null", list: "a list", str: "text", bool: "a truth value", dict: "an object"}.get(
        type(value), "a number"
    )
