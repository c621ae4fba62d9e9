from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.message import Block, Instant, Line, Message, Move, Paragraph, Reader, Table, Text
from adapters.rendering.fit import fit, fit_line
from adapters.rendering.plain import plain_text
from adapters.rendering.text import utf16_len
from rules.model import Severity

AT = datetime(2024, 11, 1, 20, tzinfo=UTC)
READER = Reader(lang="zh", tz="Asia/Shanghai")

texts = st.builds(Text, st.text(max_size=60), st.sampled_from(["plain", "bold", "code"]))
moves = st.builds(Move, st.text(max_size=9), st.sampled_from([-1, 0, 1]))
lines: st.SearchStrategy[Line] = st.lists(texts | moves, max_size=4).map(tuple)
paragraphs = st.builds(Paragraph, st.lists(lines, max_size=6).map(tuple))
tables = st.builds(
    Table, st.lists(st.tuples(st.text(max_size=200), st.text(max_size=9)), max_size=9).map(tuple), st.just("lr")
)
messages = st.builds(
    Message,
    summary=st.just("s"),
    title=lines,
    blocks=st.lists(paragraphs | tables, max_size=4).map(tuple),
    footer=lines,
    severity=st.sampled_from([None, Severity.INFO]),
)


@settings(max_examples=80, deadline=None)
@given(messages, st.integers(200, 600))
def test_a_fitted_message_fits(message: Message, limit: int) -> None:
    """The plain text, counted in UTF-16 units, is within the limit, whatever the message holds."""
    assert utf16_len(plain_text(fit(message, READER, limit, utf16_len), READER)) <= limit


def rows(count: int) -> tuple[Block, ...]:
    """A paragraph and a table of ``count`` rows."""
    return (
        Paragraph(((Text("本周涨跌"),),)),
        Table(tuple((f"{number:04}.HK", "+1.0%") for number in range(count)), "lr"),
    )


def test_a_short_message_is_left_alone() -> None:
    """What fits is not touched."""
    message = Message(summary="s", title=(Text("标题"),), blocks=rows(3), footer=(Text("Yahoo"),))
    assert message == fit(message, READER, 4096)


def test_rows_are_left_out_from_the_end_and_counted() -> None:
    """The title and the footer stay; the reader learns how much is missing."""
    message = Message(summary="s", title=(Text("标题"),), blocks=rows(100), footer=(Text("Yahoo"),))
    text = plain_text(fit(message, READER, 200), READER)
    shown = text.count(".HK")
    assert text.splitlines()[:3] == ["标题", "本周涨跌", "0000.HK  +1.0%"]
    assert text.splitlines()[-2:] == [f"… 另有 {100 - shown} 行", "Yahoo"]
    assert shown >= 8


def test_a_time_is_whole_or_missing() -> None:
    """Half a time would be a wrong time."""
    line: Line = (Text("截至 "), Instant(AT, "America/New_York", "收盘"))
    assert fit_line(line, READER, 10) == (Text("截至 "),)
    assert fit_line((Text("abcdefgh", "bold"),), READER, 5) == (Text("abcd…", "bold"),)
