"""Late, missing and preliminary figures are said to be so, with the data that there is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.clock import SteppingClock
from adapters.feeds.port import Fault, SourceHealth
from bot.commands.handler import Commands
from bot.feeding.runs import COLLECTION, Run
from bot.market.view import MarketView
from rules.model import Observation, Status
from tests.bot.commands.conftest import Person, known

MONDAY_NIGHT = datetime(2024, 11, 4, 23, 0, tzinfo=UTC)
HOLIDAY = datetime(2024, 10, 11, 3, 0, tzinfo=UTC)
"""Chung Yeung in Hong Kong, a Friday."""


def _at(person: Person, market: MarketView, now: datetime) -> Person:
    desk = replace(person.commands._desk, market=market, clock=SteppingClock(now))
    return replace(person, commands=Commands(desk))


@pytest.fixture
def later(universe, calendars, week):
    """A market of its own that knows the recorded week."""
    return known(universe, calendars, week)


async def test_a_late_figure_is_marked_and_its_age_told(ann: Person, later: MarketView) -> None:
    """On Monday night Friday's close is a session old: the clock is at the figure, the reason above it."""
    text = await _at(ann, later, MONDAY_NIGHT).read("/quote NVDA")
    assert "🩺 Wind (printed weekly) is late; showing 1 Nov (1 session old)" in text
    assert "NVDA 135.40⏱ USD" in text


async def test_a_source_that_is_down_is_said_to_be_since_when(li: Person, later: MarketView) -> None:
    """What its feed reports about it is told in the reader's language."""
    since = MONDAY_NIGHT - timedelta(hours=2)
    later.apply_health([SourceHealth(source="Wind", degraded_since=since, fault=Fault.UNREACHABLE, error="timed out")])
    asker = _at(li, later, MONDAY_NIGHT)
    text = await asker.read("/movers crypto")
    assert "🩺 Wind（周报刊载）自 05:00 无响应，以下为 11-01 数据（已延迟 1 个交易日）" in text
    assert "✗ Wind " in await asker.read("/status")
    assert "Wind 自 11-05 05:00 起无响应：timed out" in await asker.read("/status")


async def test_status_tells_how_each_source_answered_last_and_the_last_job(
    ann: Person, li: Person, later: MarketView, documents
) -> None:
    """Well, with holes, or by its fault, whether or not that lasts long enough to be told; then the newest job."""
    ago = [MONDAY_NIGHT - timedelta(minutes=minutes) for minutes in (1, 2, 180)]
    later.apply_health(
        [
            SourceHealth(source="farside", last_asked=ago[0], last_success=ago[2], failures=2, fault=Fault.UNREACHABLE),
            SourceHealth(source="yahoo", last_asked=ago[1], last_success=ago[1], open_problems=3),
            SourceHealth(source="sec", last_asked=ago[2], last_success=ago[2]),
        ]
    )
    for run in (Run("crypto", ago[2], 6), Run("etf_flows", ago[0], 0, 2), Run("fear_greed", ago[1], 1)):
        await documents.put(COLLECTION, run.job, run.document)
    text = await _at(ann, later, MONDAY_NIGHT).read("/status")
    rows = {row.split("  ")[0]: row for row in text.splitlines()}
    assert "1 min ago · doesn't answer ×2" in rows["✓ Farside"]
    assert "2 min ago · 3 missing" in rows["✓ Yahoo"]
    assert "3 h ago · well" in rows["✓ SEC"]
    assert "Last job: etf_flows, 1 min ago: 0 figures and events, 2 problems" in text
    await documents.put(COLLECTION, "crypto", Run("crypto", MONDAY_NIGHT, 6).document)
    chinese = await _at(li, later, MONDAY_NIGHT).read("/status")
    assert "1 分钟前 · 无响应 ×2" in chinese
    assert "最近任务：crypto，刚刚，6 条数据，无异常" in chinese


async def test_a_market_that_rests_today_is_said_to(ann: Person, li: Person, universe, calendars) -> None:
    """On a holiday the last close is shown as such, not as late; the Chinese line names the holiday."""
    market = MarketView(universe, calendars)
    close = datetime(2024, 10, 10, 8, 0, tzinfo=UTC)
    market.apply([Observation("prices.1810.HK.close", close, close, 25.0, source="Yahoo")])
    text = await _at(ann, market, HOLIDAY).read("/quote 1810.HK")
    assert "💤 HK closed today; showing 10 Oct close" in text
    assert "late" not in text
    assert "💤 港股今日休市（重阳节），显示 10-10 收盘" in await _at(li, market, HOLIDAY).read("/quote 1810.HK")


@pytest.mark.parametrize(
    ("now", "symbol", "told"),
    [
        ("2024-11-28T15:00", "NVDA", "美股今日休市（感恩节），显示 11-01 收盘"),
        ("2024-12-25T03:00", "1810.HK", "港股今日休市（圣诞节），显示 11-01 收盘"),
        ("2026-10-19T03:00", "1810.HK", "港股今日休市（重阳节翌日），显示 2024-11-01 收盘"),  # the 18th is a Sunday
        ("2027-07-05T15:00", "NVDA", "美股今日休市（独立日补假），显示 2024-11-01 收盘"),
        ("2025-01-09T15:00", "NVDA", "美股今日休市，显示 2024-11-01 收盘"),  # a day of mourning has no name
        ("2024-11-30T15:00", "NVDA", ""),  # a Saturday is no holiday
        ("2024-11-28T03:00", "NVDA", ""),  # still Wednesday in New York
    ],
)
async def test_a_closed_market_names_its_holiday(
    li: Person, later: MarketView, now: str, symbol: str, told: str
) -> None:
    """By the market's own date, with the day that stands in for a Sunday called so."""
    text = await _at(li, later, datetime.fromisoformat(now).replace(tzinfo=UTC)).read(f"/quote {symbol}")
    assert (told in text, bool(told)) == (True, "休市" in text)


async def test_flows_that_are_not_out_yet_are_said_to_be_due(ann: Person, li: Person, later: MarketView) -> None:
    """After Monday's close Friday's flows are shown, with when Monday's usually come; then they are overdue."""
    evening, morning = datetime(2024, 11, 4, 22, 0, tzinfo=UTC), datetime(2024, 11, 5, 9, 0, tzinfo=UTC)
    waiting = await _at(ann, later, evening).read("/flows 1d")
    assert "⏳ 4 Nov not out yet; usually 01:00–04:00 UTC. Showing 1 Nov" in waiting
    assert "⏳ 11-04 尚未公布，通常北京 09:00–12:00 公布" in await _at(li, later, evening).read("/flows 1d")
    assert "🩺 4 Nov is overdue from Farside; showing 1 Nov" in await _at(ann, later, morning).read("/flows 1d")


async def test_partial_flows_say_how_many_funds_reported(ann: Person, li: Person, later: MarketView) -> None:
    """A total without every fund is preliminary, and a fund that hasn't reported is a dash, not zero."""
    at = datetime(2024, 11, 4, 21, 0, tzinfo=UTC)
    now = at + timedelta(hours=4)
    funds = {"IBIT": None, "FBTC": 10e6, "BTC": -2e6}
    later.apply(
        [
            Observation(f"etf_flows.BTC.{name}", at, now, flow, Status.FINAL if flow else Status.PENDING, "Farside")
            for name, flow in funds.items()
        ]
    )
    later.apply([Observation("etf_flows.BTC.total", at, now, 8e6, Status.PARTIAL, "Farside")])
    text = await _at(ann, later, now).read("/flows 1d")
    assert "Mon 4 Nov +$8.0M · prelim 2/3" in text
    assert "\nIBIT      —\n" in text
    assert "初值 2/3" in await _at(li, later, now).read("/flows 1d")


async def test_a_symbol_that_lags_is_left_out_of_the_ranking_and_named(ann: Person, later: MarketView) -> None:
    """Friday's change must not be ranked among Monday's."""
    close = datetime(2024, 11, 4, 21, 0, tzinfo=UTC)
    later.apply([Observation("prices.COIN.close", close, close, 190.0, source="Yahoo")])
    text = await _at(ann, later, close + timedelta(hours=2)).read("/movers crypto")
    assert "COIN  +3.9%  Coinbase" in text
    assert "CAN " not in text.split("Universe")[0]
    assert "23 late (" in text


async def test_nothing_known_is_said_without_a_number(ann: Person, universe, calendars) -> None:
    """An empty market answers every question with words, never with a zero."""
    asker = _at(ann, MarketView(universe, calendars), MONDAY_NIGHT)
    assert "no prices are known yet" in await asker.read("/movers")
    assert "NVDA — no figure yet" in await asker.read("/quote NVDA")
    assert "No BTC ETF flows are known yet." in await asker.read("/flows")
    assert "Nothing is known of the crypto market yet." in await asker.read("/crypto")
    assert "Nothing was heard of any source yet." in await asker.read("/status")
    assert "No history is known to try it on." in await asker.read("/alert NVDA > 140")
