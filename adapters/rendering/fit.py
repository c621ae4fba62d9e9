"""Making a message fit before it is rendered, so that no markup is ever cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from adapters.message import Block, Line, Message, Paragraph, Reader, Span, Table, Text
from adapters.rendering.plain import closed_up, line_text, plain_text, span_text
from adapters.rendering.tables import table_lines
from adapters.rendering.text import clean, shorten

Length = Callable[[str], int]

_CELL = 80
_NOTE = 40
"""Room for the line that says how much was left out."""


def fit(message: Message, reader: Reader, limit: int, length: Length = len) -> Message:
    """Return ``message`` with a plain text of at most ``limit`` units of ``length``.

    The title and the footer (as-of time and source) stay. Lines are left out from the end of the body, and the message
    says how many.
    """
    message = closed_up(replace(message, blocks=tuple(_slim(block) for block in message.blocks)), reader)
    if length(plain_text(message, reader)) <= limit:
        return message
    title = fit_line(message.title, reader, limit // 4, length)
    footer = fit_line(message.footer, reader, limit // 4, length)
    frame = replace(message, title=title, footer=footer, blocks=())
    room = limit - length(plain_text(frame, reader)) - 2 - _NOTE
    return replace(frame, blocks=_fill(message.blocks, reader, room, length))


def fit_line(line: Line, reader: Reader, limit: int, length: Length = len) -> Line:
    """Return the beginning of ``line`` of at most ``limit`` units; text is shortened, a time or a move never is."""
    kept: list[Span] = []
    room = limit
    for span in line:
        used = length(span_text(span, reader))
        if used > room:
            cut = shorten(clean(span.text), room, length) if isinstance(span, Text) else ""
            return (*kept, replace(span, text=cut)) if isinstance(span, Text) and cut else tuple(kept)
        kept.append(span)
        room -= used
    return tuple(kept)


def _slim(block: Block) -> Block:
    """One endless cell must not make every row of its column endless."""
    if isinstance(block, Paragraph):
        return block
    rows = tuple(tuple(shorten(clean(cell), _CELL) for cell in row) for row in block.rows)
    header = tuple(shorten(clean(cell), _CELL) for cell in block.header)
    return replace(block, rows=rows, header=header, caption=shorten(clean(block.caption), 4 * _CELL))


def _fill(blocks: tuple[Block, ...], reader: Reader, room: int, length: Length) -> tuple[Block, ...]:
    kept: list[Block] = []
    for number, block in enumerate(blocks):
        cost = sum(length(line) + 1 for line in _lines(block, reader))
        if cost <= room:
            kept.append(block)
            room -= cost
            continue
        part = _part(block, reader, room, length)
        left_out = _line_count(block) - _line_count(part) + sum(_line_count(later) for later in blocks[number + 1 :])
        return (*kept, *([part] if _line_count(part) else []), *_note(left_out, reader))
    return tuple(kept)


def _lines(block: Block, reader: Reader) -> list[str]:
    if isinstance(block, Paragraph):
        return [line_text(line, reader) for line in block.lines]
    return ([block.caption] if block.caption else []) + table_lines(block)


def _line_count(block: Block) -> int:
    return len(block.lines) if isinstance(block, Paragraph) else len(block.rows)


def _part(block: Block, reader: Reader, room: int, length: Length) -> Block:
    """The beginning of ``block`` that has room; a line of text may be shortened, a row of a table is all or nothing."""
    if isinstance(block, Table):
        lines = _lines(block, reader)
        fixed = len(lines) - len(block.rows)
        kept_rows = _count_that_fits(lines, room, length) - fixed
        return replace(block, rows=block.rows[: max(0, kept_rows)])
    kept: list[Line] = []
    for line in block.lines:
        cost = length(line_text(line, reader)) + 1
        if cost > room:
            cut = fit_line(line, reader, room - 1, length)
            return Paragraph((*kept, cut)) if room > _NOTE and cut else Paragraph(tuple(kept))
        kept.append(line)
        room -= cost
    return Paragraph(tuple(kept))


def _count_that_fits(lines: list[str], room: int, length: Length) -> int:
    for count, line in enumerate(lines):
        room -= length(line) + 1
        if room < 0:
            return count
    return len(lines)


def _note(left_out: int, reader: Reader) -> tuple[Block, ...]:
    if not left_out:
        return ()
    text = f"… 另有 {left_out} 行" if reader.lang == "zh" else f"… {left_out} more lines"
    return (Paragraph(((Text(text, "italic"),),)),)
