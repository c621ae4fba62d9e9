"""A week that isn't over, a market that was closed, and feeds with gaps: what is known is told, the rest is marked."""

from datetime import UTC, date, datetime

import pytest

from adapters.message import Reader
from bot.digest import Digest, build, html
from bot.digest.brief import month_to_date
from bot.digest.chat import message
from bot.digest.data import ObservedData
from bot.reference.recording import recording
from rules.model import Observation, Status
from rules.universe import Universe
from tests.bot.digest.kit import CALENDARS, FRIDAY, close, flow

WEDNESDAY = datetime(2024, 10, 30, 15, tzinfo=UTC)
"""In the morning of New York, after the close of Hong Kong."""


def closes(symbol: str, prices: dict[date, float], calendar: str = "XNYS") -> list[Observation]:
    """Closes by day."""
    return [close(symbol, day, price, calendar) for day, price in prices.items()]


def running(universe: Universe, observations: list[Observation], now: datetime = WEDNESDAY) -> Digest:
    """The digest of the week of 1 November 2024 as known ``now``."""
    return build(ObservedData(observations, (), now), FRIDAY, universe, calendars=CALENDARS)


def text_of(digest: Digest) -> str:
    """What the chat message says."""
    return "\n".join(
        "".join(getattr(span, "text", "") for span in line) for line in message(digest, "en").blocks[0].lines
    )


def test_a_preview_runs_to_the_last_session_that_is_over(universe: Universe) -> None:
    """On Wednesday morning New York's last close is Tuesday's, Hong Kong's Wednesday's."""
    days = [date(2024, 10, day) for day in (25, 28, 29, 30)]
    digest = running(universe, [
        *closes("^NDX", dict(zip(days[:3], (100.0, 101.0, 103.0), strict=True))),
        *closes("^HSI", dict(zip(days, (100.0, 101.0, 103.0, 98.0), strict=True)), "XHKG"),
    ])  # fmt: skip
    assert [round(digest.facts[f"index.{key}.week_pct"].number or 0, 9) for key in ("NDX", "HSI")] == [3.0, -2.0]
    assert "Indices　S&P — · NDX +3.0% · SOX — · HSI -2.0%" in text_of(digest)


def test_a_week_without_a_session_yet_has_no_change(universe: Universe) -> None:
    """On Monday morning Friday's close is stale, not flat."""
    monday = datetime(2024, 10, 28, 12, tzinfo=UTC)
    digest = running(universe, closes("^NDX", {date(2024, 10, 18): 90.0, date(2024, 10, 25): 100.0}), monday)
    assert (digest.facts["index.NDX.close"].status, digest.facts["index.NDX.week_pct"].value) == ("stale", None)


def test_a_market_that_was_closed_all_week_repeats_no_older_move(universe: Universe) -> None:
    """Hong Kong had no session from 12 to 13 February 2024; the digest of a week of holidays shows no change."""
    friday = date(2024, 2, 9)
    data = ObservedData(
        closes("^HSI", {date(2024, 2, 2): 100.0, friday: 104.0}, "XHKG"), (), datetime(2024, 2, 13, 12, tzinfo=UTC)
    )
    digest = build(data, date(2024, 2, 13), universe, calendars=CALENDARS)
    assert (digest.facts["index.HSI.close"].status, digest.facts["index.HSI.week_pct"].value) == ("stale", None)


def test_a_month_so_far_runs_to_the_last_close_while_the_market_is_open(universe: Universe) -> None:
    """What runs isn't waited for."""
    known = closes("^NDX", {date(2024, 9, 30): 100.0, date(2024, 10, 29): 103.0})
    brief = month_to_date(ObservedData(known, (), WEDNESDAY), universe, day=WEDNESDAY.date())
    assert round(brief.facts["index.NDX.month_pct"].number or 0, 9) == 3.0


def test_a_running_day_of_bitcoin_is_no_close(universe: Universe) -> None:
    """At New York's close on Friday bitcoin's own day isn't over: nothing is said of how it closed."""
    ends = {day: datetime(2024, month, day, 23, 59, 59, tzinfo=UTC) for day, month in ((27, 10), (31, 10), (1, 11))}
    bars = [Observation("prices.BTC-USD.close", at, at, 70_000.0 + day, source="x") for day, at in ends.items()][:2]
    tick = datetime(2024, 11, 1, 20, 30, tzinfo=UTC)
    bars.append(Observation("prices.BTC-USD.close", tick, tick, 70_216.9, Status.PARTIAL, "x"))
    bars.append(Observation("prices.BTC-USD.high", ends[31], ends[31], 73_577.0, source="x"))
    digest = running(universe, bars, tick)
    (said,) = (part.text for part in digest.paragraphs if part.name == "bitcoin")
    assert said["en"].startswith("Bitcoin stands at $70,217 with the day not over")
    assert "closed" not in said["en"]
    assert "比特币报 70,217 美元（当日未收盘）" in said["zh"]
    assert "Bitcoin　$70,217 (day not over" in text_of(digest)


def test_flows_of_a_running_week_are_told_as_such(universe: Universe) -> None:
    """The total so far, the days that are missing, a gap in the table; the line since launch goes on."""
    days = [date(2024, 10, 28), date(2024, 10, 29)]
    at = CALENDARS.get("XNYS").close(date(2024, 10, 25))
    stated = Observation("etf_since_launch.BTC.total", at, at, 100e6, source="Farside")
    observations = [stated, *(flow(day, 5.0) for day in days), *(flow(day, 4.0, fund="IBIT") for day in days)]
    digest = running(universe, observations)
    assert "Spot BTC ETFs　so far +$10.0M · IBIT +$8.0M · Wed, Thu, Fri not published yet" in text_of(digest)
    rows = {str(row["day"]): row for row in digest.figures[19].rows}
    assert [rows[f"2024-10-{day}"]["flow"] for day in (28, 29, 30)] == [105e6, 110e6, None]
    assert digest.figures[18].notes == ({
        "en": "Not published yet: 30 Oct, 31 Oct, 1 Nov.", "zh": "待公布：10-30、10-31、11-01。"
    },)  # fmt: skip


@pytest.mark.parametrize("feed", ["fundamentals", "crypto", "fear_greed", "etf_flows", "prices", "earnings"])
def test_a_feed_that_gave_nothing_leaves_marked_gaps(universe: Universe, feed: str) -> None:
    """No figure is an empty box: each has rows or a reason in both languages, and the page is made."""
    week = recording(universe)
    kept = [item for item in (*week.history, *week.observations) if not item.series.startswith(feed)]
    events = () if feed == "earnings" else week.events
    digest = build(ObservedData(kept, events, week.end), FRIDAY, universe, calendars=CALENDARS)
    for figure in digest.figures.values():
        assert figure.rows or (figure.missing and figure.missing["en"] and figure.missing["zh"]), figure.number
    for lang in ("en", "zh"):
        page = html.render(digest, Reader(lang=lang))
        assert page.count('<p class="missing">') == sum(bool(figure.missing) for figure in digest.figures.values())
        assert message(digest, lang).blocks


def test_what_the_coverage_lacks_is_named(universe: Universe) -> None:
    """The lists say over how many they run, and of whom there is no change."""
    week = recording(universe)
    kept = [item for item in (*week.history, *week.observations) if not item.series.startswith("prices.AMD.")]
    digest = build(ObservedData(kept, (), week.end), FRIDAY, universe, calendars=CALENDARS)
    assert digest.figures[3].rows[0]["group"] == {"en": "Coverage (30/31)", "zh": "AI 覆盖标的（30/31 只）"}
    assert {"en": "No change over the week is known of AMD.", "zh": "缺周涨跌幅：AMD。"} in digest.figures[3].notes
    assert {"en": "No market cap is known of AMD.", "zh": "缺市值：AMD。"} in digest.figures[4].notes
