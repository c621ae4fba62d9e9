"""Files that are whole or absent, and folders that go away."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_OWNED = "owner.lock"
_LOCKED_WITHIN_S = 60.0


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write ``path``, creating its folder; a reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = content.encode("utf-8") if isinstance(content, str) else content
    try:
        descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    return path


def ensure_writable(folder: Path) -> None:
    """Raise ``OSError`` with its name where ``folder`` can't be made or written to; nothing is left behind."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    allowed = os.access(folder, os.W_OK | os.X_OK)
    for each in made:
        each.rmdir()
    if not allowed:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


@contextmanager
def private_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder below ``parent``, readable by this user alone, removed with what is in it at the end.

    A process that is killed leaves it behind: :func:`left_behind`.
    """
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        with _locked(folder):  # the kernel lets go of it when the process dies, however it does
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def left_behind(parent: Path, prefixes: Iterable[str]) -> Sequence[Path]:
    """The private folders below ``parent`` whose processes have died; none that is younger than a minute."""
    old = time.time() - _LOCKED_WITHIN_S
    found = []
    for folder in (each for prefix in prefixes for each in parent.glob(f"{prefix}*")):
        with suppress(OSError):
            if folder.stat().st_mtime < old and (folder / _OWNED).exists():
                with _locked(folder):
                    found.append(folder)
    return found


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder; raise ``BlockingIOError`` where another process does."""
    descriptor = os.open(folder / _OWNED, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
