"""Where each character of a YAML scalar's value stands in the file.

Folding, escapes and block indentation make the value differ from its text. The mapping is rebuilt from the text and
then compared with the value that the parser gave; only a mapping that yields the same value is used.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

_HEX = {"x": 2, "u": 4, "U": 8}
_ESCAPES = {"0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip

Placed = Iterator[tuple[str, int]]
"""Characters of the value with the offsets in the text that they come from."""


def character_offsets(text: str, style: str | None, value: str) -> list[int]:
    """Return, for each character of ``value``, its offset in ``text``, the scalar as written (quotes and all).

    A fold's space stands at the line break that it replaces and an escape's character at its backslash. Where the
    text can't be followed every character is placed at the start.
    """
    for placed in _readings(text, style):
        pairs = list(placed)
        if "".join(character for character, _ in pairs) == value:
            return [offset for _, offset in pairs]
    return [0] * len(value)


def _readings(text: str, style: str | None) -> Iterator[Placed]:
    if style in ("|", ">"):
        for indent in range(1, _deepest(text) + 1):
            yield _block(text, indent, folded=style == ">")
    elif style in ("'", '"'):
        yield _flow(text[:-1], style)
    else:
        yield _flow(text, "")


def _flow(text: str, quote: str) -> Placed:
    at = len(quote)
    while at < len(text):
        character = text[at]
        if character in " \t\r\n":
            end = _skip(text, at, " \t\r\n")
            yield from _spaces(text, at, end)
            at = end
        elif quote == "'" and character == "'":
            yield "'", at
            at += 2
        elif quote == '"' and character == "\\":
            at = yield from _escape(text, at)
        else:
            yield character, at
            at += 1


def _spaces(text: str, at: int, end: int) -> Placed:
    """Blanks within a line stay; one line break folds to a space, more of them to one fewer."""
    breaks = list(_breaks(text, at, end))
    if not breaks:
        yield from zip(text[at:end], range(at, end), strict=True)
    elif len(breaks) == 1:
        yield " ", breaks[0]
    else:
        yield from (("\n", offset) for offset in breaks[1:])


def _escape(text: str, at: int) -> Generator[tuple[str, int], None, int]:
    code = text[at + 1 : at + 2]
    if code in ("\r", "\n"):
        end = _skip(text, at + 1, " \t\r\n")
        yield from (("\n", offset) for offset in list(_breaks(text, at + 1, end))[1:])
        return end
    if code in _HEX:
        end = at + 2 + _HEX[code]
        yield chr(int(text[at + 2 : end], 16)), at
        return end
    yield _ESCAPES.get(code, code), at
    return at + 2


def _block(text: str, indent: int, *, folded: bool) -> Placed:
    header, _, _ = text.partition("\n")
    keep, strip = "+" in header.split("#")[0], "-" in header.split("#")[0]
    lines = list(_lines(text, len(header) + 1))
    body = [(start, end, stop) for start, end, stop in lines if not _is_blank(text, start, end, indent)]
    last = body[-1] if body else None
    ending: list[int] = []
    before_blank = True
    for start, end, stop in lines:
        if _is_blank(text, start, end, indent):
            ending.extend([end] if stop > end else [])
            continue
        first = start + indent
        blank = text[first : first + 1] in (" ", "\t")
        yield from _joined(ending, fold=folded and not blank and not before_blank)
        yield from zip(text[first:end], range(first, end), strict=True)
        ending = [end] if stop > end else []
        before_blank = blank
        if (start, end, stop) == last:
            before_blank = True
    if keep:
        yield from (("\n", offset) for offset in ending)
    elif not strip and last is not None:
        yield from (("\n", offset) for offset in ending[:1])


def _joined(ending: list[int], *, fold: bool) -> Placed:
    """The line breaks between two lines of a block: all of them, or folded to a space or to one fewer."""
    if fold and len(ending) == 1:
        yield " ", ending[0]
    else:
        yield from (("\n", offset) for offset in (ending[1:] if fold else ending))


def _is_blank(text: str, start: int, end: int, indent: int) -> bool:
    return end - start <= indent and not text[start:end].strip(" ")


def _lines(text: str, at: int) -> Iterator[tuple[int, int, int]]:
    """Each line's start, the end of its characters, and the end of its line break."""
    while at < len(text):
        end = _until(text, at)
        stop = end + (2 if text[end : end + 2] == "\r\n" else 1 if end < len(text) else 0)
        yield at, end, stop
        at = stop


def _until(text: str, at: int) -> int:
    while at < len(text) and text[at] not in "\r\n":
        at += 1
    return at


def _skip(text: str, at: int, characters: str) -> int:
    while at < len(text) and text[at] in characters:
        at += 1
    return at


def _breaks(text: str, at: int, end: int) -> Iterator[int]:
    while at < end:
        if text[at] in "\r\n":
            yield at
            at += text[at : at + 2] == "\r\n"
        at += 1


def _deepest(text: str) -> int:
    return max((len(line) - len(line.lstrip(" ")) for line in text.splitlines()[1:]), default=0) or 1
