from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.message import Button, Colour, Instant, Line, Message, Move, Paragraph, Reader, Table, Text
from adapters.rendering.slack import slack_blocks, slack_plain, slack_text
from rules.model import Severity
from tests.adapters.rendering.test_fit import messages
from tests.fakes.slack_blocks import blocks_text, check_blocks, markup_problems, mrkdwn_texts

CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC)
EN = Reader(lang="en", colour=Colour.NONE, tz="Asia/Shanghai")
ZH = Reader(lang="zh", colour=Colour.NONE, tz="Asia/Shanghai")


def body(line: Line, reader: Reader = EN) -> dict[str, Any]:
    """The block that a paragraph of ``line`` becomes."""
    (block,) = slack_blocks(Message(summary="s", title=(), blocks=(Paragraph((line,)),)), reader)
    return block


def test_an_alert_reads_as_designed() -> None:
    """Headline and line in a section, buttons, and a footer with Slack's own localised date."""
    message = Message(
        summary="SOX lags NDX by 2.5pp",
        severity=Severity.INFO,
        title=(Text("SOX lags NDX", "bold"), Text(" · "), Text("sox-vs-ndx-1w", "code")),
        blocks=(Paragraph(((Text("SOX "), Move("-4.1%", -1, "bold"), Text(" vs S&P (rule < 0)")),)),),
        footer=(Instant(CLOSE, "America/New_York", "Close"), Text(" · Yahoo")),
        buttons=((Button("👀 Ack", "ack:A-1"), Button("🔕 Mute", "mute:A-1:1d")),),
    )
    assert slack_text(message, EN) == "🔔 SOX lags NDX by 2.5pp"
    assert slack_blocks(message, EN) == [
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "text": "🔔 *SOX lags NDX* · `sox-vs-ndx-1w`\nSOX *▼ -4.1%* vs S&amp;P (rule &lt; 0)",
                "verbatim": True,
            },
        },
        {
            "type": "context",
            "elements": [
                {
                    "type": "mrkdwn",
                    "text": "Close Fri 1 Nov 16:00 ET (<!date^1730491200^{date_short_pretty} {time}|Sat 04:00 UTC+8> "
                    "your time) · Yahoo",
                    "verbatim": True,
                }
            ],
        },
        {
            "type": "actions",
            "elements": [
                {"type": "button", "action_id": "ack.0.0", "value": "ack:A-1",
                 "text": {"type": "plain_text", "text": "👀 Ack", "emoji": True}},
                {"type": "button", "action_id": "mute.0.1", "value": "mute:A-1:1d",
                 "text": {"type": "plain_text", "text": "🔕 Mute", "emoji": True}},
            ],
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        (Text("BTC* and *x*"),),  # marks of Slack's in outside text
        (Text("net_flow_total"),),
        (Text("> not a quotation"),),
        (Text(":rocket: to the moon"),),
        (Text("净流出"), Text("0.55 亿美元", "bold"), Text("（终值）")),  # bold isn't seen beside a Chinese character
    ],
)
def test_what_mrkdwn_would_distort_goes_as_rich_text(line: Line) -> None:
    """Rich text says exactly what is meant."""
    block = body(line, ZH)
    assert block["type"] == "rich_text"
    assert blocks_text([block]) == "".join(span.text for span in line)  # type: ignore[union-attr]


def test_mentions_and_links_are_escaped() -> None:
    """Nobody is called by a headline."""
    block = body((Text("<!channel> <@U1> <https://a|b> & <!here>"),))
    assert block["text"]["text"] == "&lt;!channel&gt; &lt;@U1&gt; &lt;https://a|b&gt; &amp; &lt;!here&gt;"
    message = Message(summary="<!channel> R&D", title=())
    assert slack_text(message, EN) == "&lt;!channel&gt; R&amp;D"


def test_a_lone_table_with_a_header_is_native_and_others_are_monospaced() -> None:
    """Slack takes one table a message, and shows its first row as a header."""
    table = Table((("0863.HK", "+14%"), ("CAN", "")), "lr", header=("Ticker", "1w"))

    def kinds(*tables: Table, native: bool = True) -> list[str]:
        return [
            block["type"]
            for block in slack_blocks(Message(summary="s", title=(), blocks=tables), EN, native_table=native)
        ]

    assert [kinds(table), kinds(table, table), kinds(table, native=False)] == [["table"], ["section"] * 2, ["section"]]
    (native,) = slack_blocks(Message(summary="s", title=(), blocks=(table,)), EN)
    assert native["rows"][2] == [{"type": "raw_text", "text": "CAN"}, {"type": "raw_text", "text": " "}]
    assert native["column_settings"] == [{"align": "left"}, {"align": "right"}]
    headless = Table((("0863.HK", "+14%"), ("CAN", "+9%")), "lr")
    (mono,) = slack_blocks(Message(summary="s", title=(), blocks=(headless,)), EN)
    assert mono["text"]["text"] == "```\n0863.HK  +14%\nCAN       +9%\n```"


def test_a_long_paragraph_becomes_several_sections() -> None:
    """3,000 characters is the limit of one, counted after escaping."""
    lines = tuple((Text(f"{number:03} " + "&" * 50),) for number in range(60))
    blocks = slack_blocks(Message(summary="s", title=(), blocks=(Paragraph(lines),)), EN)
    check_blocks(blocks)
    assert len(blocks) > 4
    assert blocks_text(blocks).splitlines() == [line[0].text for line in lines]


def test_too_many_blocks_become_plain_sections() -> None:
    """Fifty blocks is the limit; the text stays whole."""
    parts = tuple(
        part for number in range(40) for part in (Paragraph(((Text(f"p{number}"),),)), Table(((f"t{number}",),), "l"))
    )
    blocks = slack_blocks(Message(summary="s", title=(Text("t"),), blocks=parts, footer=(Text("Yahoo"),)), EN)
    check_blocks(blocks)
    assert [line for line in blocks_text(blocks).splitlines() if line == "t39"] == ["t39"]
    assert blocks_text(blocks).endswith("Yahoo")


@settings(max_examples=50, deadline=None)
@given(messages, st.sampled_from([EN, ZH]), st.booleans())
def test_whatever_is_said_slack_takes_it(message: Message, reader: Reader, native: bool) -> None:
    """Blocks are valid, nothing in them is a live mention, and the text is never empty."""
    blocks = slack_blocks(message, reader, native_table=native)
    check_blocks(blocks)
    texts = [*mrkdwn_texts(blocks), slack_text(message, reader), slack_plain(message, reader)]
    assert [problem for text in texts for problem in markup_problems(text)] == []
    assert all(0 < len(text) <= 3000 for text in texts)
