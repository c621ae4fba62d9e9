"""An SVG becomes a PNG in a process of its own, which is killed when it takes too long."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Sequence

DEADLINE_S = 15.0
Render = Callable[[str], Awaitable[bytes]]
"""Makes the PNG of an SVG."""
COMMAND = (sys.executable, "-m", "bot.charts.render")
"""Reads an SVG from standard input and writes its PNG to standard output."""


class RenderingFailed(Exception):
    """There is no picture; the message says why."""


async def rendered(svg: str, *, deadline_s: float = DEADLINE_S, command: Sequence[str] = COMMAND) -> bytes:
    """The PNG of ``svg``; raise :class:`RenderingFailed` when the process fails or isn't done within ``deadline_s``."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        png, said = await asyncio.wait_for(process.communicate(svg.encode()), deadline_s)
    except TimeoutError:
        raise RenderingFailed(f"not drawn within {deadline_s:g} s; the process was killed") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode or not png:
        lines = said.decode(errors="replace").strip().splitlines()
        raise RenderingFailed(f"the process ended with {process.returncode}: {lines[-1] if lines else 'no output'}")
    return png


def main() -> None:
    """Draw what standard input holds."""
    from bot.charts.png import picture  # noqa: PLC0415 - the parent needs none of it

    sys.stdout.buffer.write(picture(sys.stdin.buffer.read().decode()))


if __name__ == "__main__":
    main()
