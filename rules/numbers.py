"""How figures are written, in both languages: one place, one rounding, half away from zero.

Fractions come in as fractions (``0.054`` is 5.4%), money in whole currency units, and everything goes out as text. The
minus is ASCII, so that a figure pastes into a spreadsheet. ``None`` is a dash.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from math import isfinite
from typing import NamedTuple

from rules.model import Lang

MISSING = "—"
STALE = "⏱"


class _Scale(NamedTuple):
    """A unit of money: applies while the rounded figure is below ``below`` currency units."""

    below: Decimal
    power: int
    decimals: int
    word: str


_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)
"""Enough digits for the largest float."""
_INFINITY = Decimal("Infinity")
_SCALES: dict[Lang, tuple[_Scale, ...]] = {
    "zh": (
        _Scale(Decimal(10) ** 10, 8, 2, "亿"),
        _Scale(Decimal(10) ** 12, 8, 1, "亿"),
        _Scale(_INFINITY, 12, 2, "万亿"),
    ),
    "en": (
        _Scale(Decimal(10) ** 9, 6, 1, "M"),
        _Scale(Decimal(10) ** 12, 9, 2, "B"),
        _Scale(_INFINITY, 12, 2, "T"),
    ),
}
_CURRENCY_ZH = {"USD": "美元", "HKD": "港元", "CNY": "元", "EUR": "欧元", "GBP": "英镑", "JPY": "日元"}
_CURRENCY_EN = {"USD": "$", "HKD": "HK$", "CNY": "CN¥", "EUR": "€", "GBP": "£", "JPY": "¥"}


def rounded(value: float, decimals: int, *, scale: int = 1) -> Decimal:
    """``value × scale`` to ``decimals`` places, half away from zero; never a negative zero.

    The float's noise beyond 12 significant digits is dropped first: the sum of 0.1 and 0.2 is 0.3 to a reader.
    """
    if not isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    exact = _EXACT.multiply(Decimal(format(value, ".12g")), Decimal(scale))
    result = exact.quantize(Decimal(1).scaleb(-decimals), context=_EXACT)
    return result if result else abs(result)


def number(value: float | None, decimals: int, *, signed: bool = False, comma: bool = False) -> str:
    """A plain figure; zero has no sign, with ``signed`` a positive one has a plus."""
    if value is None:
        return MISSING
    return _written(rounded(value, decimals), signed=signed, comma=comma)


def percent(value: float | None, *, decimals: int | None = None, signed: bool = True) -> str:
    """A fraction as a percentage, ``+5.4%``: one decimal, none from 100% on, unless ``decimals`` says otherwise."""
    if value is None:
        return MISSING
    one = rounded(value * 100, 1)
    places = decimals if decimals is not None else (0 if abs(one) >= 100 else 1)
    return _written(rounded(value * 100, places), signed=signed) + "%"


def points(value: float | None, lang: Lang, *, decimals: int = 1, signed: bool = True) -> str:
    """A difference of two fractions in percentage points: ``-2.5pct`` in Chinese, ``-2.5pp`` in English."""
    if value is None:
        return MISSING
    return _written(rounded(value * 100, decimals), signed=signed) + ("pct" if lang == "zh" else "pp")


def price(value: float | None, lang: Lang, *, crypto: bool = False, signed: bool = False) -> str:
    """A price or an index level: 4 decimals below 1, 2 below 1,000, 1 above; a coin above 1,000 is whole.

    Thousands are separated in English and for coins; an English coin carries the dollar sign.
    """
    if value is None:
        return MISSING
    magnitude = abs(value)
    places = 4 if magnitude < 1 else 2 if magnitude < 1000 else 0 if crypto else 1
    text = _written(rounded(value, places), signed=signed, comma=crypto or lang == "en")
    return f"${text}" if crypto and lang == "en" else text


def money(value: float | None, currency: str, lang: Lang, *, signed: bool = False, decimals: int | None = None) -> str:
    """An amount with its unit: ``0.55 亿美元``, ``$54.9M``; what rounds to nothing is ``<0.01 亿美元``, ``<$0.1M``."""
    if value is None:
        return MISSING
    scale, amount = _scale(value, lang)
    if decimals is not None:
        scale = scale._replace(decimals=decimals)
        amount = rounded(value / 10**scale.power, decimals)
    sign = "-" if value < 0 else "+" if signed and value > 0 else ""
    digits = _written(abs(amount), comma=lang == "en")
    if amount == 0 and value != 0:
        digits = f"{Decimal(1).scaleb(-scale.decimals):f}"
        sign += "<"
    if lang == "zh":
        return f"{sign}{digits} {scale.word}{_CURRENCY_ZH.get(currency, currency)}"
    return f"{sign}{_CURRENCY_EN.get(currency, currency + ' ')}{digits}{scale.word}"


def amount(value: float | None, power: int, decimals: int, *, signed: bool = False, comma: bool = False) -> str:
    """Money in a table whose header states the unit, ten to the ``power``; ``<0.1`` for what rounds to nothing."""
    if value is None:
        return MISSING
    scaled = rounded(value / 10**power, decimals)
    if scaled == 0 and value != 0:
        return ("-" if value < 0 else "+" if signed else "") + f"<{Decimal(1).scaleb(-decimals):f}"
    return _written(scaled, signed=signed, comma=comma)


def quantity(value: float | None, unit: str, lang: Lang) -> str:
    """A figure by the rule language's unit: ``%``, ``pp``, ``money:USD``, ``price:USD``; else the plain number."""
    base, _, currency = unit.partition(":")
    if value is None or not isfinite(value):
        return MISSING
    if base == "%":
        return percent(value)
    if base == "pp":
        return points(value, lang)
    if base == "money":
        return money(value, currency, lang, signed=True)
    return price(value, lang) if base == "price" else format(value, ",.6g")


def preliminary(reported: int, of: int, lang: Lang) -> str:
    """How much of a figure is in: ``初值 9/11``, ``prelim 9/11``."""
    return f"{'初值' if lang == 'zh' else 'prelim'} {reported}/{of}"


def quarter(number_: int, year: int, lang: Lang, *, fiscal_shift: int = 0) -> str:
    """A calendar quarter: ``3Q24``, ``CQ3'24``.

    A company whose fiscal year runs ``fiscal_shift`` quarters ahead has its own first: ``FY1Q25（3Q24）``.
    """
    short = year % 100
    calendar = f"{number_}Q{short:02d}" if lang == "zh" else f"CQ{number_}'{short:02d}"
    if fiscal_shift == 0:
        return calendar
    years, index = divmod(number_ - 1 + fiscal_shift, 4)
    own, own_short = index + 1, (year + years) % 100
    return f"FY{own}Q{own_short:02d}（{calendar}）" if lang == "zh" else f"FQ{own}'{own_short:02d} ({calendar})"


def _scale(value: float, lang: Lang) -> tuple[_Scale, Decimal]:
    """The unit for ``value``, judged after rounding: 999.96 m is 1.00 b, not 1,000.0 m."""
    for scale in _SCALES[lang]:
        amount = rounded(value / 10**scale.power, scale.decimals)
        if abs(amount).scaleb(scale.power) < scale.below:
            return scale, amount
    raise AssertionError("the last scale has no bound")


def _written(value: Decimal, *, signed: bool = False, comma: bool = False) -> str:
    zero = value == 0
    sign = "" if zero else "-" if value < 0 else "+" if signed else ""
    return sign + format(abs(value), ",f" if comma else "f")
