"""The store without a server to install: a private one in the data directory, shared by every process that uses it.

Each user of a data directory holds a shared lock on ``users.lock`` for as long as it lives; the kernel takes it back
from a process that dies. Whoever leaves last, and only then, shuts the server down. Starting and leaving happen under
an exclusive lock, so that two processes can't start two servers, and a server isn't stopped under a newcomer. A server
that outlived a killed process still answers on its socket and is simply used again. A server that dies is started
again by the next command that misses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from pydantic import SecretStr

from adapters.store import server
from adapters.store.link import Link, client_for_socket
from adapters.store.port import StoreUnavailable
from adapters.store.redis import RedisStore, connect

STORE = "store"
"""The store's folder in the data directory."""
_LOCK_POLL_S = 0.01
_LOCK_WITHIN_S = 600.0
_SERVER_GONE_WITHIN_S = 15.0
_THROWAWAY = "tapewatch-throwaway-"
_SETTLED_AFTER_S = 60.0
"""A folder this old has its users' lock, or lost it."""
_LONGEST_SOCKET_PATH = 100
"""The kernels allow 104 (macOS) to 108 bytes, with the closing zero."""


@contextlib.asynccontextmanager
async def open_store(redis_url: SecretStr | None, home: Path) -> AsyncIterator[RedisStore]:
    """The store on the server that ``redis_url`` names, or the private one of the data directory ``home``.

    Raises:
        StoreUnavailable: with one line for the operator.

    """
    if redis_url is not None and redis_url.get_secret_value():
        store = await connect(redis_url.get_secret_value())
        try:
            yield store
        finally:
            await store.aclose()
    else:
        async with _embedded(home / STORE, durable=True) as store:
            yield store


@contextlib.asynccontextmanager
async def open_throwaway_store() -> AsyncIterator[RedisStore]:
    """An empty store that is gone afterwards: the same server and code, nothing written to disk.

    What a killed process left behind is cleared away by the next one that opens such a store.
    """
    await _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_THROWAWAY))
    try:
        async with _embedded(folder, durable=False) as store:
            yield store
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def end_unused(folder: Path) -> bool:
    """End the server whose files are in ``folder``, if one runs; ``False`` where somebody uses it, or may."""
    with contextlib.suppress(OSError, StoreUnavailable), _opened(folder / "users.lock") as users:
        if _try_lock(users):
            await server.stop(server.ServerFiles(folder, _socket(folder), durable=False))
            return True
    return False


async def _sweep() -> None:
    for folder in _left_behind():
        if await end_unused(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _left_behind() -> list[Path]:
    """Throw-away folders of this user that are old enough for their users to hold the lock, if there are any."""
    found: list[Path] = []
    for folder in Path(tempfile.gettempdir()).glob(f"{_THROWAWAY}*"):
        with contextlib.suppress(OSError):
            status = folder.stat()
            if status.st_uid == os.getuid() and status.st_mtime < time.time() - _SETTLED_AFTER_S:
                found.append(folder)
    return found


@contextlib.asynccontextmanager
async def _embedded(folder: Path, *, durable: bool) -> AsyncIterator[RedisStore]:
    _make_private(folder)
    files = server.ServerFiles(folder, _socket(folder), durable=durable)
    _make_private(files.socket.parent)
    with _opened(folder / "users.lock") as users:
        await _join(files, users)
        store = RedisStore(Link(client_for_socket(str(files.socket)), str(folder), lambda: _ensure_running(files)))
        try:
            await store.check()
            yield store
        finally:
            await store.aclose()
            await _leave(files, users)


async def _join(files: server.ServerFiles, users: int) -> None:
    async with _exclusive(files):
        fcntl.flock(users, fcntl.LOCK_SH)
    await _ensure_running(files)


async def _leave(files: server.ServerFiles, users: int) -> None:
    async with _exclusive(files):
        if _try_lock(users):
            await server.stop(files)
            async with _sole_server(files):
                server.reap()


async def _ensure_running(files: server.ServerFiles) -> None:
    async with _exclusive(files):
        running = await server.answers(files.socket)
        if running is False:
            await server.until_ready(files)
        elif running is None:
            async with _sole_server(files) as descriptor:
                await server.start(server.find_program(), files, descriptor)


@contextlib.asynccontextmanager
async def _sole_server(files: server.ServerFiles) -> AsyncIterator[int]:
    """The lock that a server inherits and so holds until it is dead: never two servers on one set of files."""
    with _opened(files.folder / "server.lock") as descriptor:
        deadline = time.monotonic() + _SERVER_GONE_WITHIN_S
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"a store server runs on {files.folder} but its socket {files.socket} can't be reached;"
                    " end that server, or run both processes with the same /tmp"
                )
            await asyncio.sleep(_LOCK_POLL_S)
        yield descriptor


@contextlib.asynccontextmanager
async def _exclusive(files: server.ServerFiles) -> AsyncIterator[None]:
    """Only one task of one process starts or stops the server at a time."""
    with _opened(files.folder / "start.lock") as descriptor:
        deadline = time.monotonic() + _LOCK_WITHIN_S
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"another process has been starting the store in {files.folder} for minutes")
            await asyncio.sleep(_LOCK_POLL_S)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"cannot write to the data directory {path.parent}: {error.strerror}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise StoreUnavailable(
            f"cannot use the data directory {folder}: {error.strerror}; set TAPEWATCH_HOME"
        ) from error
    if found.st_uid != os.getuid() or not os.access(folder, os.W_OK | os.X_OK):
        raise StoreUnavailable(f"the data directory {folder} is not this user's to write to; set TAPEWATCH_HOME")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def _socket(folder: Path) -> Path:
    """In the data directory; where that path is too long for a socket, in a short folder that every process derives."""
    socket = folder / "store.sock"
    if len(os.fsencode(socket)) <= _LONGEST_SOCKET_PATH:
        return socket
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return Path("/tmp") / f"tapewatch-{os.getuid()}-{name}" / "store.sock"  # noqa: S108 - made private, owner checked
