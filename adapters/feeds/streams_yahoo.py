"""Yahoo's streamer: JSON frames around base64 protobuf, decoded with yfinance's message definition."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.feeds.streams import BadFrame, Tick

URL = "wss://streamer.finance.yahoo.com/?version=2"
_REGULAR_HOURS = 1


class YahooWire:
    """The streamer's protocol. Pre- and post-market prices are left out: they are no session's figures."""

    name = "yahoo_stream"
    resubscribe_s = 15.0

    def __init__(self, url: str = URL) -> None:
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - yfinance takes a second to load
        from yfinance.pricing_pb2 import PricingData  # noqa: PLC0415

        self.url = url
        self._message: Any = PricingData
        self._decode_error = DecodeError

    def subscription(self, symbols: Sequence[str]) -> str:
        """The frame that asks for ``symbols``; sent again every 15 s, it keeps the connection from being dropped."""
        return json.dumps({"subscribe": list(symbols)})

    def ticks(self, frame: str | bytes) -> Iterable[Tick]:
        """The price in a frame of type ``pricing``; other types say nothing about prices."""
        try:
            envelope = json.loads(frame)
            if envelope.get("type", "pricing") != "pricing":
                return ()
            data = self._message.FromString(base64.b64decode(envelope["message"], validate=True))
        except (ValueError, KeyError, AttributeError, TypeError, binascii.Error, self._decode_error) as error:
            raise BadFrame(f"{type(error).__name__}: {frame[:80]!r}") from None
        if data.market_hours != _REGULAR_HOURS:
            return ()
        if not data.id or not math.isfinite(data.price) or data.price <= 0 or data.time <= 0:
            raise BadFrame(f"no symbol, price or time: {frame[:80]!r}")
        try:
            at = datetime.fromtimestamp(data.time / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            raise BadFrame(f"a time beyond all calendars: {data.time}") from None
        reference = _rounded(data.price - data.change) if data.change else None
        return (Tick(data.id, _rounded(data.price), at, _rounded(data.day_high), _rounded(data.day_low), reference),)


def _rounded(price: float) -> float:
    """The price as it was before it became a 32-bit float: seven significant digits."""
    return float(f"{price:.7g}")
