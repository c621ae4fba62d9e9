"""Files that are read at the start alone, and which of them say something else by now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path


class StartFiles:
    """Remembers what ``files`` said when it was made; one that isn't there says nothing."""

    def __init__(self, files: Iterable[Path] = ()) -> None:
        self._said = {path: content(path) for path in files}

    def changed(self) -> Sequence[Path]:
        """Those that say something else now."""
        return [path for path, said in self._said.items() if content(path) != said]


def content(path: Path) -> bytes:
    """What the file says, as a hash; empty where it can't be read."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""
