"""What is wrong with an expression, and where in its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A mistake or a doubt at ``offset`` of the expression's text; ``code`` is a stable slug."""

    offset: int
    code: str
    message: str
    suggestion: str = ""
    severity: Literal["error", "warning"] = "error"


class ExpressionError(Exception):
    """An expression can't be read; ``errors`` holds every mistake that was found, the first one first."""

    def __init__(self, offset: int, code: str, message: str, suggestion: str = "") -> None:
        self.offset, self.code, self.message, self.suggestion = offset, code, message, suggestion
        self.errors: tuple[Finding, ...] = (Finding(offset, code, message, suggestion),)
        super().__init__(f"at {offset}: {message}" + (f"; did you mean {suggestion}?" if suggestion else ""))

    @classmethod
    def of(cls, errors: list[Finding]) -> ExpressionError:
        """Several mistakes as one error."""
        first = errors[0]
        error = cls(first.offset, first.code, first.message, first.suggestion)
        error.errors = tuple(errors)
        return error
