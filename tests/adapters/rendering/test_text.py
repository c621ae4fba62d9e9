import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.rendering.text import clean, shorten, utf16_len


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("费半 -4.1% ⏱", "费半 -4.1% ⏱"),
        ("a\r\nb\tc\u2028d", "a b c d"),  # one line stays one line
        ("\x1b[31mred\x1b[0m", "red"),  # a colour that the text brought along
        ("\x1b]0;title\x07after", "after"),  # a window title
        ("\x1b]8;;https://x\x1b\\link", "link"),
        ("\x9b31mred", "red"),
        ("abc\u202edcb", "abcdcb"),  # right-to-left override
        ("N\u200bV\u200dD\ufeffA\u2066", "NVDA"),  # zero width
        ("x\x00\x08\x7fy", "xy"),
        ("\ud83dx", "x"),  # half of a surrogate pair
        ("⚠️ 🚨", "⚠️ 🚨"),  # an emoji keeps its variation selector
        ("周报\u3000第44周", "周报\u3000第44周"),  # the ideographic space is wanted
    ],
)
def test_clean_leaves_one_visible_line(raw: str, expected: str) -> None:
    """What can't be seen, or moves what is seen, is removed."""
    assert expected == clean(raw)


@settings(deadline=None)
@given(st.text())
def test_cleaning_is_done_once(raw: str) -> None:
    """Cleaning clean text changes nothing."""
    assert clean(raw) == clean(clean(raw))


@settings(deadline=None)
@given(st.text())
def test_clean_text_is_encodable_and_without_escapes(raw: str) -> None:
    """No escape character and nothing that UTF-8 can't carry is left."""
    cleaned = clean(raw)
    cleaned.encode("utf-8")
    assert not {"\x1b", "\x9b", "\n", "\u202e"} & set(cleaned)


def test_an_emoji_is_two_utf16_units() -> None:
    """Characters beyond the basic plane count twice."""
    assert [utf16_len(text) for text in ("", "费", "🚨", "a🚨")] == [0, 1, 2, 3]


@settings(deadline=None)
@given(st.text(), st.integers(0, 30))
def test_shortened_text_fits_and_is_a_beginning(text: str, limit: int) -> None:
    """The result is within the limit, and what precedes the ellipsis begins the text."""
    cut = shorten(text, limit, utf16_len)
    assert utf16_len(cut) <= limit
    assert text.startswith(cut.removesuffix("…")) or cut == text


def test_a_mark_goes_with_its_character() -> None:
    """The warning sign is not cut off from the selector that makes it an emoji."""
    assert shorten("ab⚠️cd", 4) == "ab…"
