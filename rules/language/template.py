"""Message templates: text with expressions in braces, ``{ret(SOX, this_week):+.1%}``; ``{{`` is a brace."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rules.language.errors import ExpressionError, Finding
from rules.language.parser import parse
from rules.language.tree import Node

_FORMAT = re.compile(r"(?P<sign>\+)?(?P<comma>,)?(?:\.(?P<digits>\d))?(?P<kind>%|pp|bp|f|x|k|mn|bn|tn|d|\$)?")
_SHORT = 400  # as in the parser
_WORDS = re.compile(r"[^{}]+")
_HOLE = re.compile(r"""\{((?:[^{}"']|"[^"]*"|'[^']*')*)\}""")


@dataclass(frozen=True, slots=True)
class Format:
    """How a figure is written: sign always, thousands separated, decimals (``None``: by unit) and scale."""

    sign: bool = False
    comma: bool = False
    digits: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Hole:
    """An expression inside a template, with the offset of its first character in the template."""

    text: str
    node: Node
    format: Format | None
    offset: int


Template = tuple[str | Hole, ...]


def parse_template(text: str) -> Template:
    """Read a template; ``ExpressionError`` tells every mistake, located in ``text``. Short ones are remembered."""
    return _remembered(text) if len(text) <= _SHORT else _parsed(text)


def _parsed(text: str) -> Template:
    pieces: list[str | Hole] = []
    errors: list[Finding] = []
    at = 0
    while at < len(text):
        if text[at : at + 2] in {"{{", "}}"}:
            pieces.append(text[at])
            at += 2
        elif text[at] == "{":
            found = _HOLE.match(text, at)
            if found is None:
                said = "the brace is not closed; write {expression} or {expression:+.1%}, {{ for a brace"
                errors.append(Finding(at, "bad-template", said))
                break
            try:
                pieces.append(_hole(found[1], at + 1))
            except ExpressionError as error:
                errors.extend(error.errors)
            at = found.end()
        elif text[at] == "}":
            errors.append(Finding(at, "bad-template", "} without {; write }} for a brace"))
            at += 1
        else:
            words = _WORDS.match(text, at)
            end = words.end() if words else len(text)
            pieces.append(text[at:end])
            at = end
    if errors:
        raise ExpressionError.of(errors)
    return tuple(pieces)


_remembered = lru_cache(maxsize=4_096)(_parsed)


def _hole(inner: str, at: int) -> Hole:
    """What stands between braces, from offset ``at`` of the template on."""
    expression, colon, layout = inner.rpartition(":")
    if not colon:
        expression, layout = inner, ""
    try:
        node = parse(expression)
    except ExpressionError as error:
        raise ExpressionError(at + error.offset, error.code, error.message, error.suggestion) from None
    return Hole(expression.strip(), node, _format(layout, at + len(expression)) if colon else None, at)


def _format(layout: str, offset: int) -> Format:
    found = _FORMAT.fullmatch(layout.strip())
    if found is None:
        message = f"{layout!r} is no format; wanted such as +.1%, +.1pp, ,.2f or .1bn"
        raise ExpressionError(offset, "bad-format", message)
    digits = found["digits"]
    return Format(
        bool(found["sign"]), bool(found["comma"]), None if digits is None else int(digits), found["kind"] or ""
    )
