"""What the clock alone will make happen, in order: strikes of rules, timers of instances, checks for overdue data."""

from __future__ import annotations

import heapq
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple


class Cause(IntEnum):
    """Why the clock strikes."""

    TIMER = 0
    STRIKE = 1
    OVERDUE = 2


class Entry(NamedTuple):
    """Rule, group and lane by number; a strike is for all lanes (-1)."""

    cause: Cause
    rule: int
    group: int = -1
    lane: int = -1


class Agenda:
    """Entries with one time each; setting another time replaces the earlier one."""

    def __init__(self) -> None:
        self._times: dict[Entry, datetime] = {}
        self._heap: list[tuple[datetime, Entry]] = []

    def put(self, entry: Entry, at: datetime | None) -> None:
        """Let ``entry`` come up at ``at``, or never."""
        if at is None:
            self._times.pop(entry, None)
        elif self._times.get(entry) != at:
            self._times[entry] = at
            heapq.heappush(self._heap, (at, entry))

    @property
    def next(self) -> datetime | None:
        """When the first entry comes up."""
        while self._heap and self._times.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def strikes(self, now: datetime) -> bool:
        """Whether an entry comes up by ``now``."""
        first = self.next
        return first is not None and first <= now

    def take(self, at: datetime) -> list[Entry]:
        """Remove and return the entries that come up at ``at``, in the order of the rules."""
        due: list[Entry] = []
        while self.next == at:
            entry = heapq.heappop(self._heap)[1]
            del self._times[entry]
            due.append(entry)
        return due
