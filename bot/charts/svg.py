"""What every chart is drawn with: elements, a palette, a frame with title, unit and source, and axis steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

FONT_SIZE = 12
SMALL = 11
_MARGIN = 14
_BROAD = frozenset("ABCDEGHKMNOPQRUVWXYmw%+@—")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as CSS values: ``var(--up)`` on a page, plain colours in a picture of its own."""

    up: str
    down: str
    series: tuple[str, ...]
    text: str
    muted: str
    grid: str
    surface: str


PAGE = Palette(
    up="var(--up)",
    down="var(--down)",
    series=("var(--s1)", "var(--s2)", "var(--s3)", "var(--s4)"),
    text="var(--text)",
    muted="var(--muted)",
    grid="var(--grid)",
    surface="var(--surface)",
)


_RED, _GREEN = "#b8390e", "#00714f"


def plain_palette(up_is: str = "green") -> Palette:
    """Colours of its own for paper and pictures; ``up_is`` is ``red``, ``green`` or ``none``."""
    up, down = {"red": (_RED, _GREEN), "green": (_GREEN, _RED)}.get(up_is, ("#1f5f99", "#9a5b00"))
    series = ("#1f5f99", "#c8741a", "#6b7f94", "#7a4f9e")
    return Palette(up, down, series, text="#1b1f24", muted="#5c6773", grid="#e3e7eb", surface="#ffffff")


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart is drawn: its width in pixels, colours, and words for those who can't see it.

    ``unit`` and ``source`` are printed above and below the drawing; under a figure that names its source there is none.
    """

    width: int
    title: str
    unit: str
    source: str
    palette: Palette = PAGE
    ident: str = "chart"
    alone: bool = False
    """Whether it stands for itself, as a picture in a chat: with its title above and a margin around."""


def number(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")


def element(name: str, content: str = "", **attributes: str | float) -> str:
    """One element; ``_`` in a name stands for ``-``, as in ``stroke_width``."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{number(v) if isinstance(v, int | float) else escape(v)}"'
        for key, v in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(
    x: float, y: float, words: str, fill: str, *, anchor: str = "start", size: int = FONT_SIZE, weight: str = ""
) -> str:
    """One line of text with its baseline at ``y``."""
    extra = {"font_weight": weight} if weight else {}
    return element("text", escape(words), x=x, y=y, fill=fill, text_anchor=anchor, font_size=size, **extra)


def picture(frame: Frame, height: float, parts: Iterable[str], description: str) -> str:
    """The finished drawing: unit on top, source at the bottom, title and description for screen readers."""
    palette, total = frame.palette, height + (40 if frame.source else 24)
    title_id, text_id = f"{frame.ident}-t", f"{frame.ident}-d"
    head = element("title", escape(frame.title), id=title_id) + element("desc", escape(description), id=text_id)
    body = [
        text(0, 12, frame.unit, palette.muted, size=SMALL) if frame.unit else "",
        element("g", "".join(parts), transform="translate(0 20)"),
        text(0, total - 4, frame.source, palette.muted, size=SMALL) if frame.source else "",
    ]
    left, top, width = 0.0, 0.0, float(frame.width)
    if frame.alone:
        body.append(text(0, -14, shortened(frame.title, width, 16), palette.text, size=16, weight="600"))
        left, top, width, total = -_MARGIN, -_MARGIN - 26, width + 2 * _MARGIN, total + 2 * _MARGIN + 26
    box = " ".join(number(value) for value in (left, top, width, total))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{number(width)}" '
        f'height="{number(total)}" role="img" aria-labelledby="{title_id} {text_id}" font-family="inherit">'
        f"{head}{''.join(body)}</svg>"
    )


def text_width(words: str, size: int = FONT_SIZE) -> float:
    """About how wide ``words`` are: CJK characters are as wide as high, capitals and signs broader than the rest."""
    return sum(size * (1 if ord(char) > 0x2E7F else 0.78 if char in _BROAD else 0.57) for char in words)


def shortened(words: str, room: float, size: int = FONT_SIZE) -> str:
    """``words`` cut with an ellipsis where they are wider than ``room``."""
    if text_width(words, size) <= room:
        return words
    while words and text_width(words + "…", size) > room:
        words = words[:-1]
    return words.rstrip() + "…"


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round values that span ``low`` to ``high``: multiples of 1, 2, 2.5 or 5 times a power of ten."""
    span = high - low or abs(high) or 1.0
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    last += first == last  # a single level has an axis too
    return [round(step * index, 10) for index in range(first, last + 1)]


def step_text(step: float, steps: Sequence[float]) -> str:
    """A step of the axis with as many decimals as its distance to the next one needs."""
    gap = steps[1] - steps[0]
    decimals = 0 if gap >= 1 and gap == round(gap) else 1 if gap >= 0.1 and round(gap * 10) == round(gap * 10, 6) else 2
    return f"{step:,.{decimals if gap >= 0.01 else 4}f}"


def hatch(ident: str, colour: str) -> str:
    """A pattern of slanted lines, for what is not final."""
    line = element("path", d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2", stroke=colour, stroke_width=1.6)
    pattern = element("pattern", line, id=ident, width=6, height=6, patternUnits="userSpaceOnUse")
    return element("defs", pattern)
