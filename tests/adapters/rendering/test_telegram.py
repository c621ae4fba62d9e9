from datetime import UTC, datetime

from adapters.message import Button, Colour, Instant, Message, Move, Paragraph, Reader, Table, Text
from adapters.rendering.telegram import telegram_buttons, telegram_html
from rules.model import Severity

CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC)


def test_the_relative_rule_reads_as_designed() -> None:
    """The English example of the design, tag for tag."""
    message = Message(
        summary="SOX lags NDX",
        severity=Severity.INFO,
        title=(Text("SOX lags NDX", "bold"), Text(" · "), Text("sox-vs-ndx-1w", "code")),
        blocks=(
            Paragraph(
                (
                    (
                        Text("SOX "),
                        Move("-4.1%", -1, "bold"),
                        Text(" vs S&P "),
                        Move("-1.6%", -1),
                        Text(" (rule: < 0)"),
                    ),
                )
            ),
            Table((("FBTC", "-25.6"), ("BTC*", "+13.5")), "lr"),
        ),
        footer=(Instant(CLOSE, "America/New_York", "Close"), Text(" · Yahoo")),
    )
    assert telegram_html(message, Reader(lang="en", colour=Colour.US, tz="Asia/Shanghai")) == (
        "🔔 <b>SOX lags NDX</b> · <code>sox-vs-ndx-1w</code>\n"
        "SOX <b>🔴▼ -4.1%</b> vs S&amp;P 🔴▼ -1.6% (rule: &lt; 0)\n"
        "<pre>FBTC  -25.6\nBTC*  +13.5</pre>\n"
        "<i>Close Fri 1 Nov 16:00 ET (Sat 04:00 UTC+8) · Yahoo</i>"
    )


def test_a_title_without_a_style_is_bold() -> None:
    """Every message has a headline."""
    assert telegram_html(Message(summary="s", title=(Text("周报"),)), Reader()) == "<b>周报</b>"


def test_styles_beyond_the_hundredth_entity_are_plain() -> None:
    """Telegram would ignore them, so the tables keep theirs."""
    line = tuple(Text(f"x{number}", "bold" if number % 2 else "code") for number in range(150))
    html = telegram_html(
        Message(summary="s", title=(Text("t"),), blocks=(Paragraph((line,)), Table((("a",),), "l"))), Reader()
    )
    assert html.count("</") == 100
    assert html.endswith("<pre>a</pre>")


def test_buttons_that_telegram_would_refuse_are_left_out() -> None:
    """Data over 64 bytes and empty texts would fail the whole message."""
    good, long, blank = Button("👀 收到", "ack:A-1042"), Button("x", "中" * 22), Button("\u200b", "a:b")
    assert telegram_buttons(Message(summary="s", title=(), buttons=((good, long), (blank,)))) == [[good]]
