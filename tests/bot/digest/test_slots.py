"""An analyst's words come from files, as they are, and land where the layout puts them."""

from pathlib import Path

import pytest

from adapters.message import Reader
from bot.digest import html
from bot.digest.layout_file import shipped_layout
from bot.digest.slots import read_slots
from rules.universe import Universe
from tests.bot.digest.kit import digest_of

SLOTS = shipped_layout().slots


def test_a_weeks_own_file_comes_before_the_general_one(tmp_path: Path) -> None:
    """The disclaimer is the same every week, the view is not."""
    (tmp_path / "2024-W44").mkdir()
    (tmp_path / "disclaimer.txt").write_text("Not advice.\n", encoding="utf-8")
    (tmp_path / "view.md").write_text("old", encoding="utf-8")
    (tmp_path / "2024-W44" / "view.md").write_text("\ufeffOwn semis.", encoding="utf-8")
    (tmp_path / "risks.md").write_text(" \n", encoding="utf-8")
    assert read_slots(tmp_path, "2024-W44", SLOTS) == {"view": "Own semis.", "disclaimer": "Not advice."}


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff\xfe", "is not UTF-8 text (byte 0)"), (b"x" * 20_001, "is longer than 20,000 bytes")],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """With its name."""
    (tmp_path / "view.md").write_bytes(content)
    with pytest.raises(ValueError, match=r"view\.md") as raised:
        read_slots(tmp_path, "2024-W44", SLOTS)
    assert message in str(raised.value)


def test_guidance_stands_under_the_capex_figure_and_empty_slots_are_marked(universe: Universe) -> None:
    """The rest is at the end of the page."""
    page = html.render(digest_of(universe, [], slots={"guidance": "2025: up again"}), Reader())
    figure = page[page.index('id="figure-7"') : page.index('id="figure-8"')]
    assert "2025: up again" in figure
    assert "2025: up again" not in page[page.index('id="slots"') :]
    assert page.count('class="slot empty"') == 3


def test_a_standing_text_is_not_empty_until_somebody_writes_another(universe: Universe) -> None:
    """It is the layout's, in the reader's language; it doesn't hold publication back."""
    for slots, text in (({}, "不构成投资建议"), ({"disclaimer": "另有说明"}, "另有说明")):
        digest = digest_of(universe, [], slots=slots)
        (disclaimer,) = [slot for slot in digest.layout.slots if slot.name == "disclaimer"]
        assert text in digest.words(disclaimer, "zh")
        assert digest.empty_slots == ("view", "reasons", "guidance", "risks")
