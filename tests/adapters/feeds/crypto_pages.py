"""Answers of the crypto overview's sources in their documented form, made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


def cmc(data: Any, code: int | str = 0, message: str | None = None) -> dict[str, Any]:
    """``data`` in CoinMarketCap's envelope."""
    status = {"timestamp": "2026-07-24T11:55:00.000Z", "error_code": code, "error_message": message, "credit_count": 1}
    return {"data": data, "status": status}


def cmc_market() -> dict[str, Any]:
    """The latest global metrics."""
    quote = {"total_market_cap": 2.78e12, "total_volume_24h": 70.4e9, "total_volume_24h_reported": 438.9e9}
    return cmc({"quote": {"USD": quote}, "btc_dominance": 58.6, "last_updated": "2026-07-24T11:50:00.000Z"})


def cmc_fear(value: float = 40) -> dict[str, Any]:
    """The present fear and greed value."""
    return cmc({"value": value, "value_classification": "Neutral", "update_time": "2026-07-24T11:45:00.000Z"})


def cmc_fear_history(values: Mapping[str, float]) -> dict[str, Any]:
    """Past values by day, newest first."""
    rows = [
        {"timestamp": str(midnight(day)), "value": value, "value_classification": "Fear"}
        for day, value in sorted(values.items(), reverse=True)
    ]
    return cmc(rows)


def coingecko_global() -> dict[str, Any]:
    """CoinGecko's global figures."""
    updated = int(datetime(2026, 7, 24, 11, 58, tzinfo=UTC).timestamp())
    return {
        "data": {
            "total_market_cap": {"usd": 2.85e12, "eur": 2.4e12},
            "total_volume": {"usd": 99e9},
            "market_cap_percentage": {"btc": 57.1, "eth": 11.0},
            "updated_at": updated,
        }
    }


def alternative_me(values: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """alternative.me's list: values by day, newest first, numbers as text."""
    rows = [
        {"value": str(value), "value_classification": "Fear", "timestamp": str(midnight(day))} for day, value in values
    ]
    return {"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}}


def midnight(day: str) -> int:
    """The first second of ``day`` in UTC, since 1970."""
    return int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())
