import errno
import io
import os
import re
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from adapters.clock import SteppingClock
from adapters.message import Button, Colour, Message, Move, Paragraph, Reader, Table, Text
from adapters.notifiers.console import ConsoleNotifier
from adapters.notifiers.port import DestinationGone, Outgoing, Receipt
from rules.model import Severity

NOW = datetime(2024, 11, 2, 1, 40, tzinfo=UTC)
MESSAGE = Message(
    summary="SOX lags NDX",
    severity=Severity.WARNING,
    title=(Text("SOX lags NDX"),),
    blocks=(
        Paragraph(((Text("SOX "), Move("-4.1%", -1), Text(" NDX "), Move("+1.6%", 1)),)),
        Table((("0863.HK", "+14%", "OSL集团控股有限公司"),), "lrl"),
    ),
    footer=(Text("Yahoo"),),
    buttons=((Button("[bold]Ack", "ack:1"), Button("Mute", "mute:1")),),
)


class Screen(io.StringIO):
    """A terminal of sorts."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Yes."""
        return True


async def printed(file: io.StringIO, message: Message = MESSAGE, colour: Colour = Colour.CN, width: int = 60) -> str:
    """What the notifier writes to ``file``."""
    notifier = ConsoleNotifier(SteppingClock(NOW), file, width=width, environ={"TERM": "xterm-256color"})
    await notifier.send(Outgoing(key="k", destination="console:", message=message, reader=Reader(colour=colour)))
    return file.getvalue()


async def test_piped_output_is_plain_text() -> None:
    """No colour, no lamps, no box lines, and nothing is wrapped."""
    assert await printed(io.StringIO(), width=20) == (
        "⚠️ SOX lags NDX\nSOX ▼ -4.1% NDX ▲ +1.6%\n0863.HK  +14%  OSL集团控股有限公司\nYahoo\n\n"
    )


@pytest.mark.parametrize(
    ("colour", "down", "up"), [(Colour.CN, "32", "31"), (Colour.US, "31", "32"), (Colour.NONE, "", "")]
)
async def test_a_screen_shows_moves_in_the_readers_colours(colour: Colour, down: str, up: str) -> None:
    """Red and green follow the reader's convention."""
    text = await printed(Screen(), colour=colour)

    def coloured(move: str, code: str) -> str:
        return f"\x1b[{code}m{move}\x1b[0m" if code else move

    assert f"SOX {coloured('▼ -4.1%', down)} NDX {coloured('▲ +1.6%', up)}" in text


async def test_nothing_is_wider_than_a_narrow_screen() -> None:
    """Text wraps and tables are shortened by display width."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", await printed(Screen(), width=24))
    lines = text.splitlines()
    assert [line for line in lines if cell_len(line) > 24] == []
    assert "0863.HK  +14%  OSL集团…" in lines


async def test_outside_text_is_shown_as_it_is() -> None:
    """Markup of the terminal library means nothing and escape sequences are gone."""
    text = Text("[red]x[/red] :smile: \x1b[2J\u202e[link=https://a]")
    message = Message(summary="s", title=(Text("[/]"),), blocks=(Paragraph(((text,),)),))
    assert await printed(io.StringIO(), message) == "[/]\n[red]x[/red] :smile: [link=https://a]\n\n"


async def test_a_terminal_that_lacks_a_character_shows_a_question_mark() -> None:
    """An ASCII terminal doesn't fail the message."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    await ConsoleNotifier(SteppingClock(NOW), file).send(
        Outgoing(
            key="k", destination="console:", message=Message(summary="费半", title=(Text("费半 ok"),)), reader=Reader()
        )
    )
    assert raw.getvalue() == b"?? ok\n\n"


async def test_choices_are_listed_on_request() -> None:
    """A reader without a mouse still sees what can be answered."""
    file = io.StringIO()
    ConsoleNotifier(SteppingClock(NOW), file).show(MESSAGE, Reader(), buttons=True)
    assert "[[bold]Ack] [Mute]\n" in file.getvalue()


async def test_receipts_count() -> None:
    """Each message has an id of its own and the time of its printing."""
    notifier = ConsoleNotifier(SteppingClock(NOW), io.StringIO())
    outgoing = Outgoing(key="k", destination="console:", message=MESSAGE, reader=Reader())
    assert [Receipt("console:", "1", NOW), Receipt("console:", "2", NOW)] == [
        await notifier.send(outgoing),
        await notifier.send(outgoing),
    ]


class Broken(io.StringIO):
    """A place that takes nothing, for the reason ``number``."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def write(self, text: str, /) -> int:
        if text:
            raise OSError(self._number, os.strerror(self._number))
        return 0


async def test_a_full_disk_is_a_destination_that_is_gone() -> None:
    """Nothing is tried again where standard output is a file that can't grow."""
    outgoing = Outgoing(key="k", destination="console:", message=MESSAGE, reader=Reader())
    with pytest.raises(DestinationGone, match="takes nothing more"):
        await ConsoleNotifier(SteppingClock(NOW), Broken(errno.ENOSPC)).send(outgoing)


async def test_a_reader_who_has_had_enough_is_no_failure() -> None:
    """``| head`` ended: it is noted for whoever prints, who need not go on."""
    notifier = ConsoleNotifier(SteppingClock(NOW), Broken(errno.EPIPE))
    assert not notifier.closed.is_set()
    await notifier.send(Outgoing(key="k", destination="console:", message=MESSAGE, reader=Reader()))
    assert notifier.closed.is_set()
