"""The neutral message as Slack's Block Kit, within its limits.

A line is ``mrkdwn`` where that says exactly what is meant. It has no escape for its own marks and doesn't see bold
beside a Chinese character, so a paragraph with such a line becomes ``rich_text``, which needs no escape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from adapters.message import Block, Button, Instant, Line, Message, Paragraph, Reader, Span, Style, Table, Text
from adapters.rendering.fit import fit, fit_line
from adapters.rendering.plain import EMOJI, closed_up, line_text, plain_text, span_text, title_text
from adapters.rendering.tables import table_lines
from adapters.rendering.text import clean, shorten, utf16_len
from adapters.rendering.times import instant_text, market_time, reader_time

Json = dict[str, Any]

BODY_LIMIT = 12_000
_SECTION_LIMIT = 3000
_TEXT_LIMIT = 3000
_BLOCKS = 50
_ACTIONS = 25
_BUTTON_TEXT = 75
_BUTTON_VALUE = 2000
_ACTION_ID = 255
_TABLE_ROWS = 100
_TABLE_COLUMNS = 20
_TABLE_CHARACTERS = 10_000
_MARKS: dict[Style, str] = {"plain": "", "bold": "*", "italic": "_", "code": "`"}
_LIVE = re.compile(r"[*_~`]|^\s*>|:[\w+-]+:")
"""What ``mrkdwn`` would read as a mark, a quotation or an emoji."""
_DATE = "{date_short_pretty} {time}"


def escape(text: str) -> str:
    """Escape as Slack asks, so that no mention, channel or link can be formed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_text(message: Message, reader: Reader) -> str:
    """The text of notifications and screen readers, which Slack shows where blocks can't be; never empty."""
    summary = clean(message.summary).strip() or title_text(message, reader) or "…"
    emoji = f"{EMOJI[message.severity]} " if message.severity and message.summary else ""
    return _escaped_within(emoji + summary, _TEXT_LIMIT)


def slack_plain(message: Message, reader: Reader) -> str:
    """The whole message without blocks, for the second try."""
    limit = _TEXT_LIMIT
    while utf16_len(text := escape(plain_text(fit(message, reader, limit, utf16_len), reader))) > _TEXT_LIMIT:
        limit = limit * 2 // 3
    return text or slack_text(message, reader)


def slack_blocks(message: Message, reader: Reader, *, native_table: bool = True) -> list[Json]:
    """Render to at most 50 blocks. A lone table with a header becomes Slack's own where ``native_table`` allows."""
    fitted = closed_up(fit(message, reader, BODY_LIMIT, utf16_len), reader, _mrkdwn_span)
    tail = [*_footer(fitted.footer, reader), *_actions(fitted)]
    tables = [block for block in fitted.blocks if isinstance(block, Table)]
    native = tables[0] if native_table and len(tables) == 1 and _is_native(tables[0]) else None
    body = [part for block in _with_title(fitted) for part in _block(block, reader, native)]
    if len(body) + len(tail) > _BLOCKS:
        lines = plain_text(replace(fitted, footer=()), reader).splitlines()
        body = [_section(chunk) for chunk in _chunks(map(escape, lines), _SECTION_LIMIT)]
    return (body + tail)[:_BLOCKS]


def _with_title(message: Message) -> tuple[Block, ...]:
    """The title as the first line of the first paragraph, bold where it has no style of its own."""
    if not message.title:
        return message.blocks
    styled = any(getattr(span, "style", "plain") != "plain" for span in message.title)
    title = message.title if styled else tuple(_bold(span) for span in message.title)
    if message.severity:
        title = (Text(f"{EMOJI[message.severity]} "), *title)
    match message.blocks:
        case (Paragraph(lines), *rest):
            return (Paragraph((title, *lines)), *rest)
    return (Paragraph((title,)), *message.blocks)


def _bold(span: Span) -> Span:
    return span if isinstance(span, Instant) else replace(span, style="bold")


def _block(block: Block, reader: Reader, native: Table | None) -> Iterator[Json]:
    if isinstance(block, Paragraph):
        yield from _paragraph(block, reader)
        return
    if block.caption:
        yield from _paragraph(Paragraph(((Text(block.caption),),)), reader)
    if block is native:
        yield _native_table(block)
    elif block.rows:
        yield from _monospaced(block)


# Paragraphs.


def _paragraph(paragraph: Paragraph, reader: Reader) -> Iterator[Json]:
    lines = [line for line in paragraph.lines if line]
    if not lines:
        return
    if all(_is_exact(line, reader) for line in lines):
        yield from (_section(chunk) for chunk in _chunks((_mrkdwn(line, reader) for line in lines), _SECTION_LIMIT))
    else:
        yield {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": _rich(lines, reader)}]}


def _is_exact(line: Line, reader: Reader) -> bool:
    """Whether ``mrkdwn`` would show ``line`` as it is meant."""
    texts = [span_text(span, reader) for span in line]
    if any(_LIVE.search(text) for text in texts) or "\n" in "".join(texts):
        return False
    return (
        all(
            _style(span) == "plain"
            or (_free(texts[:number], -1) and _free(texts[number + 1 :], 0) and text == text.strip())
            for number, (span, text) in enumerate(zip(line, texts, strict=True))
        )
        and utf16_len(_mrkdwn(line, reader)) <= _SECTION_LIMIT
    )


def _free(texts: list[str], edge: int) -> bool:
    """Whether a mark may stand next to the text at ``edge``: nothing, a space, or ASCII punctuation."""
    near = "".join(texts)
    return not near or near[edge].isspace() or near[edge] in "()[],.;!?"


def _style(span: Span) -> Style:
    return "plain" if isinstance(span, Instant) else span.style


def _mrkdwn(line: Line, reader: Reader) -> str:
    return "".join(_mrkdwn_span(span, reader) for span in line)


def _mrkdwn_span(span: Span, reader: Reader) -> str:
    if isinstance(span, Instant):
        if not span.zone:
            return escape(clean(span.label)) + _date_token(span, reader)
        return escape(clean(market_time(span, reader.lang))) + _localized(_date_token(span, reader), reader)
    mark = _MARKS[span.style]
    text = escape(span_text(span, reader))
    return f"{mark}{text}{mark}" if text else ""


def _date_token(instant: Instant, reader: Reader) -> str:
    return f"<!date^{int(instant.at.timestamp())}^{_DATE}|{_fallback(instant, reader)}>"


def _fallback(instant: Instant, reader: Reader) -> str:
    if not instant.zone:
        return instant_text(replace(instant, label=""), reader)
    return reader_time(instant, reader) or market_time(replace(instant, label=""), reader.lang)


def _localized(date: str, reader: Reader) -> str:
    """The reader's own time in words: Slack knows each reader's zone better than the channel's setting does."""
    return f"（本地 {date}）" if reader.lang == "zh" else f" ({date} your time)"


def _rich(lines: list[Line], reader: Reader) -> list[Json]:
    elements: list[Json] = []
    for number, line in enumerate(lines):
        if number:
            elements.append({"type": "text", "text": "\n"})
        for span in line:
            elements += _rich_span(span, reader)
    return elements


def _rich_span(span: Span, reader: Reader) -> list[Json]:
    if isinstance(span, Instant):
        date = {
            "type": "date",
            "timestamp": int(span.at.timestamp()),
            "format": _DATE,
            "fallback": _fallback(span, reader),
        }
        if not span.zone:
            return [*([_rich_text(clean(span.label))] if span.label else []), date]
        before, after = _localized("\0", reader).split("\0")
        return [_rich_text(clean(market_time(span, reader.lang)) + before), date, _rich_text(after)]
    text = span_text(span, reader)
    return [_rich_text(text, span.style)] if text else []


def _rich_text(text: str, style: Style = "plain") -> Json:
    return {"type": "text", "text": text, **({} if style == "plain" else {"style": {style: True}})}


def _section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _chunks(lines: Iterable[str], limit: int) -> Iterator[str]:
    """Join lines into texts of at most ``limit`` UTF-16 units; each line is shorter than that."""
    chunk = ""
    for line in lines:
        joined = f"{chunk}\n{line}" if chunk else line
        if chunk and utf16_len(joined) > limit:
            yield chunk
            joined = line
        chunk = joined
    if chunk.strip():
        yield chunk


def _escaped_within(text: str, limit: int) -> str:
    """``text`` shortened so that it has at most ``limit`` UTF-16 units once it is escaped."""
    room = limit
    while utf16_len(escaped := escape(shorten(text, room, utf16_len))) > limit:
        room = room * 2 // 3
    return escaped


# Tables.


def _is_native(table: Table) -> bool:
    """Whether Slack's table can show it; its first row always looks like a header, so there has to be one."""
    cells = [clean(cell) for row in (table.header, *table.rows) for cell in row]
    return (
        bool(table.header and table.rows)
        and len(table.rows) < _TABLE_ROWS
        and max(len(row) for row in (table.header, *table.rows)) <= _TABLE_COLUMNS
        and sum(map(utf16_len, cells)) <= _TABLE_CHARACTERS
    )


def _native_table(table: Table) -> Json:
    columns = max(len(row) for row in (table.header, *table.rows))
    align = table.align[:columns].ljust(columns, "l")
    rows = [
        # A cell must not be empty.
        [{"type": "raw_text", "text": clean(cell) or " "} for cell in (*row, *[""] * (columns - len(row)))]
        for row in (table.header, *table.rows)
    ]
    settings = [{"align": "right" if letter == "r" else "left"} for letter in align]
    return {"type": "table", "rows": rows, "column_settings": settings}


def _monospaced(table: Table) -> Iterator[Json]:
    lines = table_lines(table)
    if any("`" in line for line in lines):
        text = {"type": "text", "text": "\n".join(lines)}
        yield {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [text]}]}
        return
    for chunk in _chunks(map(escape, lines), _SECTION_LIMIT - len("``````\n\n")):
        yield _section(f"```\n{chunk}\n```")


# Below the text.


def _footer(footer: Line, reader: Reader) -> Iterator[Json]:
    footer = fit_line(footer, reader, _SECTION_LIMIT // 6, utf16_len)
    if not line_text(footer, reader).strip():
        return
    if _is_exact(footer, reader):
        element: Json = {"type": "mrkdwn", "text": _mrkdwn(footer, reader), "verbatim": True}
    else:
        element = {"type": "plain_text", "text": line_text(footer, reader), "emoji": False}
    yield {"type": "context", "elements": [element]}


def _actions(message: Message) -> Iterator[Json]:
    for number, row in enumerate(message.buttons):
        elements = [_button(button, f"{number}.{place}") for place, button in enumerate(row) if _is_pressable(button)]
        for start in range(math.ceil(len(elements) / _ACTIONS)):
            yield {"type": "actions", "elements": elements[start * _ACTIONS : (start + 1) * _ACTIONS]}


def _is_pressable(button: Button) -> bool:
    return bool(clean(button.text).strip()) and 0 < len(button.data) <= _BUTTON_VALUE


def _button(button: Button, place: str) -> Json:
    """``action_id`` is unique in the message and begins with the verb; ``value`` is the button's data."""
    verb = button.data.partition(":")[0]
    return {
        "type": "button",
        "action_id": f"{verb[: _ACTION_ID - 10]}.{place}",
        "text": {"type": "plain_text", "text": shorten(clean(button.text), _BUTTON_TEXT, utf16_len), "emoji": True},
        "value": button.data,
    }
