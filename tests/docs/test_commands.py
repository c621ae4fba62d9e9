"""The documentation of the commands says what the commands are."""

import re
from pathlib import Path

import pytest

from bot.cli import COMMANDS
from bot.commands.catalogue import VERBS

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_row(verb: str) -> None:
    """What can be asked is documented."""
    assert re.search(rf"^\| `/{verb}` \|", PAGE, re.MULTILINE)


def test_nothing_is_documented_that_cannot_be_asked() -> None:
    """Every row's verb exists."""
    assert sorted(VERBS) == sorted(re.findall(r"^\| `/(\w+)` \|", PAGE, re.MULTILINE))


def test_each_command_of_the_terminal_has_a_row() -> None:
    """In the page for operators, and no other has one."""
    assert sorted(COMMANDS) == sorted(re.findall(r"^\| `tapewatch (\w+)` \|", OPERATIONS, re.MULTILINE))
