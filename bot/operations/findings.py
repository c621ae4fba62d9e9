"""What a look at the system finds: one line each, with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from bot.locale import Saying, say
from bot.locale.problems import located
from bot.locale.reports import reported, system_said
from rules.formats import span
from rules.model import Lang
from rules.problems import Problem


class Level(StrEnum):
    """What a finding asks for."""

    OK = "ok"
    WARNING = "warning"
    """It works, less well than it could."""
    PROBLEM = "problem"
    """Something that was configured doesn't work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, and the text ``doctor.KEY`` of the locale with ``values``."""

    check: str
    level: Level
    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def said(self, lang: Lang) -> str:
        """What was found."""
        return say(lang, f"doctor.{self.key}", **self._worded(lang))

    def remedy(self, lang: Lang) -> str:
        """What to do about it, ``""`` where nothing is to be done."""
        return "" if self.level is Level.OK else say(lang, f"doctor.{self.key}.do", **self._worded(lang))

    def _worded(self, lang: Lang) -> dict[str, object]:
        """The values as a reader of ``lang`` writes them."""
        return {name: _worded(value, lang) for name, value in self.values.items()}


def _worded(value: object, lang: Lang) -> object:
    """A length of time with its unit; mistakes, sayings and what the system reports in the reader's language."""
    match value:
        case timedelta():
            return span(value.total_seconds(), lang)
        case Problem():
            return located(value, lang)
        case Saying():
            return value.said(lang)
        case OSError():
            return system_said(value, lang)
        case str() | Exception():
            return reported(str(value), lang)
        case _:
            return value


def ok(check: str, key: str, **values: object) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, key, values)


def warning(check: str, key: str, **values: object) -> Finding:
    """It works, less well than it could."""
    return Finding(check, Level.WARNING, key, values)


def problem(check: str, key: str, **values: object) -> Finding:
    """Something that was configured doesn't work."""
    return Finding(check, Level.PROBLEM, key, values)


def document(findings: Sequence[Finding], lang: Lang) -> dict[str, Any]:
    """``{"ok", "checks": [{"check", "level", "said", "do"}]}``; ``ok`` is false where there is a problem."""
    return {
        "ok": all(each.level is not Level.PROBLEM for each in findings),
        "checks": [
            {"check": each.check, "level": each.level.value, "said": each.said(lang), "do": each.remedy(lang)}
            for each in findings
        ],
    }
