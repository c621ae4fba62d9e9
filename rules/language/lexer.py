"""Text to tokens: numbers with their units, names, operators."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import NamedTuple

from rules.language.errors import ExpressionError, Finding

MAX_LENGTH = 2_000

CURRENCIES = frozenset(
    {"USD", "HKD", "CNY", "CNH", "JPY", "EUR", "GBP", "KRW", "TWD", "SGD", "AUD", "CAD", "CHF"}
    | {"INR", "BRL", "MXN", "SEK", "NOK", "DKK", "NZD", "ZAR", "THB", "IDR", "MYR", "PHP", "VND"}
)

_SCALES = {"k": 1e3, "mn": 1e6, "bn": 1e9, "tn": 1e12}
_SUFFIXES: dict[str, tuple[float, str]] = {
    "%": (0.01, "%"),
    "bp": (0.0001, "bp"),
    "pp": (0.01, "pp"),
    "s": (1.0, "s"),
    "m": (60.0, "s"),
    "h": (3600.0, "s"),
    "d": (1.0, "d"),
    "w": (1.0, "w"),
    "mo": (1.0, "mo"),
    "y": (1.0, "y"),
}
_WORDS = {"session": "d", "sessions": "d", "bar": "bars", "bars": "bars"}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<power>\*\*)
      | (?P<number>(?:\d[\d_]*(?:\.\d[\d_]*)?|\.\d[\d_]*)(?:%|[^\W\d_]+)?)
      | (?P<name>[^\W\d]\w*(?:\.\w+)*)
      | (?P<quoted>"[^"\n]{1,64}"|'[^'\n]{1,64}')
      | (?P<op><=|>=|==|!=|[-+*/<>(),])
    )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"([\d_.]+)(.*)")
_UNIT_WORD = re.compile(r"\s+([A-Za-z]+)\b")
_CODE = re.compile(r"\d+\.[A-Za-z]+")
_HINTS = {
    "**": "there is no power; multiply instead",
    "&&": "write and",
    "||": "write or",
    "=": "write == to compare",
    "!": "write not",
    "[": "there is no indexing; prev(x, n) is the value n sessions ago",
    "{": "braces belong to message templates only",
    ".": "values have no attributes; call a function such as close(x)",
    "^": 'quote symbols that are not plain words, such as "^SOX"',
    "−": "write the plain minus sign -",
    "≤": "write <=",
    "≥": "write >=",
    "%": "write it right after its number, such as 5%",
    "$": "write the currency after the amount, such as 140 USD",
    "＞": "write >",
    "＜": "write <",
    "＝": "write ==",
    "（": "write (",
    "）": "write )",
    "，": "write a plain comma",
    "％": "write %",
}


class Token(NamedTuple):
    """``text`` is the operator, name or keyword; numbers carry ``value`` and ``unit`` in the base unit."""

    kind: str
    """``number``, ``name``, ``quoted``, ``op`` or ``end``."""
    text: str
    offset: int
    end: int
    value: float = 0.0
    unit: str = ""


def tokenize(text: str) -> list[Token]:
    """Split ``text``; raise ``ExpressionError`` with every character that can't be read."""
    if len(text) > MAX_LENGTH:
        message = f"the expression has {len(text):,} characters; at most {MAX_LENGTH:,} are allowed"
        raise ExpressionError(MAX_LENGTH, "too-long", message)
    tokens: list[Token] = []
    errors: list[Finding] = []
    at, size, match = 0, len(text.rstrip()), _TOKEN.match
    while at < size:
        found = match(text, at)
        kind = None if found is None else found.lastgroup
        if found is not None and (kind == "op" or kind == "name"):  # noqa: PLR1714 - the quickest way, and most tokens
            start, at = found.span(kind)
            tokens.append(_new(Token, (kind, text[start:at], start, at, 0.0, "")))
            continue
        token = _unreadable(text, at) if found is None else _token(text, found)
        if isinstance(token, Token):
            tokens.append(token)
            at = token.end
        else:
            errors.append(token)
            at = max(found.end() if found else 0, token.offset + len(_symbol(text, token.offset)))
    if errors:
        raise ExpressionError.of(errors)
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


_new = tuple.__new__


def _token(text: str, found: re.Match[str]) -> Token | Finding:
    kind = found.lastgroup or ""
    if kind == "number":
        return _number(text, found)
    if kind == "power":
        return _unreadable(text, found.start(kind))
    if kind == "quoted":
        return Token("quoted", found[kind][1:-1], found.start(kind), found.end())
    return Token(kind, found[kind], found.start(kind), found.end())


def _unreadable(text: str, at: int) -> Finding:
    at += len(text) - at - len(text[at:].lstrip())
    symbol = _symbol(text, at)
    hint = _HINTS.get(symbol)
    if symbol == "." and (code := _CODE.match(text, text.rfind(" ", 0, at) + 1)):
        hint = f'quote symbols that are not plain words, such as "{code[0]}"'
    return Finding(at, "bad-character", f"{symbol!r} has no meaning here" + (f": {hint}" if hint else ""))


def _symbol(text: str, at: int) -> str:
    return text[at : at + 2] if text[at : at + 2] in _HINTS else text[at]


def _number(text: str, found: re.Match[str]) -> Token | Finding:
    start, end = found.span("number")
    digits, suffix = _split(found["number"])
    value, unit = float(digits), ""
    if suffix in _SCALES:
        value *= _SCALES[suffix]
    elif suffix in _SUFFIXES:
        value, unit = _scaled(value, suffix), _SUFFIXES[suffix][1]
    elif suffix in CURRENCIES:
        unit = suffix
    elif suffix:
        wanted = ", ".join([*_SCALES, *_SUFFIXES])
        return Finding(
            end - len(suffix), "unknown-unit", f"{suffix!r} is no unit; wanted one of {wanted} or a currency"
        )
    if not unit and (word := _UNIT_WORD.match(text, end)) and (own := _unit_word(word.group(1))):
        unit, end = own, word.end()
    if not math.isfinite(value) or value > 1e18:
        return Finding(start, "too-large", f"the number {digits[:20]}… is too large; at most 1e18")
    return Token("number", found["number"], start, end, value, unit)


@lru_cache(maxsize=4_096)
def _split(number: str) -> tuple[str, str]:
    """Digits without their separators, and the unit."""
    parts = _NUMBER.fullmatch(number)
    return (parts[1].replace("_", ""), parts[2]) if parts else ("", "")


def _scaled(value: float, suffix: str) -> float:
    factor = _SUFFIXES[suffix][0]
    return value / round(1 / factor) if factor < 1 else value * factor


def _unit_word(word: str) -> str:
    return _WORDS.get(word) or (word if word in CURRENCIES else "")
