"""Sentences say what the facts show, and no more."""

from datetime import UTC, date, datetime

import pytest

from adapters.message import Reader
from bot.digest import Digest, html
from rules.model import Observation, Status
from rules.universe import Universe
from tests.bot.digest.kit import close, digest_of, flow, flows, paragraph

WEEK = {28: 1.0, 29: 1.0, 30: 1.0, 31: 1.0, 32: 1.0}


@pytest.mark.parametrize(
    ("name", "zh", "en"),
    [
        ("indices", "其中费城半导体跑输纳斯达克100 2.5pct，恒生科技跑输恒生指数 0.8pct。", "Nasdaq 100 by 2.5pp."),
        ("movers", "涨幅居前：高伟电子 +13.1%、戴尔科技 +6.8%、亚马逊 +5.4%", "Losers: Super Micro -44.9%"),
        ("capex", "亚马逊 212.8 亿美元（同比 +88%，环比 +30%）", "Amazon $21.28B (+88% YoY, +30% QoQ)"),
        ("results", "毛利率 58.7%（同比 +2.0pct）", "Microsoft FQ1'25 (CQ3'24): revenue $65.59B (+16.1% YoY"),
        ("crypto", "占总市值 3.98%；年初至今成交额 24.22 万亿美元（同比 +179.77%）", "index reads 59 (Neutral)"),
        ("flows", "其中 IBIT +21.49 亿美元、FBTC +0.90 亿美元、GBTC -0.54 亿美元。仅周五（11-01）净流出 0.55 亿美元。"
         "此前连续 7 个交易日净流入（合计 30.58 亿美元）就此终止。", "Only Fri 1 Nov saw a net outflow ($54.9M)."),
        ("bitcoin", "（10-29 盘中），盘中一度突破 73,000 美元，但无一日收于其上", "no day closed above"),
        ("next_week", "11-07（周四）Vistra、Arista网络财报，美联储 FOMC 会议", "Thu 7 Nov: Vistra, Arista results"),
    ],
)  # fmt: skip
def test_the_reference_week_in_words(digest: Digest, name: str, zh: str, en: str) -> None:
    """Both languages tell the same."""
    assert zh in paragraph(digest, name, "zh")
    assert en in paragraph(digest, name, "en")


@pytest.mark.parametrize(
    ("totals", "en", "zh"),
    [
        (WEEK, "Every session saw a net inflow", "本周每个交易日均为净流入"),
        (dict.fromkeys(WEEK, -1.0), "Every session saw a net outflow", "本周每个交易日均为净流出"),
        (WEEK | {30: -2.0}, "Only Wed 30 Oct saw a net outflow ($2.0M)", "仅周三（10-30）净流出 0.02 亿美元"),
        (
            {28: -1.0, 29: -1.0, 30: 2.0, 31: -1.0, 32: -1.0},
            "Only Wed 30 Oct saw a net inflow",
            "仅周三（10-30）净流入",
        ),
        (WEEK | {29: -1.0, 30: -2.0}, "2 of 5 sessions saw a net outflow", "5 个交易日中 2 日净流出"),
    ],
)
def test_which_days_flowed_out(universe: Universe, totals: dict[int, float], en: str, zh: str) -> None:
    """None, all, one or some."""
    digest = digest_of(universe, flows({25: -1.0} | totals))
    assert en in paragraph(digest, "flows")
    assert zh in paragraph(digest, "flows", "zh")


def test_a_day_that_is_not_final_is_neither_inflow_nor_outflow(universe: Universe) -> None:
    """A partial total below zero may yet turn: nothing is said to have ended, and the day is named."""
    partial = [
        flow(date(2024, 11, 1), -68.4, Status.PARTIAL),
        flow(date(2024, 11, 1), None, Status.PENDING, "IBIT"),
        flow(date(2024, 11, 1), -25.6, fund="FBTC"),
    ]
    digest = digest_of(universe, [*flows({24: -1.0, 25: 5.0, 28: 1.0, 29: 1.0, 30: 1.0, 31: 1.0}), *partial])
    text = paragraph(digest, "flows")
    assert "Every session that is final saw a net inflow" in text
    assert "Inflows have now run for 5 sessions" in text
    assert "Fri is prelim 1/2 and not counted as either" in text
    assert digest.facts["etf.BTC.outflow_days"].value == ()
    assert [finding.code for finding in digest.findings] == ["partial-input"]


def test_a_run_whose_beginning_is_not_stored_has_no_length(universe: Universe) -> None:
    """Five days of inflow may be the end of a longer run."""
    digest = digest_of(universe, flows(WEEK))
    assert digest.facts["etf.BTC.streak_days"].value is None
    assert "run" not in paragraph(digest, "flows")


def test_a_pending_day_leaves_the_week_without_a_total(universe: Universe) -> None:
    """Pending is not zero: what is known is told as such, and which day is missing."""
    digest = digest_of(universe, flows(WEEK | {32: None}))
    assert digest.facts["etf.BTC.week_total"].value is None
    assert digest.facts["etf.BTC.week_so_far"].status == "partial"
    assert paragraph(digest, "flows") == "US spot bitcoin ETFs so far this week: +$4.0M. Fri not published yet."


def test_a_close_above_the_mark_is_not_called_a_break_in_the_day(universe: Universe) -> None:
    """That no day closed above it is said only when it is so."""
    bars = [
        Observation(f"prices.BTC-USD.{name}", at := datetime(2024, 10, 29, 23, 59, 59, tzinfo=UTC), at, price)
        for name, price in (("high", 73_577.0), ("close", 73_200.0))
    ]
    friday = close("BTC-USD", date(2024, 11, 1), 69_000.0, "24/7")
    text = paragraph(digest_of(universe, [*bars, friday]), "bitcoin")
    assert "the week's high was $73,577" in text
    assert "closed above" not in text


def test_nothing_known_is_nothing_said(universe: Universe) -> None:
    """Without figures there are no sentences, but every figure tells why it is empty."""
    digest = digest_of(universe, [])
    assert digest.paragraphs == ()
    assert all(figure.missing and figure.missing["en"] and figure.missing["zh"] for figure in digest.figures.values())


def test_level_indices_are_called_level(universe: Universe) -> None:
    """A gap that rounds to nothing is neither out- nor underperformance."""
    closes = [
        close(symbol, day, price)
        for symbol in ("^SOX", "^NDX")
        for day, price in ((date(2024, 10, 25), 100.0), (date(2024, 11, 1), 101.0))
    ]
    assert "PHLX Semiconductor kept pace with Nasdaq 100" in paragraph(digest_of(universe, closes), "indices")


def test_a_stale_close_has_no_change(universe: Universe) -> None:
    """Thursday's close is shown as stale, and not compared as if it were Friday's."""
    closes = [close("^SOX", date(2024, 10, 25), 100.0), close("^SOX", date(2024, 10, 31), 90.0)]
    digest = digest_of(universe, closes)
    assert (digest.facts["index.SOX.close"].value, digest.facts["index.SOX.close"].status.value) == (90.0, "stale")
    assert digest.facts["index.SOX.week_pct"].value is None
    assert [finding.code for finding in digest.findings] == ["stale-input"]
    assert '<td class="num" data-v="90">90.00⏱</td>' in html.render(digest, Reader())


def test_a_change_needs_the_close_of_the_calendars_own_base_session(universe: Universe) -> None:
    """Without 25 October's close the week has no change; 24 October's doesn't stand in silently."""
    closes = [close("^SOX", date(2024, 10, 24), 100.0), close("^SOX", date(2024, 11, 1), 90.0)]
    fact = digest_of(universe, closes).facts["index.SOX.week_pct"]
    assert fact.value is None
    assert fact.reason == {
        "en": "no figure for PHLX Semiconductor on 2024-10-25",
        "zh": "缺 费城半导体 2024-10-25 数据",
    }
