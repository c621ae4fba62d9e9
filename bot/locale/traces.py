"""What a recorded trace says in the reader's language. Records from before it was kept in Chinese are translated."""

from __future__ import annotations

import re

from rules.model import Lang, TraceLine
from rules.numbers import money

_WORDS = {"yes": "是", "no": "否", "unknown: not enough history": "未知：历史数据不足"}
_EXPRESSIONS = {"failures in a row": "连续失败次数"}
_NO_FIGURE = re.compile(r"unknown: no figure of (.*)")
_MONEY = re.compile(r"([+-]?)(\$|HK\$|CN¥|€|£|¥)([\d,]+(?:\.\d+)?)([MBT])")
_CURRENCIES = {"$": "USD", "HK$": "HKD", "CN¥": "CNY", "€": "EUR", "£": "GBP", "¥": "JPY"}
_SCALES = {"M": 1e6, "B": 1e9, "T": 1e12}


def value_of(line: TraceLine, lang: Lang) -> str:
    """The line's value as a reader of ``lang`` writes it."""
    if lang == "en":
        return line.value
    return line.chinese or _translated(line.value)


def expression_of(line: TraceLine, lang: Lang) -> str:
    """What the line is about: the rule's own words, or a translated description."""
    return _EXPRESSIONS.get(line.expression, line.expression) if lang == "zh" else line.expression


def _translated(value: str) -> str:
    """An English value in Chinese; what isn't known to this stays as it was recorded."""
    if missing := _NO_FIGURE.fullmatch(value):
        return f"未知：没有 {missing[1]} 的数据"
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
    return f"{name}{equals}{_translated(value)}；规则为 {clause}"
