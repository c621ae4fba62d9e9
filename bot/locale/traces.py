"""Values of a recorded trace in the reader's language: the record is written once, in English."""

from __future__ import annotations

import re

from rules.model import Lang
from rules.numbers import money

_WORDS = {"yes": "是", "no": "否"}
_MONEY = re.compile(r"([+-]?)(\$|HK\$|CN¥|€|£|¥)([\d,]+(?:\.\d+)?)([MBT])")
_CURRENCIES = {"$": "USD", "HK$": "HKD", "CN¥": "CNY", "€": "EUR", "£": "GBP", "¥": "JPY"}
_SCALES = {"M": 1e6, "B": 1e9, "T": 1e12}


def traced(value: str, lang: Lang) -> str:
    """``value`` as a reader of ``lang`` writes it; what isn't known to this stays as it was recorded."""
    if lang == "en":
        return value
    if value.startswith("unknown"):
        return "未知" + value.removeprefix("unknown").replace(": ", "：", 1)
    found = _MONEY.fullmatch(value)
    if found is None:
        return _WORDS.get(value, value.replace("pp", "pct"))
    sign, unit, digits, scale = found.groups()
    size = float(digits.replace(",", "")) * _SCALES[scale]
    return money(-size if sign == "-" else size, _CURRENCIES[unit], "zh", signed=sign == "+")


def because(sentence: str, lang: Lang) -> str:
    """A decision's recorded reason, ``FIGURE = VALUE; the rule says CLAUSE``, as a reader of ``lang`` is told it."""
    figure, says, clause = sentence.partition("; the rule says ")
    if lang == "en" or not says:
        return sentence
    name, equals, value = figure.rpartition(" = ")
    return f"{name}{equals}{traced(value, lang)}；规则为 {clause}"
