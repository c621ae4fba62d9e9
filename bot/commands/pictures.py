"""Pictures that answer a command: drawn in the asker's language and colours, kept until they are sent."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from adapters.message import Attachment, Colour
from bot.charts.png import label_language, picture
from bot.charts.svg import Frame, plain_palette
from bot.commands.context import Context
from bot.files import write_whole

_WIDTH = 720
_KEPT = 200
_UP_IS = {Colour.CN: "red", Colour.US: "green", Colour.NONE: "none"}


def frame(ctx: Context, title: str, unit: str, sources: str) -> Frame:
    """An empty picture in the reader's colours."""
    lead = {"en": "Source", "zh": "资料来源"}[label_language(ctx.lang)]
    source = f"{lead}: {sources}" if sources else ""
    return Frame(_WIDTH, title, unit, source, plain_palette(_UP_IS[ctx.reader.colour]), alone=True)


def keep(ctx: Context, svg: str, name: str, alt: str) -> Attachment:
    """Draw ``svg`` into a file; the same drawing is the same file. To be called beside the loop: it takes a while."""
    folder = ctx.desk.pictures
    path = folder / f"{hashlib.sha256(svg.encode()).hexdigest()[:20]}.png"
    if path.exists():
        path.touch()
    else:
        write_whole(path, picture(svg))
    _forget_old(folder)
    return Attachment(str(path), f"{name}.png", "image/png", alt=alt)


def _forget_old(folder: Path) -> None:
    """Leave the newest ones; somebody else may be tidying up too."""
    ages: list[tuple[float, Path]] = []
    for path in folder.glob("*.png"):
        with contextlib.suppress(FileNotFoundError):
            ages.append((path.stat().st_mtime, path))
    for _, path in sorted(ages, reverse=True)[_KEPT:]:
        path.unlink(missing_ok=True)
