from datetime import UTC, datetime

import pytest

from adapters.message import Colour, Instant, Message, Move, Paragraph, Reader, Table, Text
from adapters.rendering.plain import arrow, plain_text
from rules.model import Severity


@pytest.mark.parametrize(
    ("colour", "up", "down", "flat"),
    [
        (Colour.CN, "🔴▲", "🟢▼", ""),
        (Colour.US, "🟢▲", "🔴▼", ""),
        (Colour.NONE, "▲", "▼", ""),
    ],
)
def test_the_reader_owns_the_colour(colour: Colour, up: str, down: str, flat: str) -> None:
    """Red is up for one reader and down for another; the arrow is the same for both."""
    assert [up, down, flat] == [arrow(Move("", sign), colour) for sign in (1, -1, 0)]  # type: ignore[arg-type]


def test_the_relative_rule_reads_as_designed() -> None:
    """Title behind its severity, lines, table under its caption, and both times in the footer."""
    message = Message(
        summary="费半跑输",
        severity=Severity.INFO,
        title=(Text("费城半导体跑输纳指100", "bold"), Text(" · "), Text("sox-vs-ndx-1w", "code")),
        blocks=(
            Paragraph(((Text("本周 费城半导体 "), Move("-4.1%", -1, "bold"), Text("，持平 "), Move("0.0%", 0)),)),
            Table((("AMD", "-9.2%"), ("NVDA", "-4.3%")), "lr", caption="覆盖标的拖累"),
        ),
        footer=(Instant(datetime(2024, 11, 1, 20, tzinfo=UTC), "America/New_York", "收盘"), Text(" · Yahoo")),
    )
    assert plain_text(message, Reader(lang="zh", colour=Colour.CN, tz="Asia/Shanghai")) == (
        "🔔 费城半导体跑输纳指100 · sox-vs-ndx-1w\n"
        "本周 费城半导体 🟢▼ -4.1%，持平 0.0%\n"
        "覆盖标的拖累\n"
        "AMD   -9.2%\n"
        "NVDA  -4.3%\n"
        "收盘 美东 11-01 16:00（北京 11-02 04:00）· Yahoo"
    )


def test_no_space_stands_behind_a_full_width_mark() -> None:
    """In Chinese lines alone: a table's columns, code and English lines keep theirs."""
    line = (Text("11-01（周五） "), Text("-0.55 亿美元", "bold"), Text("； 见"), Text("a（b） c", "code"), Text(" · x"))
    message = Message(
        summary="s", title=(), blocks=(Paragraph((line,)), Table((("日线（UTC 日）", "1"), ("a", "2")), "lr"))
    )
    first, *rows = plain_text(message, Reader(lang="zh")).splitlines()
    assert "11-01（周五）-0.55 亿美元；见a（b） c · x" == first
    assert "日线（UTC 日）  1" == rows[0]
    assert "11-01（周五） -0.55" in plain_text(message, Reader(lang="en"))
