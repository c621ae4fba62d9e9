"""The neutral message as plain text: the parts that every platform shows the same, and the whole without markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from adapters.message import Block, Colour, Instant, Line, Message, Move, Paragraph, Reader, Span, Text
from adapters.rendering.tables import table_lines
from adapters.rendering.text import clean
from adapters.rendering.times import instant_text
from rules.model import Severity

EMOJI = {
    # Never red or green: those are for moves.
    Severity.INFO: "🔔",
    Severity.WARNING: "⚠️",
    Severity.CRITICAL: "🚨",
    Severity.HEALTH: "🩺",
    Severity.DIGEST: "📘",
}
_ARROWS = {-1: "▼", 0: "", 1: "▲"}
_LAMPS = {
    (Colour.CN, 1): "🔴",
    (Colour.CN, -1): "🟢",
    (Colour.US, 1): "🟢",
    (Colour.US, -1): "🔴",
}


def arrow(move: Move, colour: Colour) -> str:
    """``🔴▲``, ``▼`` or nothing at all for a change of zero."""
    return _LAMPS.get((colour, move.direction), "") + _ARROWS[move.direction]


def span_text(span: Span, reader: Reader) -> str:
    """The span without its style, cleaned."""
    if isinstance(span, Instant):
        return clean(instant_text(span, reader))
    if isinstance(span, Move):
        return f"{arrow(span, reader.colour)} {clean(span.text)}".lstrip()
    return clean(span.text)


def line_text(line: Line, reader: Reader) -> str:
    """The line's spans, one after the other."""
    return "".join(span_text(span, reader) for span in line)


_CLOSERS = "，。；：！？、）】》"
_SPACED = re.compile(f"(?<=[{_CLOSERS}]) +")
"""A full-width mark has its white space within itself."""
Written = Callable[[Span, Reader], str]


def closed_up(message: Message, reader: Reader, written: Written = span_text) -> Message:
    """``message`` without spaces behind full-width marks in its Chinese lines: ``（北京 11-02 04:00）· Yahoo``.

    ``written`` is how the platform writes a span. Tables and code keep their spaces.
    """
    if reader.lang != "zh":
        return message
    blocks = tuple(
        replace(block, lines=tuple(_closed_up(line, reader, written) for line in block.lines))
        if isinstance(block, Paragraph)
        else block
        for block in message.blocks
    )
    title, footer = (_closed_up(line, reader, written) for line in (message.title, message.footer))
    return replace(message, title=title, blocks=blocks, footer=footer)


def _closed_up(line: Line, reader: Reader, written: Written) -> Line:
    spans: list[Span] = []
    for span in line:
        if isinstance(span, Text) and span.style != "code" and " " in span.text:
            text = _SPACED.sub("", span.text)
            behind = bool(spans) and written(spans[-1], reader).endswith(tuple(_CLOSERS))
            spans.append(replace(span, text=text.lstrip(" ") if behind else text))
        else:
            spans.append(span)
    return tuple(spans)


def title_text(message: Message, reader: Reader) -> str:
    """The title behind the emoji of its severity."""
    text = line_text(message.title, reader)
    return f"{EMOJI[message.severity]} {text}" if message.severity and text else text


def block_lines(block: Block, reader: Reader) -> list[str]:
    """The lines of a paragraph, or a table's caption and rows."""
    if isinstance(block, Paragraph):
        return [line_text(line, reader) for line in block.lines]
    caption = [clean(block.caption)] if block.caption else []
    return caption + table_lines(block)


def plain_text(message: Message, reader: Reader) -> str:
    """The message without markup, buttons and attachments; ``Colour.NONE`` keeps the arrows and drops the lamps."""
    message = closed_up(message, reader)
    title, footer = title_text(message, reader), line_text(message.footer, reader)
    body = [line for block in message.blocks for line in block_lines(block, reader)]
    return "\n".join([*filter(None, [title]), *body, *filter(None, [footer])])
