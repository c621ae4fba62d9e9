"""The two languages say the same things."""

import json
import string

import pytest

from bot.commands.catalogue import VERBS
from bot.locale import TEXTS, en, operations, zh
from bot.locale.holidays import holiday_name
from rules.calendars.holidays import TABLE
from rules.model import Reason, TransitionKind


def _holes(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_both_languages_have_the_same_texts() -> None:
    """A text that is missing in one language would break replies in it."""
    assert sorted(TEXTS["en"]) == sorted(TEXTS["zh"])


def test_no_key_means_two_things() -> None:
    """What the terminal's commands say doesn't replace what the chat's say."""
    assert set() == (set(en.TEXTS) | set(zh.TEXTS)) & set(operations.TEXTS)


@pytest.mark.parametrize("key", [key for key in TEXTS["en"] if not key.startswith(("movers.title.", "cal.title_day"))])
def test_a_text_takes_the_same_values_in_both_languages(key: str) -> None:
    """What is filled in in English is filled in in Chinese."""
    assert _holes(TEXTS["en"][key]) == _holes(TEXTS["zh"][key])


@pytest.mark.parametrize("key", [*(f"kind.{each}" for each in TransitionKind), *(f"reason.{each}" for each in Reason)])
def test_what_happens_to_an_alert_has_words(key: str) -> None:
    """``/why`` tells each step and its reason."""
    assert TEXTS["en"][key]
    assert TEXTS["zh"][key]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_explained(verb: str) -> None:
    """The help has a line on each."""
    assert TEXTS["en"][f"help.{verb}"]
    assert TEXTS["zh"][f"help.{verb}"]


def test_every_holiday_has_a_chinese_name() -> None:
    """No reader meets a key of the table."""
    packed = json.loads(TABLE.read_text(encoding="utf-8"))
    assert [] == [key for row in packed.values() for key in row if not holiday_name(key, "zh")]
