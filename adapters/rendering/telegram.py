"""The neutral message as Telegram's HTML, within the Bot API's limits."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby
from operator import itemgetter

from adapters.message import Block, Button, Instant, Line, Message, Paragraph, Reader, Style
from adapters.rendering.fit import fit
from adapters.rendering.plain import EMOJI, span_text
from adapters.rendering.tables import table_lines
from adapters.rendering.text import clean, shorten, utf16_len

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
CALLBACK_DATA_LIMIT = 64
_ENTITY_LIMIT = 100
_BUTTON_TEXT_LIMIT = 64
_BUTTONS_A_ROW = 8
_BUTTON_ROWS = 12
_TAGS: dict[Style, str] = {"bold": "b", "italic": "i", "code": "code"}


def telegram_html(message: Message, reader: Reader, limit: int = TEXT_LIMIT) -> str:
    """Render within ``limit`` UTF-16 units after parsing, which is how Telegram counts; outside text is escaped.

    Telegram ignores entities beyond the hundredth; what would be one is written plain, tables first kept.
    """
    fitted = fit(message, reader, limit, utf16_len)
    tables = sum(not isinstance(block, Paragraph) for block in fitted.blocks)
    writer = _Writer(reader, _ENTITY_LIMIT - tables)
    return "\n".join(writer.lines(fitted))


class _Writer:
    def __init__(self, reader: Reader, entities: int) -> None:
        self._reader = reader
        self._entities = entities

    def lines(self, message: Message) -> Iterator[str]:
        if message.title:
            emoji = f"{EMOJI[message.severity]} " if message.severity else ""
            styled = any(style != "plain" for style, _ in self._runs(message.title, "plain"))
            yield emoji + self._line(message.title, "plain" if styled else "bold")
        for block in message.blocks:
            yield from self._block(block)
        if message.footer:
            yield self._line(message.footer, "italic")

    def _block(self, block: Block) -> Iterator[str]:
        if isinstance(block, Paragraph):
            yield from (self._line(line) for line in block.lines)
            return
        if block.caption:
            yield escape(clean(block.caption), quote=False)
        rows = table_lines(block)
        if rows:
            yield f"<pre>{escape(chr(10).join(rows), quote=False)}</pre>"

    def _line(self, line: Line, default: Style = "plain") -> str:
        return "".join(self._run(style, text) for style, text in self._runs(line, default))

    def _runs(self, line: Line, default: Style) -> Iterator[tuple[Style, str]]:
        """Neighbours of one style are one run, to save entities."""
        spans = ((_style(span, default), span_text(span, self._reader)) for span in line)
        for style, run in groupby(spans, itemgetter(0)):
            yield style, "".join(text for _, text in run)

    def _run(self, style: Style, text: str) -> str:
        escaped = escape(text, quote=False)
        if style == "plain" or not text.strip() or self._entities <= 0:
            return escaped
        self._entities -= 1
        return f"<{_TAGS[style]}>{escaped}</{_TAGS[style]}>"


def _style(span: object, default: Style) -> Style:
    style: Style = "plain" if isinstance(span, Instant) else getattr(span, "style", "plain")
    return default if style == "plain" else style


def telegram_buttons(message: Message) -> list[list[Button]]:
    """The buttons that Telegram accepts: a text, data of at most 64 bytes, eight in a row, twelve rows."""
    rows = [
        [
            Button(shorten(clean(button.text), _BUTTON_TEXT_LIMIT, utf16_len), button.data)
            for button in row
            if clean(button.text).strip() and 0 < len(button.data.encode()) <= CALLBACK_DATA_LIMIT
        ][:_BUTTONS_A_ROW]
        for row in message.buttons
    ]
    return [row for row in rows if row][:_BUTTON_ROWS]
