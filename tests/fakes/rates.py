"""Token buckets: what a service allows, and whether a client kept to it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limit:
    """``rate`` a second on average, ``burst`` at once."""

    rate: float
    burst: float


@dataclass
class Rates:
    """Counts requests per key, and refuses those over the limit where ``enforced``; ``clock`` tells seconds."""

    enforced: bool = False
    arrivals: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: int = 0
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_for(self, limits: dict[str, Limit]) -> float:
        """Count one request against every key; return the seconds to wait where one is over, taking nothing."""
        now = self.clock()
        for key in limits:
            self.arrivals[key].append(now)
        if not self.enforced:
            return 0.0
        levels = {key: self._level(key, limit, now) for key, limit in limits.items()}
        wait = max(((1 - levels[key]) / limit.rate for key, limit in limits.items()), default=0.0)
        if wait > 1e-9:
            self.refused += 1
            return wait
        self._buckets.update({key: (level - 1, now) for key, level in levels.items()})
        return 0.0

    def _level(self, key: str, limit: Limit, now: float) -> float:
        level, since = self._buckets.get(key, (limit.burst, now))
        return min(limit.burst, level + (now - since) * limit.rate)
