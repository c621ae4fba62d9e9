"""An analyst's words from files: ``NAME.md`` or ``NAME.txt``, for every week or in a week's own folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bot.digest.layout import Slot

ENDINGS = (".md", ".txt")
MAX_BYTES = 20_000


def read_slots(folder: Path, week: str, slots: Iterable[Slot]) -> dict[str, str]:
    """The slots that files fill: ``FOLDER/2024-W44/view.md`` before ``FOLDER/view.md``. No file, no entry.

    Raise ``ValueError`` for a file that is no UTF-8 text or longer than a page has room for.
    """
    found = {}
    for slot in slots:
        paths = [place / f"{slot.name}{ending}" for place in (folder / week, folder) for ending in ENDINGS]
        path = next((path for path in paths if path.is_file()), None)
        if path is not None and (text := _text(path)):
            found[slot.name] = text
    return found


def _text(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"{path} is longer than {MAX_BYTES:,} bytes; a slot is a few paragraphs")
    try:
        return raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text (byte {error.start})") from None
