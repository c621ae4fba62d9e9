"""Messages on a terminal: coloured and wrapped on a screen, plain when piped."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TextIO

from rich.console import Console
from rich.text import Text as RichText

from adapters.clock import Clock
from adapters.message import Block, Colour, Line, Message, Move, Paragraph, Reader, Span, Text
from adapters.notifiers.port import DestinationGone, Outgoing, Receipt
from adapters.rendering.plain import EMOJI, closed_up, span_text
from adapters.rendering.tables import table_lines
from adapters.rendering.text import clean

_STYLES = {"plain": "", "bold": "bold", "italic": "italic", "code": "cyan"}
_COLOURS = {
    (Colour.CN, 1): "red",
    (Colour.CN, -1): "green",
    (Colour.US, 1): "green",
    (Colour.US, -1): "red",
}


class ConsoleNotifier:
    """Prints to ``file`` (standard output unless given). What can't be done on paper, an edit say, is printed anew.

    ``environ`` says what the terminal can do: ``TERM``, ``NO_COLOR``, ``FORCE_COLOR``, ``COLUMNS``.
    """

    def __init__(
        self,
        clock: Clock,
        file: TextIO | None = None,
        *,
        width: int | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._clock = clock
        self._file = file or sys.stdout
        self._console = Console(
            file=self._file, width=width, markup=False, highlight=False, emoji=False, _environ=environ
        )
        self._printed = 0
        self.closed = asyncio.Event()
        """Set once nobody reads any more (``| head``): what is printed from then on is lost, and nobody's loss."""

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Print the message, then a blank line."""
        if not outgoing.destination.startswith("console:"):
            raise DestinationGone(f"{outgoing.destination!r} is not the terminal; wanted console:")
        try:
            self.show(outgoing.message, outgoing.reader)
        except BrokenPipeError:
            self.closed.set()
        except OSError as error:
            raise DestinationGone(f"the terminal takes nothing more ({error.strerror})") from error
        self._printed += 1
        return Receipt(outgoing.destination, str(self._printed), self._clock.now())

    def show(self, message: Message, reader: Reader, *, buttons: bool = False) -> None:
        """Print the message; ``buttons`` lists its buttons' texts too, where they are choices that the reader needs."""
        with self._console.capture() as captured:
            for line in _lines(message, reader, self._console.width if self._console.is_terminal else None):
                self._console.print(line, soft_wrap=not self._console.is_terminal)
            if buttons:
                for row in message.buttons:
                    self._console.print(RichText(" ".join(f"[{clean(button.text)}]" for button in row), "dim"))
            self._console.print()
        self._file.write(_encodable(captured.get(), self._file))
        self._file.flush()


def _encodable(text: str, file: TextIO) -> str:
    """``text`` with what the terminal's encoding doesn't have as ``?``."""
    encoding = file.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _lines(message: Message, reader: Reader, width: int | None) -> Iterator[RichText]:
    message = closed_up(message, reader)
    if message.title:
        emoji = f"{EMOJI[message.severity]} " if message.severity else ""
        styled = any(getattr(span, "style", "plain") != "plain" for span in message.title)
        yield RichText(emoji).append_text(_line(message.title, reader, "" if styled else "bold"))
    for block in message.blocks:
        yield from _block(block, reader, width)
    if message.footer:
        yield _line(message.footer, reader, "dim")
    for attachment in message.attachments:
        yield RichText(f"📎 {clean(attachment.name)} {clean(attachment.path)}", "dim", no_wrap=True, overflow="ignore")


def _block(block: Block, reader: Reader, width: int | None) -> Iterator[RichText]:
    if isinstance(block, Paragraph):
        yield from (_line(line, reader) for line in block.lines)
        return
    if block.caption:
        yield RichText(clean(block.caption))
    for number, row in enumerate(table_lines(block, width)):
        yield RichText(row, "dim" if block.header and number == 0 else "")


def _line(line: Line, reader: Reader, style: str = "") -> RichText:
    text = RichText(style=style)
    for span in line:
        text.append(span_text(span, replace(reader, colour=Colour.NONE)), _style(span, reader))
    return text


def _style(span: Span, reader: Reader) -> str:
    style = _STYLES[span.style] if isinstance(span, Text | Move) else ""
    colour = _COLOURS.get((reader.colour, span.direction), "") if isinstance(span, Move) else ""
    return f"{style} {colour}".strip()
