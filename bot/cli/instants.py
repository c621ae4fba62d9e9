"""Instants on the command line: a day, or a day and a time, with a zone or in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import click


class Instant(click.ParamType[datetime]):
    """Read ``2024-11-01``, ``2024-11-01T20:00``, ``2024-11-01T20:00+08:00``; ``ends`` makes a bare day its end."""

    name = "instant"

    def __init__(self, *, ends: bool = False) -> None:
        self._ends = ends

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant in UTC; a day without a time is its beginning, or its end."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        try:
            if len(text) == 10:
                day = date.fromisoformat(text)
                return datetime.combine(day + timedelta(days=self._ends), time(), UTC)
            found = datetime.fromisoformat(text)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not an instant; wanted 2024-11-01, 2024-11-01T20:00 or …+08:00 (else UTC)")
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
