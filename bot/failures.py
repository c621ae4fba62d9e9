"""Which exceptions are a person's to solve, and how they are told."""

from __future__ import annotations

import errno

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Failed writes that name no file, to standard output say."""


class Failure(Exception):
    """Something that the person at the terminal can put right; the message says what and how."""


def explain(error: BaseException) -> str | None:
    """Return the text for a known failure, ``None`` for a defect of the program, ``""`` where nobody wants to know.

    A group (of an asyncio task group) is explained by its first known member.
    """
    from adapters.notifiers.port import DeliveryError
    from adapters.store.port import StoreUnavailable
    from rules.problems import ProblemsFound

    if isinstance(error, BaseExceptionGroup):
        return _first_known(error)
    if isinstance(error, ProblemsFound):
        return str(error)
    if isinstance(error, Failure | StoreUnavailable | DeliveryError):
        return f"tapewatch: {error}"
    return _of_system(error) if isinstance(error, OSError) else None


def _of_system(error: OSError) -> str | None:
    if isinstance(error, BrokenPipeError):
        return ""  # whoever read our output has had enough of it
    if error.filename:
        return f"tapewatch: {error.filename}: {error.strerror}"
    if error.errno in _DISK:
        return f"tapewatch: what was to be written has no place: {error.strerror}; make room, then try again"
    return None


def _first_known(group: BaseExceptionGroup[BaseException]) -> str | None:
    texts = [text for member in group.exceptions if (text := explain(member)) is not None]
    return next(filter(None, texts), texts[0] if texts else None)
