"""The words of a notice: what it says first, which figures stand out, when it was true, and from whom."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.message import Colour, Move, Reader, Text
from adapters.rendering.plain import plain_text
from bot.alerts.messages import compose, marked_up
from bot.alerts.notices import Incident
from rules.loading.universe_file import load_universe
from rules.model import Reason, Severity, Status, TransitionKind
from tests.bot.routing_kit import fired, resolved, transition

UNIVERSE = load_universe()
CLOSE, HK_CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC), datetime(2024, 11, 1, 8, tzinfo=UTC)
KNOWN = datetime(2024, 11, 2, 1, 40, tzinfo=UTC)
ZONES = {"en": "UTC", "zh": "Asia/Shanghai"}
SOX = fired(
    "sox", at=CLOSE, calendar="XNYS", series=("prices.^SOX.close",), sources=("yahoo",), severity=Severity.WARNING
)
FLOW = fired("etf", at=KNOWN, observed_at=CLOSE, calendar="XNYS", series=("etf_flows.BTC.total",),
             sources=("theblock (single source)",))  # fmt: skip


def shown(lang, *transitions):
    """The message as plain text, line by line."""
    incidents = [Incident(f"A-{1001 + number}", item) for number, item in enumerate(transitions)]
    reader = Reader(lang=lang, colour=Colour.NONE, tz=ZONES[lang])
    return plain_text(compose(incidents, lang, UNIVERSE), reader).splitlines()


def test_an_alert_says_what_when_and_from_whom():
    """The market's own time first, named as the close that it is, then the reader's; source, status and number."""
    assert [
        "⚠️ SOX lags NDX · sox",
        "SOX ▼ -4.1% vs NDX ▼ -1.6%",
        "rule rel(SOX, NDX, this_week) <= -2pp",
        "Close Fri 1 Nov 16:00 ET (20:00 UTC) · Yahoo · final · A-1001",
    ] == shown("en", SOX)
    assert "收盘 美东 11-01 16:00（北京 11-02 04:00）· Yahoo · 终值 · A-1001" == shown("zh", SOX)[-1]


@pytest.mark.parametrize(
    ("item", "en", "zh"),
    [
        # a flow belongs to a session and is known the morning after
        (FLOW, "As of Sat 2 Nov 01:40 UTC · The Block (single source)",
         "截至 北京 11-02 09:40 · The Block（单一来源）"),
        # a running price is no close
        (replace(SOX, status=Status.PARTIAL), "Fri 1 Nov 16:00 ET (20:00 UTC) · Yahoo · partial",
         "美东 11-01 16:00（北京 11-02 04:00）· Yahoo · 部分"),
        # a day of a market that never closes
        (fired(at=datetime(2024, 11, 1, 23, 59, 59, tzinfo=UTC), series=("prices.BTC-USD.close",)), "1 Nov (UTC day)",
         "11-01（UTC 日）"),
        # an instant of one
        (fired(at=KNOWN, series=("prices.BTC-USD.close",)), "Sat 2 Nov 01:40 UTC",
         "UTC 11-02 01:40（北京 11-02 09:40）"),
    ],
)  # fmt: skip
def test_a_time_is_called_what_it_is(item, en, zh):
    """A close, an instant, a UTC day, or the time when a figure became known."""
    assert (True, True) == (shown("en", item)[-1].startswith(en), shown("zh", item)[-1].startswith(zh))


def test_markets_that_close_at_different_times_are_told_apart():
    """A group over two markets has both closes, the newest first; its strongest member stands first."""
    us = fired("m{NVDA}", rule="m", labels={"symbol": "NVDA"}, at=CLOSE, value=-0.1, unit="%", calendar="XNYS",
               series=("prices.NVDA.close",))  # fmt: skip
    hk = replace(us, alert="m{0863.HK}", labels={"symbol": "0863.HK"}, at=HK_CLOSE, observed_at=HK_CLOSE, value=0.12,
                 calendar="XHKG", series=("prices.0863.HK.close",))  # fmt: skip
    lines = shown("zh", us, hk)
    assert ["0863.HK  +12.0%  OSL集团", "NVDA     -10.0%  英伟达"] == lines[1:3]
    assert "收盘 美东 11-01 16:00（北京 11-02 04:00）· 收盘 香港 11-01 16:00 · 终值 · A-1001 … A-1002" == lines[-1]


def test_an_end_says_so_in_the_title_and_in_the_notification():
    """The reader of a lock screen must not take it for a new alert."""
    message = compose([Incident("A-1001", resolved("sox"))], "zh", UNIVERSE)
    assert "费半跑输纳指100 · 已解除：费半 -4.1%，纳指100 -1.6%" == message.summary
    assert "费半跑输纳指100 · 已解除 · sox" == "".join(span.text for span in message.title)
    assert () == message.buttons


@pytest.mark.parametrize(
    ("text", "strong"),
    [
        ("SOX -4.1% vs NDX +0.3% ⇒ -2.5pp", ["-4.1%", "+0.3%", "-2.5pp"]),
        ("跑输 2.5pct，净流出 0.55 亿美元", ["2.5pct", "0.55 亿美元"]),
        ("-$54.9M net, week +$2.22B, HK$4.35B", ["-$54.9M", "+$2.22B"]),
        ("市值 2.33 万亿美元，成交 43.5 亿港元", ["2.33 万亿美元", "43.5 亿港元"]),
        ("unchanged 0.0% on 2024-11-01, v1.2.3 at 5,001.4", ["0.0%"]),
        ("no figure", []),
    ],
)
def test_figures_stand_out(text, strong):
    """Changes, differences and amounts of money are bold; dates, versions and levels are not. Nothing is lost."""
    spans = marked_up(text)
    assert text == "".join(span.text for span in spans)
    assert strong == [span.text for span in spans if span.style == "bold"]
    assert all(isinstance(span, Move) == span.text.endswith("%") for span in spans if span.style == "bold")
    assert all(isinstance(span, Text | Move) for span in spans)


def health(source, reason=Reason.DATA_MISSING):
    return transition(
        f"source-health/{source}", TransitionKind.HEALTH, reason, rule="source-health", labels={"source": source},
        title={"en": f"{source} stopped", "zh": f"数据源 {source} 中断"}, say={"en": "no answer", "zh": "无响应"},
        at=KNOWN, sources=(source,), group_by=("rule",), value=None,
    )  # fmt: skip


def test_news_about_data_names_the_source_as_readers_do():
    """It has no status of a figure, no rule and no buttons."""
    assert ["🩺 数据源 东方财富 中断 · source-health", "无响应", "截至 北京 11-02 09:40 · 东方财富 · A-1001"] == shown(
        "zh", health("eastmoney")
    )


def test_news_about_several_sources_says_each():
    """Not as a table of missing values."""
    assert [
        "🩺 News about 2 sources of data · source-health",
        "Farside stopped: no answer",
        "Yahoo stopped: no answer",
        "As of Sat 2 Nov 01:40 UTC · Farside · Yahoo · A-1001 … A-1002",
    ] == shown("en", health("farside"), health("yahoo"))
