"""A mistake in a file, located, explained and with a way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong where. ``line`` and ``column`` count from 1; ``code`` is a stable slug such as ``unknown-key``.

    A ``warning`` is a doubt: what it is about can be used as it is.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    suggestion: str = ""
    warning: bool = False

    def __str__(self) -> str:
        doubt = "warning: " if self.warning else ""
        hint = f"; did you mean {self.suggestion}?" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: {doubt}{self.message}{hint}"


class ProblemsFound(Exception):
    """A file can't be used; carries every mistake that was found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like ``name``, or ``""`` when none is close."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else ""
