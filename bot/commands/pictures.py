"""Pictures beside answers: in the asker's language and colours. An answer without its picture is still an answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from adapters.message import Attachment, Colour, Message
from bot.charts.png import label_language
from bot.charts.render import RenderingFailed
from bot.charts.svg import Frame, plain_palette
from bot.commands.context import Context, line, paragraph

log = structlog.get_logger()

_WIDTH = 720
_UP_IS = {Colour.CN: "red", Colour.US: "green", Colour.NONE: "none"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG, what its file is called (without an ending) and what it shows, in words."""

    svg: str
    name: str
    alt: str


def frame(ctx: Context, title: str, unit: str, sources: str) -> Frame:
    """An empty picture in the reader's colours."""
    lead = {"en": "Source", "zh": "资料来源"}[label_language(ctx.lang)]
    source = f"{lead}: {sources}" if sources else ""
    return Frame(_WIDTH, title, unit, source, plain_palette(_UP_IS[ctx.reader.colour]), alone=True)


async def illustrated(ctx: Context, message: Message, drawing: Drawing | None) -> Message:
    """``message`` with the picture of ``drawing``, or with a line that there is none."""
    if drawing is None:
        return message
    try:
        path = await ctx.desk.pictures.keep(drawing.svg)
    except (RenderingFailed, OSError) as error:
        log.warning("picture_failed", name=drawing.name, why=str(error))
        return replace(message, blocks=(*message.blocks, paragraph(line(ctx.say("chart.failed")))))
    picture = Attachment(str(path), f"{drawing.name}.png", "image/png", alt=drawing.alt)
    return replace(message, attachments=(*message.attachments, picture))
