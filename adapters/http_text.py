"""What the bytes of an answer say: their charset, and whether they are a page meant for a browser."""

from __future__ import annotations

import re

_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:-]+)""", re.IGNORECASE)
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CHALLENGE_MARKS = (
    "just a moment",
    "cf-challenge",
    "_cf_chl_opt",
    "challenge-platform/h/",
    "attention required! | cloudflare",
)


def decoded_text(body: bytes, content_type: str = "") -> str:
    """Decode ``body``, trusting what it is over what it is said to be.

    Valid UTF-8 is UTF-8, whatever the header claims: other text is hardly ever valid UTF-8, while a wrong header is
    common. Then the declared charset, the document's own, and GB18030 (which Chinese sources send undeclared or as
    GBK). What nothing decodes keeps its ASCII part, with U+FFFD for the rest.
    """
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, errors="replace")
    head = body[:2048].decode("ascii", errors="ignore")
    declared = [match.group(1).lower() for match in map(_CHARSET.search, (content_type, head)) if match]
    if declared and declared[0].startswith(("utf-16", "utf-32")):
        return body.decode(declared[0], errors="replace")
    for charset in ("utf-8", *map(_widened, declared), "gb18030"):
        try:
            return body.decode(charset)
        except (LookupError, UnicodeDecodeError):
            continue
    return body.decode("utf-8", errors="replace")


def _widened(charset: str) -> str:
    return "gb18030" if charset in {"gbk", "gb2312", "gb_2312-80"} else charset


def looks_like_html(text: str) -> bool:
    """Whether ``text`` is an HTML document."""
    start = text[:512].lstrip().lower()
    return start.startswith(("<!doctype html", "<html", "<head", "<body", "<!--")) or "<html" in start


def is_challenge(text: str) -> bool:
    """Whether ``text`` is a page that asks a browser to prove itself, in place of what was wanted."""
    if not looks_like_html(text):
        return False
    folded = text.lower()
    return any(mark in folded for mark in _CHALLENGE_MARKS)
