"""How the Bot API reads ``parse_mode=HTML``: the text that is left, its entities, or the complaint."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

_ENTITIES = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler",
    "code": "code", "pre": "pre", "a": "text_link", "blockquote": "blockquote",
}  # fmt: skip
_TAG = re.compile(r"<(/?)([a-zA-Z0-9-]*)([^<>]*)>|<")
_NAMED = re.compile(r"&(?:lt|gt|amp|quot|#[0-9]+|#x[0-9a-fA-F]+);")
_ENTITY_LIMIT = 100


class CannotParse(ValueError):
    """The HTML isn't what the Bot API accepts."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A style over ``length`` UTF-16 units from ``offset``."""

    type: str
    offset: int
    length: int


def utf16(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return the text and its first hundred entities; raise ``CannotParse`` with the service's own words."""
    text = ""
    open_tags: list[tuple[str, int]] = []
    entities: list[Entity] = []
    position = 0
    for found in _TAG.finditer(source):
        text += _unescaped(source[position : found.start()])
        position = found.end()
        at = len(source[: found.start()].encode())
        closing, name = found[1], (found[2] or "").lower()
        if name not in _ENTITIES:
            kind = "end" if closing else "start"
            raise CannotParse(f'Unsupported {kind} tag "{name}" at byte offset {at}')
        if not closing:
            around = open_tags[-1][0] if open_tags else ""
            if around and {around, name} & {"code", "pre"} and (around, name) != ("pre", "code"):
                raise CannotParse(f'Entity "{name}" inside "{around}" at byte offset {at}')
            open_tags.append((name, utf16(text)))
            continue
        if not open_tags:
            raise CannotParse(f"Unexpected end tag at byte offset {at}")
        expected, offset = open_tags.pop()
        if expected != name:
            raise CannotParse(f'Unmatched end tag at byte offset {at}, expected "</{expected}>", found "</{name}>"')
        if utf16(text) > offset:
            entities.append(Entity(_ENTITIES[name], offset, utf16(text) - offset))
    text += _unescaped(source[position:])
    if open_tags:
        raise CannotParse(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    return text, sorted(entities, key=lambda entity: entity.offset)[:_ENTITY_LIMIT]


def _unescaped(part: str) -> str:
    return _NAMED.sub(lambda found: unescape(found[0]), part)
