"""A table as lines of monospaced text, aligned by display width: a Chinese character is two columns wide."""

from __future__ import annotations

from rich.cells import cell_len

from adapters.message import Table
from adapters.rendering.text import clean, shorten

_GAP = "  "
_NARROWEST = 4


def table_lines(table: Table, max_width: int | None = None) -> list[str]:
    """The header, if there is one, and the rows.

    Where they are wider than ``max_width`` columns, text is shortened; a number never is, since half of one is wrong.
    """
    cells = [[clean(cell) for cell in row] for row in ((table.header, *table.rows) if table.header else table.rows)]
    columns = max((len(row) for row in cells), default=0)
    align = table.align[:columns].ljust(columns, "l")
    for row in cells:
        row.extend([""] * (columns - len(row)))
    widths = [max(cell_len(row[index]) for row in cells) for index in range(columns)]
    if max_width is not None:
        _narrow(widths, align, max_width)
    return [_row(row, widths, align) for row in cells]


def _narrow(widths: list[int], align: str, max_width: int) -> None:
    """Take what is too much from the text columns, the last first."""
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - max_width
    for index in reversed(range(len(widths))):
        if align[index] == "l" and excess > 0:
            taken = min(excess, max(0, widths[index] - _NARROWEST))
            widths[index] -= taken
            excess -= taken


def _row(row: list[str], widths: list[int], align: str) -> str:
    return _GAP.join(_cell(*column) for column in zip(row, widths, align, strict=True)).rstrip()


def _cell(text: str, width: int, align: str) -> str:
    text = shorten(text, width, cell_len) if align == "l" else text
    padding = " " * (width - cell_len(text))
    return padding + text if align == "r" else text + padding
