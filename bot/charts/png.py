"""Pictures for chats: an SVG drawn in plain colours, rendered by resvg with fonts that are sure to be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from rules.model import Lang

ZOOM = 2.0
_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
_CJK = (
    "NotoSansCJK*-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "NotoSansSC*.?tf",
    "SourceHanSans*Regular*.*tf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "STHeiti*.ttc",
    "msyh.ttc",
    "simhei.ttf",
    "wqy-*.ttc",
    "DroidSansFallback*.ttf",
)


@cache
def cjk_font() -> Path | None:
    """A font of this machine that has Chinese characters, the best known first; ``None`` when there is none."""
    return next(_found(), None)


def _found() -> Iterator[Path]:
    folders = [folder for name in _FOLDERS if (folder := Path(name).expanduser()).is_dir()]
    for pattern in _CJK:
        for folder in folders:
            yield from sorted(folder.rglob(pattern))


def label_language(lang: Lang) -> Lang:
    """The language that a picture's labels can have: Chinese needs a font, English stands in for it."""
    return lang if lang == "en" or cjk_font() else "en"


_BOLD = re.compile(
    r'<text (?P<rest>[^>]*?fill="(?P<colour>[^"]+)"[^>]*font-weight="\d+"[^>]*>)(?=[^<]*[\u2e80-\uffef])'
)


def emboldened(svg: str) -> str:
    """``svg`` with its bold lines outlined where they are partly Chinese: the font that draws those has one weight."""
    return _BOLD.sub(r'<text stroke="\g<colour>" stroke-width="0.55" \g<rest>', svg)


def picture(svg: str, background: str = "#ffffff") -> bytes:
    """The PNG of ``svg`` at twice its size; it must not use CSS variables."""
    import font_lato  # noqa: PLC0415 - only when a picture is wanted
    import resvg_py  # noqa: PLC0415

    fonts = [font_lato.font_files["Lato"], font_lato.font_files["LatoBold"]]
    chinese = cjk_font()
    return resvg_py.svg_to_bytes(
        svg_string=emboldened(svg).replace('font-family="inherit"', 'font-family="Lato"', 1),
        background=background,
        skip_system_fonts=True,
        zoom=ZOOM,
        font_family="Lato",
        font_files=[*fonts, *([str(chinese)] if chinese else [])],
        text_rendering="geometric_precision",
    )
