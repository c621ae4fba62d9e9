"""Drawing happens in a process of its own, which never outlives its deadline."""

import os
import sys
from pathlib import Path

import pytest

from bot.charts.lines import area
from bot.charts.render import RenderingFailed, rendered
from bot.charts.svg import Frame, plain_palette


async def test_an_svg_becomes_a_png() -> None:
    """The child's output is a whole picture."""
    svg = area(Frame(300, "t", "u", "s", plain_palette(), alone=True), [("a", 1.0, "1"), ("b", 2.0, "2")])
    png = await rendered(svg)
    assert (png[:8], png[-8:-4]) == (b"\x89PNG\r\n\x1a\n", b"IEND")


async def test_a_process_that_hangs_is_killed(tmp_path: Path) -> None:
    """After the deadline the failure says so and the process is gone."""
    note = tmp_path / "pid"
    hang = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(RenderingFailed, match=r"not drawn within 1\.5 s; the process was killed"):
        await rendered("<svg/>", deadline_s=1.5, command=(sys.executable, "-c", hang))
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


async def test_what_can_t_be_drawn_says_why() -> None:
    """The last line of the child's complaint is the reason."""
    with pytest.raises(RenderingFailed, match=r"the process ended with 1: .+"):
        await rendered("this is no picture")
