"""Text from outside made safe to show, and measured as the chat services measure it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC and other strings: window title, links
    r"|\x1b[ -/]*[0-~]?"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_SPACES = frozenset({"\t", "\n", "\v", "\f", "\r", "\x85", "\u2028", "\u2029"})
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})
ELLIPSIS = "…"


def clean(text: str) -> str:
    """Return ``text`` as one visible line.

    Terminal escape sequences, control characters, zero-width and direction-changing characters and lone surrogates
    are removed; line breaks and tabs become spaces.
    """
    if text.isprintable():
        return text
    bare = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n")
    return "".join(_visible(character) for character in bare)


def _visible(character: str) -> str:
    if character in _SPACES:
        return " "
    return "" if unicodedata.category(character) in _INVISIBLE else character


def utf16_len(text: str) -> int:
    """The length of ``text`` in UTF-16 code units, which is how Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def shorten(text: str, limit: int, length: Callable[[str], int] = len) -> str:
    """Cut ``text`` to ``limit`` units of ``length``, ending in ``…`` where something was cut.

    A character is never parted from the marks that modify it.
    """
    if length(text) <= limit:
        return text
    room = limit - length(ELLIPSIS)
    if room < 0:
        return ""
    end = _longest_prefix(text, room, length)
    while end > 0 and unicodedata.category(text[end])[0] == "M":
        end -= 1
    return text[:end].rstrip() + ELLIPSIS


def _longest_prefix(text: str, room: int, length: Callable[[str], int]) -> int:
    low, high = 0, min(len(text) - 1, room)
    while low < high:
        middle = (low + high + 1) // 2
        if length(text[:middle]) <= room:
            low = middle
        else:
            high = middle - 1
    return low
