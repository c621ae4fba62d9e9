"""Message templates: text with ``{expression:format}`` holes; ``{it}`` names the member, ``{it:symbol}`` its symbol."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from rules import formats
from rules.formats import Format
from rules.model import Lang
from rules.universe import Instrument

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAMED = frozenset({"it", "it:name", "it:symbol"})

Figures = Callable[[str], tuple[float | None, str]]
"""The value and the unit of a hole's expression."""


@dataclass(frozen=True, slots=True)
class Hole:
    """``{expression:format}``; ``offset`` is that of the expression in the template's text."""

    expression: str
    format: Format
    offset: int


@dataclass(frozen=True, slots=True)
class NameHole:
    """``{it}`` or ``{it:symbol}``: the member that a ``for_each`` rule speaks of."""

    field: str
    offset: int


@dataclass(frozen=True, slots=True)
class Slip:
    """A mistake at ``offset`` of a template's text."""

    offset: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Template:
    """A template's parts in order, and what is wrong with it."""

    parts: tuple[str | Hole | NameHole, ...]
    slips: tuple[Slip, ...] = ()

    @property
    def holes(self) -> tuple[Hole, ...]:
        """The holes that need a figure."""
        return tuple(part for part in self.parts if isinstance(part, Hole))

    @property
    def uses_it(self) -> bool:
        """Whether it names the member."""
        return any(isinstance(part, NameHole) for part in self.parts)

    def render(self, lang: Lang, figures: Figures, it: Instrument | None = None) -> str:
        """Fill the holes; an unknown figure is ``—``."""
        return "".join(_written(part, lang, figures, it) for part in self.parts)


@lru_cache(maxsize=8_192)
def parse_template(text: str) -> Template:
    """Split ``text`` at its holes; ``{{`` and ``}}`` are braces. Mistakes are in ``slips``; it never raises."""
    parts: list[str | Hole | NameHole] = []
    slips: list[Slip] = []
    at = 0
    for found in _PIECE.finditer(text):
        if found.start() > at:
            parts.append(text[at : found.start()])
        at = found.end()
        piece = found.group()
        if piece in ("{{", "}}"):
            parts.append(piece[0])
        elif len(piece) == 1:
            slips.append(
                Slip(found.start(), "unmatched-brace", f"{piece!r} has no partner; write {piece * 2} for a brace")
            )
        else:
            part = _hole(found.group(1), found.start(1), slips)
            parts.extend(() if part is None else (part,))
    parts.extend([text[at:]] if at < len(text) else [])
    return Template(tuple(parts), tuple(slips))


def _hole(inside: str, offset: int, slips: list[Slip]) -> Hole | NameHole | None:
    if inside.replace(" ", "") in _NAMED:
        return NameHole("symbol" if "symbol" in inside else "name", offset)
    head, colon, spec = _split(inside)
    lead = len(head) - len(head.lstrip())
    if not head.strip():
        slips.append(Slip(offset, "empty-hole", "{} holds no expression; wanted one such as {ret(BTC, 1d):+.1%}"))
        return None
    try:
        return Hole(head.strip(), Format.parse(spec.strip()), offset + lead)
    except ValueError as error:
        slips.append(Slip(offset + len(head) + len(colon), "bad-format", str(error)))
        return None


def _split(inside: str) -> tuple[str, str, str]:
    """Part a hole at its colon, outside of quotes."""
    quote = ""
    for index, character in enumerate(inside):
        if character in "\"'":
            quote = "" if character == quote else quote or character
        elif character == ":" and not quote:
            return inside[:index], ":", inside[index + 1 :]
    return inside, "", ""


def _written(part: str | Hole | NameHole, lang: Lang, figures: Figures, it: Instrument | None) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, NameHole):
        if it is None:
            return formats.MISSING
        return it.symbol if part.field == "symbol" else it.name[lang]
    value, unit = figures(part.expression)
    return formats.write(value, unit, part.format, lang)
