"""One line of progress on standard error: rewritten in place on a terminal, silent in a pipe."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console


class Progress:
    """Shows what is being done now; gone when the work is."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._status = self._console.status("")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def step(self, at: datetime, known: int) -> None:
        """Show where a replay stands."""
        self.show(f"{at:%a %d %b %Y %H:%M} UTC · {known} observations")

    def show(self, text: str) -> None:
        """Replace the line by ``text``."""
        self._status.update(text)

    def note(self, text: str) -> None:
        """Leave ``text`` standing above the line."""
        self._console.print(text, soft_wrap=True)
