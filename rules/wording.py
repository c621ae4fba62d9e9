"""Figures as text, with their unit, in plain characters."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta

from rules.language.template import Format
from rules.model import Lang

_SCALES = (("tn", 1e12), ("bn", 1e9), ("mn", 1e6))
_UNKNOWN: dict[Lang, str] = {"en": "unknown", "zh": "未知"}
_FACTORS = {"%": 100.0, "pp": 100.0, "bp": 10_000.0, "k": 1e-3, "mn": 1e-6, "bn": 1e-9, "tn": 1e-12}


def figure(value: float, unit: str, layout: Format | None = None, lang: Lang = "en") -> str:
    """``value`` (base unit, NaN for unknown) in words, by ``layout`` if there is one, else by its unit."""
    if math.isnan(value):
        return _UNKNOWN[lang]
    if layout is not None:
        return _laid_out(value, unit, layout)
    return _by_unit(value, unit, lang)


def _by_unit(value: float, unit: str, lang: Lang) -> str:
    base, _, code = unit.partition(":")
    writers: dict[str, Callable[[], str]] = {
        "bool": lambda: "true" if value else "false",
        "date": lambda: (date(1970, 1, 1) + timedelta(days=value)).isoformat(),
        "s": lambda: duration(value, lang),
        "money": lambda: f"{code} {_scaled(value)}",
        "%": lambda: _number(value * 100, sign=True, comma=False, digits=2) + base,
        "pp": lambda: _number(value * 100, sign=True, comma=False, digits=2) + base,
        "price": lambda: _number(value, sign=False, comma=True, digits=2),
    }
    return writers.get(base, lambda: _plain(value))()


def duration(seconds: float, lang: Lang = "en") -> str:
    """A length of time in its largest whole unit: ``34 min``, ``5 h``, ``3 d``."""
    for name, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (name == "min" and seconds >= 60):
            count = int(seconds // length)
            words = {"d": "天", "h": "小时", "min": "分钟"}
            return f"{count}{words[name]}" if lang == "zh" else f"{count} {name}"
    return f"{int(seconds)}秒" if lang == "zh" else f"{int(seconds)} s"


def _laid_out(value: float, unit: str, layout: Format) -> str:
    kind = layout.kind
    if kind in {"f", ""} and unit == "date":
        return figure(value, unit)
    digits = (
        layout.digits if layout.digits is not None else (0 if kind == "d" else 2 if kind in {"%", "pp", "f"} else 1)
    )
    scaled = value * _FACTORS.get(kind, 1.0)
    suffix = "" if kind in {"f", "d"} else kind
    return _number(scaled, sign=layout.sign, comma=layout.comma, digits=digits) + suffix


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
