"""Which exceptions are a person's to solve, and how they are told."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.locale import Saying
    from rules.model import Lang

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Failed writes that name no file, to standard output say."""


class Failure(Exception):
    """Something that the person at the terminal can put right: the text ``failure.KEY`` says what and how."""

    def __init__(self, key: str, **values: object) -> None:
        from bot.locale import Saying

        self.saying = Saying(f"failure.{key}", values)
        super().__init__(self.saying.said("en"))

    @classmethod
    def of(cls, saying: Saying) -> Failure:
        """The failure that ``saying`` tells, one of ``failure.…``."""
        return cls(saying.key.removeprefix("failure."), **saying.values)


def explain(error: BaseException, lang: Lang = "en") -> str | None:
    """Return the text for a known failure, ``None`` for a defect of the program, ``""`` where nobody wants to know.

    A group (of an asyncio task group) is explained by its first known member.
    """
    from adapters.notifiers.port import DeliveryError
    from adapters.store.port import StoreUnavailable
    from bot.locale.problems import located
    from bot.locale.reports import reported
    from rules.problems import ProblemsFound

    if isinstance(error, BaseExceptionGroup):
        return _first_known(error, lang)
    if isinstance(error, ProblemsFound):
        return "\n".join(located(problem, lang) for problem in error.problems)
    if isinstance(error, Failure):
        return f"tapewatch: {error.saying.said(lang)}"
    if isinstance(error, StoreUnavailable | DeliveryError):
        return f"tapewatch: {reported(str(error), lang)}"
    return _of_system(error, lang) if isinstance(error, OSError) else None


def _of_system(error: OSError, lang: Lang) -> str | None:
    from bot.locale import say
    from bot.locale.reports import system_said

    if isinstance(error, BrokenPipeError):
        return ""  # whoever read our output has had enough of it
    why = system_said(error, lang)
    if error.filename:
        return f"tapewatch: {say(lang, 'failure.file', file=error.filename, why=why)}"
    if error.errno in _DISK:
        return f"tapewatch: {say(lang, 'failure.disk_full', why=why)}"
    return None


def _first_known(group: BaseExceptionGroup[BaseException], lang: Lang) -> str | None:
    texts = [text for member in group.exceptions if (text := explain(member, lang)) is not None]
    return next(filter(None, texts), texts[0] if texts else None)
