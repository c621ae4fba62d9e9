"""Figures as text, with their unit, in plain characters."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

_SCALES = (("tn", 1e12), ("bn", 1e9), ("mn", 1e6))


def figure(value: float, unit: str) -> str:
    """``value`` (base unit, NaN for unknown) in words, by its unit, with the precision that a trace needs."""
    if not math.isfinite(value):
        return "unknown"
    return _by_unit(value, unit)


def _by_unit(value: float, unit: str) -> str:
    base, _, code = unit.partition(":")
    writers: dict[str, Callable[[], str]] = {
        "bool": lambda: "true" if value else "false",
        "date": partial(_day, value),
        "s": partial(duration, value),
        "money": lambda: f"{code} {_scaled(value)}",
        "%": lambda: _number(value * 100, sign=True, comma=False, digits=2) + base,
        "pp": lambda: _number(value * 100, sign=True, comma=False, digits=2) + base,
        "price": lambda: _number(value, sign=False, comma=True, digits=2),
    }
    return writers.get(base, lambda: _plain(value))()


def _day(value: float) -> str:
    return (date(1970, 1, 1) + timedelta(days=value)).isoformat()


def duration(seconds: float) -> str:
    """A length of time in its largest whole unit: ``34 min``, ``5 h``, ``3 d``."""
    for name, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (name == "min" and seconds >= 60):
            return f"{int(seconds // length)} {name}"
    return f"{int(seconds)} s"


def _number(value: float, *, sign: bool, comma: bool, digits: int) -> str:
    value = round(value, digits) + 0.0
    return f"{value:{'+' if sign else ''}{',' if comma else ''}.{digits}f}"


def _scaled(value: float) -> str:
    for name, scale in _SCALES:
        if abs(value) >= scale:
            return _number(value / scale, sign=True, comma=True, digits=1) + name
    return _number(value, sign=True, comma=True, digits=0)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:,.6g}"
