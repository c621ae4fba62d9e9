"""Coinbase Exchange's public ticker: dollars, keyless, reachable from the United States."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from adapters.feeds.streams import BadFrame, Tick

URL = "wss://ws-feed.exchange.coinbase.com"


class CoinbaseWire:
    """The ``ticker`` channel. Its products are named like Yahoo's symbols (``BTC-USD``).

    Its high and low are of the last 24 hours, not of the UTC day, so they are not taken.
    """

    name = "coinbase"
    resubscribe_s = 0.0

    def __init__(self, url: str = URL) -> None:
        self.url = url

    def subscription(self, symbols: Sequence[str]) -> str:
        """The frame that asks for ``symbols``."""
        return json.dumps({"type": "subscribe", "product_ids": list(symbols), "channels": ["ticker"]})

    def ticks(self, frame: str | bytes) -> Iterable[Tick]:
        """The price in a ``ticker`` message; acknowledgements and heartbeats say nothing."""
        try:
            message = json.loads(frame)
            kind = message["type"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadFrame(f"{type(error).__name__}: {frame[:80]!r}") from None
        if kind == "error":
            raise BadFrame(f"{message.get('message')}: {message.get('reason')}")
        return (_tick(message, frame),) if kind == "ticker" else ()


def _tick(message: Mapping[str, str], frame: str | bytes) -> Tick:
    try:
        at = datetime.fromisoformat(message["time"])
        price = float(message["price"])
        symbol = str(message["product_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadFrame(f"{type(error).__name__}: {frame[:80]!r}") from None
    if at.tzinfo is None or not math.isfinite(price) or price <= 0:
        raise BadFrame(f"no price or no time zone: {frame[:80]!r}")
    return Tick(symbol, price, at.astimezone(UTC))
