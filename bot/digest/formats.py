"""Every format of a digest as files, to be attached and archived."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.message import Attachment, Colour, Reader
from bot.charts.png import label_language, picture
from bot.charts.svg import plain_palette
from bot.digest.document import Digest
from bot.digest.graphics import draw
from bot.failures import Failure
from bot.files import write_whole

Render = Callable[[Digest, Reader], bytes]

PICTURES = (2, 18, 20)
"""The figures that a chat shows as pictures."""
PICTURE_WIDTH = 640

_UP = {Colour.CN: "red", Colour.US: "green", Colour.NONE: "none"}


@dataclass(frozen=True, slots=True)
class Files:
    """What was written: attachments in the order in which a chat gets them, and what could not be made, in words."""

    attachments: tuple[Attachment, ...]
    problems: tuple[str, ...] = ()


# What writes a format is loaded when somebody wants it.


def _html(digest: Digest, reader: Reader) -> bytes:
    from bot.digest import html  # noqa: PLC0415

    return html.render(digest, reader).encode()


def _pdf(digest: Digest, reader: Reader) -> bytes:
    from bot.digest import pdf  # noqa: PLC0415

    return pdf.render(digest, reader)


def _xlsx(digest: Digest, reader: Reader) -> bytes:
    from bot.digest import xlsx  # noqa: PLC0415

    return xlsx.render(digest, reader)


def _ics(digest: Digest, reader: Reader) -> bytes:
    from bot.digest import ics  # noqa: PLC0415

    return ics.render(digest, reader.lang)


FORMATS: dict[str, tuple[str, Render]] = {
    "html": ("text/html", _html),
    "pdf": ("application/pdf", _pdf),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx),
    "ics": ("text/calendar", _ics),
    "json": ("application/json", lambda digest, _: digest.to_json().encode()),
}
"""By file ending: the media type, and what makes it."""

ATTACHED = ("html", "pdf", "xlsx")
ALL = ("png", *FORMATS)


def write(digest: Digest, reader: Reader, folder: Path, formats: Sequence[str] = ALL) -> Files:
    """Write the digest into ``folder`` in each of ``formats``, ``png`` for pictures; what can't be made is told."""
    stem = f"{digest.span.name}-{reader.lang}"
    attachments, problems = [], []
    pictures, warning = _pictures(digest, reader) if "png" in formats else ([], "")
    for number, content, alt in pictures:
        path = write_whole(folder / f"{stem}-figure-{number}.png", content)
        attachments.append(Attachment(str(path), path.name, "image/png", alt))
    if warning:
        problems.append(warning)
    for name in (name for name in formats if name != "png"):
        media_type, render = FORMATS[name]
        try:
            path = write_whole(folder / f"{stem}.{name}", render(digest, reader))
        except Failure as error:
            problems.append(error.saying.said(reader.lang))
            continue
        if name in ATTACHED:
            attachments.append(Attachment(str(path), path.name, media_type))
    return Files(tuple(attachments), tuple(problems))


def _pictures(digest: Digest, reader: Reader) -> tuple[list[tuple[int, bytes, str]], str]:
    """Number, PNG and description of each; and a warning when they had to be labelled in English."""
    lang, palette = label_language(reader.lang), plain_palette(_UP[reader.colour])
    made = []
    for figure in (digest.figures[number] for number in PICTURES if number in digest.figures):
        drawn = draw(figure, lang, PICTURE_WIDTH, palette, alone=True)
        made += [(figure.number, picture(svg), figure.title[reader.lang]) for svg in drawn[:1]]
    warning = "本机无中文字体，图片标注为英文"  # who reads Chinese is told so, the others' labels are English anyway
    return made, "" if lang == reader.lang else warning
