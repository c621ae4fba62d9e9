"""How long a service takes to answer at its quickest."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

import aiohttp

from adapters.clock import Clock

_KNOWN_AFTER = 20
_LATEST = 500


class RoundTrips:
    """Times the requests of a session that is opened with :meth:`trace`, from the wire to the wire.

    Only a request that is alone on its way is timed: where many wait for each other, that wait isn't the service's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._took_s: deque[float] = deque(maxlen=_LATEST)
        self._on_their_way: set[int] = set()
        self._alone = False

    @property
    def quickest_s(self) -> float:
        """The quickest of the latest round trips; 0 while too few are known to trust it."""
        return min(self._took_s) if len(self._took_s) >= _KNOWN_AFTER else 0.0

    def trace(self) -> aiohttp.TraceConfig:
        """What a session is opened with."""
        config = aiohttp.TraceConfig()
        config.on_request_headers_sent.append(self._began)
        config.on_request_end.append(self._ended)
        config.on_request_exception.append(self._failed)
        return config

    async def _began(self, _session: aiohttp.ClientSession, request: SimpleNamespace, _what: Any) -> None:
        self._alone = not self._on_their_way
        self._on_their_way.add(id(request))
        request.began = self._clock.now()

    async def _ended(self, _session: aiohttp.ClientSession, request: SimpleNamespace, _what: Any) -> None:
        self._on_their_way.discard(id(request))
        if self._alone:
            self._took_s.append(max((self._clock.now() - request.began).total_seconds(), 0.0))

    async def _failed(self, _session: aiohttp.ClientSession, request: SimpleNamespace, _what: Any) -> None:
        self._on_their_way.discard(id(request))
