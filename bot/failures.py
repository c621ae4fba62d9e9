"""Which exceptions are a person's to solve, and how they are told."""

from __future__ import annotations

import errno

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Failed writes that name no file, to standard output say."""


class Failure(Exception):
    """Something that the person at the terminal can put right; the message says what and how."""


def explain(error: BaseException) -> str | None:
    """Return the text for a known failure, ``None`` for a defect of the program.

    A group (of an asyncio task group) is explained by its first known member.
    """
    from adapters.notifiers.port import DeliveryError
    from adapters.store.port import StoreUnavailable
    from rules.problems import ProblemsFound

    if isinstance(error, BaseExceptionGroup):
        return next((text for member in error.exceptions if (text := explain(member))), None)
    if isinstance(error, ProblemsFound):
        return str(error)
    if isinstance(error, Failure | StoreUnavailable | DeliveryError):
        return f"tapewatch: {error}"
    if isinstance(error, OSError) and error.filename:
        return f"tapewatch: {error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.errno in _DISK:
        return f"tapewatch: what was to be written has no place: {error.strerror}; make room, then try again"
    return None
