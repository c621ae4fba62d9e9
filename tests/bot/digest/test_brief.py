"""The morning brief and the month so far, from the same facts."""

from datetime import date

import pytest

from adapters.message import Message, Paragraph
from bot.digest.brief import daily, month_to_date
from bot.digest.data import ObservedData
from bot.reference.imported import digest_data
from bot.reference.recording import recording
from rules.model import CalendarEvent, Status
from rules.universe import Universe
from tests.bot.digest.kit import NOW, close, flow


def text_of(message: Message) -> str:
    """The message's lines."""
    lines = [line for block in message.blocks if isinstance(block, Paragraph) for line in block.lines]
    return "\n".join("".join(getattr(span, "text", "") for span in line) for line in lines)


def test_mondays_brief_tells_fridays_session_and_the_days_events(universe: Universe) -> None:
    """Changes run from each market's session before; bitcoin's from the UTC day before."""
    data = digest_data(recording(universe))
    brief = daily(
        data, universe, today=date(2024, 11, 4), alerts=[{"en": "A-1 ETF outflow", "zh": "A-1 现货ETF净流出"}]
    )
    text = text_of(brief.messages["en"])
    assert "SOX +1.1%" in text
    assert "▲ Intel +7.8%" in text
    assert "Spot BTC ETFs　-$54.9M" in text
    assert "Results　Alphabet CQ3'24: revenue $88.27B (+15.1% YoY, +4.2% QoQ)" in text
    assert "Alerts overnight　1\n　A-1 ETF outflow" in text
    assert text.endswith("Today　Constellation Energy (results)")
    assert text_of(brief.messages["zh"]).endswith("今日　Constellation Energy 财报")
    assert "晨报 11-04（周一）" in brief.messages["zh"].summary


def test_after_a_holiday_in_new_york_hong_kong_has_the_later_session(universe: Universe) -> None:
    """On Tuesday 3 September 2024 New York looks back at Friday, Hong Kong at Monday."""
    closes = [
        close("^GSPC", date(2024, 8, 29), 100.0),
        close("^GSPC", date(2024, 8, 30), 101.0),
        close("^HSI", date(2024, 8, 30), 100.0, "XHKG"),
        close("^HSI", date(2024, 9, 2), 98.0, "XHKG"),
    ]
    text = text_of(daily(ObservedData(closes, (), NOW), universe, today=date(2024, 9, 3)).messages["en"])
    assert "S&P +1.0% · NDX — · SOX — · HSI -2.0%" in text


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (Status.FINAL, "Spot BTC ETFs　+$12.0M over 2/3 sessions"),
        (Status.PARTIAL, "+$12.0M over 2/3 sessions (not final)"),
    ],
)
def test_the_months_flows_are_those_that_are_published(universe: Universe, status: Status, shown: str) -> None:
    """A day without a figure is not counted, a partial one is marked."""
    flows = [flow(date(2024, 10, 31), 99.0), flow(date(2024, 11, 1), 5.0), flow(date(2024, 11, 4), 7.0, status)]
    data = ObservedData(flows, (), max(item.known_at for item in flows))
    assert shown in text_of(month_to_date(data, universe, day=date(2024, 11, 5)).messages["en"])


def test_a_brief_without_data_says_so(universe: Universe) -> None:
    """No zero stands for what isn't known."""
    text = text_of(daily(ObservedData((), (), NOW), universe, today=date(2024, 11, 4)).messages["zh"])
    assert text == (
        "指数　—（缺 标普500 2024-11-01 数据）\nAI 覆盖　—（缺 亚马逊 2024-11-01 数据）\n"
        "加密股　—（缺 Coinbase 2024-11-01 数据）\n"
        "现货ETF　—（缺 BTC ETF 2024-11-01 资金流数据）\n隔夜提醒　无\n今日　无已知事件"
    )


@pytest.mark.parametrize(
    ("day", "en", "zh"),
    [
        (date(2024, 11, 2), "Month to date, 2 Nov 2024", "2024 年 11 月至今（截至 11-02）"),
        (date(2024, 10, 31), "October 2024", "2024 年 10 月"),
    ],
)
def test_a_month_that_is_over_is_called_by_its_name(universe: Universe, day: date, en: str, zh: str) -> None:
    """Only a running one is to date."""
    messages = month_to_date(ObservedData((), (), NOW), universe, day=day).messages
    assert (messages["en"].summary, messages["zh"].summary) == (en, zh)


def test_todays_events_say_who_reports_when_and_what_else_there_is(universe: Universe) -> None:
    """Companies go by the desk's names."""
    day = "2024-11-06"
    found = [
        CalendarEvent(
            "earnings", "QCOM", day, day, {"en": "QUALCOMM Inc", "zh": "QUALCOMM Inc"}, NOW, session="after_close"
        ),
        CalendarEvent("earnings", "0981.HK", day, day, {"en": "SMIC", "zh": "中芯国际"}, NOW),
        CalendarEvent("event", "fomc", day, day, {"en": "FOMC meeting", "zh": "美联储 FOMC 会议"}, NOW),
    ]
    messages = daily(ObservedData((), found, NOW), universe, today=date(2024, 11, 6)).messages
    assert text_of(messages["en"]).endswith("Today　Qualcomm after the close, SMIC (results); FOMC meeting")
    assert text_of(messages["zh"]).endswith("今日　高通（盘后）、中芯国际 财报；美联储 FOMC 会议")


def test_results_are_told_on_the_morning_after_and_not_again(universe: Universe) -> None:
    """What became known since the session before last; the rest is in the weekly."""
    data = digest_data(recording(universe))
    texts = [text_of(daily(data, universe, today=day).messages["zh"]) for day in (date(2024, 11, 4), date(2024, 11, 5))]
    assert ["财报　谷歌 3Q24" in text for text in texts] == [True, False]
    assert "财报" not in text_of(month_to_date(data, universe, day=date(2024, 11, 2)).messages["zh"])
