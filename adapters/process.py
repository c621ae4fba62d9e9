"""Which process this is among all that share a store, and whether another one is provably dead.

A name is ``HOST:PID`` and, where the kernel tells it, what makes the number mean one process for ever: the boot of the
machine, the space of process numbers (a container has its own) and when the process started. A lease whose holder is
dead can then be taken over at once; about a process anywhere else nothing is known. What follows a ``#`` tells parts of
one process apart.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path

import structlog

from adapters.store.port import Leases

log = structlog.get_logger()

_PROC = Path("/proc")
_ENDED = frozenset("ZXx")
_STATE, _STARTED = 0, 19
"""Places among the fields of ``stat`` that follow the name of the program."""


@cache
def this_process() -> str:
    """The name of this process."""
    pid = os.getpid()
    name = f"{socket.gethostname()}:{pid}"
    fields = _stat(pid)
    return f"{name} {_space()} {fields[_STARTED]}" if fields and _space() else name


def is_dead(name: str) -> bool:
    """Whether the process that called itself ``name`` has ended for certain; ``False`` where that can't be known."""
    place, _, rest = name.partition("#")[0].partition(" ")
    space, _, started = rest.partition(" ")
    pid = place.rpartition(":")[2]
    if not (started and pid.isdecimal() and space == _space()):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it lives, and is another user's
    fields = _stat(int(pid))
    return bool(fields) and (fields[_STARTED] != started or (fields[_STATE] in _ENDED and _alone(int(pid))))


async def acquired(
    leases: Leases, lease: str, owner: str, ttl_s: float, is_dead: Callable[[str], bool] = is_dead
) -> bool:
    """Take or renew ``lease`` as ``owner``, from a dead holder as well; ``False`` where another one may live."""
    if await leases.acquire(lease, owner, ttl_s):
        return True
    holder = await leases.holder(lease)
    if holder is None or not is_dead(holder):
        return False
    log.info("holder_is_dead", lease=lease, holder=holder)
    return await leases.take_over(lease, owner, ttl_s, dead=holder)


@cache
def _space() -> str:
    """What tells this boot and space of process numbers from every other; ``""`` where the kernel doesn't say."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        numbers = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot}/{numbers}"


def _stat(pid: int) -> list[str]:
    """State, … of a process as the kernel lists them after its name; empty where it doesn't."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    fields = text.rpartition(")")[2].split()
    return fields if len(fields) > _STARTED else []


def _alone(pid: int) -> bool:
    """Whether no thread of an ended process is left."""
    try:
        return len(list((_PROC / str(pid) / "task").iterdir())) <= 1
    except OSError:
        return False
