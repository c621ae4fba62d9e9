"""What the bot says, in English and Chinese, by key. A text's ``{names}`` are filled in by whoever says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.locale import en, operations, terminal, zh
from rules.model import Lang

_PAIRS = {**operations.TEXTS, **terminal.TEXTS}

TEXTS: Mapping[Lang, Mapping[str, str]] = {
    "en": en.TEXTS | {key: english for key, (english, _) in _PAIRS.items()},
    "zh": zh.TEXTS | {key: chinese for key, (_, chinese) in _PAIRS.items()},
}


def say(lang: Lang, key: str, **values: object) -> str:
    """The text ``key`` in ``lang`` with ``values`` filled in; ``KeyError`` for a key or a value that isn't there."""
    return TEXTS[lang][key].format_map(values)


@dataclass(frozen=True, slots=True)
class Saying:
    """A text with its values, to be said in whichever language its reader has."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def said(self, lang: Lang) -> str:
        """The text in ``lang``."""
        return say(lang, self.key, **self.values)


def outcome_text(outcome: str, lang: Lang) -> str:
    """What became of a message, from the delivery log: sent, given up, or why it was held back."""
    key = next((key for key in (f"outcome.{outcome}", f"reason.{outcome}") if key in TEXTS[lang]), "")
    return TEXTS[lang][key] if key else outcome
