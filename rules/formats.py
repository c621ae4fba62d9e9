"""Figures as a reader writes them, in English or Chinese, rounded once and half away from zero.

A figure comes in its base unit (a fraction for ``%`` and ``pp``, dollars for ``money:USD``); units are those of
``rules.language.units``. Missing is ``—``. A minus is the ASCII one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from rules.language.template import Format
from rules.model import Lang
from rules.numbers import MISSING, money, price, rounded

_FITS = {
    "%": {"", "%", "pp"},
    "pp": {"", "%", "pp"},
    "bp": {"", "%", "pp", "bp"},
    "$": {"money", "price"},
    "x": {""},
    "f": {"", "price", "money", "days", "s", "%", "pp", "bp"},
    "d": {"", "price", "money", "days", "s"},
    **{power: {"", "price", "money"} for power in ("k", "mn", "bn", "tn")},
}
_SCALES = {"%": 100, "pp": 100, "bp": 10_000}
_POWERS = {"k": 3, "mn": 6, "bn": 9, "tn": 12}
_DIGITS = {"%": 1, "pp": 1, "bp": 0, "f": 2, "x": 1, "d": 0}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


USUAL = Format()
"""What suits the unit."""


def suits(layout: Format, unit: str) -> bool:
    """Whether a figure of ``unit`` can be written so."""
    base = unit.partition(":")[0]
    if not layout.kind:
        return base not in {"bool", "date"} or layout == USUAL
    return base == "any" or base in _FITS[layout.kind]


def write(value: float | None, unit: str, layout: Format | None, lang: Lang) -> str:
    """Write one figure; NaN and ``None`` are missing."""
    wanted = layout or USUAL
    if value is None or not math.isfinite(value):
        return MISSING
    base, _, currency = unit.partition(":")
    if wanted.kind == "$" or (not wanted.kind and base == "money"):
        return money(value, currency or "USD", lang, signed=wanted.sign, decimals=wanted.digits)
    if not wanted.kind and base in _OWN:
        return _OWN[base](value, lang, wanted)
    kind = wanted.kind or (base if base in _SCALES else "f")
    return _number(value, wanted, kind, lang)


def day(when: date, lang: Lang) -> str:
    """``1 Nov 2024`` or ``2024年11月1日``."""
    if lang == "zh":
        return f"{when.year}年{when.month}月{when.day}日"
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def span(seconds: float, lang: Lang) -> str:
    """A length of time in its largest sensible unit, such as ``34 min``."""
    names = {"en": ("s", "min", "h", "days"), "zh": ("秒", "分钟", "小时", "天")}[lang]
    size = abs(seconds)
    step = 0 if size < 60 else 1 if size < 7_200 else 2 if size < 172_800 else 3
    return f"{rounded(seconds / (1, 60, 3_600, 86_400)[step], 0)} {names[step]}"


def _number(value: float, wanted: Format, kind: str, lang: Lang) -> str:
    digits = _DIGITS.get(kind, 1) if wanted.digits is None else wanted.digits
    shown = rounded(value / 10 ** _POWERS.get(kind, 0), digits, scale=_SCALES.get(kind, 1))
    if kind == "%" and wanted.digits is None and abs(shown) >= 100:
        digits, shown = 0, rounded(value, 0, scale=100)
    tail = {"f": "", "d": "", "pp": "pct" if lang == "zh" else "pp"}.get(kind, kind)
    return _plain(shown, digits, signed=wanted.sign, grouped=wanted.comma) + tail


def _plain(number: Decimal, digits: int, *, signed: bool, grouped: bool) -> str:
    text = f"{number:,.{digits}f}" if grouped else f"{number:.{digits}f}"
    return f"+{text}" if signed and number > 0 else text


def _truth(value: float, lang: Lang, _: Format) -> str:
    return {"en": ("no", "yes"), "zh": ("否", "是")}[lang][value != 0]


def _date(value: float, lang: Lang, _: Format) -> str:
    return day(date(1970, 1, 1) + timedelta(days=round(value)), lang) if abs(value) < 1e6 else MISSING


def _days(value: float, lang: Lang, _: Format) -> str:
    count = rounded(value, 0)
    return f"{count} 天" if lang == "zh" else f"{count} day{'s' * (count != 1)}"


def _price(value: float, lang: Lang, wanted: Format) -> str:
    return price(value, lang, signed=wanted.sign)


def _span(value: float, lang: Lang, _: Format) -> str:
    return span(value, lang)


_OWN: Mapping[str, Callable[[float, Lang, Format], str]] = {
    "bool": _truth,
    "date": _date,
    "days": _days,
    "price": _price,
    "s": _span,
}
