"""The digest on paper: the page, printed by WeasyPrint (the ``pdf`` extra)."""

from __future__ import annotations

import logging
from xml.etree import ElementTree

from adapters.message import Colour, Reader
from bot.charts.svg import plain_palette
from bot.digest import html
from bot.digest.document import Digest
from bot.failures import Failure

_UP = {Colour.CN: "red", Colour.US: "green", Colour.NONE: "none"}


class PdfUnavailable(Failure):
    """The PDF can't be made on this machine; the message says what to install."""


def render(digest: Digest, reader: Reader) -> bytes:
    """The PDF in the reader's language and colours; ``PdfUnavailable`` where WeasyPrint or its libraries lack."""
    page = html.render(digest, reader, paper=plain_palette(_UP[reader.colour]))
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    try:
        from cssselect2 import ElementWrapper  # noqa: PLC0415 - WeasyPrint's own
        from weasyprint import HTML  # noqa: PLC0415 - half a second of import, and optional
    except ImportError as error:
        raise PdfUnavailable("no_weasyprint") from error
    except OSError as error:  # its C libraries are loaded on import
        raise PdfUnavailable("no_pango", error=error) from error
    document = HTML(string="", url_fetcher=_refuse)
    # The page is well-formed XML, which the standard library reads a hundred times faster than WeasyPrint does HTML.
    tree = ElementTree.fromstring(page)  # noqa: S314 - our own page
    document.wrapper_element = ElementWrapper.from_html_root(tree, content_language=None)
    document.etree_element = document.wrapper_element.etree_element
    printed: bytes = document.write_pdf()
    return printed


def _refuse(url: str, *_: object, **__: object) -> dict[str, object]:
    """Nothing is fetched: the page holds all that it shows."""
    raise ValueError(f"the page has no business with {url}")
