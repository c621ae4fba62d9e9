"""What can be written in a layout, and what checks can find, is documented."""

import inspect
import re
from pathlib import Path

import pytest

from bot.digest import checks, layout_file
from bot.digest.layout import FIGURES

PAGE = (Path(__file__).parents[2] / "docs" / "digest.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", layout_file._KEYS)
def test_every_key_of_a_layout_is_documented(key: str) -> None:
    """In the table of keys."""
    assert re.search(rf"^\|[^|]*`{key}`", PAGE, re.MULTILINE)


@pytest.mark.parametrize(
    "code", sorted(set(re.findall(r'^ +"([a-z]+-[a-z]+|sum)",$', inspect.getsource(checks), re.MULTILINE)))
)
def test_every_check_is_documented(code: str) -> None:
    """By its code."""
    assert f"`{code}`" in PAGE


@pytest.mark.parametrize("number", FIGURES)
def test_every_figure_is_documented(number: int) -> None:
    """By its number, or in a range of them."""
    named = {int(text) for row in re.findall(r"^\| ([\d, –]+)", PAGE, re.MULTILINE) for text in re.findall(r"\d+", row)}
    ranges = {
        n for low, high in re.findall(r"^\| (\d+)–(\d+)", PAGE, re.MULTILINE) for n in range(int(low), int(high) + 1)
    }
    assert number in named | ranges
